"""JSON from outside, as something that can be handed on: numbers of any length, and characters that can be written.

Knows nothing of what is in it.
"""

from __future__ import annotations

import json
from typing import Any

from core.text.words import MOST

_DIGITS = len(str(MOST)) + 1  # of a whole number, with its sign: a longer one is not exact, and Python may refuse it


def parsed(payload: bytes) -> Any:
    """What stands in `payload`.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    return plain(json.loads(payload.decode("utf-8", "replace"), parse_int=_number))


def plain(found: Any) -> Any:
    """The same in characters that can be written again: half a surrogate pair becomes a question mark."""
    return json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"), parse_int=_number)


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS else float(digits)
