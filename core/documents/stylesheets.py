"""The stylesheets in a page → what they hide of it, as far as plain rules say so.

A rule that names one class or one id counts; whatever another rule shows again, for another screen or after a click,
is not hidden. Takes time linear in the text. Knows nothing of elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_BRACE = re.compile(r"[{}]")
_NAME = re.compile(r"[.#](?:[\w-]|\\.)+")
_VISIBLE = re.compile(r"(?:\A|;)\s*(?:display|visibility)\s*:\s*([\w-]+)", re.IGNORECASE)
_GONE = {"none", "hidden", "collapse"}
_SCREENS = ("", "all", "screen")


@dataclass(frozen=True, slots=True)
class Stylesheet:
    """Names, as in selectors, of what is hidden, and of what some rule shows."""

    hidden: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)

    def hides(self, names: Iterable[str]) -> bool:
        """Whether it hides an element of these names, each with its sign: `.class`, `#id`."""
        found = set(names)
        return bool(found & self.hidden) and not found & self.shown


def read_stylesheet(text: str, media: str = "") -> Stylesheet:
    """The rules of a page's stylesheets that hide or show something."""
    sheet = Stylesheet()
    if media.strip().lower() not in _SCREENS:
        return sheet
    for selector, said, is_outermost in _rules(_without_comments(text)):
        values = [value.lower() for value in _VISIBLE.findall(said)]
        if values and values[-1] not in _GONE:
            sheet.shown.update(_plain(name) for name in _NAME.findall(selector))
        elif values and is_outermost:
            sheet.hidden.update(_plain(each.strip()) for each in selector.split(",") if _NAME.fullmatch(each.strip()))
    return sheet


def _without_comments(text: str) -> str:
    first, *rest = text.split("/*")
    return " ".join([first, *(part.partition("*/")[2] for part in rest)])


def _rules(text: str) -> Iterator[tuple[str, str, bool]]:
    """Selector and declarations of each rule, and whether it stands in no other."""
    selectors: list[str] = []
    place = 0
    for brace in _BRACE.finditer(text):
        between = text[place : brace.start()]
        place = brace.end()
        if brace.group() == "{":
            selectors.append(between.rpartition(";")[2].strip())
        elif selectors and not (selector := selectors.pop()).startswith("@"):
            yield selector, between, not selectors


def _plain(name: str) -> str:
    return name.replace("\\", "")
