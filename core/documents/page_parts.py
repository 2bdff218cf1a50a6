"""A page's tree → the part of it that is its text: without what nobody sees, and without the site around it.

Told by elements, roles, names of classes, and by how much of a part is links; never where that would take most of the
page. What is left out is counted, and said where it is much. Knows nothing of blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.documents.html_tree import Element
from core.documents.stylesheets import Stylesheet, read_stylesheet

_NEVER_SHOWN = {
    *("script", "style", "noscript", "template", "svg", "object", "head", "title", "datalist", "canvas"),
}
_BLOCKS = {
    "div",
    "p",
    "ul",
    "ol",
    "section",
    "header",
    "footer",
    "aside",
    "span",
    "form",
    "table",
    "td",
    "center",
    "li",
}
_NAMED = _BLOCKS - {"span", "td", "li", "p"}  # whose id names a part of the site, if any does
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_HIDDEN_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all)", re.IGNORECASE)
_UNFOLDED = re.compile(
    r"tab-?pane|tabs?-?panel|tab-?content|accordion|collaps|expand|toggle|details|faq", re.IGNORECASE
)
_ANCHORS = {"headerlink", "hash-link", "anchor-link", "anchorjs-link", "header-anchor", "heading-anchor", "linenos"}
_ANCHORS |= {"lineno", "linenodiv", "hljs-ln-numbers", "line-numbers-rows", "sr-only-focusable", "skip-link"}
_SIGNS = {"#", "§", "¶", "\u200b", "🔗"}
_SITE_ROLES = {"navigation", "banner", "contentinfo", "search", "dialog", "alertdialog", "menu", "menubar", "toolbar"}
_WRAPPERS = {"html", "body", "main", "article", ""}
_SITE = frozenset(
    (
        *("breadcrumb", "breadcrumbs", "crumbs", "footer", "colophon", "skip", "pagination", "pager", "sharedaddy"),
        *("addtoany", "consent", "gdpr", "ccpa", "cookieconsent", "cookiebanner", "cybotcookiebotdialog", "onetrust"),
        *("sphinxsidebar", "editsection", "noprint", "navheader", "navfooter"),
    )
)
_LABELS = frozenset(
    (
        *("share", "sharing", "social", "votes", "relatives", "helpful", "newsletter", "subscribe", "signup", "edit"),
        *("back", "prev", "search", "login", "feedback"),
    )
)
_LINKS = frozenset(
    (
        *("header", "masthead", "nav", "navbar", "navigation", "navigator", "menu", "menubar", "sidebar", "sidenav"),
        *("rightbar", "leftbar", "toc", "tableofcontents", "contents", "related", "recommended", "tags", "languages"),
    )
)
"""What the parts of a site are called: always, where they say little, and where they are mostly links."""
_COOKIE_WORDS = frozenset(("banner", "notice", "bar", "law", "popup", "dialog", "overlay", "message", "modal", "info"))
_BESIDE = frozenset(
    (
        *(
            "site",
            "page",
            "pages",
            "main",
            "global",
            "top",
            "bottom",
            "left",
            "right",
            "side",
            "sub",
            "primary",
            "wiki",
        ),
        *("secondary", "doc", "docs", "theme", "md", "mw", "wp", "post", "posts", "entry", "article", "articles", "to"),
        *("mobile", "desktop", "sticky", "link", "links", "list", "bar", "banner", "notice", "box", "container", "of"),
        *("wrapper", "content", "inner", "body", "button", "buttons", "icon", "icons", "block", "widget", "area"),
        *("section", "popup", "overlay", "modal", "tree", "item", "items", "message", "text", "info", "macro", "this"),
        *("enabled", "next", "table", "media", "was", "reader", "js", "collapsible", "up", "sign", "group", "recent"),
        *_COOKIE_WORDS,
    )
)
_WORD = re.compile(r"[-_]+|(?<=[a-z])(?=[A-Z])")
_HASH = re.compile(r"_[\w+-]{4,6}$")  # that a bundler put behind a name
_NAME_CHARACTERS = 60
_QUESTION = re.compile(r"\?\s*$|(?:\S+\s+){3}\S")  # on a button that unfolds the answer
_COOKIES = re.compile(r"cookie", re.IGNORECASE)
_CONSENT = re.compile(
    r"accept|agree|allow|got it|reject|decline|\bok\b|akzept|zustimm|einverstanden|ablehn|acept", re.IGNORECASE
)
_SHARED = re.compile(
    r"(?:twitter|x)\.com/(?:intent|share)|facebook\.com/(?:sharer|share)|linkedin\.com/(?:share|sharing)|reddit\.com/submit|"
    r"wa\.me/\?|whatsapp\.com/send|mailto:\?|pinterest\.\w+/pin/create|t\.me/share|news\.ycombinator\.com/submitlink",
    re.IGNORECASE,
)
_LEGAL = re.compile(
    r"imprint|impressum|privacy|datenschutz|terms|legal|sitemap|accessibility|cookie|disclaimer|agb\b|barriere",
    re.IGNORECASE,
)
_CRUMBS = re.compile(r"\s[»›>/→|]\s|[»›]")
_PROSE = 80  # characters that are more than a label
_BANNER = 400  # characters that a part of the site may have, however short the page is
_SHORT = 600  # characters of a banner at most
_MENU_LINKS, _MENU_CHARACTERS = 3, 30  # a menu's links, at least; their length on average, at most
_LINKED, _MOSTLY_LINKED = 0.5, 0.8  # shares of the characters
_MAIN_SHARE = 0.5  # of what is left of the page: a smaller part is not its main one
_MENTIONED, _MENTIONED_SHARE = 10, 0.1  # characters left out, at least, and their share, that a note is worth


@dataclass(slots=True)
class _Weight:
    """Of what is inside, without spaces, the characters and those in links; the links, headings and largest headings.

    And the pieces of text that speak of cookies, the words for what the law asks for, the signs of a breadcrumb and the
    links that share the page: counted once, since parts lie in parts.
    """

    characters: int = 0
    linked: int = 0
    links: int = 0
    headings: int = 0
    h1s: int = 0
    cookies: int = 0
    legal: int = 0
    crumbs: int = 0
    shared: int = 0

    def add(self, other: _Weight) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def add_text(self, text: str) -> None:
        self.characters += sum(map(len, text.split()))
        self.cookies += _COOKIES.search(text) is not None
        self.legal += len(_LEGAL.findall(text))
        self.crumbs += _CRUMBS.search(f" {text} ") is not None

    @property
    def prose(self) -> int:
        return self.characters - self.linked


def take_out_unseen(root: Element) -> int:
    """Take out of the tree what nobody sees; returns how many characters of text that is."""
    for element in root.iter("button"):
        if "aria-expanded" in element.attributes and _QUESTION.search(element.text()):
            element.name = "p"
    for element in root.iter(*_HEADINGS, "dt", "summary"):
        buttons = list(element.iter("button"))
        if buttons and "".join(button.text() for button in buttons).split() == element.text().split():
            for button in buttons:
                button.name = "span"
    sheet = Stylesheet()
    for style in root.iter("style"):
        rules = read_stylesheet(style.text(), style.attributes.get("media", ""))
        sheet.hidden.update(rules.hidden)
        sheet.shown.update(rules.shown)
        style.children = []
    weights = _weighed(root)
    return _prune(root, weights, weights[id(root)].characters, sheet)


def main_part(page: Element) -> tuple[Element, tuple[str, ...]]:
    """The part of a page that is its text, and notes on what was left out where that is much."""
    hidden = take_out_unseen(page)
    body = page.find("body") or page
    before = _weighed(body)[id(body)]
    guessed = _Site(body).take_out()
    weights = _weighed(body)
    root = _main(body, weights)
    kept = weights[id(root)]
    notes = []
    if (around := before.prose - kept.prose + guessed) >= max(_MENTIONED, _MENTIONED_SHARE * kept.characters):
        notes.append(f"About {around:,} characters around the main text were left out as parts of the site.")
    if hidden >= max(_MENTIONED, _MENTIONED_SHARE * kept.characters):
        notes.append(f"About {hidden:,} characters that the page hides were left out.")
    return root, tuple(notes)


def _weighed(root: Element) -> dict[int, _Weight]:
    """The weight of each element, by its id."""
    weights: dict[int, _Weight] = {}

    def weigh(element: Element) -> _Weight:
        weight = weights[id(element)] = _Weight(headings=int(element.name in _HEADINGS), h1s=int(element.name == "h1"))
        for child in element.children:
            if isinstance(child, str):
                weight.add_text(child)
            else:
                weight.add(weigh(child))
        if element.name == "a" and element.attributes.get("href"):
            weight.linked, weight.links = weight.characters, weight.links + 1
            weight.shared += _SHARED.search(element.attributes["href"]) is not None
        return weight

    weigh(root)
    return weights


def _prune(element: Element, weights: dict[int, _Weight], whole: int, sheet: Stylesheet) -> int:
    gone = 0
    kept: list[Element | str] = []
    for child in element.children:
        if isinstance(child, str):
            kept.append(child)
        elif child.name in _NEVER_SHOWN or _is_anchor(child) or _ANCHORS & {*child.attributes.get("class", "").split()}:
            continue
        elif _is_hidden(child, weights[id(child)].characters, whole, sheet):
            gone += weights[id(child)].characters
        else:
            kept.append(child)
            gone += _prune(child, weights, whole, sheet)
    element.children = kept
    return gone


def _is_anchor(element: Element) -> bool:
    """Whether it is the sign at a heading that leads to that heading."""
    if element.name != "a" or not element.attributes.get("href", "").startswith("#") or len(element.children) != 1:
        return False
    return element.text().strip() in _SIGNS


def _is_hidden(element: Element, characters: int, whole: int, sheet: Stylesheet) -> bool:
    attributes = element.attributes
    unfolds = attributes.get("role") == "tabpanel" or _UNFOLDED.search(attributes.get("class", ""))
    if element.name in _WRAPPERS or unfolds:  # behind a tab or a fold that a reader opens
        return False
    if "hidden" in attributes and attributes["hidden"].lower() != "until-found":
        return True
    if element.name == "dialog" and "open" not in attributes:
        return True
    if _HIDDEN_STYLE.search(attributes.get("style", "")):
        return True
    if 2 * characters > whole:  # what shows the page takes away, such as a dialog over it
        return False
    names = [f".{name}" for name in attributes.get("class", "").split()] + [f"#{attributes.get('id', '')}"]
    return attributes.get("aria-hidden", "").lower() == "true" or sheet.hides(names)


class _Site:
    """One walk through a body that takes out what is the site's, in the order of the page."""

    def __init__(self, body: Element) -> None:
        self._body = body
        self._weights = _weighed(body)
        self._whole = self._weights[id(body)]
        self._begun = self._whole.linked >= _MOSTLY_LINKED * self._whole.characters  # a page of links has no menu
        self._found: list[tuple[Element, Element]] = []  # with the elements that they are in
        self._headings = self._whole.headings  # that are still to come
        self._guessed = 0  # characters in links of what only looks like a part of the site
        self._has_main = any(element.name in {"main", "article"} for element in body.iter())

    def take_out(self) -> int:
        """Take out what is the site's, unless nothing else is there; returns how much of it in links was guessed."""
        self._look_through(self._body, inside=False)
        if sum(self._weights[id(element)].characters for _, element in self._found) < self._whole.characters:
            gone = {id(element) for _, element in self._found}
            for parent in {id(parent): parent for parent, _ in self._found}.values():
                parent.children = [child for child in parent.children if id(child) not in gone]
            return self._guessed
        return 0

    def _look_through(self, parent: Element, *, inside: bool, below_heading: bool = False) -> None:
        for child in parent.children:
            if isinstance(child, str):
                below_heading &= child.isspace()
                continue
            if self._is_site(child, inside=inside or below_heading):
                self._found.append((parent, child))
                self._headings -= self._weights[id(child)].headings
                continue
            prose = self._weights[id(child)].prose
            self._headings -= child.name in _HEADINGS
            self._begun |= child.name in _HEADINGS or (child.name == "p" and prose > _PROSE)
            self._look_through(child, inside=inside or child.name in {"main", "article"}, below_heading=below_heading)
            below_heading = child.name in _HEADINGS

    def _is_site(self, element: Element, *, inside: bool) -> bool:
        weight = self._weights[id(element)]
        if element.name in _WRAPPERS | _HEADINGS or weight.prose > max(_BANNER, self._whole.prose / 2):
            return False
        if weight.h1s and weight.h1s == self._whole.h1s:  # the page's title
            return False
        if self._is_named(element, weight, inside=inside):
            return True
        if element.name not in _BLOCKS or weight.characters > _SHORT:
            looks_so = not inside and self._is_above(weight) and _is_menu(weight)
        else:
            looks_so = self._reads_so(element, weight, inside=inside)
        self._guessed += weight.linked * looks_so
        return looks_so

    def _is_above(self, weight: _Weight) -> bool:
        """Whether the text has not begun, and a heading that it begins with is still to come."""
        return not self._begun and self._headings > weight.headings

    def _is_named(self, element: Element, weight: _Weight, *, inside: bool) -> bool:
        mostly_linked = weight.linked >= _LINKED * weight.characters
        if element.name == "nav" or element.attributes.get("role", "").lower() in _SITE_ROLES:
            return True
        if element.name == "footer" and not inside:
            return True
        if element.name == "aside" and not inside and (self._has_main or mostly_linked):
            return True
        if _is_called(element, _SITE):
            return True
        if element.name not in _BLOCKS - {"span"}:
            return False
        says_little = mostly_linked or weight.prose <= _PROSE
        return (says_little and _is_called(element, _LABELS)) or (mostly_linked and _is_called(element, _LINKS))

    def _reads_so(self, element: Element, weight: _Weight, *, inside: bool) -> bool:
        """Whether a short block reads like a part of the site."""
        if not inside and weight.cookies and any(map(_asks_for_consent, element.iter("button", "a", "input"))):
            return True
        if weight.links and weight.prose <= _PROSE and weight.shared == weight.links:
            return True
        if inside or not weight.links:
            return False
        if self._is_above(weight) and (_is_menu(weight) or (weight.characters <= 2 * _PROSE and weight.crumbs > 0)):
            return True
        return weight.linked >= _LINKED * weight.characters and weight.legal > 1


