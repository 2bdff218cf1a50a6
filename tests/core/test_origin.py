from __future__ import annotations

from pathlib import Path

import pytest

from core.adapters.index.qdrant_index import QdrantIndex
from core.documents.ingest import Ingester
from core.documents.reading import share_of_others
from tests.fakes import HashingEmbedder

# Qdrant's local mode, which stands in for a server, scans instead; it says so each time.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")


async def test_documents_of_another_embedder_are_told(
    tmp_path: Path, ingester: Ingester, embedder: HashingEmbedder, index: QdrantIndex
) -> None:
    """Until all of them are ingested anew, for vectors of one length are compared whoever made them."""
    for name in ("guide.md", "rules.md"):
        (tmp_path / name).write_text(f"# {name}\n\n" + "Be kind. " * 200)
    assert await share_of_others(index, "") == 0
    await ingester.ingest([tmp_path])
    assert await share_of_others(index, "") == 0
    assert await share_of_others(index, "other") == 1
    other = Ingester(embedder, index, passage_tokens=80, model="other")
    await other.ingest([tmp_path / "guide.md"])
    assert await share_of_others(index, "other") == 0.5
    await other.ingest([tmp_path])
    assert await share_of_others(index, "other") == 0
