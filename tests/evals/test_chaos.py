"""A small chaos on every run of the tests, and the checks that judge it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evals.chaos import STEPS, Plan, run
from evals.chaos_checks import Visible, examined
from evals.chaos_harm import compiler
from evals.scripted import end_of, tag_of

SEEDS = (1, 2, 3)  # the next one where nobody happened to die over an answer
FIRST, SECOND = tag_of(1, 0), tag_of(1, 1)


def answer(tag: str, begins: float, ends: float) -> Visible:
    return Visible(1, ((begins, "…"), (begins, tag), (ends, f"{tag} moon {end_of(tag)}")))


async def test_nothing_is_lost_doubled_or_out_of_order_while_everything_dies() -> None:
    """Two processes and Redis are killed in the middle of it: each message has one whole answer, in its turn."""
    for seed in SEEDS:
        findings, troubles, _ = await run(small(seed))
        assert findings.complaints == []
        assert (findings.messages, findings.answered + findings.sentences) == (24, 24)
        assert findings.exits == [0, 0]
        assert troubles.kills >= 1
        assert troubles.redis_kills == 1
        assert troubles.repeats >= 1
        if findings.taken_over:
            return
    pytest.fail("nobody died over an answer: these runs prove nothing")


@pytest.mark.skipif(compiler() is None, reason="the clock is set by a library that is compiled here")
async def test_nothing_is_lost_where_the_clock_is_set_and_the_power_fails() -> None:
    """Ten minutes back and forward, and a file cut at some byte: all that was not in it has one answer, in its turn."""
    plan = replace(small(5), messages=36, think=3.0, kill_every=(20.0, 25.0), restarts=0, steps=3, cuts=1)
    findings, troubles, _ = await run(plan)
    assert findings.complaints == []
    assert (findings.messages, findings.answered + findings.sentences) == (36, 36)
    assert set(troubles.steps) == set(STEPS)
    assert len(troubles.cuts) == 1
    assert troubles.cuts[0] > 0
    assert len(troubles.touched) < 18


def small(seed: int) -> Plan:
    """A run of some twenty seconds."""
    return Plan(
        steps=0,
        cuts=0,
        seed=seed,
        messages=24,
        conversations=6,
        roles=("both", "both"),
        kill_every=(2.5, 3.0),
        restarts=1,
        think=1.5,
        words=24,
        repeated=0.8,
        patience=60,
    )


def test_a_well_served_conversation_has_no_complaint() -> None:
    """Each message has one answer, which begins when the one before has ended."""
    shown = [answer(FIRST, 1, 2), answer(SECOND, 2, 3)]
    assert examined({1: [FIRST, SECOND]}, shown).complaints == []


@pytest.mark.parametrize(
    ("shown", "complaint"),
    [
        ([answer(FIRST, 1, 2)], f"lost: {SECOND}"),
        ([answer(FIRST, 1, 2), Visible(1, ((3, SECOND),))], f"lost: {SECOND}"),
        ([answer(FIRST, 1, 2), answer(SECOND, 2, 3), answer(SECOND, 2, 3)], f"twice: {SECOND}"),
        ([answer(FIRST, 1, 2), answer(SECOND, 2, 3), Visible(1, ((3, SECOND),))], f"twice: {SECOND}"),
        ([answer(FIRST, 3, 4), answer(SECOND, 1, 2)], f"order: {SECOND} ends before {FIRST}"),
        ([answer(FIRST, 1, 3), answer(SECOND, 2, 4)], f"overlap: {SECOND} begins before {FIRST} ends"),
    ],
)
def test_what_is_wrong_is_found(shown: list[Visible], complaint: str) -> None:
    """The checks can fail, each in its way."""
    assert complaint in examined({1: [FIRST, SECOND]}, shown).complaints


def test_what_a_cut_touched_has_an_answer_and_may_have_two() -> None:
    """Late, too; but not none."""
    shown = [answer(SECOND, 1, 2), answer(FIRST, 3, 4), answer(FIRST, 5, 6)]
    assert examined({1: [FIRST, SECOND]}, shown, {FIRST}).complaints == []
    assert examined({1: [FIRST, SECOND]}, shown[:1], {FIRST}).complaints == [f"lost: {FIRST}"]


def test_a_placeholder_that_was_left_is_counted() -> None:
    """It is no second answer, and not nothing."""
    assert examined({1: [FIRST]}, [answer(FIRST, 1, 2), Visible(1, ((0.5, "…"),))]).left_behind == 1
