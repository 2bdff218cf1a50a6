"""What reaches a screen or a pipe."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bots import texts
from bots.render import (
    ANSWER_CHARS,
    LABEL_CHARS,
    THEME,
    Tail,
    blocks,
    body,
    clean,
    file_place,
    finished_blocks,
    one_line,
    plain,
    short_path,
    source_line,
    terminal,
)
from bots.replies import Final
from core.documents.remote.addresses import checked_address, link_of, name_of
from core.domain import Source, Sources
from core.errors import DocumentError
from tests.bots.fake_engine import HANDBOOK

ATTACKS = [
    "\x1b[2J\x1b[Hfine",  # clears the screen
    "\x1b]0;title\x07fine",  # sets the window's title
    "\x1b]52;c;aGk=\x1b\\fine",  # writes the clipboard
    "\x1b]8;;https://evil.example\x1b\\fine\x1b]8;;\x1b\\",  # a link that says something else
    "\x9b31mfine\x9b0m",  # the same in one byte
    "\x1bPq#0\x1b\\fine",  # graphics
    "fi\x08\x7f\x00ne",
    "fi\u202ene",  # right to left
    "fine\x1b",
    "fi\U000e0041ne",
    "\x1b(0fine",
]


def shown(markdown: str, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False, theme=THEME)
    console.print(terminal(markdown))
    return console.file.getvalue()


@pytest.mark.parametrize("text", ATTACKS)
def test_no_text_commands_the_terminal(text: str):
    """Escape sequences, control characters and direction overrides do not reach the screen."""
    assert clean(text) == "fine"
    assert shown(text).strip() == "fine"


@given(st.text())
def test_clean_text_is_printable(text: str):
    """Whatever a text holds, what is left can be encoded and has no control character but tab and newline."""
    kept = clean(text)
    kept.encode()
    assert all(char in "\n\t" or not (ord(char) < 32 or 127 <= ord(char) < 160) for char in kept)
    assert clean(kept) == kept


@pytest.mark.parametrize("text", ["a &#x1b;[31m b", "a &#27; b", "a &#x202e; b", "`&#x9b;31m`"])
def test_markdown_entities_do_not_smuggle_characters(text: str):
    """A character written as a Markdown entity is cleaned as well."""
    assert not set(shown(text)) & {"\x1b", "\x9b", "\u202e"}


def test_ordinary_text_is_kept():
    """Accents, emoji, other scripts, tabs and newlines are no attack."""
    text = "Zoë 👩‍💻 日本語 שלום\n\tx = 1"
    assert clean(text) == text


def test_links_show_where_they_lead():
    """A link cannot claim another address."""
    assert "https://evil.example" in shown("[your bank](https://evil.example)")


def test_an_address_that_is_its_own_text_is_shown_once():
    """Only a link whose text is its address is shortened."""
    assert shown("See [https://a.example](https://a.example).").strip() == "See https://a.example."
    assert "evil" in shown("[https://a.example](https://evil.example)")


def test_sources_say_title_heading_file_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A source is a numbered line with the place in the document and on the disk."""
    monkeypatch.chdir(tmp_path)
    passage = replace(HANDBOOK, source=str(tmp_path / "docs" / "handbook.md"))
    assert str(source_line(Source(2, passage), file_place)) == "2. Handbook › Leave › Parents — docs/handbook.md:12"
    assert str(source_line(Source(2, passage))) == "2. Handbook › Leave › Parents — handbook.md"


@pytest.mark.parametrize(
    ("source", "page", "line", "place"),
    [
        ("/d/a.pdf", 3, 0, "/d/a.pdf, page 3"),
        ("/d/a.PPTX", 3, 0, "/d/a.PPTX, slide 3"),
        ("/d/a.zip/b/c.ipynb", 3, 0, "/d/a.zip/b/c.ipynb, cell 3"),
        ("/d/a.docx", 0, 0, "/d/a.docx"),
        ("/d/a.xlsx", 0, 7, "/d/a.xlsx:7"),
    ],
)
def test_sources_say_the_place_as_their_format_counts_it(source: str, page: int, line: int, place: str):
    """A page, slide or cell where there are any, a line or row elsewhere, and nothing that is not known."""
    passage = replace(HANDBOOK, source=source, page=page, line=line)
    assert str(source_line(Source(1, passage), file_place)).endswith(f" — {place}")


def test_sources_are_clean_and_bounded():
    """A title or file name cannot break out of its line."""
    passage = replace(HANDBOOK, title="a\n\x1b[31m9. fake" + "x" * 500, source="/d/\x1b[2Je\udcffvil\n.md")
    line = str(source_line(Source(1, passage), file_place))
    assert line.startswith("1. a 9. fakex")
    assert line.endswith("… — /d/e\ufffdvil .md:12")
    assert len(line) < LABEL_CHARS + 40


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/ann/work/docs/a.md", "docs/a.md"),
        ("/home/ann/notes.md", "~/notes.md"),
        ("/home/anna/notes.md", "/home/anna/notes.md"),
        ("/srv/a.md", "/srv/a.md"),
        ("team:handbook", "team:handbook"),
    ],
)
def test_paths_are_as_short_as_they_can_be(path: str, expected: str):
    """A path is told from the current folder or the home folder where that is shorter."""
    assert short_path(path, home=Path("/home/ann"), here=Path("/home/ann/work")) == expected


def test_plain_answer_has_its_sources_below():
    """A pipe gets the Markdown and the sources."""
    assert plain(Final("**Twenty** weeks [1].\n", (Source(1, HANDBOOK),))) == (
        "**Twenty** weeks [1].\n\nSources\n1. Handbook › Leave › Parents — /docs/handbook.md:12"
    )


