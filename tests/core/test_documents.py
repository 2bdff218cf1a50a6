from __future__ import annotations

import io
import zipfile
from pathlib import Path, PurePath

import pytest

from core.documents.archives import members
from core.documents.blocks import Block, BlockKind, ParsedDocument
from core.documents.parsing import MAX_BYTES, is_supported, parse
from core.errors import DocumentError

HANDBOOK = Path(__file__).parents[1] / "data" / "handbook"


def parsed(text: str | bytes, name: str = "folder/page.md") -> ParsedDocument:
    return parse(text.encode() if isinstance(text, str) else text, PurePath(name))


def body(document: ParsedDocument) -> list[tuple[BlockKind, str]]:
    return [(block.kind, block.text) for block in document.blocks if block.kind is not BlockKind.HEADING]


@pytest.mark.parametrize(
    ("front", "title"),
    [
        ("title: Leave", "Leave"),
        ("title: Leave &amp; travel", "Leave & travel"),
        ("title: 'Leave: all of it'", "Leave: all of it"),
        ('layout: x\ntitle: "Leave"  # a comment\nkeywords: y', "Leave"),
        ("title:\n  Play 10 - Promote\n  improvement\nkeywords: y", "Play 10 - Promote improvement"),
        ("title: >-\n  Folded\n  over lines", "Folded over lines"),
        ("subtitle: Not this", "page"),
    ],
)
def test_front_matter_gives_the_title_and_is_no_text(front: str, title: str) -> None:
    """The title is read from YAML in all of its usual spellings, and nothing of the front matter is text."""
    document = parsed(f"---\n{front}\n---\n\nWords.\n")
    assert document.title == title
    assert body(document) == [(BlockKind.PARAGRAPH, "Words.")]
    assert document.blocks[0].line == len(front.split("\n")) + 4


def test_markdown_blocks_keep_kind_headings_and_line() -> None:
    """Every block knows what it is, the headings above it and its first line; text stays Markdown."""
    text = (
        "# Guide\n\nIntro [here](https://a.b/c).\n\n## One\n\n- a\n  - b\n\n"
        "### Deep `x`\n\n```py\nx = 1\n```\n## Two\n> said\n"
    )
    assert parsed(text) == ParsedDocument(
        "Guide",
        (
            Block(BlockKind.HEADING, "Guide", (), 1),
            Block(BlockKind.PARAGRAPH, "Intro [here](https://a.b/c).", (), 3),
            Block(BlockKind.HEADING, "One", ("One",), 5),
            Block(BlockKind.LIST, "- a\n  - b", ("One",), 7),
            Block(BlockKind.HEADING, "Deep x", ("One", "Deep x"), 10),
            Block(BlockKind.CODE, "```py\nx = 1\n```", ("One", "Deep x"), 12),
            Block(BlockKind.HEADING, "Two", ("Two",), 15),
            Block(BlockKind.QUOTE, "> said", ("Two",), 16),
        ),
    )


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ('{% include "nav.html" %}\n\nText', "Text"),
        ("{% alert %}\nText\n{% endalert %}", "Text"),
        ('See [leave]({% page "/leave" %}).', "See [leave](/leave)."),
        ('See [leave]({% page\n  "/leave" %}).', "See [leave](/leave)."),
        ('Ask in {% slack_channel "people-ops" %}.', "Ask in people-ops."),
        ("Done {% comment %}TODO check{% endcomment %}", "Done"),
        ("Write `{% raw %}` and {{ name }}.", "Write `{% raw %}` and {{ name }}."),
        ("[Go](https://a.b){.button}", "[Go](https://a.b)"),
        (
            'Mail <a class="x" href="mailto:a@b.c">us</a><br>now, <your name>',
            "Mail [us](mailto:a@b.c) now, <your name>",
        ),
        ("See [the rules][r] and [r].\n\n[r]: https://a.b", "See [the rules](https://a.b) and [r](https://a.b)."),
        ("<!-- hidden -->\n\nText", "Text"),
    ],
)
def test_markdown_reads_as_rendered(source: str, seen: str) -> None:
    """Template tags, attributes, inline HTML and link references are what a reader of the page would see."""
    assert [text for _, text in body(parsed(source))] == [seen]


