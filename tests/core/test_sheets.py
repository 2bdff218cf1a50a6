"""Workbooks and separated values: each value as its sheet shows it, and nothing lost without a word."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, time, timedelta
from pathlib import PurePath
from time import process_time

import pytest
from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.worksheet.worksheet import Worksheet

from core.documents.parsing import parse
from core.documents.sandbox import ParseState, Sandbox
from tests.core.test_tables import parsed, texts
from tests.files import zipped


def workbook(fill: Callable[[Worksheet], object], *, hidden: str = "") -> bytes:
    """A workbook of one sheet, Costs, and perhaps a hidden one."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "Costs"
    fill(sheet)
    if hidden:
        other = book.create_sheet("Rates")
        other.sheet_state = "hidden"
        other["A1"] = hidden
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def rows(*values: list[object]) -> Callable[[Worksheet], object]:
    return lambda sheet: [sheet.append(row) for row in values]


SHOWN: list[tuple[object, str, str]] = [
    (1.5, "[h]:mm", "36:00"),
    (timedelta(hours=30, minutes=5), "[h]:mm", "30:05"),
    (42, "00000", "00042"),
    (1234.5, '#,##0.00 "EUR"', "1,234.50 EUR"),
    (1234.5, '"EUR" #,##0.00', "EUR 1,234.50"),
    (1234.5, "#,##0.00\\ [$€-407]", "1,234.50 €"),
    (0.1234, "0.0%", "12.3%"),
    (1.25, "# ?/?", "1 1/4"),
    (12345.678, "0.00E+00", "1.23E+04"),
    (-1234.5, "#,##0.00;(#,##0.00)", "(1,234.50)"),
    (-5, "0;[Red]0", "-5"),
    (3, '0 "days"', "3 days"),
    (45_300, '#,##0,"k"', "45k"),
    (2, '[=1]"one";[=2]"two";0', "two"),
    (0.1 + 0.2, "General", "0.3"),
    (1e300, "0.00", "1e+300"),
    (date(2024, 6, 1), "dd/mm/yyyy", "01/06/2024"),
    (date(2024, 6, 1), "mm-dd-yy", "2024-06-01"),
    (45444 + 13.0834 / 24, "m/d/yy h:mm", "2024-06-01 13:05"),
    (45444 + 13.0834 / 24, "d mmm yyyy h:mm AM/PM", "1 Jun 2024 1:05 PM"),
    (time(8, 30), "h:mm", "8:30"),
    (True, "General", "TRUE"),
    ("#N/A", "General", "#N/A"),
    ("007", "@", "007"),
    (5, "0" * 300, "5"),
]


def test_numbers_are_shown_as_their_sheet_shows_them() -> None:
    """Durations, leading zeros, currencies, fractions, dates: what a person sees is what is read."""

    def fill(sheet: Worksheet) -> None:
        sheet.append(["Name", "Value"])
        for number, (value, code, _) in enumerate(SHOWN, start=2):
            sheet.append([f"n{number}", value])
            sheet.cell(number, 2).number_format = code

    (table,) = texts(workbook(fill), "a.xlsx")
    assert [line.split(" | ")[1].removesuffix(" |") for line in table.split("\n")[1:]] == [shown for *_, shown in SHOWN]


def test_formulas_without_values_are_computed_or_named() -> None:
    """Of a workbook that no spreadsheet program has saved, what can be known is; the rest stands there as a formula."""
    data = workbook(
        rows(
            ["Post", "First", "Second", "Whole"],
            ["Dredging", 4000, 4500, "=B2+C2"],
            ["Buoys", 300, 350, "=SUM(B3:C3)*Rates!A1"],
            ["All", "=SUM(B2:B3)", "=D2+D3", '=IF(D2>1,"much","little")'],
            ["Today", "=TODAY()", "=B5+1", "=[1]Other!A1"],
        ),
        hidden="2",
    )
    document = parsed(data, "a.xlsx")
    assert document.blocks[-1].text.split("\n")[2:] == [
        "| Dredging | 4000 | 4500 | 8500 |",
        "| Buoys | 300 | 350 | 1300 |",
        "| All | 4300 | 9800 | much |",
        "| Today | =TODAY() (not computed) | =B5+1 (not computed) | =[1]Other!A1 (not computed) |",
    ]
    computed, missing, hidden = document.notes
    assert "were computed: Costs!D2, Costs!D3, Costs!B4, Costs!C4, Costs!D4." in computed
    assert "shown instead: Costs!B5, Costs!C5, Costs!D5. Open it" in missing
    assert hidden == "Hidden sheets were left out: Rates."


