"""Tables of every format: each value under its own header, whatever spans rows and columns."""

from __future__ import annotations

import re
import tracemalloc
from pathlib import PurePath

import pytest

from core.documents.blocks import BlockKind, ParsedDocument
from core.documents.parsing import parse
from core.documents.tables import Cell, grid
from tests.files import shape, slide_table, slides


def parsed(content: str | bytes, name: str) -> ParsedDocument:
    return parse(content if isinstance(content, bytes) else content.encode(), PurePath(name))


def texts(content: str | bytes, name: str) -> list[str]:
    """The blocks of a file, without its headings; of tables, the lines without the rule below the header."""
    blocks = [block for block in parsed(content, name).blocks if block.kind is not BlockKind.HEADING]
    return ["\n".join(line for line in block.text.split("\n") if line.strip("|- ")) for block in blocks]


def of(html: str) -> list[str]:
    return texts(f"<table>{html}</table>", "a.html")


def test_a_cell_that_spans_rows_counts_for_each() -> None:
    """What stands to the right of a spanning cell stays under its own header."""
    assert of(
        "<tr><th>Shelf</th><th>Article</th><th>Price</th></tr>"
        "<tr><td rowspan=2>A</td><td>Anchor</td><td>210</td></tr><tr><td>Fender</td><td>34</td></tr>"
        "<tr><td rowspan=0>B</td><td>Buoy</td><td>80</td></tr><tr><td>Rope</td><td>12</td></tr>"
    ) == [
        "| Shelf | Article | Price |\n| A | Anchor | 210 |\n| A | Fender | 34 |\n| B | Buoy | 80 |\n| B | Rope | 12 |"
    ]


@pytest.mark.parametrize(
    "top",
    [
        "<thead><tr><th rowspan=2>Pier<th colspan=2>Q1<th colspan=2>Q2<tr><th>Ships<th>Fees<th>Ships<th>Fees</thead>",
        "<tr><th rowspan=2>Pier<th colspan=2>Q1<th colspan=2>Q2<tr><th>Ships<th>Fees<th>Ships<th>Fees",
        "<tr><td>Pier<td colspan=2>Q1<td colspan=2>Q2<tr><td>Pier<td>Ships<td>Fees<td>Ships<td>Fees",
        "<tr><td><td colspan=2>Q1<td colspan=2>Q2<tr><td>Pier<td>Ships<td>Fees<td>Ships<td>Fees",
    ],
)
def test_a_header_of_two_rows_is_one(top: str) -> None:
    """Each column is named by all that stands above it, be the header marked or not."""
    (table,) = of(f"{top}<tr><td>North<td>4<td>900<td>5<td>1000")
    assert table == ("| Pier | Q1 / Ships | Q1 / Fees | Q2 / Ships | Q2 / Fees |\n| North | 4 | 900 | 5 | 1000 |")


@pytest.mark.parametrize(
    "rows",
    [
        "<tr><td>Team<td colspan=2>Contact<tr><td>Payments<td>Ana<td>11<tr><td>Search<td>Bo<td>12",
        "<tr><td><td colspan=2>Contact<tr><td>Payments<td>Ana<td>11<tr><td>Search<td>Bo<td>12",
        "<tr><td>Team<td colspan=2>Contact<tr><td><td>Ana<td>+351 21 11<tr><td>Search<td>Bo<td>12",
        "<tr><td>Team<td colspan=2>Contact<tr><td>Payments<td colspan=2>Ana<tr><td>Search<td>Bo<td>12",
        "<tr><td>Mon<td colspan=2>closed<tr><td>Tue<td>9-12<td>13-17<tr><td>Wed<td colspan=2>9-17",
        "<tr><td rowspan=2>Mon<td colspan=2>closed<tr><td>9-12<td>13-17<tr><td>Wed<td colspan=2>9-17",
    ],
)
def test_a_row_of_values_below_a_shared_header_is_no_header(rows: str) -> None:
    """What names a row, or is a value, is not taken for the second row of a header."""
    (table,) = of(rows)
    assert " / " not in table
    assert table.count("\n") == 2


@pytest.mark.parametrize("names", ["2023|2024", "1|2", "01.03.|02.03.", "9:00|10:00", "First|Second"])
def test_years_days_and_hours_are_headers(names: str) -> None:
    """Numbers that a header has in its second row are no values."""
    below = "".join(f"<td>{name}" for name in names.split("|"))
    first, second = names.split("|")
    (table,) = of(f"<tr><td>Pier<td colspan=2>Ships<tr><td>{below}<tr><td>North<td>4<td>5")
    assert table == f"| Pier | Ships / {first} | Ships / {second} |\n| North | 4 | 5 |"


