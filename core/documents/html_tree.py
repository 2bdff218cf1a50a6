"""HTML → a tree of elements, in time linear in the length of any text, however broken.

What is not closed is text, or ends where a browser would end it; what is nested deeper than `MAX_DEPTH` hangs on the
element at that depth, so that nothing is lost. Knows nothing of what elements mean to a reader.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

MAX_DEPTH = 64  # elements inside each other; written pages have some thirty

_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
_RAW = ("script", "style")  # what is inside is no markup
_NAME = re.compile(r"[a-zA-Z][^\s/>]*+")
_ATTRIBUTE = re.compile(
    r"""[\s/]*+(?:(?P<name>[^\s/>=][^\s/>=]*+)(?:\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>[^\s>]*+)))?+|=)"""
)
_BLANK = re.compile(r"[\s/]*+")
_LONG_REFERENCE = re.compile(r"&#(?=\d{8}|[xX][0-9a-fA-F]{8})")  # no character has so large a number
_CELLS, _GROUPS = frozenset({"td", "th"}), frozenset({"thead", "tbody", "tfoot"})
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_ENDS_PARAGRAPH = frozenset(
    (
        *("address", "article", "aside", "blockquote", "center", "details", "dir", "div", "dl", "fieldset"),
        *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "menu"),
        *("nav", "ol", "p", "pre", "section", "table", "ul"),
    )
)
_SCOPE = frozenset({"table", "caption", "button", "object", *_CELLS})  # an end does not reach out of these
_NOTHING: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
_PARAGRAPH = (frozenset({"p"}), _SCOPE)
_IMPLIED: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    **dict.fromkeys(_ENDS_PARAGRAPH, _PARAGRAPH),
    "li": (frozenset({"li"}), _LISTS | _SCOPE),
    **dict.fromkeys(("dt", "dd"), (frozenset({"dt", "dd"}), frozenset({"dl"}) | _SCOPE)),
    **dict.fromkeys(_CELLS, (_CELLS, frozenset({"tr", "table"}))),
    "tr": (frozenset({"tr"}), frozenset({"table"})),
    "button": (frozenset({"button"}), _SCOPE),
    **dict.fromkeys(_GROUPS, (_GROUPS, frozenset({"table"}))),
}
"""Which open elements a new one ends, and which it does not reach out of."""
_HIDING = frozenset({"title", "iframe", "dialog", "button"})
_IN_HEAD = frozenset({"base", "link", "meta", "noscript", "script", "style", "template", "title"})
_TABLE = frozenset({"table", "tr", *_GROUPS})
_PARTS = frozenset({"tr", "caption", *_CELLS, *_GROUPS})
_IN_TABLE = frozenset({"caption", "col", "colgroup", "script", "style", "template", "tr", *_CELLS, *_GROUPS})


@dataclass(slots=True)
class Element:
    """An element, or the root, which has no name. `line` is counted from 1."""

    name: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    def iter(self, *names: str) -> Iterator[Element]:
        """The elements inside, in order; those of these names, if any are given."""
        waiting = [child for child in reversed(self.children) if isinstance(child, Element)]
        while waiting:
            element = waiting.pop()
            if not names or element.name in names:
                yield element
            waiting.extend(child for child in reversed(element.children) if isinstance(child, Element))

    def find(self, *names: str) -> Element | None:
        """The first element inside of these names."""
        return next(self.iter(*names), None)

    def text(self) -> str:
        """All that is written inside."""
        parts: list[str] = []
        waiting: list[Element | str] = [self]
        while waiting:
            node = waiting.pop()
            if isinstance(node, str):
                parts.append(node)
            else:
                waiting.extend(reversed(node.children))
        return "".join(parts)


def parse_tree(text: str) -> Element:
    """The tree of a page or a fragment."""
    return _Reader(text).tree()


class _Reader:
    """One reading of a text. No step looks again at what another one has passed, unless that ended in a mark found."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._build = _Builder()
        self._last_end = text.rfind(">")
        self._last_comment = text.rfind("-->")
        self._last_cdata = text.rfind("]]>")
        self._quotes = True  # whether a > inside quotes is no end; given up where that leaves a tag without one
        self._unclosed: set[str] = set()  # raw elements that have no end any more
        self._line, self._counted = 1, 0
        self._bare_end = -1  # of the last value without quotes: a / there is the value's

    def tree(self) -> Element:
        text, place = self._text, 0
        while (start := text.find("<", place)) >= 0 and start < self._last_end:
            self._build.add_text(_unescaped(text[place:start]))
            place = self._markup(start)
        self._build.add_text(_unescaped(text[place:]))
        self._build.finish()
        return self._build.root

    def _markup(self, start: int) -> int:
        """Take what begins with the `<` at `start`; returns where it ends."""
        following = self._text[start + 1 : start + 2]
        if following.isascii() and following.isalpha():
            return self._start_tag(start)
        if following == "/":
            return self._end_tag(start)
        if following in {"!", "?"}:
            return self._declaration(start)
        return self._literally(start)

    def _literally(self, start: int) -> int:
        self._build.add_text("<")
        return start + 1

    def _start_tag(self, start: int) -> int:
        name, place = self._name(start + 1)
        attributes, end = self._attributes(place) if self._quotes else ({}, -1)
        if end < 0:
            end = self._text.find(">", place)
            self._quotes = False
        closed = name in _VOID or (self._text[end - 1] == "/" and self._bare_end != end)
        element = Element(name, self._line_at(start), attributes)
        self._build.start(element, closed=closed or name in _RAW)
        return self._raw(element, end + 1) if name in _RAW and not closed else end + 1

    def _name(self, place: int) -> tuple[str, int]:
        found = _NAME.match(self._text, place)
        return (found.group().lower(), found.end()) if found else ("", place)

    def _attributes(self, place: int) -> tuple[dict[str, str], int]:
        """The attributes from `place` on and where the tag's `>` is, or -1."""
        attributes: dict[str, str] = {}
        while found := _ATTRIBUTE.match(self._text, place):
            place = found.end()
            if found["bare"]:
                self._bare_end = place
            if found["name"]:
                value = found["double"] or found["single"] or found["bare"] or ""
                attributes.setdefault(found["name"].lower(), _unescaped(value))
        blank = _BLANK.match(self._text, place)
        place = blank.end() if blank else place
        return attributes, place if self._text[place : place + 1] == ">" else -1

    def _raw(self, element: Element, place: int) -> int:
        """Pass over the inside of a script or a style, which only a style keeps; one without an end has none."""
        name = element.name
        found = None if name in self._unclosed else re.compile(f"</{name}", re.IGNORECASE).search(self._text, place)
        if not found:
            self._unclosed.add(name)
            return place
        if name == "style":
            element.children.append(self._text[place : found.start()])
        end = self._text.find(">", found.end())
        return end + 1 if end >= 0 else len(self._text)

    def _end_tag(self, start: int) -> int:
        name, _ = self._name(start + 2)
        if name:
            self._build.end(name)
        return self._text.find(">", start) + 1

    def _declaration(self, start: int) -> int:
        """A comment, a CDATA section, whose text is shown, or something that only programs read."""
        text = self._text
        if text.startswith("<!--", start):
            if text.startswith((">", "->"), start + 4):
                return text.find(">", start) + 1
            return text.find("-->", start + 4) + 3 if start + 4 <= self._last_comment else self._literally(start)
        if text.startswith("<![CDATA[", start) and start + 9 <= self._last_cdata:
            end = text.find("]]>", start)
            self._build.add_text(text[start + 9 : end])
            return end + 3
        return text.find(">", start) + 1

    def _line_at(self, place: int) -> int:
        self._line += self._text.count("\n", self._counted, place)
        self._counted = place
        return self._line


