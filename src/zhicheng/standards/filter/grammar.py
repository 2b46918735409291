"""Reading a query text: the place in it, errors that point there, and the logic that all dialects share."""

from __future__ import annotations

import re
from collections.abc import Callable

from zhicheng.kernel.errors import Invalid
from zhicheng.standards.filter.tree import Node, all_of, any_of

LONGEST = 16_384
"""Characters of the longest query text."""
DEEPEST = 32
"""Parentheses within parentheses."""


class Reader:
    """A text and a place in it. `name_en`, `name_zh` say what is read, for errors."""

    __slots__ = ("at", "name", "text")

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.at = 0
        if len(text) > LONGEST:
            raise Invalid(
                f"{name} has {len(text)} characters; at most {LONGEST} are allowed",
                f"{name} 有 {len(text)} 个字符，最多允许 {LONGEST} 个",
                parameter=name,
            )

    def skip(self) -> None:
        """Go past blanks."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def sees(self, token: str) -> bool:
        """Whether the token stands here."""
        return self.text.startswith(token, self.at)

    def take(self, token: str) -> bool:
        """Go past the token and the blanks behind it, if it stands here."""
        if not self.sees(token):
            return False
        self.at += len(token)
        self.skip()
        return True

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Go past what the pattern matches here; nothing is no match."""
        found = pattern.match(self.text, self.at)
        if not found or not found[0]:
            return None
        self.at = found.end()
        return found[0]

    def done(self) -> bool:
        """Whether the end is reached."""
        return self.at >= len(self.text)

    def fail(self, en: str, zh: str) -> Invalid:
        """The error that says what is wrong here."""
        near = self.text[self.at : self.at + 20]
        return Invalid(
            f"{self.name}, character {self.at + 1}{f' ({near!r})' if near else ' (its end)'}: {en}",
            f"{self.name} 第 {self.at + 1} 个字符{f'（{near!r}）' if near else '（末尾）'}：{zh}",
            parameter=self.name,
            position=self.at,
        )


def parse(text: str, name: str, term: Callable[[Reader], Node], alternatives: str = "|") -> Node:
    """The tree of a text: terms joined by ";" (and, binds tighter) and by any of `alternatives` (or).

    >>> from zhicheng.standards.filter.tree import Type
    >>> parse("a;b|c", "type", lambda reader: Type(reader.match(re.compile("[a-z]"))))
    Or(parts=(And(parts=(Type(type='a'), Type(type='b'))), Type(type='c')))
    """
    reader = Reader(text, name)
    reader.skip()
    if reader.done():
        raise reader.fail("there is nothing to read", "内容为空")
    tree = _any(reader, term, alternatives, 0)
    if not reader.done():
        raise reader.fail(
            f"expected one of ; {' '.join(alternatives)} or the end", f"应为 ; {' '.join(alternatives)} 之一或结尾"
        )
    return tree


def _any(reader: Reader, term: Callable[[Reader], Node], alternatives: str, depth: int) -> Node:
    parts = [_all(reader, term, alternatives, depth)]
    while any(reader.take(sign) for sign in alternatives):
        parts.append(_all(reader, term, alternatives, depth))
    return any_of(parts)


def _all(reader: Reader, term: Callable[[Reader], Node], alternatives: str, depth: int) -> Node:
    parts = [_one(reader, term, alternatives, depth)]
    while reader.take(";"):
        parts.append(_one(reader, term, alternatives, depth))
    return all_of(parts)


def _one(reader: Reader, term: Callable[[Reader], Node], alternatives: str, depth: int) -> Node:
    if not reader.sees("("):
        tree = term(reader)
        reader.skip()
        return tree
    if depth >= DEEPEST:
        raise reader.fail(f"more than {DEEPEST} nested parentheses", f"括号嵌套超过 {DEEPEST} 层")
    reader.take("(")
    tree = _any(reader, term, alternatives, depth + 1)
    if not reader.take(")"):
        raise reader.fail("a closing parenthesis is missing", "缺少右括号")
    return tree
