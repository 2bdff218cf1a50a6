"""The embedder as it runs here, against the model as it was published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from core.adapters.local_model.sentence_embedder import SentenceEmbedder
from core.errors import ModelError
from core.models.layouts import ShippedAdapter
from core.models.store import ModelStore
from tests.conftest import EMBEDDER

TEXTS = [
    "Cats sleep.",
    "How do I request a laptop?",
    "",
    *(f"Report {number}. {'The quarterly budget is due on Friday. ' * number}" for number in range(12)),
    "gatos",
]  # more than one batch


@pytest.mark.model
async def test_vectors_are_near_those_of_the_published_model(models: Path) -> None:
    """Of unit length, in the order of the texts, and as far from each other as they should be."""
    folder = ModelStore(models).resolve(EMBEDDER).path
    vectors = await SentenceEmbedder(folder, device="cpu").embed(TEXTS)
    exact = SentenceTransformer(str(folder), device="cpu", local_files_only=True).encode(
        TEXTS, normalize_embeddings=True
    )
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors * exact).sum(axis=1).min() > 0.98
    np.testing.assert_allclose(vectors @ vectors.T, exact @ exact.T, atol=0.05)


@pytest.mark.model
async def test_no_texts_are_no_error(models: Path) -> None:
    """An empty list gives no rows of the model's dimension."""
    embedder = SentenceEmbedder(ModelStore(models).resolve(EMBEDDER).path, device="cpu")
    assert (await embedder.embed([])).shape == (0, embedder.dimension)


@pytest.mark.model
async def test_an_adapter_acts_on_the_vectors_as_peft_has_it(models: Path) -> None:
    """The default embedder is the published one with our LoRA merged into it."""
    model = ModelStore(models).resolve("attune-embedder")
    assert model.path == ModelStore(models).resolve(EMBEDDER).path
    published = SentenceTransformer(str(model.path), device="cpu", local_files_only=True)
    before = published.encode(TEXTS[1:], normalize_embeddings=True)
    published.load_adapter(str(model.adapter))
    exact = published.encode(TEXTS[1:], normalize_embeddings=True)
    vectors = await SentenceEmbedder(model.path, device="cpu", adapter=model.adapter).embed(TEXTS[1:])
    assert (vectors * exact).sum(axis=1).min() > 0.98
    assert (vectors * exact).sum() > (vectors * before).sum()


@pytest.mark.model
def test_an_adapter_of_another_model_is_refused(models: Path) -> None:
    """What was trained for the language model does not fit the embedder."""
    reader = ShippedAdapter("reader", "").folder
    with pytest.raises(ModelError, match="does not fit"):
        SentenceEmbedder(ModelStore(models).resolve(EMBEDDER).path, device="cpu", adapter=reader)