class _Builder:
    """Elements and text in order → a tree."""

    def __init__(self) -> None:
        self.root = Element("", 1)
        self._open = [self.root]
        self._names: Counter[str] = Counter()  # of those that are open
        self._too_deep: Counter[str] = Counter()  # by name, of elements that are not nested: their ends end nothing

    def add_text(self, text: str) -> None:
        if text and self._open[-1].name == "head" and not text.isspace():
            self._end_nearest(frozenset({"head"}))
        if text:
            self._parent(beside_tables=not text.isspace()).children.append(text)

    def start(self, element: Element, *, closed: bool) -> None:
        """Add an element and, unless it is `closed`, what follows to it."""
        if self._open[-1].name == "title":
            self._end_nearest(frozenset({"title"}))
        if self._open[-1].name == "head" and element.name not in _IN_HEAD:
            self._end_nearest(frozenset({"head"}))
        if element.name in _PARTS and self._names["table"]:  # a form between table and row is none
            while self._open[-1].name not in _TABLE | _CELLS | {"caption", ""}:
                self._names[self._open.pop().name] -= 1
        ended, scope = _IMPLIED.get(element.name, _NOTHING)
        if ended:
            self._end_nearest(ended, scope)
        self._parent(beside_tables=element.name not in _IN_TABLE).children.append(element)
        if closed:
            return
        if len(self._open) > MAX_DEPTH:
            self._too_deep[element.name] += 1
        else:
            self._open.append(element)
            self._names[element.name] += 1

    def end(self, name: str) -> None:
        if self._too_deep[name]:
            self._too_deep[name] -= 1
        else:
            self._end_nearest(frozenset({name}))

    def finish(self) -> None:
        """Take what hides its inside and was never closed for something plain, or the rest of the page were lost."""
        for element in self._open:
            element.name = "span" if element.name in _HIDING else element.name

    def _parent(self, *, beside_tables: bool) -> Element:
        """Where something is added; where it cannot stand between the cells of a table, it comes after it."""
        if not beside_tables:
            return self._open[-1]
        return next(element for element in reversed(self._open) if element.name not in _TABLE)

    def _end_nearest(self, names: frozenset[str], scope: frozenset[str] = frozenset()) -> None:
        if not any(self._names[name] for name in names):
            return
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].name in names:
                while len(self._open) > depth:
                    self._names[self._open.pop().name] -= 1
                return
            if self._open[depth].name in scope:
                return


def _unescaped(text: str) -> str:
    return unescape(_LONG_REFERENCE.sub("&amp;#", text)) if "&" in text else text