def test_html_tables_in_markdown_are_structure() -> None:
    """An HTML table inside Markdown becomes rows, even with blank lines in it."""
    source = "Before\n\n<table>\n<tr><td><b>Place</b></td>\n\n<td>Room 5<br>Floor 2</td></tr>\n</table>\n\nAfter"
    assert body(parsed(source)) == [
        (BlockKind.PARAGRAPH, "Before"),
        (BlockKind.LIST, "- Place: Room 5 Floor 2"),
        (BlockKind.PARAGRAPH, "After"),
    ]


def test_a_link_in_a_heading_is_kept() -> None:
    """A heading is words alone; where it leads stands at the beginning of its section."""
    document = parsed("## Submit the [form](https://a.b)\n\nSoon.")
    assert document.blocks[0].text == "Submit the form"
    assert body(document)[0] == (BlockKind.PARAGRAPH, "[form](https://a.b)")


def test_html_leaves_out_what_would_fill_passages() -> None:
    """An address as long as a page goes, its words stay; a box around text is no table, and blank rows are none."""
    document = parsed(
        f"<p><a href='https://a.b/{'y' * 300}'>Sign on</a> first.</p>"
        "<table><thead><tr><td><p>In</p><p>a box.</p></td>"
        "</tr></thead></table><table><tr><th>a</th><th>b</th><th>c</th></tr><tr><td></td><td></td><td></td></tr></table>",
        "a.html",
    )
    assert body(document) == [
        (BlockKind.PARAGRAPH, "Sign on first."),
        (BlockKind.PARAGRAPH, "In"),
        (BlockKind.PARAGRAPH, "a box."),
        (BlockKind.TABLE, "| a | b | c |\n| --- | --- | --- |"),
    ]


def test_html_keeps_structure_and_leaves_out_the_page_around_it() -> None:
    """Headings, lists, tables, code and links stay; scripts, styles and navigation go."""
    document = parsed(
        "<html><head><title>Leave — Intranet</title><style>p{}</style></head><body><nav>Home</nav>\n"
        "<h1>Leave</h1><script>x()</script><p>Ask <a href='https://a.b'>us</a> <b>first</b>.</p>\n"
        "<h2>Kinds</h2><ul><li>paid<ul><li>sick</li></ul></li><li>unpaid</li></ul>\n"
        "<table><tr><th>a</th><th>b</th><th>c</th></tr><tr><td>1</td><td>2|3</td><td>4</td></tr></table>\n"
        "<pre><code>x = 1\n  y</code></pre><div>loose<blockquote>said</blockquote></div></body></html>",
        "leave.html",
    )
    assert document.title == "Leave"
    assert body(document) == [
        (BlockKind.PARAGRAPH, "Ask [us](https://a.b) first."),
        (BlockKind.LIST, "- paid\n  - sick\n- unpaid"),
        (BlockKind.TABLE, "| a | b | c |\n| --- | --- | --- |\n| 1 | 2\\|3 | 4 |"),
        (BlockKind.CODE, "```\nx = 1\n  y\n```"),
        (BlockKind.PARAGRAPH, "loose"),
        (BlockKind.QUOTE, "> said"),
    ]
    assert {block.headings for block in document.blocks[2:]} == {("Kinds",)}


