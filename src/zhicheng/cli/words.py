"""The command line's two languages: ZHICHENG_LANG says which, else the system's own setting."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from zhicheng.kernel.errors import Language, ZhichengError
from zhicheng.kernel.logs import printable


def language_of(environ: Mapping[str, str]) -> Language:
    """Zh or en.

    >>> language_of({"LANG": "zh_CN.UTF-8"}), language_of({"LANG": "zh_CN.UTF-8", "ZHICHENG_LANG": "en"})
    ('zh', 'en')
    """
    for name in ("ZHICHENG_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        text = environ.get(name, "").lower()
        if text:
            return "zh" if text.startswith("zh") else "en"
    return "en"


class Words:
    """Says things in the chosen language.

    >>> Words("zh")("停止", "stopped")
    '停止'
    """

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def fail(self, error: ZhichengError) -> None:
        """Print an error where errors go."""
        label = self("错误", "error")
        print(f"zhicheng: {label}: {printable(error.text(self.language))}", file=sys.stderr)
