"""What two engines made of the same prompts, compared: against replies written by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain import Decoding, Passage, Prompt
from evals.engines import HERE, PromptRecorder, ReplyRecord, compared, reply_to
from tests.fakes import ScriptedGenerator

YES = ReplyRecord(0.9, (4.0, None), "Nine in the morning.", "exact", 0.5, 1.0)
NO = ReplyRecord(0.2, (-4.0, -6.0), "", "", 0.0, 0.3)
PASSAGE = Passage("1", "a.md", "Library", (), "It opens at nine.", 1, 0, 1, "1")
PROMPT = Prompt("", (PASSAGE,), (1.0,), (), "", "When?")


def test_sides_are_compared_with_the_model_here() -> None:
    """Verdicts where both judged, words where both answered, decisions everywhere."""
    there = [replace(YES, log_odds=(3.0, None), first=1.5), replace(YES, log_odds=(1.0, None), text="At nine."), NO]
    side = compared({HERE: [YES, NO, NO], "there": there})["there"]
    assert (side["questions"], side["answered"], side["the same decision"]) == (3, 2, 2)
    assert (side["the same passages read"], side["verdicts compared"]) == (2, 1 + 1 + 2)
    assert side["difference of verdicts in log-odds, median and 95 %"] == [0.5, pytest.approx(4.4)]
    assert (side["both answer"], side["the same words"], side["F1 of the words, mean"]) == (1, 1, 1.0)
    assert side["refusal, median s"] == 0.3


async def test_a_reply_ends_with_a_verdict_under_the_certainty() -> None:
    """And otherwise holds all that was said."""
    sure, unsure = ScriptedGenerator(certainty=9.0), ScriptedGenerator(certainty=-9.0)
    reply = await reply_to(PROMPT, sure, Decoding(), 0.5)
    assert (reply.text, reply.log_odds, reply.decoded) == ("It opens at nine.", (9.0,), "exact")
    assert (await reply_to(PROMPT, unsure, Decoding(), 0.5)).text == ""


async def test_the_recorder_keeps_what_is_read_and_answers_nothing() -> None:
    recorder = PromptRecorder()
    assert (await reply_to(PROMPT, recorder, Decoding(), 0.5)).text == ""
    assert recorder.prompts == [PROMPT]