def test_rst_keeps_structure() -> None:
    """Sections, lists, tables, code and notes of reStructuredText become blocks."""
    document = parsed(
        "=====\nGuide\n=====\n\nSee `here <https://a.b>`_.\n\nOne\n---\n\n* a\n\n  * b\n\n.. note:: Careful.\n\n"
        "::\n\n    x = 1\n\n==  ==\na   b\n==  ==\n1   2\n==  ==\n",
        "guide.rst",
    )
    assert document.title == "Guide"
    assert body(document) == [
        (BlockKind.PARAGRAPH, "See [here](https://a.b)."),
        (BlockKind.LIST, "- a\n  - b"),
        (BlockKind.PARAGRAPH, "**Note:** Careful."),
        (BlockKind.CODE, "```\nx = 1\n```"),
        (BlockKind.TABLE, "| a | b |\n| --- | --- |\n| 1 | 2 |"),
    ]


def test_long_rst_keeps_its_line_numbers() -> None:
    """A text that is parsed in parts is counted as one: people open sources by line."""
    text = "".join(
        f"Part {number}\n{'=' * 12}\n\nWords of part {number}. {'and more ' * 20}\n\n" for number in range(200)
    )
    blocks = parse(text.encode(), PurePath("a.rst")).blocks
    lines = text.split("\n")
    words = [block for block in blocks if block.kind is BlockKind.PARAGRAPH]
    assert len(words) == 200
    assert all(lines[block.line - 1].startswith(block.text[:15]) for block in words)


