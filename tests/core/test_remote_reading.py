"""Files that other processes read and embed, here a stand-in within this one, and that this one writes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import numpy as np
import pytest

from core.adapters.index.qdrant_index import QdrantIndex
from core.documents.embedding import FileResult, embed_contents
from core.documents.ingest import Ingester, IngestProgress
from core.documents.reading import FileReader, FileTask
from core.domain import Document, Passage
from core.errors import DocumentError, OperatorError
from tests.core.test_ingest import write
from tests.core.test_ingest_formats import ALL, write_mixed
from tests.fakes import HashingEmbedder

# Qdrant's local mode, which stands in for a server, scans instead; it says so each time.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

TOKENS = 80


class Elsewhere:
    """Reads what lies below a folder, the last file first, and stops before the file called `stop`."""

    def __init__(self, folder: Path, index: QdrantIndex, stop: str = "") -> None:
        self.embedder = HashingEmbedder()
        self._folder = folder
        self._index = index
        self._stop = stop

    def reaches(self, file: Path) -> bool:
        return file.is_relative_to(self._folder)

    async def contents(self, tasks: Sequence[FileTask]) -> AsyncGenerator[tuple[FileTask, FileResult], None]:
        reader = FileReader(self.embedder, TOKENS, "")
        try:
            for task in reversed(tasks):
                if task.file.name == self._stop:
                    raise OperatorError("It cannot go on.")
                (content,) = await embed_contents(
                    [(task, read(reader, task))], self.embedder, self._index, reader.namespace
                )
                yield task, content
        finally:
            reader.close()


def read(reader: FileReader, task: FileTask) -> FileResult:
    try:
        return reader.read(task.file, task.held, task.readers, task.source)
    except DocumentError as error:
        return error


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Files of all formats that others reach, and one of this machine alone."""
    write_mixed(tmp_path / "docs" / "there")
    write(tmp_path / "docs" / "here" / "own.md", "# Own\n\nOnly here.")
    write(tmp_path / "docs" / "there" / "hr" / ".attune.toml", 'readers = ["channel:slack/T1/C1"]\n')
    write(tmp_path / "docs" / "there" / "hr" / "pay.md", pay("last"))
    return tmp_path / "docs"


def pay(day: str) -> str:
    """Two passages."""
    return "# Pay\n\n" + f"On the {day} day. " * 15 + "\n\n## Where\n\n" + "At the bank there. " * 15


async def held(index: QdrantIndex) -> dict[str, tuple[Passage, list[float]]]:
    documents: list[Document] = await index.documents()
    passages = await index.following([document.before_first for document in documents], count=1000)
    vectors = await index.vectors([passage.id for passage in passages])
    return {passage.id: (passage, np.round(vectors[passage.id], 5).tolist()) for passage in passages}


async def test_what_is_read_elsewhere_is_what_is_read_here(docs: Path, qdrant_index: QdrantIndex) -> None:
    """The same passages, ids, vectors, readers and report; what others do not reach is read here."""
    embedder = HashingEmbedder()
    ingester = Ingester(embedder, qdrant_index, passage_tokens=TOKENS)
    elsewhere, seen = Elsewhere(docs / "there", qdrant_index), list[IngestProgress]()
    report = await ingester.ingest([docs], seen.append, elsewhere=elsewhere)
    assert len(embedder.embedded) == 1
    assert len(elsewhere.embedder.embedded) == report.passages_added - 1
    assert (seen[-1].number, seen[-1].passages, seen[-1].known) == (seen[-1].files, *[report.passages_added] * 2)
    async with QdrantIndex.at(":memory:", api_key=None, collection="attune", dimension=384) as other:
        expected = await Ingester(HashingEmbedder(), other, passage_tokens=TOKENS).ingest([docs])
        assert await held(qdrant_index) == await held(other)
    assert len(report.new) == len(ALL) + 2
    assert sorted(report.new) == sorted(expected.new)
    assert sorted(report.refused, key=str) == sorted(expected.refused, key=str)
    assert sorted(report.notes) == sorted(expected.notes)
    assert dict(report.readers) == dict(expected.readers)


async def test_only_what_changed_is_embedded_elsewhere(docs: Path, qdrant_index: QdrantIndex) -> None:
    """Passages that stayed keep their vectors; what is gone goes, and what cannot be read keeps what it had."""
    ingester = Ingester(HashingEmbedder(), qdrant_index, passage_tokens=TOKENS)
    await ingester.ingest([docs])
    write(docs / "there" / "hr" / "pay.md", pay("first"))
    write(docs / "there" / "book.epub", b"PK\3\4")
    (docs / "there" / "tool.py").unlink()
    elsewhere = Elsewhere(docs / "there", qdrant_index)
    report = await ingester.ingest([docs], elsewhere=elsewhere)
    assert [Path(source).name for source in report.changed] == ["pay.md"]
    assert [Path(source).name for source in report.removed] == ["tool.py"]
    assert sorted(Path(refusal.path).name for refusal in report.refused) == ["bad.zip", "book.epub", "broken.pdf"]
    assert (report.passages_added, report.passages_reused) == (1, 1)
    assert len(elsewhere.embedder.embedded) == 1
    assert "book.epub" in {Path(document.source).name for document in await qdrant_index.documents()}


async def test_what_stops_elsewhere_removes_nothing(docs: Path, qdrant_index: QdrantIndex) -> None:
    """Files of which nothing was heard keep what they had, and the next run reads them."""
    ingester = Ingester(HashingEmbedder(), qdrant_index, passage_tokens=TOKENS)
    await ingester.ingest([docs])
    before = await held(qdrant_index)
    write(docs / "there" / "tool.py", "def run():\n    return 1\n")
    with pytest.raises(OperatorError, match="go on"):
        await ingester.ingest([docs], elsewhere=Elsewhere(docs / "there", qdrant_index, stop="study.ipynb"))
    assert {passage.source for passage, _ in (await held(qdrant_index)).values()} == {
        passage.source for passage, _ in before.values()
    }
    report = await ingester.ingest([docs], elsewhere=Elsewhere(docs / "there", qdrant_index))
    assert len(report.unchanged) + len(report.changed) == len(ALL) + 2


async def test_a_dry_run_asks_nobody(docs: Path, qdrant_index: QdrantIndex) -> None:
    """What would be done is found out here."""
    elsewhere = Elsewhere(docs / "there", qdrant_index)
    ingester = Ingester(HashingEmbedder(), qdrant_index, passage_tokens=TOKENS)
    report = await ingester.ingest([docs], dry=True, elsewhere=elsewhere)
    assert len(report.new) == len(ALL) + 2
    assert (elsewhere.embedder.embedded, await qdrant_index.count()) == ([], 0)
