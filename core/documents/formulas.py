"""Formulas whose values a workbook does not hold → their values, as a spreadsheet program would compute them.

What depends on the moment (TODAY), on chance or on another workbook is not computed, nor is what depends on that.
Knows nothing of files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

Value = str | bool | int | float
Place = tuple[str, int, int]
"""A sheet, and a row and a column, counted from 1."""

_MOST_WORK = 300_000_000  # characters of formulas times cells: each may look at all
_LONGEST = 1_000  # characters of a formula: the library reads deep ones with its stack
_DEEPEST = 64  # functions and brackets inside each other, as in every office program
_FICKLE = re.compile(
    r"\b(?:NOW|TODAY|RAND|RANDBETWEEN|RANDARRAY|CELL|INFO|INDIRECT|OFFSET|SEQUENCE|MAKEARRAY|EXPAND|REPT)\s*\(|\[",
    re.IGNORECASE,
)
_ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})
_UNKNOWN = "=NA()"
_DIVISION = "#DIV/0!"  # no unknown value brings it about


def computed(
    values: Mapping[Place, Value], formulas: Mapping[Place, str], names: Mapping[str, str]
) -> dict[Place, Value]:
    """The values of those `formulas` that can be computed from the other cells.

    `names` stand for places in formulas. No formula is computed where they would take too long.
    """
    size = sum(map(len, formulas.values())) + len(formulas)
    if not formulas or size * (len(values) + len(formulas)) > _MOST_WORK:
        return {}
    found: dict[Place, Value] = {}
    with _panics():
        model, sheets = _model(values, formulas, names)
        model.evaluate()
        for place in formulas:
            value = model.get_cell_value(sheets[place[0]], *place[1:])
            is_error = value == _DIVISION or (value == "#N/A" and formulas[place].strip().upper() == _UNKNOWN)
            if value is not None and (is_error or not str(value).startswith("#")):
                found[place] = value
    return found


def _model(
    values: Mapping[Place, Value], formulas: Mapping[Place, str], names: Mapping[str, str]
) -> tuple[Any, dict[str, int]]:
    import ironcalc  # noqa: PLC0415 - only who reads such a workbook waits for it

    model = ironcalc.create("workbook", "en", "UTC", "en")
    sheets: dict[str, int] = {}
    for title, _, _ in (*values, *formulas):
        if title not in sheets:
            sheets[title] = len(sheets)
            model.add_sheet(title) if len(sheets) > 1 else model.rename_sheet(0, title)
    for name, formula in names.items():
        with _refusals():
            model.new_defined_name(name, None, formula)
    for (title, row, column), value in values.items():
        _set(model, (sheets[title], row, column), value)
    for (title, row, column), formula in formulas.items():
        place = (sheets[title], row, column)
        model.update_cell_with_formula(*place, _UNKNOWN)
        if _is_knowable(formula):
            with _refusals():
                model.update_cell_with_formula(*place, formula)
    return model, sheets


def _is_knowable(formula: str) -> bool:
    deepest = max(accumulate((char == "(") - (char == ")") for char in formula[:_LONGEST]), default=0)
    return len(formula) <= _LONGEST and deepest <= _DEEPEST and not _FICKLE.search(formula)


def _set(model: Any, place: tuple[int, int, int], value: Value) -> None:
    if isinstance(value, bool):
        model.update_cell_with_bool(*place, value)
    elif isinstance(value, int | float):
        model.update_cell_with_number(*place, value)
    elif value in _ERRORS:
        model.update_cell_with_formula(*place, _UNKNOWN)
    else:
        model.update_cell_with_text(*place, value)


@contextmanager
def _refusals() -> Iterator[None]:
    """What the library does not know stays unknown."""
    import ironcalc  # noqa: PLC0415

    try:
        yield
    except ironcalc.WorkbookError:
        return


@contextmanager
def _panics() -> Iterator[None]:
    """A panic of the library ends what is computed, and not the reading."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
