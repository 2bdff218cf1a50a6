"""The embedder's lesson, made of the sample, and what a step or two of it leave behind."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer

from core.adapters.index.edge_index import EdgeIndex
from core.adapters.local_model.lora import LowRankAdapter
from core.answering.retrieval import WORD_WORTH
from core.domain import EVERYONE, Passage
from core.models.store import ModelStore
from core.text.words import content_words
from tests.conftest import EMBEDDER
from tests.fakes import HashingEmbedder
from training import embedder
from training.embedder import Lesson, batches, learn, prepared, save, slipped
from training.item_files import Item


@pytest.fixture(scope="module")
def lesson(pool: dict[str, Passage], items: list[Item]) -> Lesson:
    return prepared(pool, items)


async def test_words_count_as_in_the_index(pool: dict[str, Passage], tmp_path: Path) -> None:
    """BM25 is that of the product's own index, divided as its equation divides it, for words that the passages hold."""
    fake = HashingEmbedder()
    asked = [Item(ids=(id_,), qa=({"q": " ".join(one.text.split()[-12:]), "a": "yes"},)) for id_, one in pool.items()]
    lesson = prepared(pool, asked)
    passages = list(lesson.passages)
    async with EdgeIndex(tmp_path / "index", fake.dimension) as index:
        await index.upsert(
            [
                Passage(**{**_fields(one), "id": f"00000000-0000-0000-0000-{place:012}"})
                for place, one in enumerate(passages)
            ],
            await fake.embed([one.text for one in passages]),
        )
        for number, pair in enumerate(lesson.pairs):
            (vector,) = await fake.embed([pair.question])
            hits = await index.search(pair.question, vector, audience={EVERYONE}, limit=len(passages))
            stored = {int(hit.passage.id[-12:]): hit.sparse for hit in hits}
            exact = np.array([stored[place] for place in range(len(passages))])
            divisor = max(exact.max(), WORD_WORTH * len(content_words(pair.question)))
            assert exact.any()
            mine = lesson.words.scores([number], range(len(passages)))[0]
            np.testing.assert_allclose(mine, exact / divisor, atol=1e-4)


def _fields(passage: Passage) -> dict[str, object]:
    return {name: getattr(passage, name) for name in Passage.__slots__}


def test_misleading_passages_are_of_other_documents(lesson: Lesson) -> None:
    for pair in lesson.pairs:
        right = {lesson.source(place) for place in pair.right}
        assert pair.hard
        assert all(lesson.source(place) not in right for place in pair.hard)


def test_every_question_is_learned_once_an_epoch(lesson: Lesson) -> None:
    found = batches(lesson, 3, random.Random(1))  # noqa: S311
    assert sorted(number for batch in found for number in batch) == sorted(lesson.learned)
    assert max(map(len, found)) == 3


@given(st.text(st.characters(codec="ascii", categories=("L",)), min_size=1, max_size=12), st.integers(0, 99))
def test_a_slip_is_in_one_longer_word(word: str, seed: int) -> None:
    """The words around it and its first letter stay, and at most one letter more or less is there."""
    first, changed, last = slipped(f"my {word} is", random.Random(seed)).split(" ")  # noqa: S311
    assert (first, last, changed[0]) == ("my", "is", word[0])
    assert abs(len(changed) - len(word)) <= 1
    if len(word) < 5:
        assert changed == word


@pytest.mark.model
def test_what_was_learned_is_an_adapter_of_the_model(
    lesson: Lesson, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fits the published model, and names it as others know it: no path of this machine is in it."""
    monkeypatch.setattr(embedder, "WARM_UP", 1)
    model = SentenceTransformer(str(ModelStore(models).resolve(EMBEDDER).path), device="cpu", local_files_only=True)
    names = [name for name, _ in model[0].auto_model.named_parameters()]
    learn(model, lesson, rate=1e-3, batch=4, epochs=1, minutes=1)
    save(model, tmp_path / "adapter")
    adapter = LowRankAdapter(tmp_path / "adapter")
    adapter.check_fits(names)
    assert adapter.base == embedder.MADE_FOR
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"]) == (embedder.RANK, embedder.ALPHA)
