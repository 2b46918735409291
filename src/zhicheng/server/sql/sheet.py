"""A spreadsheet written row by row; a text stays a text, whatever a spreadsheet would make of it."""

from __future__ import annotations

import io
from collections.abc import Iterable

import openpyxl
from openpyxl.cell.cell import Cell, WriteOnlyCell

_ROWS = 1_048_576
_CELL = 32_767
"""What a sheet takes: rows, characters of a cell."""


class Sheet:
    """One sheet with a line of names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet = self._book.create_sheet("zhicheng")
        self._rows = 0
        self.add(names)

    def add(self, values: Iterable[object]) -> bool:
        """Add a row; False where the sheet is full."""
        if self._rows >= _ROWS:
            return False
        self._rows += 1
        self._sheet.append([self._text(value) if isinstance(value, str) else value for value in values])
        return True

    def saved(self) -> bytes:
        """The file."""
        whole = io.BytesIO()
        self._book.save(whole)
        return whole.getvalue()

    def _text(self, text: str) -> Cell:
        cell: Cell = WriteOnlyCell(self._sheet, "".join(mark for mark in text[:_CELL] if mark >= " " or mark in "\t\n"))
        cell.data_type = "s"
        return cell
