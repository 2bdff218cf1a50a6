from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path, PurePath

import pytest
from openpyxl import Workbook

from core.documents.blocks import BlockKind, ParsedDocument
from core.documents.parsing import parse
from core.documents.splitting import split
from core.domain import Passage
from core.errors import DocumentError
from tests.core.test_documents import body, parsed
from tests.files import book, core, paragraph, pdf, shape, shown, slide_table, slides, word, word_table, zipped

OFFICE = Path(__file__).parents[1] / "data" / "office"
RULES = "".join(f"{x} {y} m {x} {y - 60} l S\n" for x, y in ((70, 640), (170, 640), (270, 640))) + "".join(
    f"70 {y} m 270 {y} l S\n" for y in (640, 620, 600, 580)
)


def office(name: str) -> ParsedDocument:
    return parsed((OFFICE / name).read_bytes(), name)


def passages(document: ParsedDocument, budget: int = 200) -> list[Passage]:
    return split(document, source="/a", version="v", budget=budget, count_tokens=lambda text: len(text.split()))


def headings(document: ParsedDocument) -> list[tuple[str, ...]]:
    return [block.headings for block in document.blocks if block.kind is BlockKind.HEADING]


def lines(*texts: str, top: float, size: float = 10, font: str = "F1") -> str:
    return "".join(
        shown(text, at=(70, top - number * size * 1.2), size=size, font=font) for number, text in enumerate(texts)
    )


# PDF


def test_a_pdf_has_headings_by_type_paragraphs_lists_and_pages() -> None:
    """Large type is the title and the headings; lines are joined into paragraphs; each block has its page."""
    first = (
        lines("Leave policy", top=740, size=20)
        + lines("Parents", top=690, size=14)
        + lines("Every parent has twenty weeks of leave, which can be taken in parts un-", top=660)
        + lines("til the child is two years old.", top=648)
        + lines("\\267 paid", "\\267 unpaid", top=610)
    )
    second = lines("Travel", top=740, size=14) + lines("Ask first.", top=700)
    document = parsed(pdf(first, second, info="/Author (Ada L.) /ModDate (D:20240603100000Z)"), "a.pdf")
    assert (document.title, document.author, document.date, document.language) == (
        "Leave policy",
        "Ada L.",
        "2024-06-03",
        "en-US",
    )
    assert headings(document) == [(), ("Parents",), ("Travel",)]
    assert body(document) == [
        (
            BlockKind.PARAGRAPH,
            "Every parent has twenty weeks of leave, which can be taken in parts until the child is two years old.",
        ),
        (BlockKind.LIST, "- paid\n- unpaid"),
        (BlockKind.PARAGRAPH, "Ask first."),
    ]
    assert [block.page for block in document.blocks] == [1, 1, 1, 1, 2, 2]
    assert [passage.page for passage in passages(document, budget=20)] == [1, 1, 2]