def test_a_row_across_the_table_names_what_is_below_it() -> None:
    """The caption, a title across the top and the name of each part stand above its rows, with the header again."""
    assert of(
        "<caption>Prices</caption><tr><th colspan=3>Spring<tr><th>Article<th>Each<th>Dozen"
        "<tr><td colspan=3>Ropes<tr><td>Line<td>3<td>30<tr><td colspan=3>Metal<tr><td>Hook<td>5<td>50"
        "<tr><td colspan=3>All without tax."
    ) == [
        "Prices: Spring: Ropes\n| Article | Each | Dozen |\n| Line | 3 | 30 |",
        "Prices: Spring: Metal\n| Article | Each | Dozen |\n| Hook | 5 | 50 |",
        "All without tax.",
    ]


def test_a_foot_is_below_and_headers_at_the_side_are_the_header() -> None:
    """Rows are in the order in which a browser draws them; a table whose headers stand at the left is turned."""
    assert of(
        "<thead><tr><th>a<th>b<th>c</thead><tfoot><tr><td>sum<td>2<td>3</tfoot><tbody><tr><td>x<td>2<td>3</tbody>"
    ) == ["| a | b | c |\n| x | 2 | 3 |\n| sum | 2 | 3 |"]
    assert of("<tr><th>Name<td>Ada<td>Bo<tr><th>Room<td>5<td>6") == ["| Name | Room |\n| Ada | 5 |\n| Bo | 6 |"]


def test_a_table_in_a_cell_is_part_of_it_and_a_box_is_none() -> None:
    """A table inside a table of data is read in its cell; one around other things is taken apart."""
    inner = "<table><tr><td>May<td>4<tr><td>June<td>5</table>"
    assert of(f"<tr><th>Pier<th>Ships<tr><td>North<td>{inner}") == ["| Pier | Ships |\n| North | May 4 June 5 |"]
    assert of(f"<tr><td>Menu<td>{inner}") == ["Menu", "- May: 4\n- June: 5"]


def test_two_columns_are_pairs_unless_they_have_headers() -> None:
    """Keys and values are a list; below headers they are rows."""
    assert of("<tr><th>Phone<td>5<tr><th>Room<td>6") == ["- Phone: 5\n- Room: 6"]
    assert of("<tr><th>Name<th>Room<tr><td>Ada<td>5") == ["| Name | Room |\n| Ada | 5 |"]


def test_spans_without_an_end_cost_no_more_than_the_table() -> None:
    """Cells that claim to cover a million places fill no memory, and lose no word."""
    rows = [[Cell(f"cell {row}", 65_534, 1_000), Cell("b")] for row in range(2_000)]
    tracemalloc.start()
    drawn = grid(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000
    assert {f"cell {row}" for row in range(2_000)} <= {cell.text for row in drawn for cell in row}


def test_a_row_is_on_its_own_line() -> None:
    """The line of each row is known, below the caption and the header."""
    (block,) = parsed("<table>\n<caption>C</caption>\n<tr><th>a<th>b\n<tr><td>1<td>2\n</table>", "a.html").blocks
    assert block.text.startswith("C\n\n| a | b |")
    assert block.lines == (3, 3, 3, 3, 4)


def test_spans_of_slides_and_of_restructured_text_count_too() -> None:
    """Merged cells of a slide, and of a grid of reStructuredText with its caption, are read like those of a page."""
    rows = [
        '<a:tc rowSpan="2">Pier</a:tc><a:tc gridSpan="2">Q1</a:tc><a:tc hMerge="1"></a:tc>',
        '<a:tc vMerge="1"></a:tc><a:tc>Ships</a:tc><a:tc>Fees</a:tc>',
        "<a:tc>North</a:tc><a:tc>4</a:tc><a:tc>900</a:tc>",
    ]
    words = re.compile(r">(\w+)</a:tc>")
    made = words.sub(r"><a:txBody><a:p><a:r><a:t>\1</a:t></a:r></a:p></a:txBody></a:tc>", "</a:tr><a:tr>".join(rows))
    frame = slide_table([["x"]]).replace("<a:tr>", f"<a:tr>{made}</a:tr><a:tr>")
    table = "| Pier | Q1 / Ships | Q1 / Fees |\n| North | 4 | 900 |"
    assert texts(slides(shape("Fees", role="title") + frame), "a.pptx") == [f"{table}\n| x |  |  |"]
    drawn = """.. table:: Fees

   +-------+---------------+
   | Pier  | Q1            |
   |       +-------+-------+
   |       | Ships | Fees  |
   +=======+=======+=======+
   | North | 4     | 900   |
   +-------+-------+-------+
"""
    assert texts(drawn, "a.rst") == [f"Fees\n{table}"]