def _is_menu(weight: _Weight) -> bool:
    return (
        weight.links >= _MENU_LINKS
        and weight.linked >= _MOSTLY_LINKED * weight.characters
        and weight.linked <= _MENU_CHARACTERS * weight.links
    )


def _asks_for_consent(element: Element) -> bool:
    return len(text := element.text()) <= _PROSE and bool(_CONSENT.search(text or element.attributes.get("value", "")))


def _is_called(element: Element, words: frozenset[str]) -> bool:
    """Whether one of its names has one of these words, and otherwise words that say nothing else."""
    for name in _names(element):
        for form in {name, _HASH.sub("", name)}:
            parts = [part.lower() for part in _WORD.split(form[:_NAME_CHARACTERS]) if part]
            if words is _SITE and {"cookie", "cookies"} & {*parts} and _COOKIE_WORDS & {*parts}:
                return True
            if words & {*parts} and {*parts} <= words | _BESIDE:
                return True
            if parts[-1:] and parts[-1] in words and len(parts) == 2 and name == element.attributes.get("id"):  # noqa: PLR2004 - a word of its own before it
                return True
    return False


def _names(element: Element) -> Iterator[str]:
    """Its classes, and its id where that is no anchor of a section's heading."""
    yield from element.attributes.get("class", "").split()
    first = next((child for child in element.children if isinstance(child, Element)), None)
    if element.name in _NAMED and not (first and first.name in _HEADINGS):
        yield element.attributes.get("id", "")


def _main(body: Element, weights: dict[int, _Weight]) -> Element:
    """The element that says to be the main part, if it holds most of what is left; otherwise all of it."""
    whole = weights[id(body)]
    for is_meant in (_is_main, _is_article):
        found = max(filter(is_meant, body.iter()), key=lambda element: weights[id(element)].characters, default=None)
        if found and (weight := weights[id(found)]).characters >= _MAIN_SHARE * whole.characters > 0:
            titled = not whole.h1s or weight.h1s == whole.h1s or (weight.h1s > 0 and is_meant is _is_main)
            return found if titled else body
    return body


def _is_main(element: Element) -> bool:
    return element.name == "main" or element.attributes.get("role") == "main"


def _is_article(element: Element) -> bool:
    return element.name == "article"
