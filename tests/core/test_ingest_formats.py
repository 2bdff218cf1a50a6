"""Ingestion end to end over every format, and over archives whose members come and go."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from core.adapters.index.qdrant_index import QdrantIndex
from core.documents.ingest import Ingester
from core.domain import EVERYONE
from tests.core.test_chats import NOON, chat, export, message
from tests.core.test_formats import OFFICE, lines
from tests.core.test_ingest import write
from tests.fakes import HashingEmbedder
from tests.files import book, pdf, shape, slides, zipped

# Qdrant's local mode, which stands in for a server, scans instead; it says so each time.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder with a file of every format, and some that cannot be read."""
    return write_mixed(tmp_path / "docs")


def write_mixed(folder: Path) -> Path:
    for name in ("my-form.pdf", "weekly_ship.docx", "risk_tracker.xlsx"):
        write(folder / name, (OFFICE / name).read_bytes())
    write(folder / "plan.pptx", slides(shape("Plan", role="title") + shape("Fewer slides.", role="body")))
    write(folder / "book.epub", book({"a.xhtml": "<h1>Start</h1><p>Words.</p>"}, metadata=""))
    write(folder / "mail.eml", "From: ada@a.b\nSubject: Keys\nDate: Mon, 3 Jun 2024 10:00:00 +0200\n\nHere.\n")
    write(folder / "study.ipynb", json.dumps({"cells": [{"cell_type": "markdown", "source": "# Study"}]}))
    write(folder / "people.csv", "name,room\nAda,5\n")
    write(folder / "tool.py", "def run():\n    pass\n")
    write(folder / "slack.zip", export({"help/2024-06-03.json": [message(NOON, "U1", "Which form?")]}))
    write(folder / "result.json", json.dumps(chat()))
    write(folder / "all.zip", zipped({"in/guide.md": "# Guide\n\nWords.", "in/rules.txt": "Be kind.", "in/a.gif": "x"}))
    write(folder / "broken.pdf", b"%PDF-1.7\nnothing")
    write(folder / "bad.zip", b"PK\3\4")
    return folder


async def sources(index: QdrantIndex, folder: Path) -> set[str]:
    documents = await index.documents()
    assert all(document.complete for document in documents)
    assert len({document.source for document in documents}) == len(documents)
    return {document.source.removeprefix(f"{folder.as_posix()}/") for document in documents}


ALL = {
    *("my-form.pdf", "weekly_ship.docx", "risk_tracker.xlsx", "plan.pptx", "book.epub", "mail.eml", "study.ipynb"),
    *("people.csv", "tool.py", "slack.zip/help/2024-06-03", "all.zip/in/guide.md", "all.zip/in/rules.txt"),
    *("result.json/Help-all/2024-06-03", "result.json/Help-all/2024-06-04"),
}


async def test_a_mixed_folder_is_ingested_and_then_left_alone(
    mixed: Path, ingester: Ingester, embedder: HashingEmbedder, index: QdrantIndex
) -> None:
    """Every document of every format is there; the bad ones are refused; a second run reads nothing anew."""
    report = await ingester.ingest([mixed])
    assert await sources(index, mixed) == ALL
    assert len(report.new) == len(ALL)
    assert sorted(Path(refusal.path).name for refusal in report.refused) == ["bad.zip", "broken.pdf"]
    assert [Path(source).name for source in report.skipped] == ["a.gif"]
    count = await index.count()
    embedder.embedded.clear()
    report = await ingester.ingest([mixed])
    assert (len(report.unchanged), report.new, report.changed, report.removed) == (len(ALL), (), (), ())
    assert (embedder.embedded, await index.count()) == ([], count)


async def test_passages_carry_what_the_document_says_of_itself(
    mixed: Path, ingester: Ingester, index: QdrantIndex
) -> None:
    """Page, author and date come back out of the index with the passage."""
    first, second = ([f"{name} rules are many words long. " * 2] * 7 for name in ("Parental", "Sabbatical"))
    write(mixed / "leave.pdf", pdf(lines(*first, top=700), lines(*second, top=700), info="/Author (Ada)"))
    await ingester.ingest([mixed])
    for words, source, page, author, date in (
        ("Sabbatical", "leave.pdf", 2, "Ada", ""),
        ("From: ada", "mail.eml", 0, "ada@a.b", "2024-06-03T10:00:00+02:00"),
        ("Fewer slides.", "plan.pptx", 1, "", ""),
    ):
        (row,) = await HashingEmbedder().embed([words])
        found = [hit.passage for hit in await index.search(words, row, audience={EVERYONE}, limit=9)]
        best = next(passage for passage in found if passage.text.startswith(words))
        assert (Path(best.source).name, best.page, best.author, best.date) == (source, page, author, date)