def test_a_computed_value_has_the_format_of_its_cell() -> None:
    """A sum of hours is shown as hours."""

    def fill(sheet: Worksheet) -> None:
        rows(["Who", "Hours"], ["Ada", 0.5], ["Bo", 0.7], ["All", "=SUM(B2:B3)"])(sheet)
        for row in range(2, 5):
            sheet.cell(row, 2).number_format = "[h]:mm"

    assert texts(workbook(fill), "a.xlsx")[0].endswith("| Bo | 16:48 |\n| All | 28:48 |")


def test_formulas_that_nobody_can_compute_stay_formulas() -> None:
    """In the process that reads, neither nesting nor circles nor growth end it; numbers have their formats there."""
    hostile = ["=" + "(" * 4_000 + "1" + ")" * 4_000, "=B2", "=" + "-" * 990 + "1", '=REPT("a",32767)', "=((("]

    def fill(sheet: Worksheet) -> None:
        rows(["a", "b"], *([f"n{at}", formula] for at, formula in enumerate(hostile)), ["sum", "=1/8"])(sheet)
        sheet.cell(7, 2).number_format = "0.0%"

    sandbox = Sandbox()
    (reply,) = sandbox.read(workbook(fill), PurePath("a.xlsx"), "settings", {})
    sandbox.close()
    assert reply.state is ParseState.READ, reply.reason
    assert reply.document.blocks[-1].text.endswith("| n4 | =((( (not computed) |\n| sum | 12.5% |")


def test_merged_cells_count_in_each_place() -> None:
    """A title across the sheet is the caption, a shared header names both its columns, a group each of its rows."""

    def fill(sheet: Worksheet) -> None:
        rows(
            ["Fees of the piers", None, None, None],
            ["Pier", "Q1", None, "Owner"],
            [None, "Ships", "Fees", None],
            ["North", 4, 900, "Ada"],
            [None, 5, 1000, "Bo"],
        )(sheet)
        for area in ("A1:D1", "A2:A3", "B2:C2", "D2:D3", "A4:A5"):
            sheet.merge_cells(area)

    (table,) = texts(workbook(fill), "a.xlsx")
    assert table == (
        "Fees of the piers\n| Pier | Q1 / Ships | Q1 / Fees | Owner |\n"
        "| North | 4 | 900 | Ada |\n| North | 5 | 1000 | Bo |"
    )


def test_what_is_hidden_is_said() -> None:
    """Hidden rows and columns are read, as filters hide them, too; hidden sheets are not; a note says both."""

    def fill(sheet: Worksheet) -> None:
        rows(["Name", "Room"], ["Ada", 5])(sheet)
        sheet.row_dimensions[2].hidden = True

    document = parsed(workbook(fill, hidden="secret"), "a.xlsx")
    assert "secret" not in str(document.blocks)
    assert "| Ada | 5 |" in document.blocks[-1].text
    assert document.notes == (
        "Hidden sheets were left out: Rates.",
        "Hidden rows and columns were read, too, in these sheets: Costs.",
    )


def test_comments_and_text_boxes_of_sheets_are_said() -> None:
    """They are left out, and a note for each kind names the sheets."""

    def fill(sheet: Worksheet) -> None:
        rows(["Name", "Room"], ["Ada", 5])(sheet)
        sheet["A2"].comment = Comment("Away in May", "Bo")
        chart = BarChart()
        chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=2))
        sheet.add_chart(chart)

    commented = "Comments were left out in these sheets: Costs."
    assert parsed(workbook(fill), "a.xlsx").notes == (commented,)
    with zipfile.ZipFile(io.BytesIO(workbook(fill))) as package:
        parts = {part: package.read(part) for part in package.namelist()}
    main = "http://schemas.openxmlformats.org/drawingml/2006/main"
    box = f'<sp xmlns:a="{main}"><a:p><a:r><a:t>Ring first</a:t></a:r></a:p></sp>'.encode()
    drawing = parts["xl/drawings/drawing1.xml"]
    parts["xl/drawings/drawing1.xml"] = drawing.replace(b"<graphicFrame>", box + b"<graphicFrame>")
    boxed = "Text boxes were left out in these sheets: Costs."
    assert parsed(zipped(parts), "a.xlsx").notes == (commented, boxed)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.tsv", "Term\tIn words, short\nGRT\ta, b\n", ["| Term | In words, short |\n| GRT | a, b |"]),
        ("a.tsv", 'Size\tNote\n5"\tan inch\n"6\topen\n', ['| Size | Note |\n| 5" | an inch |\n| "6 | open |']),
        ("a.tsv", "a,b\n1,2\n", ["| a | b |\n| 1 | 2 |"]),
        ("a.csv", "Artikel;Preis\nTau;1,50\nBoje;2,30\n", ["| Artikel | Preis |\n| Tau | 1,50 |\n| Boje | 2,30 |"]),
        ("a.csv", "1,5;2,5\n3,5;4,5\n", ["| 1,5 | 2,5 |\n| 3,5 | 4,5 |"]),
        ("a.csv", 'a, "b, c"\n1, "2, 3"\n', ["| a | b, c |\n| 1 | 2, 3 |"]),
        ("a.csv", "sep=|\na,b|c\n1,2|3\n", ["| a,b | c |\n| 1,2 | 3 |"]),
        ("a.csv", "Prices 2024\nin euros\nName,Each\nTau,3\n", ["Prices 2024: in euros\n| Name | Each |\n| Tau | 3 |"]),
        ("a.csv", "Prices 2024\n\nName,Each\nTau,3\n", ["Prices 2024", "| Name | Each |\n| Tau | 3 |"]),
        ("a.csv", "Name\nAda\nBo, and Cy\n", ["- Name\n- Ada\n- Bo, and Cy"]),
        ("a.csv", "a,b\n1,2,3\n4\n", ["| a | b |  |\n| 1 | 2 | 3 |\n| 4 |  |  |"]),
        ("a.csv", "a,,b,\n1,,2,\n", ["| a | b |\n| 1 | 2 |"]),
        ("a.csv", "\ufeffa;b\n1;2\n", ["| a | b |\n| 1 | 2 |"]),
    ],
)
def test_each_dialect_of_separated_values_is_read(name: str, text: str, expected: list[str]) -> None:
    """Tabs, semicolons, decimal commas, titles, lists of one column, ragged rows: each value is where it belongs."""
    assert texts(text, name) == expected


