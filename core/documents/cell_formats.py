"""Numbers as an office program shows them: currencies, leading zeros, durations, fractions, dates.

Each has the format of its cell (`#,##0.00 "EUR"`, `[h]:mm`). The library that formats is given a workbook made here, of
numbers and formats alone, whatever the file holds. Knows nothing of sheets.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import quoteattr

GENERAL = "General"
_LOCAL = {
    "mm-dd-yy": "yyyy-mm-dd",
    "m/d/yy h:mm": "yyyy-mm-dd hh:mm",
}  # whose order each program chooses by its country
_LONGEST = 255  # characters of a format, as in every office program: longer ones take the library too long
_INEXACT = 1e15  # from here on the library counts wrong
_LONG = 1e21  # from here on an exponent says more than the digits of a whole number
_LAST_DAY = 2_958_466  # the year 10000
_SIGN = re.compile(r"[-\u2212(]|[^\W\d]")  # minus, brackets, or a word such as "debit"
_TOGETHER = 50_000  # numbers in one workbook
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGES = "http://schemas.openxmlformats.org/package/2006"
_LISTED = '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets>'
_BOOK = f'<workbook xmlns="{_SHEETS}" xmlns:r="{_OFFICE}">{_LISTED}</workbook>'
_RELATIONS = (
    f'<Relationships xmlns="{_PACKAGES}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
)

Number = tuple[float, str]
"""A number, or a moment as days since 1900, and the format of its cell."""


def formatted(numbers: Sequence[Number]) -> Iterator[str]:
    """Each number as it is shown; dates whose format says nothing of their order as ISO 8601."""
    distinct = list(dict.fromkeys(numbers))
    shown: dict[Number, str] = {}
    for start in range(0, len(distinct), _TOGETHER):
        some = distinct[start : start + _TOGETHER]
        shown.update(zip(some, _together(some), strict=True))
    return (shown[number] for number in numbers)


def _together(numbers: Sequence[Number]) -> Iterator[str]:
    try:
        from python_calamine import load_workbook  # noqa: PLC0415 - only who reads workbooks waits for it
    except ImportError:  # there is none yet for the newest Python
        yield from (plain(number, code) for number, code in numbers)
        return
    # the library takes the first format for none at all
    formats = {code: at for at, code in enumerate(dict.fromkeys([GENERAL, *(_usable(code) for _, code in numbers)]))}
    rows = "".join(
        f'<row r="{at}"><c r="A{at}" s="{formats[_usable(code)]}"><v>{number!r}</v></c></row>'
        for at, (number, code) in enumerate(numbers, start=1)
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr("[Content_Types].xml", f'<Types xmlns="{_PACKAGES}/content-types"/>')
        package.writestr("xl/workbook.xml", _BOOK)
        package.writestr("xl/_rels/workbook.xml.rels", _RELATIONS)
        package.writestr("xl/styles.xml", _styles(list(formats)))
        sheet = f'<worksheet xmlns="{_SHEETS}"><sheetData>{rows}</sheetData></worksheet>'
        package.writestr("xl/worksheets/sheet1.xml", sheet)
    content.seek(0)
    grid = load_workbook(content).get_sheet_grid("S", 0, 0)
    grid.apply_formatting_rust()
    for (number, code), text in zip(numbers, grid["value"][:, 0], strict=True):
        exact = isinstance(text, str) and abs(number) < _INEXACT
        yield _signed(number, " ".join(text.split())) if exact else plain(number, code)


def plain(number: float, code: str = GENERAL) -> str:
    """A number without its format; a moment as ISO 8601."""
    from openpyxl.styles.numbers import is_date_format, is_timedelta_format  # noqa: PLC0415
    from openpyxl.utils.datetime import from_excel  # noqa: PLC0415

    if is_date_format(code) and not is_timedelta_format(code) and 0 <= number < _LAST_DAY:
        return str(from_excel(number)).removesuffix(" 00:00:00")
    is_whole = _INEXACT <= abs(number) < _LONG and number == int(number)
    return f"{number:.0f}" if is_whole else f"{number:.15g}"


def _usable(code: str) -> str:
    return GENERAL if len(code) > _LONGEST else _LOCAL.get(code, code)


def _styles(formats: Sequence[str]) -> str:
    first = 164  # the number of the first format that is not built in
    codes = "".join(
        f'<numFmt numFmtId="{first + at}" formatCode={quoteattr(code)}/>' for at, code in enumerate(formats)
    )
    styles = "".join(f'<xf numFmtId="{first + at}" applyNumberFormat="1"/>' for at in range(len(formats)))
    return f'<styleSheet xmlns="{_SHEETS}"><numFmts>{codes}</numFmts><cellXfs>{styles}</cellXfs></styleSheet>'


def _signed(number: float, text: str) -> str:
    """With its sign, where a sheet shows by a colour alone that a number is negative."""
    return f"-{text}" if number < 0 and text and not _SIGN.search(text) else text
