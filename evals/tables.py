"""Questions for one cell of a table: `python -m evals.tables` asks 30 of them over eleven files.

The tables are made here, by us: HTML and Word with merged cells, workbooks as programs write them, CSV in two dialects,
TSV, Markdown; short, long and wide ones. A passage is right if it is of the right file and holds the row's name and the
cell's value. Search only, unless `--answers` is given; an answer is right if it holds the value.
"""

from __future__ import annotations

import asyncio
import io
import os
import zipfile
from argparse import Namespace
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from openpyxl import Workbook

from core.documents.blocks import pipe_table
from core.evaluation.evaluator import Evaluator, Result, visiting
from core.evaluation.questions import OwnQuestion
from core.settings import Settings
from evals.common import Record, parser, progress, write_result
from evals.product import open_product, open_search, temporary_folder

CUTOFFS = (1, 4, 10)


@dataclass(frozen=True, slots=True)
class CellQuestion:
    """A question for the cell of a file's table: its row's name, and its value, of which any spelling is right."""

    text: str
    file: str
    row: str
    values: Sequence[str]


QUESTIONS = [
    CellQuestion(text, file, row, value.split("|"))
    for text, file, row, value in (
        ("What does a fender cost?", "chandlery.html", "Fender", "34"),
        ("How many shackles are in stock?", "chandlery.html", "Shackle", "120"),
        ("On which shelf is the boat hook?", "chandlery.html", "Boat hook", "B"),
        ("How much did the north pier take in fees in the second quarter?", "piers.html", "North", "1,310"),
        ("How many ships called at the east pier in the first quarter?", "piers.html", "East", "17"),
        ("Who looks after the west pier?", "piers.html", "West", "Ilse Brandt"),
        ("What is the draught of the Kestrel?", "boats.html", "Kestrel", "2.4"),
        ("How many berths for sleeping has the Heron?", "boats.html", "Heron", "6"),
        ("Who is on watch on Wednesday night?", "watches.docx", "Wednesday", "Marek"),
        ("Who stands the day watch on Friday?", "watches.docx", "Friday", "Odile"),
        ("Where is the watch of Tuesday held?", "watches.docx", "Tuesday", "signal tower"),
        ("What did dredging cost in the whole year?", "costs.xlsx", "Dredging", "8,500|8500"),
        ("What was paid for buoys in the second half of the year?", "costs.xlsx", "Buoys", "350"),
        ("What share of all costs is lighting?", "costs.xlsx", "Lighting", "12.0%|12.0 %|12%|12 %"),
        ("How many hours did Tomas work in March?", "hours.xlsx", "Tomas", "41:30"),
        ("When did Beate start?", "hours.xlsx", "Beate", "4 May 2021"),
        ("What is the staff number of Yusuf?", "hours.xlsx", "Yusuf", "00042"),
        ("What does berth 37 cost a night?", "berths.csv", "Berth 37", "38,50"),
        ("How deep is the water at berth 12?", "berths.csv", "Berth 12", "3,2"),
        ("Has berth 44 electricity?", "berths.csv", "Berth 44", "no"),
        ("Who owns the term GRT?", "terms.tsv", "GRT", "Harbour office"),
        ("What does ETD stand for?", "terms.tsv", "ETD", "departure"),
        ("Who owns the term bunkering?", "terms.tsv", "Bunkering", "Fuel dock"),
        ("When is high water on 9 June?", "tides.md", "9 June", "07:52"),
        ("How high is the water at noon on 17 June?", "tides.md", "17 June", "3.1"),
        ("What is the phone number of the pilot station?", "contacts.csv", "Pilot station", "555-0107"),
        ("Which radio channel does the lock use?", "contacts.csv", "Lock", "22"),
        ("Who stands in for the head of customs?", "contacts.csv", "Customs", "Ana Ruiz"),
        ("How long may a visitor's car stay in zone C?", "parking.html", "Zone C", "2 hours"),
        ("What does zone A cost an hour at the weekend?", "parking.html", "Zone A", "1.20"),
    )
]


