"""What platforms send, with every field removed, retyped, over-long or in odd Unicode; and what is no JSON at all.

Knows no platform: a shape is JSON, a mutant is text.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

Path = tuple[str | int, ...]

DEEP = "[" * 5_000 + "]" * 5_000  # no parser of JSON that calls itself gets through
DIGITS = "9" * 5_000  # more than Python turns into a number
ODD = (
    "",
    " ",
    "²",
    "٣",
    "u:x:²",
    "/prefs remove ²",
    "/open " + "9" * 5_000,
    "\x00",
    "\u202eolleh",
    "\ufeff",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!",
    "👩‍👩‍👧‍👦" * 50,
    "\ud83d",  # half of a pair
    "\udc00\ud800",
    "<" * 40_000,
    "<@" * 20_000,
    "/" * 40_000,
    "a" * 100_000,
    "`" * 20_000,
    "1e999",
    "NaN",
    "-1",
    "9" * 400,
    "{}",
    "../../etc/passwd",
    "C1:U1/x",
)
TYPES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**31,
    2**53,
    2**63,
    -(2**63),
    1e308,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    [None],
    [{}],
    {"id": "²"},
    {"type": None},
    {"text": 5},
)
VALUES = (*TYPES, *ODD)
REMOVED = object()


def paths(shape: Any, at: Path = ()) -> Iterator[Path]:
    """Where something stands in a shape, everywhere but at its root."""
    items = shape.items() if isinstance(shape, dict) else enumerate(shape) if isinstance(shape, list) else ()
    for name, part in items:
        yield (*at, name)
        yield from paths(part, (*at, name))


def changed(shape: Any, path: Path, value: Any) -> Any:
    """A copy of the shape with `value` there, or nothing where it is `REMOVED`."""
    made = copy.deepcopy(shape)
    holder = made
    for name in path[:-1]:
        holder = holder[name]
    if value is REMOVED:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return made


def every(shapes: Sequence[Any]) -> Iterator[Any]:
    """Every field of every shape, removed and with every value in its place."""
    for shape in shapes:
        for path in paths(shape):
            for value in (REMOVED, *VALUES):
                yield changed(shape, path, value)


def mutant(shape: Any, chance: random.Random) -> str:
    """A shape as text, with one to three fields changed; sometimes what is hardly JSON any more."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        where = list(paths(shape))
        if where:
            shape = changed(shape, chance.choice(where), _value(chance))
    text = as_text(shape)
    return _broken(text, chance) if chance.random() < 0.03 else text


def as_text(shape: Any) -> str:
    """JSON, with each half of a pair as an escape, as platforms may send it."""
    return json.dumps(shape)


def _value(chance: random.Random) -> Any:
    if chance.random() < 0.2:
        return REMOVED
    if chance.random() < 0.15:
        return "".join(chr(chance.choice((chance.randrange(128), chance.randrange(0xD800)))) for _ in range(20))
    return chance.choice(VALUES)


def _broken(text: str, chance: random.Random) -> str:
    """Nested too deeply, with a number too long, cut off, doubled, or something else."""
    first, _, rest = text.partition(":")
    return chance.choice(
        (
            f'{first}: {DEEP}, "x":{rest}',
            f'{first}: {DIGITS}, "x":{rest}',
            text[: len(text) // 2],
            f'{{"x": {text}}}',
            f"[{text}]",
            "null",
            '"text"',
            "{}",
            "[]",
            "5",
        )
    )
