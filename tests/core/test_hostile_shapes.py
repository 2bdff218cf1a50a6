"""Documents of hostile shapes: their work grows with their size, and nothing of them is lost without a word.

Work is counted in calls, or bounded by the processor seconds that the product itself allows, never by a clock: the
parsers before these needed at least ten times those seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePath
from types import FrameType

import pytest

from core.documents import archives
from core.documents.archives import members
from core.documents.blocks import HEADING_CHARACTERS, pipe_table
from core.documents.html_tree import MAX_DEPTH, Element, parse_tree
from core.documents.parsing import parse, parse_with
from core.documents.sandbox import Sandbox
from core.documents.sandbox_child import ParseState, ProcessLimits
from core.errors import DocumentError
from evals import shapes_of_packages as packages
from evals import shapes_of_text as texts
from evals.parsing import SHAPES
from evals.shapes_of_text import Shape, lines_of, repeated

SECONDS = 60  # of the processor, for one document
UNSEEN = {"<select>a", "<option>a", "lines of <select>a", "<svg>", "lines of <svg>"}  # left out on purpose


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    opened = Sandbox(ProcessLimits(cpu_seconds=SECONDS))
    yield opened
    opened.close()


LARGE: dict[str, tuple[str, Shape, int]] = {
    "comments without an end": ("a.html", repeated("<!--"), 1_000_000),
    "tags without an end": ("a.html", repeated("<a "), 1_000_000),
    "tags whose quotes never match": ("a.html", repeated("<a b='\""), 1_000_000),
    "cells without an end": ("a.html", repeated("<tr><td>a", first="<table>"), 200_000),
    "scripts without an end": ("a.html", repeated("<script>"), 1_000_000),
    "elements inside each other": ("a.html", repeated("<div>a"), 100_000),
    "a heading above a thousand": (
        "a.html",
        lambda n: b"<h1>a</h1><h2>" + b"b " * n + b"</h2><h3>c</h3>" * 2_000,
        300_000,
    ),
    "template tags without an end": ("a.md", repeated("a", first="{% "), 600_000),
    "template comments without an end": ("a.md", repeated("{#"), 600_000),
    "HTML tables without an end": ("a.md", repeated("<table>"), 1_000_000),
    "addresses without an end": ("a.md", repeated(" href='b", first="<a "), 1_000_000),
    "markup in HTML": ("a.md", repeated("<a "), 1_000_000),
    "entities": ("a.md", repeated("&#"), 1_000_000),
    "roles without an end": ("a.rst", lines_of("`a "), 60_000),
    "substitutions without an end": ("a.rst", lines_of("|a "), 60_000),
    "emphasis without an end": ("a.rst", lines_of("*a "), 60_000),
    "a role and spaces": ("a.rst", repeated(" a", first=":a:`", last="`"), 300_000),
    "a wide row above short ones": ("a.csv", texts.SHEETS["one wide row, many short"], 300_000),
    "a format as long as a sheet": ("a.xlsx", packages.WORKBOOK["a long format"], 400_000),
    "one slide many times": ("a.pptx", packages.SLIDES["one slide many times"], 400_000),
    "one chapter many times": ("a.epub", packages.BOOK["one chapter many times"], 200_000),
    "one stream on all pages": ("a.pdf", packages.PDF["pages of one long text"], 400_000),
    "words at one height": ("a.pdf", packages.PDF["words of a line"], 200_000),
    "a grid": ("a.pdf", packages.PDF["grid"], 200_000),
    "receivers": ("a.eml", texts.MAIL["many receivers"], 1_000_000),
    "one channel many times": ("a.zip", packages.SLACK["one channel many times"], 400_000),
    "a name as long as a chat": ("result.json", packages.TELEGRAM["a long name"], 2_000_000),
}


@pytest.mark.parametrize("name", LARGE)
def test_no_shape_takes_more_than_its_share_of_the_processor(sandbox: Sandbox, name: str) -> None:
    """Each is read well within the seconds that a document has; none breaks its parser or fills its memory."""
    file, shape, size = LARGE[name]
    replies = sandbox.read(shape(size), PurePath(file), "settings", {})
    assert replies
    assert {reply.state for reply in replies} == {ParseState.READ}, replies[-1].reason


def test_a_sheet_by_many_names_is_refused() -> None:
    """Its library would read it again for each."""
    with pytest.raises(DocumentError, match="the same file"):
        parse(SHAPES["a.xlsx"]["one sheet by many names"](2_000), PurePath("a.xlsx"))


def calls(work: Callable[[], object]) -> int:
    """Calls of functions, of Python and of C, that `work` makes."""
    counted = 0

    def count(_frame: FrameType, event: str, _: object) -> None:
        nonlocal counted
        counted += event.endswith("call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def read(file: str, data: bytes) -> int:
    """Characters that came out."""
    out, path = 0, PurePath(file)
    for member in members(data, path):
        if member.parse is not None:
            document = parse_with(member.parse, member.read(), path / member.name)
            out += sum(len(block.text) for block in document.blocks)
    return out


def steep(file: str, shapes: dict[str, Shape], size: int) -> dict[str, tuple[int, int]]:
    """Calls for one size and for four times that, of the shapes for which that is more than six times as many."""
    found = {}
    for name, shape in shapes.items():
        small, large = shape(size), shape(4 * size)
        try:
            read(file, large)  # what is loaded or compiled the first time
            counted = calls(partial(read, file, small)), calls(partial(read, file, large))
        except DocumentError:
            continue  # refused, in a sentence
        if counted[1] > 6 * counted[0] + 1_000:
            found[name] = counted
    return found


@pytest.mark.parametrize("file", [file for file in SHAPES if file != "a.rst"])
def test_the_steps_of_a_parser_grow_with_the_size(file: str) -> None:
    """Four times the text takes about four times as many calls, for every shape; something quadratic takes sixteen."""
    assert steep(file, SHAPES[file], 800) == {}


def test_the_steps_of_docutils_grow_with_the_size() -> None:
    """The same, for shapes that its lists, sections, references and messages could be quadratic in."""
    names = (
        "- a\n\nb\n\n",
        "a\n=\n\n",
        "a_ ",
        "|a| ",
        "lines of `a ",
        ".. _a: b\n\n",
        ".. |a| replace:: b\n\n",
        "[#]_ ",
    )
    assert steep("a.rst", {name: texts.RST[name] for name in names}, 1_500) == {}


@pytest.mark.parametrize("file", ["a.md", "a.html", "a.rst", "a.txt", "a.py", "a.csv"])
def test_what_stands_at_the_end_is_never_lost(file: str) -> None:
    """Whatever was opened before it and never closed, the last word is read, or the document is refused."""
    lost = []
    for name, shape in SHAPES[file].items():
        try:
            document = parse(shape(400) + b"\n\nzebra\n", PurePath(file))
        except DocumentError:
            continue
        if not any("zebra" in block.text for block in document.blocks) and name not in UNSEEN:
            lost.append(name)
    assert lost == []


def test_an_archive_is_bounded_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """In members, also over archives inside it, and in seconds: what was not read is said, and where it stopped."""
    inner = packages.packed({f"{n}.txt": "a" for n in range(6)})
    outer = packages.packed({"one.zip": inner, "two.zip": inner})
    monkeypatch.setattr(archives, "MAX_MEMBERS", 10)
    *_, last = members(outer, PurePath("a.zip"))
    assert last.name == "two.zip"
    with pytest.raises(DocumentError, match="over 10 files"):
        last.read()
    monkeypatch.undo()
    monkeypatch.setattr(archives, "MAX_SECONDS", -1.0)
    with pytest.raises(DocumentError, match=r"reading stopped at 0\.txt"):
        list(members(inner, PurePath("a.zip")))


def test_a_heading_is_carried_by_what_is_below_it_only_as_far_as_headings_go() -> None:
    """A page's worth of heading stands whole at the top of its section, and short above each passage."""
    document = parse(b"# Title\n\n## " + b"word " * 500 + b"\n\nBelow.", PurePath("a.md"))
    below = next(block for block in document.blocks if block.text == "Below.")
    assert len(below.headings[-1]) <= HEADING_CHARACTERS
    assert below.headings[-1].endswith("…")
    assert any(block.text.count("word") == 500 for block in document.blocks)