def main() -> None:
    """Write the tables, ingest, ask, print, write."""
    options = parser(__doc__ or "")
    options.add_argument("--answers", action="store_true", help="also make the answers: slow")
    asyncio.run(run(options.parse_args()))


async def run(chosen: Namespace) -> None:
    """Ask for all cells."""
    asked = QUESTIONS[: chosen.limit]
    with temporary_folder() as folder:
        for name, content in files().items():
            (folder / name).write_bytes(content)
        async with _over(folder, answers=chosen.answers) as evaluator:
            results = [
                await evaluator.ask(OwnQuestion(question.text, (question.file,), question.values[0]))
                for question in progress(asked, "asking")
            ]
    ranks = [_rank(question, result) for question, result in zip(asked, results, strict=True)]
    figures: Record = {f"in the first {most}": sum(rank <= most for rank in ranks) for most in CUTOFFS}
    figures["questions"] = len(asked)
    figures["not in the first"] = [q.text for q, rank in zip(asked, ranks, strict=True) if rank > 1]
    if chosen.answers:
        said = [_said(question, result) for question, result in zip(asked, results, strict=True)]
        figures["answers"] = said
        figures["right answers"] = sum(answer["right"] for answer in said)
    print(figures)
    write_result("tables_answers" if chosen.answers else "tables", figures)


@asynccontextmanager
async def _over(folder: Path, *, answers: bool) -> AsyncIterator[Evaluator]:
    relevance = Settings.from_env(os.environ).relevance
    if not answers:
        async with open_search() as library:
            await library.ingester.ingest([folder])
            yield Evaluator(library.embedder, library.index, relevance=relevance)
        return
    async with open_product() as product:
        await product.ingester.ingest([folder])
        engine = product.engine()
        async with visiting(engine) as guest:
            yield Evaluator(product.embedder, product.index, relevance=relevance, engine=engine, person=guest)


def _rank(question: CellQuestion, result: Result) -> int:
    """Of the first passage that holds the row and its value, or one more than were kept."""
    for rank, ranked in enumerate(result.found, start=1):
        text = ranked.passage.text
        if ranked.passage.source.endswith(question.file) and question.row in text and _holds(text, question.values):
            return rank
    return max(CUTOFFS) + 1


def _holds(text: str, values: Sequence[str]) -> bool:
    return any(value.casefold() in text.casefold() for value in values)


def _said(question: CellQuestion, result: Result) -> Record:
    text = result.said.text if result.said else ""
    return {"question": question.text, "answer": text, "right": _holds(text, question.values)}


def files() -> Mapping[str, bytes]:
    """Name and content of each file."""
    berths = [
        [
            f"Berth {n}",
            f"{8 + n % 7},0",
            f"{2 + n % 5 // 2},{n * 3 % 10}",
            "no" if n % 4 == 0 else "yes",
            f"{20 + n // 2},{5 * (n % 2)}0",
        ]
        for n in range(1, 61)
    ]
    berths[11][2] = "3,2"
    tides = [
        [f"{day} June", f"{day * 53 // 60 % 12:02}:{(day * 53 - 5) % 60:02}", f"{2 + day * 7 % 20 / 10:.1f}"]
        for day in range(1, 31)
    ]
    tides[16][2] = "3.1"
    return {
        "chandlery.html": _CHANDLERY.encode(),
        "piers.html": _PIERS.encode(),
        "boats.html": _BOATS.encode(),
        "parking.html": _PARKING.encode(),
        "watches.docx": _watches(),
        "costs.xlsx": _costs(),
        "hours.xlsx": _hours(),
        "berths.csv": _lines(["Berth;Length in m;Depth in m;Electricity;Euros a night", *map(";".join, berths)]),
        "terms.tsv": _lines(["\t".join(row) for row in _TERMS]),
        "contacts.csv": _lines([",".join(row) for row in _contacts()]),
        "tides.md": ("# Tides in June\n\n" + pipe_table([["Day", "High water", "Metres at noon"], *tides])).encode(),
    }