def test_a_table_with_rules_in_a_pdf_is_a_table() -> None:
    """Cells between rules become rows, where the table stands on the page; its words are not said twice."""
    cells = "".join(
        shown(text, at=(75 + 100 * (n % 2), 625 - 20 * (n // 2)))
        for n, text in enumerate(("Kind", "Weeks", "Parents", "20", "Study", "2"))
    )
    page = lines("Before the table.", top=700) + RULES + cells + lines("After the table.", top=500)
    assert body(parsed(pdf(page), "a.pdf")) == [
        (BlockKind.PARAGRAPH, "Before the table."),
        (BlockKind.TABLE, "| Kind | Weeks |\n| --- | --- |\n| Parents | 20 |\n| Study | 2 |"),
        (BlockKind.PARAGRAPH, "After the table."),
    ]


def test_two_columns_are_read_one_after_the_other() -> None:
    """What stands in the right column follows all of the left one."""
    left = [f"left line {number} of running text here" for number in range(8)]
    right = [f"right line {number} of running text here" for number in range(8)]
    page = "".join(
        shown(a, at=(60, 700 - 12 * n)) + shown(b, at=(330, 700 - 12 * n))
        for n, (a, b) in enumerate(zip(left, right, strict=True))
    )
    text = " ".join(text for _, text in body(parsed(pdf(page), "a.pdf"))).replace("\n", " ")
    assert text == " ".join([*left, *right])


def test_headers_and_footers_of_a_pdf_are_said_nowhere() -> None:
    """What repeats at the edge of pages, but for its number, is no text."""
    pages = [
        lines("ACME internal", top=770) + lines(f"Words of page {n}.", top=600) + lines(f"Page {n}", top=30)
        for n in range(1, 5)
    ]
    assert [text for _, text in body(parsed(pdf(*pages), "a.pdf"))] == [f"Words of page {n}." for n in range(1, 5)]


def test_a_logo_on_every_page_is_no_reason_to_refuse_a_pdf() -> None:
    """It counts as what it is unpacked, each time that it is drawn, and each page has room for one."""
    logo = "".join(f"{x % 600} {x % 7} m {x % 11} {x % 13} l S\n" for x in range(1_500))
    document = parsed(pdf(*[lines(f"Page {n} of the plan.", top=600) for n in range(120)], letterhead=logo), "a.pdf")
    assert "Page 119 of the plan." in document.blocks[-1].text


def test_scanned_pdfs_are_told_from_empty_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without text recognition a PDF of pictures is refused with what to do; single pages of that kind are named."""
    monkeypatch.setattr("core.documents.recognition.is_installed", lambda: False)
    picture = "q 600 0 0 780 0 0 cm /Im Do Q\n"
    with pytest.raises(
        DocumentError, match=r"a\.pdf cannot be read\. It holds only images of pages \(2\).*pip install"
    ):
        parsed(pdf(picture, picture, images=(1, 2)), "a.pdf")
    document = parsed(pdf(lines("Words.", top=700), picture, images=(2,)), "a.pdf")
    assert body(document) == [(BlockKind.PARAGRAPH, "Words.")]
    assert "images without text and were not read: 2." in document.notes[0]
    assert parsed(pdf(""), "a.pdf").notes == ("The file contains no text.",)


def test_a_pdf_of_google_docs_keeps_its_spaces() -> None:
    """A real file, whose spaces other readers lose."""
    document = office("my-form.pdf")
    assert document.title == "my form"
    (block,) = document.blocks
    assert block.text == (
        "This page intentionally left blank, except for the text that is on it. This is just a demo PDF. "
        "Sorry to have wasted your time."
    )


# Office


def test_a_word_file_keeps_structure_and_says_who_wrote_it() -> None:
    """Title, headings and tables come out as such, with author and date of its properties."""
    document = parsed(
        word(
            paragraph("Leave policy", style="Title")
            + paragraph("Parents", style="heading1")
            + paragraph("Twenty weeks.")
            + word_table([["Kind", "Weeks", "Paid"], ["Parents", "20", "yes"]]),
            properties="<dc:creator>Ada L.</dc:creator><dcterms:modified>2024-06-03T10:00:00Z</dcterms:modified>",
        ),
        "a.docx",
    )
    assert (document.title, document.author, document.date) == ("Leave policy", "Ada L.", "2024-06-03T10:00:00Z")
    assert headings(document) == [(), ("Parents",)]
    assert body(document) == [
        (BlockKind.PARAGRAPH, "Twenty weeks."),
        (BlockKind.TABLE, "| Kind | Weeks | Paid |\n| --- | --- | --- |\n| Parents | 20 | yes |"),
    ]
    assert {passage.author for passage in passages(document)} == {"Ada L."}


@pytest.mark.parametrize(
    ("breaks", "pages"),
    [
        (("<w:lastRenderedPageBreak/>", "<w:br w:type='x'/>"), [1, 2, 2]),
        (("<w:lastRenderedPageBreak/>", "<w:lastRenderedPageBreak/>"), [1, 2, 3]),
        (('<w:br w:type="page"/>', '<w:br w:type="page"/>'), [1, 2, 3]),
        (("", ""), [0, 0, 0]),
    ],
)
def test_a_word_file_has_pages_where_word_noted_them(breaks: tuple[str, str], pages: list[int]) -> None:
    """Breaks that Word rendered or somebody typed are counted; without any, no page is claimed."""
    first, second = (run or "<w:t></w:t>" for run in breaks)
    document = parsed(word(paragraph("One.") + paragraph(first, "Two.") + paragraph(second, "Three.")), "a.docx")
    assert [(block.text, block.page) for block in document.blocks] == list(
        zip(["One.", "Two.", "Three."], pages, strict=True)
    )


def test_what_a_word_file_holds_beside_its_text_is_said() -> None:
    """Comments, headers and footers are left out; a note for each kind says so, unless it is but a number."""
    comment = f'<w:comment w:id="0">{paragraph("Ask Ana")}</w:comment>'
    beside = {"comments": comment, "header": paragraph("Confidential"), "footer": paragraph("12")}
    document = parsed(word(paragraph("Text."), beside=beside), "a.docx")
    assert document.notes == ("Comments were left out: Ask Ana", "Headers were left out: Confidential")
    assert parsed(word(paragraph("Text.")), "a.docx").notes == ()


def test_a_real_word_file_reads_like_its_page() -> None:
    """A template of the handbook: headings, nested lists, links; the box above the title is text."""
    document = office("weekly_ship.docx")
    assert document.title == "Weekly ship"
    assert headings(document)[1:4] == [("How to use",), ("Distribution list",), ("Template",)]
    assert body(document)[0][0] is not BlockKind.TABLE
    (steps,) = [text for kind, text in body(document) if kind is BlockKind.LIST and "captain" in text]
    assert "\n5. Fill in its sections. Invite your teammates to contribute.\n  1. Focus on outcomes" in steps
    assert "[schedule-send](https://support.google.com/mail/answer/9214606)" in steps


def test_slides_are_sections_with_their_number() -> None:
    """A slide's title is its heading; lists keep their levels; tables and notes are read, hidden slides are not."""
    document = parsed(
        slides(
            shape("Plan", role="ctrTitle") + shape("2024", role="ftr"),
            shape("Costs", role="title")
            + shape("Travel", (1, "Trains"), role="body")
            + slide_table([["Year", "Sum"], ["2024", "10"]]),
            shape("Secret", role="title"),
            notes={2: "Say it slowly."},
            hidden=3,
        ),
        "a.pptx",
    )
    assert headings(document) == [("Plan",), ("Costs",)]
    assert body(document) == [
        (BlockKind.LIST, "- Travel\n  - Trains"),
        (BlockKind.TABLE, "| Year | Sum |\n| --- | --- |\n| 2024 | 10 |"),
        (BlockKind.PARAGRAPH, "Notes: Say it slowly."),
    ]
    assert [block.page for block in document.blocks] == [1, 2, 2, 2, 2]


def workbook() -> bytes:
    book_ = Workbook()
    sheet = book_.active
    sheet.title = "Budget"
    sheet.append(["Budget of the team"])
    sheet.append([])
    sheet.append(["Item", None, "Share", "Cost", "From", "Open"])
    for number in range(40):
        sheet.append([f"Item {number}", None, 0.125, 1200.5, date(2024, 6, number % 28 + 1), True])
        sheet.cell(sheet.max_row, 3).number_format = "0.0%"
        sheet.cell(sheet.max_row, 4).number_format = '"$"#,##0.00'
    hidden = book_.create_sheet("Hidden")
    hidden.sheet_state = "hidden"
    hidden.append(["secret", "words"])
    made = io.BytesIO()
    book_.save(made)
    return made.getvalue()


def test_sheets_are_tables_whose_pieces_repeat_the_header() -> None:
    """Values read as they are shown, and each passage has the header and the row it begins on."""
    document = parsed(workbook(), "a.xlsx")
    assert headings(document) == [("Budget",)]
    lead, (kind, table) = body(document)
    assert (lead, kind) == ((BlockKind.PARAGRAPH, "Budget of the team"), BlockKind.TABLE)
    header = "| Item | Share | Cost | From | Open |\n| --- | --- | --- | --- | --- |\n"
    assert table.startswith(f"{header}| Item 0 | 12.5% | $1,200.50 | 2024-06-01 | TRUE |\n")
    pieces = passages(document, budget=80)[1:]
    assert len(pieces) > 3
    for piece in pieces:
        assert piece.text.startswith(header)
        first = int(piece.text.removeprefix(header).split()[2])
        assert piece.line == first + 4  # Item 0 stands on row 4


def test_a_real_workbook_reads_sheet_by_sheet() -> None:
    """A template of the handbook: text in a cell, then a table that has only its header yet."""
    document = office("risk_tracker.xlsx")
    assert headings(document) == [("Front Matter",), ("Risks",)]
    assert "discuss risk mitigation plans" in body(document)[0][1]
    assert body(document)[1][1].startswith("| Title | Description | Impact | Likelihood |")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separated_values_are_a_table(separator: str) -> None:
    """Quoted cells, line breaks in them and blank lines are read; rows keep the lines they begin on."""
    rows = [["name", "note", "sum"], ['"a ""b"""', '"x\ny"', "1"], [], ["c", "d", "2"]]
    document = parsed("\n".join(separator.join(row) for row in rows), "a.csv")
    (table,) = document.blocks
    assert table.text == '| name | note | sum |\n| --- | --- | --- |\n| a "b" | x y | 1 |\n| c | d | 2 |'
    assert table.lines == (1, 1, 2, 5)


# Books, mail, notebooks, code


def test_a_book_is_read_in_its_order() -> None:
    """Chapters come as the spine has them, under their titles, with title, author and language of the book."""
    page = '<?xml version="1.0"?><!DOCTYPE html><html><body><h1>{}</h1><h2>Part</h2><p>Words of {}.</p></body></html>'
    document = parsed(
        book(
            {"b.xhtml": page.format("Start", "one"), "a.xhtml": page.format("End", "two")},
            metadata="<dc:title>The Book</dc:title><dc:creator>Ada</dc:creator><dc:language>de</dc:language>",
        ),
        "a.epub",
    )
    assert (document.title, document.author, document.language) == ("The Book", "Ada", "de")
    assert [
        (block.headings, block.text, block.page) for block in document.blocks if block.kind is BlockKind.PARAGRAPH
    ] == [
        (("Start", "Part"), "Words of one.", 1),
        (("End", "Part"), "Words of two.", 2),
    ]


def test_mail_says_who_wrote_when() -> None:
    """Encoded headers and HTML are read; what hangs on it is named."""
    document = parsed(
        "From: Ada L. <ada@a.b>\nTo: team@a.b\nSubject: =?utf-8?q?B=C3=BCro?= keys\nMIME-Version: 1.0\n"
        "Date: Mon, 3 Jun 2024 10:00:00 +0200\nContent-Type: multipart/mixed; boundary=x\n\n"
        "--x\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
        "PHA+S2V5cyBhcmUgaGVyZS48L3A+\n"
        "--x\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=plan.pdf\n\nx\n--x--\n",
        "a.eml",
    )
    assert (document.title, document.author, document.date) == ("Büro keys", "Ada L.", "2024-06-03T10:00:00+02:00")
    assert [text.split("\n")[0] for _, text in body(document)] == ["From: Ada L. <ada@a.b>", "Keys are here."]
    assert "Attachments: plan.pdf" in document.blocks[0].text


def test_a_log_in_a_mail_makes_no_messages_of_it() -> None:
    """Only boundaries that a header names are looked for."""
    log = "".join(f"line {number}: boundary=x of message/rfc822\n" for number in range(300))
    document = parsed(f"From: a@b.c\nSubject: Log\n\n{log}", "a.eml")
    assert "line 299" in document.blocks[-1].text


def test_a_notebook_is_read_cell_by_cell() -> None:
    """Headings, code and what it printed come with the number of their cell."""
    cells = [
        {"cell_type": "markdown", "source": ["# Study\n", "\n", "## Data"]},
        {"cell_type": "code", "source": "x = 1\n\nx", "outputs": [{"data": {"text/plain": "1", "image/png": "…"}}]},
    ]
    document = parsed(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}), "a.ipynb")
    assert document.title == "Study"
    assert [(block.text, block.headings, block.page) for block in document.blocks[2:]] == [
        ("```python\nx = 1\n\nx\n```", ("Data",), 2),
        ("```output\n1\n```", ("Data",), 2),
    ]


CODE = {
    "a.py": 'import a\n\n@cached\ndef first(x):\n    """Say."""\n\nclass Second:\n    def inner(self):\n        ...\n',
    "a.js": "import x\n\n// says\nexport async function first(a) {\n}\nconst Second = (b) => {\n}\n",
    "a.go": "package a\n\nfunc first(x int) int {\n}\n\ntype Second struct {\n}\n",
    "a.rs": "use a;\n\npub fn first(x: u8) -> u8 {\n}\n\nstruct Second {\n}\n",
    "A.java": "import a;\n\npublic interface first {\n}\n\nfinal class Second {\n}\n",
    "a.c": "#include <a.h>\n\nint *first(int x)\n{\n  if (x) {\n  }\n}\n\nstruct Second {\n};\n",
    "a.sh": "set -e\n\nfirst() {\n}\n\nfunction Second {\n}\n",
    "a.ini": "; says\nx = 1\n\n[first]\ny = 2\n\n[Second]\nz = 3\n",
}


@pytest.mark.parametrize("name", CODE)
def test_code_is_cut_at_its_definitions(name: str) -> None:
    """What a file defines is a section under its name, with its own line, decorators and comments above it."""
    document = parsed(CODE[name], name)
    assert document.title == name
    assert headings(document) == [("first",), ("Second",)]
    source = CODE[name].split("\n")
    for block in document.blocks:
        if block.kind is BlockKind.CODE:
            code = block.text.split("\n")[1:-1]
            assert source[block.line - 1 : block.line - 1 + len(code)] == code
    rebuilt = [line for _, text in body(document) for line in text.split("\n")[1:-1] if line]
    assert rebuilt == [line for line in source if line]


def test_a_long_function_keeps_its_lines() -> None:
    """Each passage of code is fenced and has the line that it begins on."""
    code = "x = 0\n\ndef long():\n" + "".join(f"    step_{number}(a, b)\n" for number in range(60))
    made = passages(parsed(code, "a.py"), budget=40)
    assert len(made) > 3
    for passage in made:
        first = passage.text.split("\n")[1]
        assert passage.text.startswith("```python\n")
        assert code.split("\n")[passage.line - 1] == first


# What a document says of itself


def test_front_matter_and_html_say_author_date_and_language() -> None:
    """They travel with every passage; a list of authors is no author."""
    document = parsed('---\nauthor: "Ada L."\nlast_modified_at: 2024-06-03\nlang: pt-BR\n---\nText.', "a.md")
    (passage,) = passages(document)
    assert (passage.author, passage.date, passage.language) == ("Ada L.", "2024-06-03", "pt-BR")
    document = parsed("---\nauthor:\n  - Ada\n  - Ben\ndate: soon\n---\nText.", "a.md")
    assert (document.author, document.date, document.language) == ("", "", "")
    document = parsed(
        '<html lang="de"><head><meta name="author" content="Ada"><meta property="article:modified_time"'
        ' content="2024-06-03T10:00:00Z"></head><body><p>Text.</p></body></html>',
        "a.html",
    )
    assert (document.author, document.date, document.language) == ("Ada", "2024-06-03T10:00:00Z", "de")


# What cannot be read

LAUGHS = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "a.docx", "has a password or is in the old binary format"),
        (word(paragraph("Words."))[:700], "a.docx", "damaged or incomplete"),
        (b"text", "a.pptx", "damaged or incomplete"),
        (zipped({"a.txt": "x"}), "a.pptx", "not a presentation"),
        (zipped({"a.txt": "x"}), "a.epub", "not a valid EPUB"),
        (zipped({"word/document.xml": LAUGHS}), "a.docx", "declares entities"),
        (zipped({"xl/workbook.xml": LAUGHS.encode("utf-16")}), "a.xlsx", "declares entities"),
        (zipped({"META-INF/container.xml": LAUGHS}), "a.epub", "declares entities"),
        (zipped({"docProps/core.xml": core("<x>") + LAUGHS}), "a.pptx", "XML is broken"),
        (zipped({"word/a.xml": b"<a>" + b" " * (301 * 1024**2)}), "a.docx", "unpacks to 301 MB; the limit is 300 MB"),
        (zipped({f"{n}": b"" for n in range(20_001)}), "a.xlsx", "holds 20,001 parts"),
        (pdf("")[:300], "a.pdf", "damaged or not a PDF"),
        (b"%PDF-1.7\nnothing", "a.pdf", "damaged or not a PDF"),
        (
            pdf(
                lines("Words.", top=700),
                trailer="/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -44"
                f" /O <{'11' * 32}> /U <{'22' * 32}> >>",
            ),
            "a.pdf",
            "protected by a password",
        ),
        (b'{"cells": 3}', "a.ipynb", "not a valid notebook"),
        (b"[" * 200_000, "a.ipynb", "nested too deeply"),
        (b"just text", "a.eml", "not a message"),
        (b'a,b\n"' + b"x" * 1_000_001, "a.csv", "not a row of values"),
        (b"MZ\0\1", "a.py", "binary"),
    ],
)
def test_what_is_broken_or_hostile_says_so(data: bytes, name: str, words: str) -> None:
    """Each is refused by name, with a reason and what to do, in whole sentences."""
    with pytest.raises(DocumentError) as refusal:
        parsed(data, name)
    assert str(refusal.value).startswith(f"{name} ")
    assert words in str(refusal.value)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("name", ["Holidays {id}.csv", "Holidays {id}_all.csv", "Holidays {id}.md", "Holidays.md"])
def test_notion_s_ids_are_no_part_of_a_title(name: str) -> None:
    """A page of an export of Notion is called as it is there."""
    document = parse(b"name,days\nAnn,30\n", PurePath(name.format(id="0123456789abcdef" * 2)))
    assert document.title == "Holidays"
