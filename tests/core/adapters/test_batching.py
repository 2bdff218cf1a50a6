"""Several answers in one batch, on a small random model: nobody's answer depends on who else is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from core.adapters.batching import Batcher, Token, Waiting
from core.adapters.packed import PackedModel, Row
from core.adapters.prefix_cache import PrefixCache
from core.decoding import Mixture
from core.domain import Decoding, Mode
from tests.core.adapters.test_packed import SIZES

MEGABYTE = 1 << 20
PREFIXES = ([3, 1, 4, 1, 5, 9, 2, 6] * 6, [2, 7, 1, 8, 2, 8] * 9, [1, 6, 1, 8, 0, 3] * 4)
PRIORS = (0.5, 0.3, 0.2)
QUESTIONS = ([11, 12, 13], [21, 22], [31, 32, 33, 34, 35], [41])


@pytest.fixture
def model() -> PackedModel:
    torch.manual_seed(4)
    return PackedModel(AutoModelForCausalLM.from_config(LlamaConfig(**SIZES, initializer_range=0.3)).eval())


@pytest.fixture
async def batcher(model: PackedModel) -> AsyncIterator[Batcher]:
    batcher = Batcher(model, {96}, cache_bytes=MEGABYTE, batch_bytes=100 * MEGABYTE)
    yield batcher
    await batcher.close()


async def answer(
    batcher: Batcher, question: Sequence[int], *, tokens: int = 12, decoding: Decoding | None = None
) -> list[int]:
    mixture = Mixture(PRIORS, decoding or Decoding())
    events = batcher.decode(PREFIXES, question, mixture, tokens=tokens, cached=True)
    return [event.id async for event in events if isinstance(event, Token)]


def by_hand(model: PackedModel, question: Sequence[int], *, tokens: int = 12) -> list[int]:
    """The same mixture with a loop that shares nothing with the batch."""
    mixture = Mixture(PRIORS, Decoding(floor=0.0))
    lines = [[*prefix, *question] for prefix in PREFIXES]
    said: list[int] = []
    for _ in range(tokens):
        logits = torch.cat([model.step([(Row(model, 0), [*line, *said])]) for line in lines])
        token = mixture.step(torch.softmax(logits, -1).numpy())
        if token == 96:
            break
        said.append(token)
    return said


async def test_an_answer_is_the_mixture_of_its_rows(batcher: Batcher, model: PackedModel) -> None:
    expected = by_hand(model, QUESTIONS[0])
    assert len(expected) > 3
    assert await answer(batcher, QUESTIONS[0]) == expected


async def test_answers_made_together_are_those_made_alone(batcher: Batcher) -> None:
    alone = [await answer(batcher, question) for question in QUESTIONS]
    together = await asyncio.gather(*[answer(batcher, question) for question in QUESTIONS])
    assert together == alone


async def test_an_answer_that_joins_later_changes_nothing(batcher: Batcher) -> None:
    alone = [await answer(batcher, question) for question in QUESTIONS[:2]]

    async def late() -> list[int]:
        await asyncio.sleep(0.02)
        return await answer(batcher, QUESTIONS[1])

    assert await asyncio.gather(answer(batcher, QUESTIONS[0]), late()) == alone


async def test_reused_passages_give_the_answer_of_new_ones(batcher: Batcher) -> None:
    first = await answer(batcher, QUESTIONS[0])
    assert (batcher.cache.statistics.hits, batcher.cache.statistics.misses) == (0, 3)
    assert await answer(batcher, QUESTIONS[0]) == first
    assert (batcher.cache.statistics.hits, batcher.cache.statistics.misses) == (3, 3)


async def test_a_closed_answer_leaves_and_the_others_go_on(batcher: Batcher) -> None:
    expected = await answer(batcher, QUESTIONS[1])

    async def leave_early() -> None:
        mixture = Mixture(PRIORS, Decoding())
        async with aclosing(batcher.decode(PREFIXES, QUESTIONS[0], mixture, tokens=10_000, cached=True)) as events:
            async for _ in events:
                break

    _, stayed = await asyncio.gather(leave_early(), answer(batcher, QUESTIONS[1]))
    assert stayed == expected
    assert await asyncio.wait_for(answer(batcher, QUESTIONS[1]), 10) == expected


async def test_answers_beyond_the_memory_wait_in_turn_and_hear_their_place(model: PackedModel) -> None:
    batcher = Batcher(model, {96}, cache_bytes=0, batch_bytes=1)
    heard: dict[int, list[int]] = {}

    async def ask(number: int) -> int:
        events = batcher.decode(PREFIXES, QUESTIONS[number], Mixture(PRIORS, Decoding()), tokens=5, cached=True)
        async for event in events:
            if isinstance(event, Waiting):
                heard.setdefault(number, []).append(event.ahead)
        return number

    assert await asyncio.gather(*[ask(number) for number in range(3)]) == [0, 1, 2]
    waited = sorted(heard.values(), key=len)
    assert waited == [[1], [2, 1]]
    await batcher.close()


async def test_an_error_of_the_model_reaches_everyone_and_the_next_answer_works(batcher: Batcher) -> None:
    expected = await answer(batcher, QUESTIONS[0])
    broken = Mixture([0.5, 0.5], Decoding())
    broken.rows = [0, 5]  # a row that does not exist
    with pytest.raises(IndexError):
        [event async for event in batcher.decode(PREFIXES[:2], [1], broken, tokens=3, cached=True)]
    assert await answer(batcher, QUESTIONS[0]) == expected


async def test_sampling_with_a_seed_repeats(batcher: Batcher) -> None:
    drawn = Decoding(mode=Mode.TOKEN, temperature=1.0, top_p=0.9, seed=7)
    one = await answer(batcher, QUESTIONS[0], decoding=drawn)
    assert await answer(batcher, QUESTIONS[0], decoding=drawn) == one


def test_the_cache_keeps_to_its_budget_and_forgets_the_least_recent(model: PackedModel) -> None:
    size = 8 * model.bytes_per_token
    cache = PrefixCache(budget=2 * size)
    for number in range(3):
        row = Row(model, 0)
        prefix = [number] * 8
        model.step([(row, prefix)])
        cache.keep(row, prefix)
        assert cache.fill(Row(model, 0), [0] * 8) is (number < 2)
        if number == 1:
            assert cache.fill(Row(model, 0), [1] * 8)
    assert cache.statistics.bytes <= 2 * size
    assert cache.statistics.evictions == 1
