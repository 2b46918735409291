"""Regular expressions that outsiders send, run in linear time whatever they send.

RE2 (through Arrow): POSIX classes and the usual syntax; no back references, no look-around. Like POSIX regexec it
searches: the pattern may match anywhere unless it says ^ or $.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zhicheng.kernel.columns import Mask
from zhicheng.kernel.errors import Invalid

LONGEST = 512
"""Characters of the longest pattern; RE2 itself bounds the size of what it compiles."""


def check(pattern: str) -> str:
    """The pattern itself, if it can be run.

    >>> check("^(a+)+$")
    '^(a+)+$'
    """
    if len(pattern) > LONGEST:
        raise Invalid(
            f"The pattern has {len(pattern)} characters; {LONGEST} are allowed",
            f"正则表达式有 {len(pattern)} 个字符，最多 {LONGEST} 个",
        )
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except (pa.ArrowInvalid, UnicodeEncodeError) as error:
        why = str(error).removeprefix("Invalid regular expression: ")
        raise Invalid(
            f"{pattern!r} is not a regular expression we can run (RE2 syntax): {why}",
            f"{pattern!r} 不是可用的正则表达式（RE2 语法）：{why}",
        ) from None
    return pattern


def search(pattern: str, texts: Sequence[str]) -> Mask:
    """For each text, whether the pattern occurs in it.

    >>> search("^a|z$", ["abc", "xyz", "bab"]).tolist()
    [True, True, False]
    """
    try:
        column = pa.array(texts, pa.large_string())
    except UnicodeEncodeError:  # half of a surrogate pair: not text, but not our place to refuse it
        column = pa.array([text.encode("utf-8", "replace").decode() for text in texts], pa.large_string())
    found = pc.match_substring_regex(column, pattern)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_)
