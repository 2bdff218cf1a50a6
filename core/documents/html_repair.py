"""A page's tree, put as a reader would see it where programs write it in a way of their own.

Titles and headings that are paragraphs, Word's list items, pages inside the page, addresses that lead through another.
Knows nothing of blocks.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urljoin, urlsplit

from core.documents.html_tree import Element, parse_tree

_TITLES = {"title", "MsoTitle", "page-title-text"}
_DEEPER = {f"h{level}": f"h{min(level + 1, 6)}" for level in range(1, 7)}
_WORD_LIST = re.compile(r"mso-list\s*:\s*\w+\s+level(?P<level>\d)", re.IGNORECASE)
_WORD_MARK = re.compile(r"mso-list\s*:\s*ignore", re.IGNORECASE)
_NUMBER = re.compile(r"\s*(\w{1,4}[.)])")
_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)|\A\s*<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]+)""",
    re.IGNORECASE,
)
_DECLARING_BYTES = 4096  # at the beginning of a page
_FORWARDERS = {"www.google.com": "q", "l.facebook.com": "u", "slack-redir.net": "url"}
_PAGES_INSIDE = 20
_LEAST_SHOWN = 2  # pixels


def declared_charset(data: bytes) -> str:
    """The encoding that a page says it has."""
    found = _DECLARED.search(data[:_DECLARING_BYTES])
    return (found[1] or found[2] or b"").decode("ascii", "replace") if found else ""


def repair(page: Element) -> tuple[str, ...]:
    """Put `page` right; returns the addresses of the pages inside it, which are not read."""
    addresses = _open_frames(page)
    _name_headings(page)
    _tick_boxes(page)
    for paragraph in page.iter("p"):
        if found := _WORD_LIST.search(paragraph.attributes.get("style", "")):
            _make_item(paragraph, int(found["level"]))
    base = next((found.attributes["href"] for found in page.iter("base") if found.attributes.get("href")), "")
    for link in page.iter("a"):
        if target := link.attributes.get("href"):
            link.attributes["href"] = _direct(target, base)
    return addresses


def _open_frames(page: Element) -> tuple[str, ...]:
    """Pages that are written inside this one stand in their place; others are named by their address."""
    addresses: dict[str, None] = {}
    for frame in list(page.iter("iframe"))[:_PAGES_INSIDE]:
        attributes = frame.attributes
        frame.children = []
        if inside := attributes.get("srcdoc"):
            frame.name, frame.children = "div", parse_tree(inside).children
        elif (address := attributes.get("src", "")).startswith(("http", "//")) and not _is_invisible(attributes):
            addresses[address.split("?")[0]] = None
    return tuple(addresses)


def _is_invisible(attributes: dict[str, str]) -> bool:
    small = any(attributes.get(side, "").rstrip("px") in {"0", "1"} for side in ("width", "height"))
    return small or "hidden" in attributes or "none" in attributes.get("style", "")


def _name_headings(page: Element) -> None:
    titled = False
    for element in page.iter("p", "div", "span", "h1"):
        titled |= element.name == "h1"
        level = element.attributes.get("aria-level", "2")
        if element.attributes.get("role") == "heading" and level in "123456":
            element.name = f"h{level}"
        elif element.name == "p" and not titled and _TITLES & {*element.attributes.get("class", "").split()}:
            for heading in page.iter(*_DEEPER):
                heading.name = _DEEPER[heading.name]
            element.name, titled = "h1", True


def _tick_boxes(page: Element) -> None:
    """Tasks that are done and those that are not: as boxes in forms, and as Notion and Confluence draw them."""
    for box in page.iter("input", "div", "li"):
        classes = {*box.attributes.get("class", "").split()}
        if box.name == "input":
            is_task, is_done = box.attributes.get("type", "").lower() == "checkbox", "checked" in box.attributes
        elif box.name == "div":
            is_task, is_done = "checkbox" in classes and not box.children, "checkbox-on" in classes
            box.name = "span" if is_task else "div"
        else:
            is_task, is_done = "data-inline-task-id" in box.attributes, "checked" in classes
        if is_task:
            box.children = ["[x] " if is_done else "[ ] ", *box.children]


def _make_item(paragraph: Element, level: int) -> None:
    """A paragraph with a drawn bullet is an item of a list."""
    mark = next((each for each in paragraph.iter("span") if _WORD_MARK.search(each.attributes.get("style", ""))), None)
    numbered = _NUMBER.match(mark.text()) if mark else None
    if mark:
        mark.children = []
    item = Element("li", paragraph.line, {}, paragraph.children)
    for _ in range(level):
        item = Element("ul", paragraph.line, {}, [item])
    if numbered and mark and numbered[1][0] != "o":
        mark.children = [f"{numbered[1]} "]
    paragraph.name, paragraph.children = "div", [item]


def _direct(target: str, base: str) -> str:
    """Where a link leads in the end."""
    try:
        address = urljoin(base, target) if base and not target.startswith("#") else target
        parts = urlsplit(address)
        key = _FORWARDERS.get(parts.netloc)
        return parse_qs(parts.query)[key][0] if key and key in parts.query else address
    except (ValueError, KeyError):
        return target