def test_an_open_quotation_mark_swallows_no_rows() -> None:
    """It is read as it is, and the note says so."""
    document = parse(b'size,note\n"5,inch\n6,feet\n', PurePath("a.csv"))
    assert document.blocks[0].text.endswith('| "5 | inch |\n| 6 | feet |')
    assert "never closed" in document.notes[0]


@pytest.mark.parametrize(
    ("name", "text", "expected", "lines"),
    [
        (
            "a.tsv",
            'Item\tSize\nBoard\t"24 inch\nCable\t3 m\nPipe\t5" wide\n',
            '| Board | "24 inch |\n| Cable | 3 m |\n| Pipe | 5" wide |',
            ": 2.",
        ),
        (
            "a.tsv",
            'Item\tSize\tBy\nBoard\t"24\tAna\nCable\t3\tBo\nPipe\t5"\tCy\n',
            '| Board | "24 | Ana |\n| Cable | 3 | Bo |\n| Pipe | 5" | Cy |',
            ": 2.",
        ),
        ("a.tsv", 'a\tb\n"x\ny"\t1\n"z\t2\n', '| x y | 1 |\n| "z | 2 |', ": 4."),
        ("a.tsv", 'a\tb\nthe "best" one\t"so ""it"" is"\n', '| the "best" one | so "it" is |', ""),
        (
            "a.csv",
            'a,b\nBoard,"24\nCable,3\nPipe,5" wide\n',
            '| Board | "24 |\n| Cable | 3 |\n| Pipe | 5" wide |',
            ": 2.",
        ),
        (
            "a.csv",
            'a,b,c\nBoard,"24,Ana\nCable,3,Bo\nPipe,5",Cy\n',
            '| Board | "24 | Ana |\n| Cable | 3 | Bo |\n| Pipe | 5" | Cy |',
            ": 2.",
        ),
        ("a.csv", 'a,b,c\nx,"one, two\nthree, four\nfive",y\nz,1,2\n', "| x | one, two three, four five | y |", ""),
        ("a.csv", 'a,b\n"x" ,1\n"y, z" ,2\n', "| x | 1 |\n| y, z | 2 |", ""),
    ],
)
def test_a_stray_quotation_mark_swallows_no_rows(name: str, text: str, expected: str, lines: str) -> None:
    """Only the line that has it is read with its marks as they are; values of several lines stay whole."""
    document = parsed(text, name)
    assert expected in document.blocks[0].text
    assert [note.rpartition("are")[2] for note in document.notes] == ([lines] if lines else [])


def test_a_file_of_stray_quotation_marks_takes_no_longer() -> None:
    """Each could be looked for to the end of the file."""
    text = "".join(f'a{at}\t"b\n' for at in range(50_000))
    begin = process_time()
    document = parsed(text, "a.tsv")
    assert process_time() - begin < 20
    assert document.blocks[0].text.count("\n") == 50_000
    assert "1, 2, 3, 4, 5 and" in document.notes[0]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_separated_values_have_any_encoding(encoding: str) -> None:
    """What Excel writes as Unicode text or in a Western code page is read."""
    words = "Größe;Preis für Gäste\nTäglich geöffnet;überall\nKüche;schön\n"
    assert "| Küche | schön |" in parse(words.encode(encoding), PurePath("a.csv")).blocks[0].text