def _lines(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


_CHANDLERY = """<h1>Chandlery list</h1><table>
<tr><th>Shelf</th><th>Article</th><th>Unit price in euros</th><th>Pieces in stock</th></tr>
<tr><td rowspan="3">A</td><td>Anchor</td><td>210</td><td>5</td></tr><tr><td>Fender</td><td>34</td><td>16</td></tr>
<tr><td>Shackle</td><td>7</td><td>120</td></tr><tr><td rowspan="3">B</td><td>Boat hook</td><td>29</td><td>11</td></tr>
<tr><td>Bilge pump</td><td>95</td><td>4</td></tr><tr><td>Flare</td><td>18</td><td>60</td></tr>
<tr><td rowspan="2">C</td><td>Life vest</td><td>64</td><td>25</td></tr><tr><td>Mooring line</td><td>41</td><td>33</td>
</tr></table>"""
_PIERS = """<h1>Piers</h1><table><caption>Ships and fees by pier</caption><thead>
<tr><th rowspan="2">Pier</th><th colspan="2">First quarter</th><th colspan="2">Second quarter</th>
<th rowspan="2">Looked after by</th></tr>
<tr><th>Ships</th><th>Fees</th><th>Ships</th><th>Fees</th></tr></thead><tbody>
<tr><td>North</td><td>14</td><td>980</td><td>19</td><td>1,310</td><td>Piet Olsen</td></tr>
<tr><td>East</td><td>17</td><td>1,150</td><td>12</td><td>870</td><td>Carla Mendes</td></tr>
<tr><td>West</td><td>8</td><td>560</td><td>11</td><td>790</td><td>Ilse Brandt</td></tr></tbody></table>"""
_BOATS = """<h1>Boats for hire</h1><table><tr><th>Boat</th><td>Kestrel</td><td>Heron</td><td>Tern</td></tr>
<tr><th>Draught in metres</th><td>2.4</td><td>1.9</td><td>1.1</td></tr>
<tr><th>Sleeping berths</th><td>4</td><td>6</td><td>2</td></tr>
<tr><th>Deposit in euros</th><td>900</td><td>1,200</td><td>300</td></tr></table>"""
_PARKING = """<h1>Parking</h1><table><tr><th>Zone</th><th>Longest stay</th><th>Euros an hour</th></tr>
<tr><td colspan="3">On weekdays</td></tr><tr><td>Zone A</td><td>4 hours</td><td>2.50</td></tr>
<tr><td>Zone B</td><td>8 hours</td><td>1.80</td></tr><tr><td>Zone C</td><td>2 hours</td><td>3.10</td></tr>
<tr><td colspan="3">At the weekend</td></tr><tr><td>Zone A</td><td>4 hours</td><td>1.20</td></tr>
<tr><td>Zone B</td><td>a day</td><td>0.90</td></tr></table>"""
_TERMS = [
    ["Term", "Meaning, in words", "Owner"],
    ["GRT", "Gross tonnage, registered", "Harbour office"],
    ["ETA", "Time of arrival, expected", "Pilots"],
    ["ETD", "Time of departure, expected", "Pilots"],
    ["Bunkering", "Taking on fuel, by hose or barge", "Fuel dock"],
    ["Demurrage", "Charge for a ship, or goods, that stay too long", "Accounts"],
    ["Lightering", "Moving cargo, ship to ship", "Cargo desk"],
]


def _contacts() -> list[list[str]]:
    """A wide table: more columns than a passage has room for beside their headers."""
    days = [f"Opening hours on {day}" for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")]
    header = ["Office", "Head", "Stand-in", "Phone", "Radio channel", "Room", "Floor", "Building", "Mail stop", *days]
    header += [f"Emergency contact {n} by name and number" for n in range(1, 9)]
    names = [
        ("Pilot station", "Jon Dahl", "Mia Koch", "555-0107", "12"),
        ("Lock", "Eva Lund", "Sam Okoro", "555-0112", "22"),
        ("Customs", "Leo Petit", "Ana Ruiz", "555-0119", "9"),
        ("Fuel dock", "Ida Holm", "Raj Nair", "555-0123", "68"),
    ]
    return [
        header,
        *(
            [*name, f"{at}04", f"{at}", "Quay house", f"MS{at}", *[f"0{at + 6}:00 to 17:30"] * 6]
            + [f"Helper {at}{n} at 555-02{at}{n}" for n in range(1, 9)]
            for at, name in enumerate(names, start=1)
        ),
    ]


def _saved(book: Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _costs() -> bytes:
    """A report as a program writes it: a title across the top, formulas without values."""
    book = Workbook()
    sheet = book.create_sheet("Costs")
    for row in (
        ["Costs of the harbour"],
        ["Post", "First half", "Second half", "Whole year", "Share"],
        ["Dredging", 4000, 4500, "=B3+C3", "=D3/D$7"],
        ["Buoys", 300, 350, "=B4+C4", "=D4/D$7"],
        ["Lighting", 700, 740, "=B5+C5", "=D5/D$7"],
        ["Cranes", 500, 910, "=B6+C6", "=D6/D$7"],
        ["All", "=SUM(B3:B6)", "=SUM(C3:C6)", "=SUM(D3:D6)", "=D7/D$7"],
    ):
        sheet.append(row)
    sheet.merge_cells("A1:E1")
    for row in range(3, 8):
        for column in range(2, 5):
            sheet.cell(row, column).number_format = '#,##0 "EUR"'
        sheet.cell(row, 5).number_format = "0.0%"
    return _saved(book)


def _hours() -> bytes:
    book = Workbook()
    sheet = book.create_sheet("Hours")
    sheet.append(["Name", "Staff number", "Started", "Hours in March", "Hours in April"])
    for name, number, started, march, april in (
        ("Tomas", 7, 43_500, 41.5, 38.25),
        ("Beate", 19, 44_320, 37.75, 40.0),
        ("Yusuf", 42, 44_900, 29.5, 33.5),
        ("Greta", 51, 45_100, 44.0, 12.25),
    ):
        sheet.append([name, number, started, march / 24, april / 24])
        for column, code in enumerate(("00000", "d mmm yyyy", "[h]:mm", "[h]:mm"), start=2):
            sheet.cell(sheet.max_row, column).number_format = code
    return _saved(book)


def _watches() -> bytes:
    """A Word file whose table has merged cells: a place for several days, two watches below one header."""

    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"

    top, below = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    rows = [
        cell("Place", top) + cell("Weekday", top) + cell("On watch", '<w:gridSpan w:val="2"/>'),
        cell("", below) + cell("", below) + cell("Day") + cell("Night"),
        cell("signal tower", top) + cell("Monday") + cell("Lena") + cell("Marek"),
        cell("", below) + cell("Tuesday") + cell("Odile") + cell("Henk"),
        cell("pier head", top) + cell("Wednesday") + cell("Priya") + cell("Marek"),
        cell("", below) + cell("Thursday") + cell("Lena") + cell("Henk"),
        cell("", below) + cell("Friday") + cell("Odile") + cell("Priya"),
    ]
    heading = '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Watches</w:t></w:r></w:p>'
    table = "".join(f"<w:tr>{row}</w:tr>" for row in rows)
    main = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{main}"><w:body>{heading}<w:tbl>{table}</w:tbl></w:body>'
        "</w:document>",
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return content.getvalue()


if __name__ == "__main__":
    main()