def unpack(archive: bytes, folder: Path) -> Path:
    """`archive` as somebody would unpack it."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        packed.extractall(folder)
    return folder


PRIVATE = {
    "dms.json": [{"id": "D1", "members": ["U1", "U2"]}],
    "groups.json": [{"id": "G1", "name": "board"}],
    **{f"{name}/2024-06-03.json": [message(NOON, "U1", "The salary is secret.")] for name in ("D1", "board")},
}
TALKS = {"help/2024-06-03.json": [message(NOON, "U1", "Which form?")]}


@pytest.mark.parametrize("named", ["export", "."])
async def test_an_unpacked_slack_export_is_read_as_its_archive(
    tmp_path: Path, ingester: Ingester, index: QdrantIndex, named: str
) -> None:
    """Public channels only, a document a day, named itself or with what is around it; nothing is read twice."""
    folder = unpack(export(TALKS | PRIVATE), tmp_path / "export")
    write(tmp_path / "guide.md", "# Guide")
    report = await ingester.ingest([tmp_path / named])
    assert not report.refused
    assert ("dms.json, groups.json" in report.notes[0], len(report.notes)) == (True, 1)
    assert await sources(index, folder) - {f"{tmp_path}/guide.md"} == {"help/2024-06-03"}
    again = await ingester.ingest([tmp_path / named])
    assert (again.new, again.changed, again.removed) == ((), (), ())


async def test_what_was_read_of_an_unpacked_export_file_by_file_goes(
    tmp_path: Path, ingester: Ingester, index: QdrantIndex
) -> None:
    """Its parts were taken for code once, the private ones too: they go when the folder is seen to be an export."""
    folder = unpack(export(TALKS | PRIVATE), tmp_path / "export")
    lists = [(folder / name, (folder / name).read_bytes()) for name in ("channels.json", "users.json")]
    for file, _ in lists:
        file.unlink()
    await ingester.ingest([tmp_path])
    assert "D1/2024-06-03.json" in await sources(index, folder)
    for file, content in lists:
        file.write_bytes(content)
    await ingester.ingest([tmp_path])
    assert await sources(index, folder) == {"help/2024-06-03"}


async def test_an_unpacked_export_says_itself_who_may_see_it(
    tmp_path: Path, ingester: Ingester, index: QdrantIndex
) -> None:
    """By the file for its folder, which lies beside its lists."""
    folder = unpack(export(TALKS), tmp_path / "export")
    write(folder / ".attune.toml", 'readers = ["workspace:slack/T1"]\n')
    await ingester.ingest([tmp_path])
    assert {document.readers for document in await index.documents()} == {("workspace:slack/T1",)}


async def test_a_broken_unpacked_export_is_refused_whole(
    tmp_path: Path, ingester: Ingester, index: QdrantIndex
) -> None:
    """No part of it is read as something else, and the files around it are."""
    folder = unpack(export(TALKS | PRIVATE, **{"channels.json": {"a": 1}}), tmp_path / "export")
    write(tmp_path / "guide.md", "# Guide\n\nWords.")
    report = await ingester.ingest([tmp_path])
    assert [refusal.path for refusal in report.refused] == [folder.as_posix()]
    assert await sources(index, tmp_path) == {"guide.md"}


async def test_members_of_an_archive_change_and_go(
    mixed: Path, ingester: Ingester, embedder: HashingEmbedder, index: QdrantIndex
) -> None:
    """Only the changed member is embedded; one that went loses its passages; another archive stays as it is."""
    await ingester.ingest([mixed])
    embedder.embedded.clear()
    write(mixed / "all.zip", zipped({"in/guide.md": "# Guide\n\nNew words.", "in/more.txt": "More.", "z.gif": "x"}))
    report = await ingester.ingest([mixed])
    prefix = f"{mixed.as_posix()}/all.zip/in"
    assert (report.changed, report.new, report.removed) == (
        (f"{prefix}/guide.md",),
        (f"{prefix}/more.txt",),
        (f"{prefix}/rules.txt",),
    )
    assert sorted(text.split("\n")[-1] for text in embedder.embedded) == ["More.", "New words."]
    assert await sources(index, mixed) == ALL - {"all.zip/in/rules.txt"} | {"all.zip/in/more.txt"}


async def test_an_archive_that_goes_takes_its_members_along(
    mixed: Path, ingester: Ingester, index: QdrantIndex
) -> None:
    """Those of one that cannot be read for now stay."""
    await ingester.ingest([mixed])
    (mixed / "slack.zip").unlink()
    write(mixed / "all.zip", b"PK\3\4")
    report = await ingester.ingest([mixed])
    assert report.removed == (f"{mixed.as_posix()}/slack.zip/help/2024-06-03",)
    assert await sources(index, mixed) == ALL - {"slack.zip/help/2024-06-03"}


async def test_a_member_that_cannot_be_read_keeps_what_it_had(
    mixed: Path, ingester: Ingester, index: QdrantIndex
) -> None:
    """As a file of its own would; its neighbours are brought up to date."""
    await ingester.ingest([mixed])
    write(mixed / "all.zip", zipped({"in/guide.md": b"MZ\0\1", "in/rules.txt": "Be very kind."}))
    report = await ingester.ingest([mixed])
    assert [Path(refusal.path).name for refusal in report.refused] == ["guide.md", "bad.zip", "broken.pdf"]
    assert report.removed == ()
    assert await sources(index, mixed) == ALL


async def test_a_file_beside_an_archive_of_its_name_is_no_member(
    tmp_path: Path, ingester: Ingester, index: QdrantIndex
) -> None:
    """Sources that only begin alike are not taken for members."""
    write(tmp_path / "a.zip", zipped({"in.md": "One."}))
    write(tmp_path / "a.zip.md", "Two.")
    write(tmp_path / "a.zip-2" / "in.md", "Three.")
    await ingester.ingest([tmp_path])
    write(tmp_path / "a.zip", zipped({"other.md": "One."}))
    report = await ingester.ingest([tmp_path])
    assert report.removed == (f"{tmp_path.as_posix()}/a.zip/in.md",)
    assert await sources(index, tmp_path) == {"a.zip/other.md", "a.zip.md", "a.zip-2/in.md"}
