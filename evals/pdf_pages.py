"""Pages of the kinds that PDF files have, drawn here, with their lines in the order in which a person reads them.

Reads no data and knows no parser: `evals.pdf_order` asks each of them.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

A4 = (595.0, 842.0)
_WHO = (
    "The warden",
    "A guest",
    "The office",
    "Every new colleague",
    "The night shift",
    "Our workshop",
    "The caretaker",
)
_DOES = ("opens", "counts", "returns", "keeps a list of", "pays for", "repairs", "hands out", "orders")
_WHAT = ("the keys", "all the bicycles", "two copies of the form", "the red boxes", "spare parts", "the cups")
_WHEN = ("before seven in the morning", "after the harbour has closed", "on the first Monday of a month", "each spring")
_WHY = ("so that nobody has to wait", "because the lift is slow", "as the insurance asks", "if the weather allows it")


@dataclass
class Sheet:
    """A page being drawn, and what was drawn in order."""

    size: tuple[float, float] = A4
    lines: list[str] = field(default_factory=list)
    seed: int = 1

    def __post_init__(self) -> None:
        self.file = io.BytesIO()
        self.canvas = Canvas(self.file, pagesize=self.size, invariant=1)
        self._words = random.Random(self.seed)  # noqa: S311 - the same pages each time

    def prose(self, sentences: int = 6) -> str:
        """Sentences of our own."""
        draw = self._words.choice
        return " ".join(
            f"{draw(_WHO)} {draw(_DOES)} {draw(_WHAT)} {draw(_WHEN)}, {draw(_WHY)}." for _ in range(sentences)
        )

    def say(self, text: str, x: float, y: float, size: float = 10, *, font: str = "Helvetica") -> None:
        """One line."""
        self.canvas.setFont(font, size)
        self.canvas.drawString(x, y, text)
        self.lines.append(text)

    def flow(self, text: str, x: float, y: float, width: float, size: float = 10, lead: float = 1.25) -> float:
        """A paragraph in a column; returns where the next one begins."""
        for line in simpleSplit(text, "Helvetica", size, width):
            self.say(line, x, y, size)
            y -= lead * size
        return y - 0.6 * size

    def turned(self, degrees: float, x: float, y: float, draw: Callable[[], None]) -> None:
        """Draw with the page turned around a place."""
        self.canvas.saveState()
        self.canvas.translate(x, y)
        self.canvas.rotate(degrees)
        draw()
        self.canvas.restoreState()

    def done(self) -> tuple[bytes, list[str]]:
        """The file, and its lines."""
        self.canvas.showPage()
        self.canvas.save()
        return self.file.getvalue(), self.lines


def columns(
    sheet: Sheet, widths: Sequence[float], top: float, gap: float = 18, paragraphs: int = 3, **how: float
) -> float:
    """Columns of these widths beside each other; returns how far down the longest reaches."""
    left, lowest = 50.0, top
    for width in widths:
        y = top
        for _ in range(paragraphs):
            y = sheet.flow(sheet.prose(3), left, y, width, **how)
        left, lowest = left + width + gap, min(lowest, y)
    return lowest


def one_column() -> Sheet:
    sheet = Sheet(seed=2)
    sheet.say("House rules", 50, 780, 20)
    sheet.flow(sheet.prose(8), 50, sheet.flow(sheet.prose(8), 50, 740, 490), 490)
    return sheet


def two_columns() -> Sheet:
    sheet = Sheet(seed=3)
    sheet.say("The harbour gazette of this spring", 50, 790, 20)
    columns(sheet, (238, 238), 750)
    return sheet


def two_unequal_columns() -> Sheet:
    sheet = Sheet(seed=4)
    columns(sheet, (330, 145), 780, paragraphs=2)
    return sheet


def narrow_first_column() -> Sheet:
    sheet = Sheet(seed=5)
    columns(sheet, (120, 355), 780, paragraphs=2)
    return sheet


def columns_with_their_own_leading() -> Sheet:
    sheet = Sheet(seed=6)
    start = 780.0
    for _ in range(2):
        start = sheet.flow(sheet.prose(4), 50, start, 230, 11)
    start = 775.0
    for _ in range(2):
        start = sheet.flow(sheet.prose(4), 300, start, 240, 9)
    return sheet


def three_columns() -> Sheet:
    sheet = Sheet(seed=7)
    sheet.say("Three columns of news", 50, 800, 22)
    columns(sheet, (152, 152, 152), 765)
    return sheet


def four_narrow_columns() -> Sheet:
    sheet = Sheet((842.0, 595.0), seed=8)
    columns(sheet, (165, 165, 165, 165), 560)
    return sheet


def narrow_gutter() -> Sheet:
    sheet = Sheet(seed=9)
    columns(sheet, (242, 242), 780, gap=10)
    return sheet


def leaflet() -> Sheet:
    sheet = Sheet((842.0, 595.0), seed=10)
    for left in (40, 310, 580):
        sheet.say(f"Panel {left} of the leaflet", left, 560, 16)
        y = sheet.flow(sheet.prose(3), left, 530, 220)
        y = sheet.flow(sheet.prose(2), left, y - 40, 220)
        sheet.flow(sheet.prose(1), left, y - 20 - left / 10, 220, 12)
    return sheet


def heading_amid_columns() -> Sheet:
    sheet = Sheet(seed=11)
    y = columns(sheet, (238, 238), 780, paragraphs=1)
    sheet.say("A heading that stands across both of the columns here", 50, y - 20, 16)
    columns(sheet, (238, 238), y - 50, paragraphs=2)
    return sheet


def last_page_of_two_columns() -> Sheet:
    sheet = Sheet(seed=12)
    y = 780.0
    for _ in range(4):
        y = sheet.flow(sheet.prose(3), 50, y, 238)
    sheet.flow(sheet.prose(3), 306, 780, 238)
    return sheet


def footnotes() -> Sheet:
    sheet = Sheet(seed=13)
    columns(sheet, (238, 238), 780, paragraphs=2)
    y = sheet.flow("1 " + sheet.prose(1), 50, 120, 238, 7)
    sheet.flow("2 " + sheet.prose(1), 50, y, 238, 7)
    return sheet


def sidebar() -> Sheet:
    sheet = Sheet(seed=14)
    y = sheet.flow(sheet.prose(4), 50, 780, 330)
    sheet.flow(sheet.prose(6), 50, y, 330)
    sheet.canvas.rect(400, 600, 150, 130)
    sheet.say("In short", 410, 710, 12, font="Helvetica-Bold")
    sheet.flow(sheet.prose(1), 410, 690, 130, 9)
    return sheet


def margin_notes() -> Sheet:
    sheet = Sheet(seed=15)
    y = sheet.flow(sheet.prose(6), 50, 780, 380)
    sheet.flow(sheet.prose(6), 50, y, 380)
    sheet.flow("See the plan of the cellar on the wall", 450, 755, 90, 8)
    sheet.flow("Ask first, at the gate", 450, 640, 90, 8)
    return sheet


def table_without_rules() -> Sheet:
    sheet = Sheet(seed=16)
    y = sheet.flow(sheet.prose(2), 50, 780, 490)
    for number, (name, room, hours) in enumerate(_ROOMS):
        for text, x in ((name, 50), (room, 220), (hours, 380)):
            sheet.canvas.drawString(x, y - 16 * number, text)
        sheet.lines.append(f"{name} {room} {hours}")
    sheet.flow(sheet.prose(2), 50, y - 16 * len(_ROOMS) - 20, 490)
    return sheet


_ROOMS = (
    ("Name of the room", "Floor", "Hours"),
    ("Reading room", "Ground floor, left", "8:00 to 20:00"),
    ("Workshop for wood", "Cellar", "10:00 to 18:00"),
    ("Small kitchen", "Second floor", "always open"),
    ("Server room", "Attic, by the stairs", "on request"),
    ("Bicycle store", "Yard", "7:00 to 22:00"),
)


def ruled_table_beside_text() -> Sheet:
    sheet = Sheet(seed=17)
    y = sheet.flow(sheet.prose(3), 50, 780, 490)
    sheet.flow(sheet.prose(5), 50, y, 230)
    for number, (name, _, hours) in enumerate(_ROOMS):
        for text, x, width in ((name, 300, 130), (hours, 430, 110)):
            sheet.canvas.rect(x, y - 8 - 18 * number, width, 18)
            sheet.canvas.drawString(x + 4, y - 2 - 18 * number, text)
        sheet.lines.append(f"{name} {hours}")
    return sheet


def labels_and_values() -> Sheet:
    sheet = Sheet(seed=18)
    pairs = (("Phone", "555 0100"), ("Door code", "at the gate"), ("Manager", "Ada Berg"), ("Rent", "1,200 euros"))
    for number, (label, value) in enumerate(pairs):
        sheet.canvas.drawString(50, 780 - 18 * number, label)
        sheet.canvas.drawString(300, 780 - 18 * number, value)
        sheet.lines.append(f"{label} {value}")
    return sheet


def fake_bold() -> Sheet:
    sheet = Sheet(seed=19)
    for offset in (0, 0.4, 0.8):
        sheet.canvas.setFont("Helvetica", 14)
        sheet.canvas.drawString(50 + offset, 780, "Opening hours of all the little pools")
    sheet.lines.append("Opening hours of all the little pools")
    for line in simpleSplit(sheet.prose(3), "Helvetica", 10, 490):
        y = 760 - 14 * len(sheet.lines)
        sheet.say(line, 50, y)
        sheet.canvas.drawString(50.5, y - 0.4, line)
    return sheet


def letterspaced() -> Sheet:
    sheet = Sheet(seed=20)
    for y, text, space in ((790, "OPENING HOURS", 6.0), (760, "Rules of the house", 3.0), (730, "NEWS AND MORE", 1.6)):
        sheet.canvas.setFont("Helvetica-Bold", 13)
        sheet.canvas.drawString(50, y, text, charSpace=space)
        sheet.lines.append(text)
    sheet.canvas.setFont("Helvetica", 12)
    sheet.canvas.drawString(50, 700, "C L O S E D   O N   S U N D A Y S", charSpace=0)
    sheet.lines.append("CLOSED ON SUNDAYS")
    sheet.flow(sheet.prose(4), 50, 670, 490)
    return sheet


def rotated(degrees: int) -> Sheet:
    sheet = Sheet(seed=21 + degrees)
    sheet.canvas.setPageRotation(degrees)
    columns(sheet, (238, 238), 780, paragraphs=2)
    return sheet


def drawn_sideways() -> Sheet:
    sheet = Sheet((595.0, 842.0), seed=22)
    sheet.turned(90, 560, 0, lambda: _landscape(sheet))
    return sheet


def _landscape(sheet: Sheet) -> None:
    sheet.say("A wide page that was drawn on its side", 60, 500, 16)
    sheet.flow(sheet.prose(8), 60, 460, 700)


def sideways_in_the_margin() -> Sheet:
    sheet = Sheet(seed=23)
    sheet.flow(sheet.prose(12), 80, 780, 450)
    sheet.turned(90, 40, 300, lambda: sheet.say("Form 27 of the harbour office, second edition", 0, 0, 8))
    return sheet


def watermark() -> Sheet:
    sheet = Sheet(seed=24)
    sheet.flow(sheet.prose(14), 80, 780, 450)
    sheet.turned(45, 150, 300, lambda: sheet.say("DRAFT", 0, 0, 80))
    return sheet


def letter() -> Sheet:
    sheet = Sheet(seed=25)
    for number, line in enumerate(("Harbour Office", "Pier Road 5", "12345 Northport")):
        sheet.say(line, 50, 780 - 13 * number)
    for number, line in enumerate(("Your contact: Ada Berg", "Phone: 555 0100", "3 June 2024")):
        sheet.say(line, 400, 780 - 13 * number)
    sheet.flow(sheet.prose(8), 50, 650, 490)
    return sheet


def word_by_word() -> Sheet:
    """As word processors write: each word is placed by itself, and no space is drawn."""
    sheet = Sheet(seed=26)
    for number, line in enumerate(simpleSplit(sheet.prose(8), "Helvetica", 10, 490)):
        words, x = line.split(), 50.0
        room = (490 - sum(sheet.canvas.stringWidth(word, "Helvetica", 10) for word in words)) / max(1, len(words) - 1)
        for word in words:
            sheet.canvas.setFont("Helvetica", 10)
            sheet.canvas.drawString(x, 780 - 13 * number, word)
            x += sheet.canvas.stringWidth(word, "Helvetica", 10) + min(room, 6.0)
        sheet.lines.append(line)
    return sheet


def drawn_from_the_bottom() -> Sheet:
    """A page whose lines stand in its file the other way round."""
    sheet = Sheet(seed=27)
    lines = simpleSplit(sheet.prose(8), "Helvetica", 10, 490)
    for number, line in reversed(list(enumerate(lines))):
        sheet.canvas.drawString(50, 780 - 13 * number, line)
    sheet.lines += lines
    return sheet


KINDS: dict[str, Callable[[], Sheet]] = {
    each.__name__.replace("_", " "): each
    for each in (
        *(one_column, two_columns, two_unequal_columns, narrow_first_column, columns_with_their_own_leading),
        *(three_columns, four_narrow_columns, narrow_gutter, leaflet, heading_amid_columns, last_page_of_two_columns),
        *(footnotes, sidebar, margin_notes, table_without_rules, ruled_table_beside_text, labels_and_values, fake_bold),
        *(letterspaced, drawn_sideways, sideways_in_the_margin, watermark, letter, word_by_word, drawn_from_the_bottom),
    )
} | {f"/Rotate {degrees}": lambda degrees=degrees: rotated(degrees) for degrees in (90, 180, 270)}


def drawn() -> Iterator[tuple[str, bytes, list[str]]]:
    """Every kind, its file, and its lines in order."""
    for name, draw in KINDS.items():
        yield name, *draw().done()
