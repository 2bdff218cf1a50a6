"""Several answers in one batch, on a small random model: nobody's answer depends on who else is there."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from core.adapters.local_model.batch_rows import BatchAnswer, BatchPosition, Suffix, Token, Vocabulary
from core.adapters.local_model.batching import STEP_TOKENS, Batcher
from core.adapters.local_model.packed import CachedRow, PackedModel
from core.adapters.local_model.prefix_cache import Prefix, PrefixCache
from core.adapters.local_model.prefix_files import PrefixFiles
from core.answering.copying import Copier
from core.answering.decoding import STAGES, Mixture
from core.answering.verdict import Calibration
from core.domain import Decoding, Mode, Verdicts
from tests.core.adapters.test_packed import SIZES

MEGABYTE = 1 << 20
HEAD = (7, 7, 2, 5)
PASSAGES = ((3, 1, 4, 1, 5, 9, 2, 6) * 6, (2, 7, 1, 8, 2, 8) * 9, (1, 6, 1, 8, 0, 3) * 4)
PREFIXES = [Prefix((HEAD, read), 2, (f"{number}.md", "v1")) for number, read in enumerate(PASSAGES)]
PRIORS = (0.5, 0.3, 0.2)
VOCABULARY = Vocabulary(frozenset({96}), (1, 2), (3,))
QUESTIONS = ([11, 12, 13], [21, 22], [31, 32, 33, 34, 35], [41])


@pytest.fixture
def model() -> PackedModel:
    torch.manual_seed(4)
    return PackedModel(AutoModelForCausalLM.from_config(LlamaConfig(**SIZES, initializer_range=0.3)).eval())


@pytest.fixture
async def batcher(model: PackedModel) -> AsyncIterator[Batcher]:
    batcher = Batcher(model, VOCABULARY, PrefixCache(MEGABYTE), batch_bytes=100 * MEGABYTE)
    yield batcher
    await batcher.close()


async def answer(
    batcher: Batcher, question: Sequence[int], *, tokens: int = 12, decoding: Decoding | None = None
) -> list[int]:
    mixture = Mixture(PRIORS, decoding or Decoding())
    events = batcher.decode(PREFIXES, Suffix(question[:1], (), question[1:]), mixture, tokens=tokens)
    return [event.id async for event in events if isinstance(event, Token)]


def by_hand(model: PackedModel, question: Sequence[int], *, tokens: int = 12) -> list[int]:
    """The same mixture with a loop that shares nothing with the batch."""
    mixture = Mixture(PRIORS, Decoding(floor=0.0))
    lines = [[*prefix.tokens, *question] for prefix in PREFIXES]
    said: list[int] = []
    for _ in range(tokens):
        logits = torch.cat([model.step([(CachedRow(model, 0), [*line, *said])]) for line in lines])
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
    """The instructions are known from the second passage on, and all passages from the second answer on."""
    first = await answer(batcher, QUESTIONS[0])
    counts = batcher.cache.statistics
    assert (counts.hits, counts.misses) == (0, 3)  # the rows of the first answer begin together
    assert await answer(batcher, QUESTIONS[0]) == first
    assert (counts.hits, counts.misses) == (6, 3)


async def test_a_passage_begins_with_the_instructions_that_are_known(batcher: Batcher, model: PackedModel) -> None:
    """Logits behind reused keys are those of computing all of it, to rounding."""
    await answer(batcher, QUESTIONS[0])
    new = Prefix((HEAD, (9, 9, 8, 7, 1)), 2, ("new.md", "v1"))
    for prefix in (*PREFIXES, new):
        row = CachedRow(model, 0)
        batcher.cache.fill(row, prefix)
        assert row.length == (4 if prefix is new else prefix.ends[-1])
        reused = model.step([(row, [*prefix.tokens, 11, 12][row.length :])])
        whole = model.step([(CachedRow(model, 0), [*prefix.tokens, 11, 12])])
        torch.testing.assert_close(reused, whole, atol=1e-4, rtol=0)


async def test_a_closed_answer_leaves_and_the_others_go_on(batcher: Batcher) -> None:
    expected = await answer(batcher, QUESTIONS[1])

    async def leave_early() -> None:
        mixture = Mixture(PRIORS, Decoding())
        async with aclosing(batcher.decode(PREFIXES, Suffix(QUESTIONS[0], (), ()), mixture, tokens=10_000)) as events:
            async for _ in events:
                break

    _, stayed = await asyncio.gather(leave_early(), answer(batcher, QUESTIONS[1]))
    assert stayed == expected
    assert await asyncio.wait_for(answer(batcher, QUESTIONS[1]), 10) == expected


async def test_answers_beyond_the_memory_wait_in_turn_and_hear_their_place(model: PackedModel) -> None:
    batcher = Batcher(model, VOCABULARY, PrefixCache(0), batch_bytes=1)
    heard: dict[int, list[int]] = {}

    async def ask(number: int) -> int:
        events = batcher.decode(PREFIXES, Suffix(QUESTIONS[number], (), ()), Mixture(PRIORS, Decoding()), tokens=5)
        async for event in events:
            if isinstance(event, BatchPosition):
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
        [event async for event in batcher.decode(PREFIXES[:2], Suffix([1], (), ()), broken, tokens=3)]
    assert await answer(batcher, QUESTIONS[0]) == expected


async def test_sampling_with_a_seed_repeats(batcher: Batcher) -> None:
    drawn = Decoding(mode=Mode.TOKEN, temperature=1.0, top_p=0.9, seed=7)
    one = await answer(batcher, QUESTIONS[0], decoding=drawn)
    assert await answer(batcher, QUESTIONS[0], decoding=drawn) == one


@pytest.mark.parametrize(
    "decoding", [Decoding(), Decoding(mode=Mode.TOKEN), Decoding(temperature=0.7, top_p=0.9, seed=3)], ids=str
)
async def test_guessing_ahead_changes_no_answer(
    batcher: Batcher, model: PackedModel, monkeypatch: pytest.MonkeyPatch, decoding: Decoding
) -> None:
    """Every third guess is wrong; answers stay what they are without, and take fewer steps."""
    plain = Batcher(model, VOCABULARY, PrefixCache(0), batch_bytes=100 * MEGABYTE, copying=False)
    expected = await answer(plain, QUESTIONS[0], tokens=40, decoding=decoding)
    await plain.close()
    assert len(expected) > 10
    guesses = [token if place % 3 else token + 1 for place, token in enumerate(expected)]
    learned = []
    monkeypatch.setattr(Copier, "propose", lambda _, said, __, room: guesses[len(said) :][: max(room, 0)])
    monkeypatch.setattr(Copier, "learn", lambda _, proposed, right: learned.append((proposed, right)))
    assert await answer(batcher, QUESTIONS[0], tokens=40, decoding=decoding) == expected
    assert len(learned) < len(expected)
    assert any(0 < right < proposed for proposed, right in learned)


async def test_a_check_is_a_detour(batcher: Batcher, model: PackedModel) -> None:
    """The two likeliest rows say how they would answer the check, and the answer is the one without it."""
    suffix = Suffix(QUESTIONS[0][:2], (51, 52, 53, 54), QUESTIONS[0][2:])
    for _ in range(2):  # also from the cache
        events = batcher.decode(PREFIXES, suffix, Mixture(PRIORS, Decoding()), tokens=12)
        checked, *said = [event async for event in events]
        assert isinstance(checked, Verdicts)
        assert [event.id for event in said if isinstance(event, Token)] == by_hand(model, QUESTIONS[0])
        for prefix, log_odds in zip(PREFIXES[:2], checked.log_odds, strict=True):
            tokens = [*prefix.tokens, *suffix.shared, *suffix.check]
            first = torch.softmax(model.step([(CachedRow(model, 0), tokens)])[0], -1)
            assert log_odds == pytest.approx(float(torch.log((first[1] + first[2]) / first[3])), abs=1e-3)


ENDING = (61, 62)  # the yes with which answers go on
MANY = [Prefix((HEAD, (number, 3, number, 5, number + 1) * 4), 2, (f"{number}.md", "v1")) for number in range(1, 7)]
FALLING = (0.3, 0.25, 0.2, 0.12, 0.08, 0.05)
JUDGED = Suffix(QUESTIONS[0], (), ENDING, judged_first=True)
NEVER_CLEAR = Decoding(clear=2.0, held_floor=0.0)


async def judged(
    batcher: Batcher, mixture: Mixture, prefixes: Sequence[Prefix] = MANY, suffix: Suffix = JUDGED, *, tokens: int = 10
) -> tuple[Verdicts, list[Token]]:
    """What comes of an answer whose rows say first whether they hold it."""
    events = [event async for event in batcher.decode(prefixes, suffix, mixture, tokens=tokens)]
    verdicts, *said = [event for event in events if not isinstance(event, BatchPosition)]
    assert isinstance(verdicts, Verdicts)
    assert all(isinstance(token, Token) for token in said)
    return verdicts, said


def judged_by_hand(
    model: PackedModel,
    mixture: Mixture,
    prefixes: Sequence[Prefix] = MANY,
    suffix: Suffix = JUDGED,
    *,
    read: Sequence[int] | None = None,
    tokens: int = 10,
) -> tuple[Mapping[int, float], list[int]]:
    """The verdicts of the rows in `read`, and the answer behind a yes, by a loop that shares nothing with the batch."""

    def behind(line: Sequence[int]) -> np.ndarray:
        return torch.softmax(model.step([(CachedRow(model, 0), line)])[0], -1).numpy()

    lines = [[*prefix.tokens, *suffix.shared] for prefix in prefixes]
    log_odds = {}
    for row in range(len(prefixes)) if read is None else read:
        first = behind(lines[row])
        log_odds[row] = float(np.log((first[1] + first[2]) / first[3]))
    mixture.judge(log_odds)
    said: list[int] = []
    for _ in range(tokens):
        rows = [behind([*lines[row], *suffix.ending, *said]) for row in mixture.rows]
        token = mixture.step(np.stack(rows))
        if token == 96:
            break
        said.append(token)
    return log_odds, said


@pytest.mark.parametrize("decoding", [NEVER_CLEAR, Decoding(clear=2.0, held_floor=0.2)], ids=["all", "under the floor"])
async def test_rows_that_are_judged_first_say_yes_or_no_behind_the_question(
    batcher: Batcher, model: PackedModel, decoding: Decoding
) -> None:
    """Their verdicts weigh them, those under the floor are dropped, and the answer goes on behind a yes."""
    calibration = Calibration(0.3, 0.8)
    by_hand_ = Mixture(FALLING, decoding, calibration)
    log_odds, expected = judged_by_hand(model, by_hand_, tokens=1)
    assert len({round(odds, 2) for odds in log_odds.values()}) > 3
    assert (len(by_hand_.rows) < len(MANY)) == (decoding.held_floor > 0)
    verdicts, said = await judged(batcher, Mixture(FALLING, decoding, calibration), tokens=1)
    assert verdicts.log_odds == pytest.approx(list(log_odds.values()), abs=1e-3)
    assert [token.id for token in said] == expected
    assert said[0].posterior == pytest.approx(by_hand_.posterior, abs=1e-3)
    whole = judged_by_hand(model, Mixture(FALLING, decoding, calibration))[1]
    for _ in range(2):  # also from the cache
        _, said = await judged(batcher, Mixture(FALLING, decoding, calibration))
        assert [token.id for token in said] == whole


async def test_behind_a_clear_verdict_no_other_row_is_read(batcher: Batcher, model: PackedModel) -> None:
    """The likeliest row alone is read, judged and answers; the other passages cost nothing."""
    priors = (0.1, 0.15, 0.4, 0.2, 0.1, 0.05)  # the third comes first
    _, expected = judged_by_hand(model, Mixture(priors, Decoding()), read=[2])
    verdicts, said = await judged(batcher, Mixture(priors, Decoding(), Calibration(30.0, 1.0)))
    assert [odds is not None for odds in verdicts.log_odds] == [False, False, True, False, False, False]
    assert [token.id for token in said] == expected
    assert all(token.posterior == (0, 0, 1, 0, 0, 0) for token in said)
    assert [batcher.cache.holds(prefix) for prefix in MANY] == [number == 2 for number in range(6)]


@pytest.mark.parametrize("clear_at", range(6))
async def test_rows_are_read_in_stages_until_one_is_clear(batcher: Batcher, model: PackedModel, clear_at: int) -> None:
    """The likeliest, the next three, all others; the answer is that of what was read."""
    log_odds, _ = judged_by_hand(model, Mixture(FALLING, NEVER_CLEAR), tokens=0)
    calibration = Calibration(-log_odds[clear_at], 1.0)  # makes this row's p one half
    clear = Decoding(clear=0.5 - 1e-3, held_floor=0.0)
    first_clear = min(row for row, odds in log_odds.items() if calibration.held(odds) >= clear.clear)
    read = next(end for end in (STAGES[0], sum(STAGES), len(MANY)) if first_clear < end)
    _, expected = judged_by_hand(model, Mixture(FALLING, clear, calibration), read=range(read))
    verdicts, said = await judged(batcher, Mixture(FALLING, clear, calibration))
    assert [odds is not None for odds in verdicts.log_odds] == [row < read for row in range(6)]
    assert [token.id for token in said] == expected


async def test_where_none_is_clear_all_rows_answer(batcher: Batcher, model: PackedModel) -> None:
    """As if they had been read at once."""
    doubtful = Calibration(-30.0, 1.0)
    _, expected = judged_by_hand(model, Mixture(FALLING, NEVER_CLEAR, doubtful))
    verdicts, said = await judged(batcher, Mixture(FALLING, Decoding(held_floor=0.0), doubtful))
    assert None not in verdicts.log_odds
    assert [token.id for token in said] == expected


def long_prefix(length: int, name: str) -> Prefix:
    """The instructions and a passage, `length` tokens together."""
    rng = random.Random(f"{name} {length}")  # noqa: S311 - no secret
    return Prefix((HEAD, tuple(rng.randrange(10, 90) for _ in range(length - len(HEAD)))), 2, (f"{name}.md", "v1"))


@pytest.mark.parametrize("seed", range(8))
async def test_a_verdict_is_found_wherever_a_step_ends(batcher: Batcher, model: PackedModel, seed: int) -> None:
    """Prompts whose ends fall around those of steps, several answers at once: nobody's verdict is another token's."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    asked = []
    for number in range(3):
        shared, ending = [11 + number] * rng.randint(1, 4), [61, 62, 63][: rng.randint(1, 3)]
        around = rng.choice([STEP_TOKENS // 2, STEP_TOKENS, 2 * STEP_TOKENS])
        lengths = [around - len(shared) - len(ending) + rng.randint(-3, 4) for _ in range(2)]
        prefixes = [long_prefix(length, f"{seed} {number} {place}") for place, length in enumerate(lengths)]
        asked.append((prefixes, Suffix(shared, (), ending, judged_first=True)))
    expected = [judged_by_hand(model, Mixture([0.6, 0.4], NEVER_CLEAR), *one, tokens=3) for one in asked]
    told = await asyncio.gather(*[judged(batcher, Mixture([0.6, 0.4], NEVER_CLEAR), *one, tokens=3) for one in asked])
    for (log_odds, tokens), (verdicts, said) in zip(expected, told, strict=True):
        assert verdicts.log_odds == pytest.approx(list(log_odds.values()), abs=1e-3)
        assert [token.id for token in said] == tokens


@pytest.mark.parametrize("over", range(-4, 5))
async def test_a_verdict_is_found_beside_an_answer_that_speaks(batcher: Batcher, model: PackedModel, over: int) -> None:
    """Steps are half as long then; the prompt ends `over` tokens behind one, or before it."""
    suffix = Suffix([11, 12], (), [61, 62], judged_first=True)
    prefix = long_prefix(STEP_TOKENS // 2 - 4 + over, "new")
    log_odds, tokens = judged_by_hand(model, Mixture([1.0], NEVER_CLEAR), [prefix], suffix, tokens=3)
    speaking = batcher.decode(PREFIXES, Suffix(QUESTIONS[0], (), ()), Mixture(PRIORS, Decoding()), tokens=300)
    async with aclosing(speaking):
        assert isinstance(await anext(speaking), Token)
        verdicts, said = await judged(batcher, Mixture([1.0], NEVER_CLEAR), [prefix], suffix, tokens=3)
    assert verdicts.log_odds == pytest.approx(list(log_odds.values()), abs=1e-3)
    assert [token.id for token in said] == tokens


async def test_an_answer_that_is_cancelled_between_verdicts_frees_its_rows(model: PackedModel) -> None:
    """Its likeliest row is read, the next ones are being read: whoever waits for its room is answered at once."""
    batcher = Batcher(model, VOCABULARY, PrefixCache(100 * MEGABYTE), batch_bytes=1)
    long = [long_prefix(900, str(number)) for number in range(4)]
    first = asyncio.create_task(judged(batcher, Mixture([0.4, 0.3, 0.2, 0.1], NEVER_CLEAR), long))
    async with asyncio.timeout(60):
        while not batcher.cache.holds(long[0]):  # noqa: ASYNC110  # the batch tells nobody
            await asyncio.sleep(0)
        second = asyncio.create_task(judged(batcher, Mixture(FALLING, NEVER_CLEAR)))
        await asyncio.sleep(0)
        first.cancel()
        verdicts, said = await second
    assert not batcher.cache.holds(long[3])
    assert (await asyncio.gather(first, return_exceptions=True))[0].__class__ is asyncio.CancelledError
    log_odds, expected = judged_by_hand(model, Mixture(FALLING, NEVER_CLEAR))
    assert verdicts.log_odds == pytest.approx(list(log_odds.values()), abs=1e-3)
    assert [token.id for token in said] == expected
    await batcher.close()


async def test_rows_that_are_not_read_yet_count_for_the_memory(batcher: Batcher, model: PackedModel) -> None:
    """An answer takes the room of all its rows as soon as it is let in, since it may come to read them."""
    waiting = BatchAnswer(MANY, JUDGED, Mixture(FALLING, NEVER_CLEAR), VOCABULARY, 5)
    needed = batcher._bytes(waiting)
    assert needed > 6 * len(MANY[0].tokens) * model.bytes_per_token
    assert waiting.to_begin == [0]
    waiting.lines[0] = batcher._begin(waiting, 0)
    assert batcher._bytes(waiting) == needed


@pytest.mark.parametrize(("spare", "waits"), [(0, False), (-1, True)])
async def test_two_answers_go_together_where_all_their_rows_have_room(
    model: PackedModel, spare: int, *, waits: bool
) -> None:
    """Although each reads one row at first."""
    measuring = Batcher(model, VOCABULARY, PrefixCache(0), batch_bytes=1)
    needed = measuring._bytes(BatchAnswer(MANY, JUDGED, Mixture(FALLING, NEVER_CLEAR), VOCABULARY, 5))
    batcher = Batcher(model, VOCABULARY, PrefixCache(0), batch_bytes=2 * needed + spare)

    async def ask() -> bool:
        events = batcher.decode(MANY, JUDGED, Mixture(FALLING, NEVER_CLEAR), tokens=2)
        return any([isinstance(event, BatchPosition) async for event in events])

    assert await asyncio.gather(ask(), ask()) == [False, waits]
    await batcher.close()


async def test_an_answer_goes_on_behind_what_was_said_of_it(batcher: Batcher, model: PackedModel) -> None:
    """A model that judges first is judged as ever, then its rows read what was said, a step at a time, and go on."""
    ending, begun = [51, 52], [token % 90 for token in range(3, 300)]
    question = Suffix(QUESTIONS[0], (), ending, judged_first=True)
    decoding = Decoding(clear=2.0, held_floor=0.0, floor=0.0)

    async def told(suffix: Suffix) -> tuple[Verdicts, list[int]]:
        events = batcher.decode(PREFIXES, suffix, Mixture(PRIORS, decoding), tokens=8)
        verdicts, *said = [event async for event in events]
        assert isinstance(verdicts, Verdicts)
        return verdicts, [token.id for token in said if isinstance(token, Token)]

    judged, _ = await told(question)
    again, said = await told(replace(question, begun=begun))
    assert again.log_odds == pytest.approx(judged.log_odds, abs=1e-3)
    mixture = Mixture(PRIORS, decoding)
    mixture.judge(dict(enumerate(again.log_odds)))
    lines = [[*prefix.tokens, *QUESTIONS[0], *ending, *begun] for prefix in PREFIXES]
    expected: list[int] = []
    while len(expected) < 8 and VOCABULARY.ends.isdisjoint(expected):
        logits = torch.cat([model.step([(CachedRow(model, 0), [*line, *expected])]) for line in lines])
        expected.append(mixture.step(torch.softmax(logits, -1).numpy()))
    assert said == [token for token in expected if token not in VOCABULARY.ends]


async def test_passages_are_read_ahead_when_nobody_asks(batcher: Batcher) -> None:
    expected = await answer(batcher, QUESTIONS[0])
    fresh = [Prefix((HEAD, (number, 5, 6, 7) * 10), 2, ("new.md", "v1")) for number in range(2)]
    batcher.read_ahead([*PREFIXES, *fresh])
    assert await answer(batcher, QUESTIONS[0]) == expected  # somebody asks meanwhile
    async with asyncio.timeout(10):
        while not all(map(batcher.cache.holds, fresh)):  # noqa: ASYNC110  # the batch tells nobody
            await asyncio.sleep(0.01)


def read(model: PackedModel, cache: PrefixCache, prefix: Prefix) -> int:
    """Read `prefix` as the batch does; how many tokens the cache knew."""
    row = CachedRow(model, 0)
    cache.fill(row, prefix)
    known = row.length
    for end in prefix.ends:
        if end > row.length:
            model.step([(row, prefix.tokens[row.length : end])])
            cache.keep(row, prefix)
    return known


def test_the_cache_keeps_to_its_budget_and_forgets_the_least_recent(model: PackedModel) -> None:
    cache = PrefixCache(budget=20 * model.bytes_per_token)  # the instructions and two passages of eight
    one, two, three = (Prefix((HEAD, (number,) * 8), 2, ("a.md", "v1")) for number in range(3))
    assert [read(model, cache, prefix) for prefix in (one, two, one)] == [0, 4, 12]
    assert read(model, cache, three) == 4
    assert cache.holds(one)
    assert not cache.holds(two)
    assert cache.statistics.bytes == 20 * model.bytes_per_token
    assert cache.statistics.evictions == 1
    assert read(model, PrefixCache(0), one) == read(model, PrefixCache(0), one) == 0


def test_what_changed_or_was_deleted_drops_out(model: PackedModel, tmp_path: Path) -> None:
    """From memory and from disk; the instructions belong to no document and stay."""
    cache = PrefixCache(MEGABYTE, PrefixFiles(tmp_path, MEGABYTE))
    old, other = Prefix((HEAD, (1, 2)), 2, ("a.md", "v1")), Prefix((HEAD, (3, 4)), 2, ("b.md", "v1"))
    for prefix in (old, other):
        read(model, cache, prefix)
    assert len(list(tmp_path.iterdir())) == 3
    cache.retain({("a.md", "v2"), ("b.md", "v1")})
    assert not cache.holds(old)
    assert cache.holds(other)
    assert len(list(tmp_path.iterdir())) == 2


def test_files_outlast_a_restart_and_keep_to_their_budget(model: PackedModel, tmp_path: Path) -> None:
    one, two = Prefix((HEAD, (1, 2)), 2, ("a.md", "v1")), Prefix((HEAD, (3, 4)), 2, ("b.md", "v1"))
    size = model.bytes_per_token
    read(model, PrefixCache(MEGABYTE, PrefixFiles(tmp_path, MEGABYTE)), one)
    again = PrefixCache(MEGABYTE, PrefixFiles(tmp_path, 8 * size + 4096))
    assert read(model, again, one) == 6
    assert again.statistics.hits_on_disk == 2
    assert read(model, PrefixCache(MEGABYTE), one) == 0
    small = PrefixFiles(tmp_path, 6 * size)
    read(model, PrefixCache(MEGABYTE, small), two)
    assert small.bytes <= 6 * size
    small.retain(set())
    assert not [file for file in tmp_path.iterdir() if file.stem != next(one.names())[0]]


def test_the_instructions_belong_to_no_document_also_when_they_come_from_disk(
    model: PackedModel, tmp_path: Path
) -> None:
    one, two = Prefix((HEAD, (1, 2)), 2, ("a.md", "v1")), Prefix((HEAD, (3, 4)), 2, ("b.md", "v1"))
    read(model, PrefixCache(MEGABYTE, PrefixFiles(tmp_path, MEGABYTE)), one)
    again = PrefixCache(MEGABYTE, PrefixFiles(tmp_path, MEGABYTE))
    assert read(model, again, one) == 6
    again.retain({("b.md", "v1")})
    before = again.statistics.hits_on_disk
    assert read(model, again, two) == 4
    assert again.statistics.hits_on_disk == before


def test_a_broken_file_counts_as_not_there(model: PackedModel, tmp_path: Path) -> None:
    one = Prefix((HEAD, (1, 2)), 2, ("a.md", "v1"))
    read(model, PrefixCache(MEGABYTE, PrefixFiles(tmp_path, MEGABYTE)), one)
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:50])
    cache = PrefixCache(MEGABYTE, PrefixFiles(tmp_path, MEGABYTE))
    assert read(model, cache, one) == 0
    assert read(model, cache, one) == 6
