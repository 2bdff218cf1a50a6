"""What the tests of ingestion share."""

from __future__ import annotations

import pytest

from core.adapters.index.qdrant_index import QdrantIndex
from core.documents.ingest import Ingester
from tests.fakes import HashingEmbedder


@pytest.fixture
def index(qdrant_index: QdrantIndex) -> QdrantIndex:
    return qdrant_index


@pytest.fixture
def embedder() -> HashingEmbedder:
    return HashingEmbedder()


@pytest.fixture
def ingester(embedder: HashingEmbedder, index: QdrantIndex) -> Ingester:
    return Ingester(embedder, index, passage_tokens=80)
