"""What things say of themselves in words, such as their trip or their crew: remembered, and looked at where it is new.

Most reports repeat the words of the one before. `Words` tells those that do not apart on columns, so that what is
costly is done for them alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zhicheng.compute.rows import Wide
from zhicheng.compute.state import Keyed
from zhicheng.kernel.columns import F8, I8, Coded, Index

COLUMNS: Mapping[str, float] = {"mark": 0}
"""The column of a table of things: a mark of the words of the last report, 0 if the next one is new at any rate."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of the things of a table, in the column above; `said`: those that each last said, by attribute.

    texts: the attributes that are remembered; numbers: those that only make a report new
    """

    things: Keyed
    said: dict[str, dict[str, str]]
    texts: Sequence[str]
    numbers: Sequence[str] = ()

    def __getitem__(self, thing: str) -> Mapping[str, str]:
        """What a thing last said."""
        return self.said.get(thing, {})

    def news(self, wide: Wide, lines: Index, slots: Index) -> Iterator[tuple[int, Mapping[str, str], dict[str, str]]]:
        """The reports (lines, at most one a thing) that say other words than the last: place among them, the words
        of the thing before, and now.
        """
        texts = [wide.text[name].take(lines) for name in self.texts]
        marks = _marks(texts, [wide.number[name][lines] for name in self.numbers])
        for row in np.flatnonzero(marks != self.things["mark"][slots]).tolist():
            slot, line = int(slots[row]), int(lines[row])
            before = self[self.things.names[slot]]
            told = {name: text for name in self.texts if (text := wide.text[name][line]) is not None}
            now = self.said[self.things.names[slot]] = {**before, **told}
            yield row, before, now
            self.things["mark"][slot] = marks[row]

    def saying(self, attribute: str, text: str) -> list[str]:
        """The things that last said so; their next report is looked at, whatever it says."""
        found = [thing for thing, words in self.said.items() if words.get(attribute) == text]
        slots = self.things.find(Coded.of(found))
        self.things["mark"][slots[slots >= 0]] = 0
        return found

    def forget(self, things: Sequence[str]) -> None:
        """Drop what things said."""
        for thing in things:
            self.said.pop(thing, None)


def _marks(texts: Sequence[Coded], numbers: Sequence[F8]) -> I8:
    """A number for each row's words, never 0; other words have another."""
    total = np.zeros(1, np.int64)
    for number in numbers:
        total = total * 1_000_003 + np.nan_to_num(number, nan=-1.0).astype(np.int64) + 1
    for column in texts:
        known = np.array([*(zlib.crc32(value.encode()) + 1 for value in column.values), 0], np.int64)
        total = total * 1_000_003 + known[column.codes]
    return np.where(total == 0, 1, total)
