"""The embedder as it runs here, against the model as it was published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

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


@pytest.fixture(scope="module")
def embedder(models: Path) -> SentenceEmbedder:
    return SentenceEmbedder(ModelStore(models).resolve(EMBEDDER).path, device="cpu")


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
@given(text=st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs", "Cc")), max_size=60))
@example(text="Words  of\n\n\ta\u00a0text, 12.5 % of “them” 好いね " + "x" * 200)
def test_tokens_are_counted_as_they_are_read(embedder: SentenceEmbedder, text: str) -> None:
    """Counting word by word leaves out nothing but the two special tokens; control characters are no text."""
    text = "".join(character for character in text if character in "\t\n" or character.isprintable())
    read = embedder._model.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert embedder.count_tokens(text) == len(read)


@pytest.mark.model
def test_a_tokenizer_with_tokens_for_spaces_counts_them(embedder: SentenceEmbedder) -> None:
    """GPT's kind makes tokens of blank lines, which are then counted, too."""
    other = Tokenizer(BPE({"a": 0, "Ċ": 1, "Ġ": 2}, []))
    other.pre_tokenizer = ByteLevel(add_prefix_space=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedder, "_counter", other)
        patch.setattr(embedder, "_words_apart", embedder._are_words_apart())
        assert embedder.count_tokens("a\n\n a") == 5


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
