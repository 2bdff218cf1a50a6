"""Whole numbers in text from outside: what somebody typed, what a button, a header or a document carries.

`isdigit` calls characters digits that `int` refuses (`²`), and `int` refuses what has more than 4,300 of them. Here a
number is decimal digits, of any script, and has a bound. Knows nothing of who wrote it.
"""

from __future__ import annotations

MOST = 2**53  # beyond it JSON's numbers are not exact everywhere


def whole_number(text: object, most: int = MOST) -> int | None:
    """The number from 0 to `most` that `text` spells; None where it spells none."""
    if not isinstance(text, str) or not text.isdecimal():
        return None
    digits = text.lstrip("0") or "0"
    number = int(digits) if len(digits) <= len(str(most)) else most + 1
    return number if number <= most else None
