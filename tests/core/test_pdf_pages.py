"""What stands on a page of a PDF, whichever way it was drawn, and what is no text though it says so."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from core.documents import recognition
from core.documents.garbled import is_garbled
from core.documents.parsing import parse
from core.errors import DocumentError
from evals.pdf_order import ours, score
from evals.pdf_pages import KINDS
from tests.files import numbered, pdf, shown, stream

SENTENCES = (
    "The kiosk sells ice from May to September, and bread in the morning.",
    "Whoever rents a boat for more than one day pays a deposit of fifty euros.",
    "The warden counts the boats every evening before the harbour is closed.",
)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_page_is_read_in_order(kind: str) -> None:
    """No line is lost, said twice or out of its place."""
    data, lines = KINDS[kind]().done()
    assert score(ours(data), lines) == {"in order": 1.0, "lost": 0.0, "doubled": 0.0}


def said(text: bytes) -> list[tuple[str, str]]:
    """The blocks of a page, and the last heading above each."""
    document = parse(text, PurePath("plan.pdf"))
    return [(" ".join(each.text.split()), (*each.headings, document.title)[0]) for each in document.blocks]


def panel(left: float, top: float, heading: str, *below: str) -> str:
    """A heading and the lines below it."""
    each = [shown(text, at=(left, top - 20 - 13 * number)) for number, text in enumerate(below)]
    return shown(heading, at=(left, top), size=14) + "".join(each)


def ruled(left: float, top: float, *cells: tuple[str, ...]) -> str:
    """A table with a box around each cell."""
    return "".join(
        f"{left + 60 * across} {top - 16 * down} 60 16 re S\n"
        + shown(text, at=(left + 60 * across + 4, top - 16 * down + 4))
        for down, row in enumerate(cells)
        for across, text in enumerate(row)
    )


DUTIES = (("Day", "Who"), ("Monday", "Ana"))
CLOSED = (("Day", "Closed"), ("1 May", "all day"))


@pytest.mark.parametrize("left", [72, 150, 240, 400])
def test_a_ruled_table_stays_under_its_heading(left: float) -> None:
    """Short headings at the margin and tables in the middle are no columns."""
    shows = shown("Duty rota", at=(72, 700), size=16) + ruled(left, 670, *DUTIES)
    shows += shown("Holidays", at=(72, 600), size=16) + ruled(left, 570, *CLOSED)
    shows += shown("Notes", at=(72, 500), size=16) + shown("Swap only with consent.", at=(72, 475))
    assert [(text.split(" ---")[0], above) for text, above in said(pdf(shows))] == [
        ("Duty rota", "Duty rota"),
        ("| Day | Who | |", "Duty rota"),
        ("Holidays", "Holidays"),
        ("| Day | Closed | |", "Holidays"),
        ("Notes", "Notes"),
        ("Swap only with consent.", "Notes"),
    ]


PANELS = (
    ("About us", "We run the pool.", "Founded in 1911.", "Ask for Ana.", "We like water.", "Bring a towel."),
    ("Prices", "Adult 5 EUR", "Child 2 EUR", "Ten for 40 EUR", "Dogs free", "Card only"),
    ("Find us", "Tram 4 to Lido", "Bus 9", "Parking level 2", "Gate code 7719", "Open from May"),
)


@pytest.mark.parametrize(
    "tops", [(700, 700, 700), (700, 740, 670), (740, 700, 670), (670, 700, 740), (700, 700, 726), (713, 700, 700)]
)
def test_panels_of_a_leaflet_are_read_one_after_the_other(tops: tuple[int, ...]) -> None:
    """Each under its own heading, however short its lines are and wherever it begins; none of them is the title."""
    shows = "".join(panel(30 + 190 * n, top, *PANELS[n]) for n, top in enumerate(tops))
    assert said(pdf(shows)) == [
        each for heading, *below in PANELS for each in ((heading, heading), (" ".join(below), heading))
    ]
    assert parse(pdf(shows), PurePath("plan.pdf")).title == "plan"


def test_a_table_whose_header_is_in_larger_type_is_read_row_by_row() -> None:
    """It was written so."""
    cells = (("Weekday", "On watch"), ("Monday", "Ana Lund"), ("Tuesday", "Bo Berg"), ("Friday", "Cy Dale"))
    shows = "".join(
        shown(text, at=(72 + 150 * across, 700 - 16 * down), size=10 if down else 14)
        for down, row in enumerate(cells)
        for across, text in enumerate(row)
    )
    text = " ".join(text for text, _ in said(pdf(shows)))
    assert all(" ".join(row) in text for row in cells)


def test_a_watermark_is_no_heading() -> None:
    """Nor the title, large as it is."""
    mark = "BT /F1 80 Tf 0.7 0.7 -0.7 0.7 150 300 Tm (DRAFT) Tj ET\n"
    document = parse(pdf(page(*SENTENCES) + mark), PurePath("plan.pdf"))
    assert document.title == "plan"
    assert {block.headings for block in document.blocks} == {()}


def page(*sentences: str) -> str:
    return "".join(shown(each, at=(72, 700 - 14 * number)) for number, each in enumerate(sentences))


def shifted(text: str) -> str:
    return "".join(chr((ord(sign.lower()) - 96) % 26 + 97) if sign.isalpha() else sign for sign in text)


def with_wrong_font(*sentences: str) -> bytes:
    """A page that shows these sentences, and whose font says of each small letter that it is the next one."""
    shifts = "\n".join(f"<{code:02x}> <{code + 1:04x}>" for code in range(97, 122))
    table = (
        f"begincmap\n1 begincodespacerange\n<00> <ff>\nendcodespacerange\n25 beginbfchar\n{shifts}\nendbfchar\nendcmap"
    )
    resources = "/Resources << /Font << /F1 3 0 R >> >>"
    return numbered(
        [
            "<< /Type /Catalog /Pages 2 0 R >>",
            "<< /Type /Pages /Count 1 /Kids [4 0 R] >>",
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R {resources} >>",
            stream(page(*sentences)),
            stream(table),
        ],
        "",
    )


def test_garbled_text_is_left_out_and_the_other_pages_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page costs itself, with a note; a document of nothing else is refused with what to do."""
    monkeypatch.setattr(recognition, "is_installed", lambda: False)
    broken = page(*map(shifted, SENTENCES))
    document = parse(pdf(page(*SENTENCES), broken), PurePath("a.pdf"))
    assert [block.page for block in document.blocks] == [1]
    assert "comes out garbled and was left out: 2." in document.notes[0]
    with pytest.raises(DocumentError, match=r"comes out garbled.*pip install 'attune\[ocr\]'"):
        parse(pdf(broken), PurePath("a.pdf"))