def test_a_table_with_one_wide_row_is_not_filled_up() -> None:
    """Its cells are all there, and not a thousand empty ones for each of them."""
    table = pipe_table([[f"h{n}" for n in range(1_000)], *([f"r{n}"] for n in range(1_000))])
    assert table.count("r") == 1_000
    assert len(table) < 40_000


def test_what_is_nested_too_deep_hangs_on_what_may_hold_it() -> None:
    """A tree is no deeper than it may be, and has every word."""
    tree = parse_tree("<b>word " * 500 + "</b>" * 500 + "<p>after</p>")

    def depth(element: Element) -> int:
        return 1 + max((depth(child) for child in element.children if isinstance(child, Element)), default=0)

    assert depth(tree) <= MAX_DEPTH + 2
    assert tree.text().count("word") == 500
    assert tree.children[-1].children == ["after"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("<ul><li>a<li>b</ul>", ["- a\n- b"]),
        (
            "<table><tr><td>a<td>b<td>c<tr><td>1<td>2<td>3</table>",
            ["| a | b | c |\n| --- | --- | --- |\n| 1 | 2 | 3 |"],
        ),
        ("<html><head><title>T</title><p>a</p>", ["a"]),
        ("<p>a<p>b", ["a", "b"]),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", ["- a\n  - b"]),
        ("<table>outside<tr><td>x<td>y<td>z</table>", ["outside", "| x | y | z |\n| --- | --- | --- |"]),
        ("<p>1 <!-- 2 --> 3 <!-- 4", ["1 3 <!-- 4"]),
        ("<p>a<script>b</p><p>c", ["ab", "c"]),
        *(
            (
                f"<table>{one}<tr>{other}<td>a<td>b<td>c<tr><td>1<td>2<td>3</table>",
                ["| a | b | c |\n| --- | --- | --- |\n| 1 | 2 | 3 |"],
            )
            for one, other in (("<form>", ""), ("", "<form>"), ("<div><font>", "<b>"), ("<center>", ""))
        ),
        ("<p><a href=https://a.b/c/>site</a> d", ["[site](https://a.b/c/) d"]),
    ],
)
def test_html_without_end_tags_reads_as_in_a_browser(page: str, said: list[str]) -> None:
    """Items, cells, paragraphs and heads end where HTML says they do; what is not closed is text."""
    found = [block.text for block in parse(page.encode(), PurePath("a.html")).blocks]
    assert sorted(found) == sorted(said)