def test_not_found_shows_the_nearest():
    """An answer that was not found names the closest sections, and where they stand."""
    assert plain(Final("Twenty.", (), (), note=texts.LEFT_OUT)) == f"Twenty.\n\n{texts.LEFT_OUT}"
    nearest = (Source(1, HANDBOOK), Source(2, replace(HANDBOOK, title="B\x1b[2J", headings=())))
    assert plain(Final("Nothing.", (), nearest)) == (
        "Nothing.\n\nThe closest I could find:\n"
        "1. Handbook › Leave › Parents — /docs/handbook.md:12\n2. B — /docs/handbook.md:12"
    )


def test_lengths_are_bounded():
    """No answer and no line is longer than its limit."""
    assert body("x" * (ANSWER_CHARS + 1)) == "x" * ANSWER_CHARS + texts.CUT
    assert body("x" * ANSWER_CHARS) == "x" * ANSWER_CHARS
    assert len(one_line("x" * 500)) == LABEL_CHARS
    assert one_line("x" * LABEL_CHARS) == "x" * LABEL_CHARS


@given(
    st.lists(st.sampled_from(["a\n", "\n", "- b\n", "1. c\n", "```\n", "# d\n", "| e |\n", "|---|\n", "===\n", " f"]))
)
def test_blocks_are_all_of_the_text(lines: list[str]):
    """Cutting into blocks loses nothing."""
    text = "".join(lines)
    assert "".join(blocks(text)) == text


@given(st.text(alphabet="ab-1.#|`=>* \n", max_size=60), st.integers(0, 60))
def test_a_finished_block_stays_as_it_is(text: str, cut: int):
    """What is shown for good while an answer grows is how the whole answer begins."""
    finished = blocks(finished_blocks(text[:cut]))
    assert blocks(text)[: len(finished)] == finished


def test_blocks_are_one_blank_line_apart():
    """Every kind of block has the same room around it."""
    text = shown("para\n\n# head\n- item\n\n```\ncode\n\n\nmore\n```\n1. one\n")
    assert [line.strip() for line in text.splitlines()] == [
        *("para", "", "head", "", "• item", "", "code", "", "", "more", "", "1 one")
    ]


def test_the_tail_fits_the_screen():
    """What is drawn again and again never exceeds the screen."""
    console = Console(file=io.StringIO(), width=40, height=10)
    console.print(Tail("\n".join(map(str, range(50))), spare=3))
    assert console.file.getvalue().split() == [str(number) for number in range(43, 50)]


def test_compact_sources_are_one_line_of_titles():
    """Who wants the sources compact gets each title once, on one line."""
    sources = (
        Source(1, HANDBOOK),
        Source(2, replace(HANDBOOK, headings=())),
        Source(3, replace(HANDBOOK, title="Guide")),
    )
    assert plain(Final("Yes.", sources, listing=Sources.COMPACT)) == "Yes.\n\nSources\nHandbook, Guide"


@pytest.mark.parametrize(
    ("source", "link", "name"),
    [
        ("https://wiki.example/leave", "https://wiki.example/leave", "leave"),
        ("https://wiki.example/a%20b?x=ä", "https://wiki.example/a%20b?x=%C3%A4", "a b?x=ä"),
        ("https://wiki.example/", "https://wiki.example/", "wiki.example"),
        ("https://wiki.example/all.zip!/in/page.html", "https://wiki.example/all.zip", "page.html"),
        ("git+https://github.com/o/r@main#docs/a b.md", "https://github.com/o/r/blob/main/docs/a%20b.md", "a b.md"),
        ("git+ssh://git@gitlab.com/o/r.git@main#x.md", "https://gitlab.com/o/r/-/blob/main/x.md", "x.md"),
        ("git+https://git.example.com:8443/o/r@main#x.md", "https://git.example.com:8443/o/r", "x.md"),
        ("git+https://codeberg.org/o/r@v1#x.md", "https://codeberg.org/o/r/src/branch/v1/x.md", "x.md"),
        ("git+file:///srv/r@main#x.md", "", "x.md"),
        ("s3://bucket/key.md", "", "key.md"),
        ("webdavs://cloud.example/dav/x.md", "https://cloud.example/dav/x.md", "x.md"),
        ("github://o:r@main/docs/x.md", "https://github.com/o/r/blob/main/docs/x.md", "x.md"),
        ("/srv/docs/handbook.md", "", "handbook.md"),
        (f"/srv/Export.zip/Team/Leave {'0a' * 16}.md", f"https://www.notion.so/{'0a' * 16}", "Leave.md"),
        ("javascript://x/%0aalert(1)", "", "\nalert(1)"),
    ],
)
def test_a_source_leads_to_its_own_page(source: str, link: str, name: str):
    """Whatever lies on the web or at a forge has a link there, and nothing else has one."""
    assert (link_of(source), name_of(source)) == (link, name)
    assert source_line(Source(1, replace(HANDBOOK, source=source))).link == link


def test_an_address_is_kept_in_one_form():
    """Small letters where it does not matter, no fragment; and no password."""
    assert checked_address("HTTPS://Wiki.Example#top") == "https://wiki.example/"
    assert checked_address("https://bücher.example/ä") == "https://xn--bcher-kva.example/%C3%A4"
    assert checked_address("git+ssh://git@github.com/o/r@main#docs") == "git+ssh://git@github.com/o/r@main#docs"
    for address in ("https://me:secret@wiki.example/", "sftp://me:secret@host/x", "https:///x", "file:///etc"):
        with pytest.raises(DocumentError) as error:
            checked_address(address)
        assert "secret" not in str(error.value)