@pytest.mark.skipif(not recognition.is_installed(), reason="text recognition is not installed")
def test_garbled_text_is_read_as_it_looks_where_that_is_installed() -> None:
    """What a font says wrongly is drawn right all the same."""
    document = parse(with_wrong_font(*SENTENCES), PurePath("a.pdf"))
    assert " ".join(document.blocks[0].text.split()) == " ".join(SENTENCES)
    assert "garbled; it was recognised from how they look: 1." in document.notes[0]


@pytest.mark.skipif(not recognition.is_installed(), reason="text recognition is not installed")
def test_garbled_text_that_looks_so_is_left_out() -> None:
    """What is drawn garbled is recognised garbled, and is nothing to search in."""
    document = parse(pdf(page(*SENTENCES), page(*map(shifted, SENTENCES))), PurePath("a.pdf"))
    assert [block.page for block in document.blocks] == [1]
    assert [note.split(".")[0] for note in document.notes] == [
        "The text of some pages comes out garbled and was left out: 2"
    ]


@pytest.mark.parametrize(
    ("named", "title", "headings"),
    [
        ("Leave in Lisbon", "Leave in Lisbon", ()),
        ("Staff handbook", "Staff handbook", ("Leave in Lisbon",)),
        ("", "Leave in Lisbon", ()),
        ("untitled", "Leave in Lisbon", ()),
        ("\\(anonymous\\)", "Leave in Lisbon", ()),
        ("Microsoft Word - leave v2.docx", "Leave in Lisbon", ()),
        ("leave_final.odt", "Leave in Lisbon", ()),
        ("Pr\\344sentation1", "Leave in Lisbon", ()),
    ],
)
def test_the_main_heading_is_said_whatever_the_title(named: str, title: str, headings: tuple[str, ...]) -> None:
    """It is the title where the file names none, and stands above its text where that is another one."""
    shows = shown("Leave in Lisbon", at=(72, 740), size=20) + page(*SENTENCES)
    document = parse(pdf(shows, info=f"/Title ({named}) /Author (anonymous)"), PurePath("a.pdf"))
    assert (document.title, document.author) == (title, "")
    assert {block.headings for block in document.blocks} == {headings}


@pytest.mark.parametrize(
    "text",
    [
        *SENTENCES,
        "Größere Schiffe warten vor der Schleuse, bis die Wärterin das Tor öffnet.",
        "Příliš žluťoučký kůň úpěl ďábelské ódy, a szczęście nie przyszło wcale.",
        "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi.",
        "Смотритель открывает шлюз каждое утро в семь часов, кроме воскресенья.",
        "受付は午前九時から午後五時まで開いています。土曜日と日曜日は休みです。",
        "for row in rows:\n    if row[0] == key and not seen:\n        yield {k: v for k, v in row.items()}",
        "\n".join("  ".join(f"{a * b:.2f}" for a in range(7)) for b in range(30)),
        "Introduction ........................ 1\nOpening hours ............................. 12\n" * 5,
        "HTTP TCP UDP SSH DNS TLS SMTP IMAP LDAP XML JSON CSV PDF HTML CSS SQL NTP DHCP VPN NAT BGP ARP ICMP",
    ],
)
def test_what_people_write_is_not_garbled(text: str) -> None:
    """In any language, and where it is code, numbers or names."""
    assert not is_garbled(text)


@pytest.mark.parametrize(
    "text",
    [
        " ".join(map(shifted, SENTENCES)),
        (
            "7KH NLRVN VHOOV LFH IURP 0D\\ WR 6HSWHPEHU DQG EUHDG LQ WKH PRUQLQJ "
            "H[FHSW RQ 6XQGD\\V ZKHQ LW RSHQV DW QLQH DQG FORVHV EHIRUH WKH ODVW ERDW KDV OHIW WKH KDUERXU"
        ),
        "Ñìîòðèòåëü îòêðûâàåò øëþç êàæäîå óòðî â ñåìü ÷àñîâ êðîìå âîñêðåñåíüÿ",
        "!\"# $%&'( )*+,- ./!\"# $%&'() *+,-./ !\"#$% &'()*+ ,-./!\"# $%&'()*+,- ./!\"#$%&' ()*+",
        "".join(chr(0xF000 + ord(sign)) for sign in SENTENCES[0]),
        "\ufffd" * 60,
    ],
)
def test_what_broken_fonts_make_is_garbled(text: str) -> None:
    """Shifted letters, another encoding, signs, and letters that only the font knows."""
    assert is_garbled(text)
