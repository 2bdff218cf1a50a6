"""The XML of a worksheet → what its cells alone do not say: merged and hidden places, and formulas without values.

Knows nothing of values, formats or other sheets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from core.errors import DocumentError

_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_MOST_MERGED = 100_000
_HIDDEN = {"1", "true"}

Place = tuple[int, int]
"""A row and a column, counted from 1."""


@dataclass(slots=True)
class SheetLayout:
    """`merged` areas, each with its first and its last place, and the formulas whose values are not in the file."""

    merged: list[tuple[Place, Place]] = field(default_factory=list)
    formulas: dict[Place, str] = field(default_factory=dict)
    hides: bool = False  # rows or columns


def layout_of(xml: bytes) -> SheetLayout:
    """Read a worksheet.

    Raises:
        DocumentError: its XML is broken.
    """
    scan = _Scan()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = scan.start, scan.end
    parser.CharacterDataHandler = scan.text
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise DocumentError(f"Its XML is broken ({error}). Save it again.") from None
    return scan.layout


def place_of(reference: str) -> Place | None:
    """The place that a reference such as B7 names."""
    found = _REFERENCE.fullmatch(reference.replace("$", ""))
    if not found:
        return None
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(found[2]), column


class _Scan:
    """One reading of a worksheet, element by element."""

    def __init__(self) -> None:
        self.layout = SheetLayout()
        self._place: Place = (0, 0)
        self._is_text = False  # the cell's kind: a text may be empty
        self._formula: list[str] | None = None
        self._has_value = False
        self._collects = ""  # the element whose text is read
        self._shared: dict[str, tuple[str, Place]] = {}
        self._index = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        if name == "row":
            row = place_of(f"A{attributes.get('r', '')}")
            self._place = (row[0] if row else self._place[0] + 1, 0)
            self.layout.hides |= attributes.get("hidden") in _HIDDEN
        elif name == "col":
            self.layout.hides |= attributes.get("hidden") in _HIDDEN
        elif name == "c":
            self._place = place_of(attributes.get("r", "")) or (self._place[0], self._place[1] + 1)
            self._is_text = attributes.get("t") == "str"
            self._formula, self._has_value = None, False
        elif name == "f":
            self._formula, self._collects = [], name
            self._index = attributes.get("si", "") if attributes.get("t") == "shared" else ""
        elif name in {"v", "is"}:
            self._collects = name
            self._has_value |= name == "is" or self._is_text
        elif name == "mergeCell" and len(self.layout.merged) < _MOST_MERGED:
            first, last = (place_of(end) for end in attributes.get("ref", "").rpartition(":")[::2])
            if first and last:
                self.layout.merged.append((first, last))

    def text(self, text: str) -> None:
        if self._collects == "f" and self._formula is not None:
            self._formula.append(text)
        elif self._collects == "v":
            self._has_value |= not text.isspace()

    def end(self, tag: str) -> None:
        name = tag.rpartition(" ")[2]
        if name == self._collects:
            self._collects = ""
        if name == "f":
            self._share()
        elif name == "c" and self._formula is not None and not self._has_value:
            self.layout.formulas[self._place] = "=" + "".join(self._formula)

    def _share(self) -> None:
        """A formula that others share is written once, for the first of them."""
        text = "".join(self._formula or ())
        if self._index and text:
            self._shared[self._index] = (text, self._place)
        elif self._index in self._shared:
            self._formula = [_moved(*self._shared[self._index], self._place)]


def _moved(formula: str, origin: Place, place: Place) -> str:
    """A formula as it reads in another cell."""
    from openpyxl.formula.translate import Translator  # noqa: PLC0415 - only who reads workbooks waits for it
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    here, there = (f"{get_column_letter(column)}{row}" for row, column in (origin, place))
    return str(Translator(f"={formula}", here).translate_formula(there)).removeprefix("=")