def test_rst_reads_no_other_file_and_loses_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Inclusion and raw HTML are off; what docutils does not know keeps its words, and nothing is printed."""
    secret = tmp_path / "secret.txt"
    secret.write_text("TOPSECRET")
    document = parsed(
        f".. include:: {secret}\n\n.. csv-table::\n   :file: {secret}\n\n.. raw:: html\n   :file: {secret}\n\n"
        ".. tabs:: Label\n   :x: y\n\n   Inside *words*.\n\nSee :ref:`the rules <rules>` and :func:`run`.\n\n"
        "+--+\n| broken\n",
        "guide.rst",
    )
    text = "\n".join(text for _, text in body(document))
    assert "TOPSECRET" not in text
    for words in ("Label", "Inside words.", "See the rules and run.", "| broken"):
        assert words in text
    assert capsys.readouterr() == ("", "")


def test_plain_text_is_paragraphs() -> None:
    """Blank lines part the paragraphs of a text file; a path gives the title."""
    document = parsed("One\nline.\r\n\r\n\r\nTwo.", "notes/annual_leave-policy.txt")
    assert document == ParsedDocument(
        "annual leave policy",
        (Block(BlockKind.PARAGRAPH, "One\nline.", (), 1), Block(BlockKind.PARAGRAPH, "Two.", (), 5)),
    )
    assert parsed("Text", "travel/README.md").title == "travel"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_encodings_are_read_without_a_guess(encoding: str) -> None:
    """UTF-8 and whatever has a byte-order mark are read as they are."""
    document = parsed("Größe — 大きさ".encode(encoding), "a.txt")
    assert [text for _, text in body(document)] == ["Größe — 大きさ"]
    assert document.notes == ()


def test_other_encodings_are_guessed_and_noted() -> None:
    """An old encoding is guessed, a broken character of UTF-8 replaced; both are said."""
    guessed = parsed(("Über die Größe der Räume und die Höhe der Tür. " * 5).encode("latin-1"), "a.txt")
    assert "Größe der Räume" in guessed.blocks[0].text
    assert "guessed" in guessed.notes[0]
    mended = parsed("Größe Räume Höhe Türen Öfen Maße süß fünf zwölf grün".encode() + b"\xff", "a.txt")
    assert mended.blocks[0].text == "Größe Räume Höhe Türen Öfen Maße süß fünf zwölf grün\ufffd"
    assert "1 invalid UTF-8 character was replaced" in mended.notes[0]


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"MZ\0\1\2", "a.txt", ["a.txt", "binary"]),
        (bytes(range(1, 32)) * 50, "a.md", ["a.md", "binary"]),
        (b"x" * (MAX_BYTES + 1), "a.txt", ["a.txt", "20 MB", "Split"]),
        (b"text", "a.xyz", ["a.xyz", ".xyz", ".md"]),
        (b"[" * 5000, "a.ipynb", ["a.ipynb", "nested"]),
    ],
)
def test_what_cannot_be_read_says_why_and_what_to_do(data: bytes, name: str, words: list[str]) -> None:
    """A refusal names the file, the reason and the way out."""
    with pytest.raises(DocumentError) as refusal:
        parsed(data, name)
    assert all(word in str(refusal.value) for word in words)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"  \n\n", b"---\nredirect_to: /x\n---\n"])
def test_a_file_without_text_is_noted(data: bytes) -> None:
    """An empty file is no error: it has no blocks and says so."""
    document = parsed(data)
    assert document.blocks == ()
    assert document.notes == ("The file contains no text.",)


def test_control_characters_go() -> None:
    """A document cannot move the cursor of the terminal it is shown in."""
    assert body(parsed("Some words and more \x1b[31mred words of a longer text\n", "a.txt"))[0][1].find("\x1b") == -1


def test_supported_formats() -> None:
    """A format goes by its suffix, however it is written."""
    assert all(is_supported(PurePath(name)) for name in ("a.md", "a.MD", "a.rst", "a.htm", "a.txt", "a.PDF", "a.py"))
    assert not any(is_supported(PurePath(name)) for name in ("a.gif", "a", ".md", "a.doc"))


def test_handbook_pages_parse() -> None:
    """Real pages give a title and blocks, without a template tag left in their prose."""
    for page in sorted(HANDBOOK.rglob("*.md")):
        document = parse(page.read_bytes(), page)
        assert document.title
        prose = [text for kind, text in body(document) if kind in {BlockKind.PARAGRAPH, BlockKind.LIST}]
        assert not [text for text in prose if "{%" in text]


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("import Tabs from '@theme/Tabs';\n\nA <Badge text=\"new\" /> b", "A new b"),
        ('<TabItem value="a" label="Sail" default>\n\n    By **sail**.\n\n</TabItem>', "Sail\nBy **sail**."),
        ('<Card title="Fees" icon={<Icon />} onClick={() => go(1)}>45 euros</Card>', "Fees45 euros"),
        ("export const meta = {\n  a: 1\n}\n\nText.", "Text."),
        ("A {/* note */}<!-- note -->b", "A b"),
        (":::note Be careful\nMind the tide.\n:::", "Be careful\nMind the tide."),
        (":::tip[Bring papers]\nAll.\n:::", "Bring papers\nAll."),
        ('::: {.callout-warning title="Wet"}\nDeck.\n:::', "Wet\nDeck."),
        (":::warning\nDeck.\n:::", "Warning:\nDeck."),
        ("> [!NOTE]\n> Tide.", "> Note:\n> Tide."),
        ('!!! note "Tide"\n    One.\n\n    Two.', "Tide\nOne.\nTwo."),
        ('??? question "Who?"\n    All.\n\nAfter.', "Who?\nAll.\nAfter."),
        ('=== "Linux"\n\n    Use apt.', "Linux\nUse apt."),
        ("See [[Quay|the quay]] and [[Pier#Fees]] ![[a.png]]", "See the quay and Pier Fees"),
        ('{{< figure src="a.png" caption="Low tide" >}}', "Low tide"),
        ("{{% notice tip %}}\nMind.\n{{% /notice %}}", "Mind."),
        ("{{< highlight go >}}\nx := 1\n{{< /highlight >}}", "```go\nx := 1\n```"),
        ('Ask in {% slack_channel "equipment" %}.', "Ask in equipment."),
        ("Ask in {% slack_channel equipment %}{% raw %}{% endraw %}.", "Ask in equipment."),
        ('{% include note.html content="Bring your card." %}', "Bring your card."),
        ("{% include_relative 'note.html' %} {% render 'box', title: 'Tide', text: 'Mind it.' %}", "Tide. Mind it."),
        ("R&amp;D &mdash; 5&nbsp;km &lt;b&gt; `&amp;` &unknown; &#8364;", "R&D — 5 km <b> `&amp;` &unknown; €"),
        ('{% image "a/b.png" "Choosing a city" %}', "Choosing a city"),
        ('[a]({{< ref "b.md" >}}) {{ "x" | upcase }} {{ site.mail }}', "[a](b.md) x {{ site.mail }}"),
        ("It is open if a==b and c==d.", "It is open if a==b and c==d."),
        ("Note: ==all of it==, f(x)==g(y) and l[0]==m[0].", "Note: all of it, f(x)==g(y) and l[0]==m[0]."),
        ("[TOC]\n\n:material-boat:{ .lg } ==marked==", "marked"),
        ("Fill in <Name> and `<!-- a -->` and `[[b]]`.", "Fill in <Name> and `<!-- a -->` and `[[b]]`."),
        ("```md\n!!! note\n:::tip\n[TOC]\n```", "```md\n!!! note\n:::tip\n[TOC]\n```"),
    ],
)
def test_what_is_there_for_programs_reads_as_rendered(source: str, seen: str) -> None:
    """Components, boxes, tabs and template tags show what their readers see of them; code stays as it is."""
    document = parsed(f"# Quay\n\n{source}\n", "a.mdx")
    assert "\n".join(text for _, text in body(document)).strip() == seen


def test_toml_front_matter_is_no_text_and_titles_have_no_markup() -> None:
    """What Hugo writes is read as YAML is; tags and Markdown in a title go."""
    document = parsed(
        '+++\ntitle = "The **quay** <em>now</em>"\ndate = 2026-03-02T10:00:00Z\nlang = "en"\n+++\nOpen.\n'
    )
    assert (document.title, document.date, document.language) == ("The quay now", "2026-03-02T10:00:00+00:00", "en")
    assert [(block.text, block.line) for block in document.blocks] == [("Open.", 6)]
    assert parsed("<title>Fees &lt;b&gt;2026&lt;/b&gt; in &amp;lt;main&amp;gt;</title><p>a</p>", "a.html").title == (
        "Fees 2026 in <main>"
    )
    assert parsed("+++\ntitle = broken\n+++\nOpen.\n").title == "broken"


def test_json_front_matter_is_no_text() -> None:
    """Hugo's third kind; a text that only begins with a brace is a text."""
    document = parsed('{\n  "title": "The quay",\n  "date": "2026-03-02"\n}\n\nOpen.\n')
    assert (document.title, document.date) == ("The quay", "2026-03-02")
    assert [(block.text, block.line) for block in document.blocks] == [("Open.", 6)]
    assert "{who} asks" in parsed("{who} asks first.\n").blocks[0].text
    assert '{"a": 1} is' in parsed('{"a": 1} is what it sends.\n').blocks[0].text


def test_members_that_lead_out_of_an_archive_are_refused_by_name() -> None:
    """Nothing that somebody means is left out without a word; hidden ones and folders are not meant."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in ("in.md", "../out.md", "/etc/top.md", "a/../../b.md", "../.hidden.md", "../folder/"):
            archive.writestr(name, "# A\n\nWords.\n")
    found = {member.name: member for member in members(content.getvalue(), PurePath("a.zip"))}
    assert sorted(found) == ["a/b.md", "etc/top.md", "in.md", "out.md"]
    for name in sorted(set(found) - {"in.md"}):
        with pytest.raises(DocumentError, match="leads out of the archive"):
            found[name].read()


def test_a_table_of_notion_is_read_once() -> None:
    """Its export holds what a view shows and all of it."""
    names = [f"Tasks {'a' * 32}.csv", f"Tasks {'a' * 32}_all.csv", f"Boats {'b' * 32}.csv", "x.csv", "x_all.csv"]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "a,b\n1,2\n")
    assert [member.name for member in members(content.getvalue(), PurePath("a.zip"))] == names[1:]
