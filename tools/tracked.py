"""Looks in every tracked file for what must never be in one; says file and line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 1_500_000
"""bytes; what is larger belongs into a release, not into the history"""

# Each pattern is written so that it does not match itself.
FORBIDDEN = {
    # builds take packages from wherever the machine is configured to; a lock holds hashes, not addresses
    r"\bregistry\.[n]pm|\b[p]ypi\.(?:org|python)|\bfiles\.[p]ythonhosted|\b[n]pmmirror\b": "names a package registry",
    r"\bmirrors?\.[a-z]+\.(?:com|cn|edu|org)\b": "names a package mirror",
    r"^--(?:extra-)?index-url|^--find-links|\"resolved\": \"http": "pins a package to an address",
    # a path that exists on one machine only
    r"(?<![\w./:<-])/(?:[h]ome|[U]sers|[r]oot|[w]ork|[w]orkspace)/[\w.-]": "names a folder of somebody's machine",
    r"-----[B]EGIN (?:[A-Z]+ )*PRIVATE KEY|\b[A]KIA[0-9A-Z]{16}\b|\b[g]hp_\w{30}": "holds a credential",
    r"^(?:<{7}|>{7}) ": "holds an unresolved merge",
}
PATTERNS = {re.compile(pattern): said for pattern, said in FORBIDDEN.items()}


def tracked(root: Path = ROOT) -> list[Path]:
    """The files git knows and the folder still has."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True).stdout
    return [root / name for name in names.split("\0") if name and (root / name).is_file()]


def faults(text: str) -> Iterator[tuple[int, str]]:
    r"""Line numbers and what is wrong there.

    >>> list(faults("all is well"))
    []
    >>> list(faults("fine\n/" + "home/me/notes.txt"))
    [(2, "names a folder of somebody's machine")]
    """
    for number, line in enumerate(text.splitlines(), 1):
        yield from ((number, said) for pattern, said in PATTERNS.items() if pattern.search(line))


def main() -> int:
    """Print every fault; 1 if there is one."""
    found = 0
    for path in tracked():
        content = path.read_bytes()
        if len(content) > LARGEST:
            print(f"{path.relative_to(ROOT)}: {len(content):,} bytes, more than {LARGEST:,}")
            found += 1
        if b"\0" in content[:8192]:
            continue
        for number, said in faults(content.decode("utf-8", "replace")):
            print(f"{path.relative_to(ROOT)}:{number}: {said}")
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
