"""Scanned pages and image files, read by the real text recognition, confined as ever."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from core.adapters.index.qdrant_index import QdrantIndex
from core.documents import recognition
from core.documents.ingest import Ingester, IngestProgress
from core.documents.parsing import is_supported, parse
from core.documents.sandbox import Sandbox
from core.documents.sandbox_child import ParseState
from core.errors import DocumentError
from tests.fakes import HashingEmbedder
from tests.files import pdf, shown

if not recognition.is_installed():
    pytest.skip("text recognition is not installed: pip install 'attune[ocr]'", allow_module_level=True)

TEXT = ("The boat leaves at half past seven.", "Tickets cost twelve euros at the pier.")


def drawn(*lines: str, size: tuple[int, int] = (850, 300)) -> Image.Image:
    """A picture of these lines."""
    image = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(32)
    for number, line in enumerate(lines):
        pen.text((40, 40 + 60 * number), line, "black", font)
    return image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    made = io.BytesIO()
    image.save(made, kind, **options)
    return made.getvalue()


def said(data: bytes, name: str) -> str:
    document = parse(data, PurePath(name))
    return " ".join(" ".join(block.text for block in document.blocks).split())


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[Sandbox, list[int]]]:
    pages: list[int] = []
    opened = Sandbox(on_picture=pages.append)
    yield opened, pages
    opened.close()


def test_a_scan_is_read_in_the_sandbox_page_by_page(sandbox: tuple[Sandbox, list[int]]) -> None:
    """Each page is announced before it is read, and the notes say which were recognised."""
    parser, announced = sandbox
    data = saved(drawn(*TEXT), "PDF", save_all=True, append_images=[drawn("Dogs travel free of charge.")])
    (reply,) = parser.read(data, PurePath("scan.pdf"), "", {})
    assert reply.state is ParseState.READ
    assert reply.document is not None
    assert [(block.text, block.page) for block in reply.document.blocks] == [
        (" ".join(TEXT), 1),
        ("Dogs travel free of charge.", 2),
    ]
    assert reply.document.notes == ("Some pages are images, whose text was recognised: 1, 2.",)
    assert announced == [1, 2]


async def test_who_waits_sees_the_page_that_is_recognised(tmp_path: Path, index: QdrantIndex) -> None:
    """A scan takes seconds a page; what comes after it has no page."""
    (tmp_path / "a.pdf").write_bytes(saved(drawn(*TEXT), "PDF", save_all=True, append_images=[drawn("Dogs travel.")]))
    (tmp_path / "b.txt").write_text("Cats do not.", encoding="utf-8")
    seen: list[IngestProgress] = []
    await Ingester(HashingEmbedder(), index, passage_tokens=80).ingest([tmp_path], seen.append)
    assert list(dict.fromkeys((now.name, now.picture) for now in seen)) == [
        ("a.pdf", 0),
        ("a.pdf", 1),
        ("a.pdf", 2),
        ("b.txt", 0),
    ]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_scan_that_lies_the_wrong_way_is_turned(degrees: int) -> None:
    """A page that went into the scanner sideways or upside down is read all the same."""
    assert said(saved(drawn(*TEXT).rotate(degrees, expand=True), "PDF"), "scan.pdf") == " ".join(TEXT)


@pytest.mark.parametrize(("kind", "name"), [("PNG", "a.png"), ("JPEG", "a.JPG"), ("WEBP", "a.webp"), ("TIFF", "a.tif")])
def test_an_image_is_a_document(kind: str, name: str) -> None:
    """Whatever it is saved as."""
    assert said(saved(drawn(TEXT[0]), kind), name) == TEXT[0]


def test_a_transparent_image_lies_on_white_and_a_photo_is_turned_as_it_says() -> None:
    """Screenshots have no background, and cameras only note how they were held."""
    clear = Image.new("RGBA", (850, 300))
    clear.putalpha(ImageOps.invert(drawn(TEXT[0]).convert("L")))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it a quarter to the right
    photo = saved(drawn(TEXT[0]).rotate(90, expand=True), "JPEG", exif=exif)
    assert (said(saved(clear, "PNG"), "a.png"), said(photo, "a.jpg")) == (TEXT[0], TEXT[0])


def test_a_stamp_on_a_scan_does_not_make_it_text() -> None:
    """A page that is a picture is read though a scanner wrote its number on it, which stays where nothing is found."""
    data = pdf("q 612 0 0 792 0 0 cm /Im Do Q\n" + shown("Page 1", at=(50, 20)), images=(1,))
    assert said(data, "a.pdf") == "Page 1"
    assert parse(data, PurePath("a.pdf")).notes == ("Some pages are images, whose text was recognised: 1.",)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no image", r"damaged or not an image of the format that its name says\.$"),
        (saved(drawn(TEXT[0]), "PNG")[:500], r"It is damaged \(.*truncated.*\)\. Save it again"),
        (saved(Image.new("1", (20_000, 20_000)), "PNG"), "far too many pixels"),
        (saved(Image.new("1", (10_000, 10_010)), "PNG"), "10,000 by 10,010 pixels"),
        (saved(Image.new("L", (9, 9)), "GIF"), "damaged or not an image"),
    ],
)
def test_what_is_no_image_is_refused(data: bytes, reason: str) -> None:
    """So is one that would fill the memory."""
    with pytest.raises(DocumentError, match=reason):
        parse(data, PurePath("a.png"))


def test_without_recognition_an_image_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder it is passed over as other formats are."""
    monkeypatch.setattr("core.documents.parsing.is_installed", lambda: False)
    assert not is_supported(PurePath("a.png"))
    with pytest.raises(DocumentError, match=r"a\.png is an image\. Install text recognition.*attune\[ocr\]"):
        parse(b"", PurePath("a.png"))
