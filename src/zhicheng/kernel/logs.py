"""The log of the process: for people a line a record, for programs one JSON object; nobody's input can forge a line."""

from __future__ import annotations

import logging
from typing import Literal, TextIO

import orjson

from zhicheng.kernel import instants


def _facts(record: logging.LogRecord) -> dict[str, object]:
    facts = getattr(record, "facts", None)
    return dict(facts) if isinstance(facts, dict) else {}


class JsonLines(logging.Formatter):
    """One JSON object a record; whatever a peer sent stays inside its string."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": instants.format(int(record.created * instants.SECOND)),
            "level": record.levelname.lower(),
            "part": record.name,
            "message": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class HumanLines(logging.Formatter):
    """One line a record; control characters are escaped, so that nobody's input can forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        at = instants.format(int(record.created) * instants.SECOND)
        facts = " ".join(f"{key}={value}" for key, value in _facts(record).items())
        line = printable(f"{at} {record.levelname.lower():7} {record.name}: {record.getMessage()} {facts}".rstrip())
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def printable(text: str) -> str:
    r"""The text with every character that could end a line or steer a terminal escaped.

    >>> printable("a\nb\x1b[2J 智城")
    'a\\nb\\x1b[2J 智城'
    """
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)


def log_to(stream: TextIO, form: Literal["json", "human"] = "human", level: str = "INFO") -> logging.Logger:
    """Send the log of this process to a stream, and to nothing else; gives our root logger.

    Facts ride along as `logger.info("text", extra={"facts": {...}})`.
    """
    sink = logging.StreamHandler(stream)
    sink.setFormatter(JsonLines() if form == "json" else HumanLines())
    root = logging.getLogger("zhicheng")
    root.handlers = [sink]
    root.setLevel(level.upper())
    root.propagate = False
    return root