def test_what_is_left_out_of_a_message_is_said() -> None:
    """A list of receivers as long as a book is read in part; the rest of the message is whole."""
    document = parse(texts.MAIL["many receivers"](100_000), PurePath("a.eml"))
    assert document.notes == ("Only the beginning of To was read: it has over 4,000 characters.",)
    assert document.blocks[-1].text == "a"
    with pytest.raises(DocumentError, match="over 200 of them"):
        parse(texts.MAIL["parts in parts"](20_000), PurePath("a.eml"))


def test_pages_that_show_the_same_are_read_once_and_said_to_be() -> None:
    """The text is there once; a page with more rules than any table has keeps its words."""
    document = parse(SHAPES["a.pdf"]["pages"](1_000), PurePath("a.pdf"))
    assert [block.text for block in document.blocks] == ["a"]
    assert document.notes[-1].startswith("Some pages repeat earlier ones and were read only once: 2, 3")
    drawn = packages.pdf("BT /F 9 Tf 9 9 Td (word) Tj ET\n" + "".join(f"0 {n % 700} 5 5 re S\n" for n in range(1_000)))
    document = parse(drawn, PurePath("a.pdf"))
    assert [block.text for block in document.blocks] == ["word"]
    assert "tables were read as text: 1." in document.notes[-1]
