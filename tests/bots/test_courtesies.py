"""What asks nothing of the documents is told from a question, and a question is never taken for a courtesy."""

from __future__ import annotations

import pytest

from bots import texts
from bots.courtesies import is_about_the_bot, is_recall, is_thanks
from tests.bots.fake_engine import FakeEngine
from tests.bots.test_dialogue import replies, said

RECALLS = [
    "What did I ask before?",
    "what was my last question",
    "what were my previous questions?",
    "Was habe ich vorhin gefragt?",
    "Was war meine letzte Frage?",
    "what did I just ask you",
]
GREETINGS = ["hi", "Hello!", "hey there", "Hallo", "Guten Morgen,", "good afternoon attune"]
ABOUT_THE_BOT = ["help", "What can you do?", "who are you", "What can I ask you?", "Was kannst du?", "Hilfe!"]
THANKS = ["thanks", "Thank you so much!", "ok", "great, got it :tada:", "Vielen Dank!", "🎉"]
QUESTIONS = [
    "hi, how long is parental leave?",
    "hello world in Python",
    "help me with my laptop",
    "what can you do about noise?",
    "who are you going to call in an emergency?",
    "thanks, and how long?",
    "ok?",
    "no parking",
    "Danke, und wie lange?",
    "ありがとう 休暇",
    "what did I ask the landlord before?",
    "what is the last question of the exam?",
    "...",
]


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_question_is_no_courtesy(text: str) -> None:
    """However it begins."""
    assert not is_thanks(text)
    assert not is_about_the_bot(text)
    assert not is_recall(text)


@pytest.mark.parametrize("text", ["👍", "👎 too long"])
def test_a_thumb_is_a_verdict(text: str) -> None:
    """It is learned from, and so no mere courtesy."""
    assert not is_thanks(text)


@pytest.mark.parametrize("text", [*GREETINGS, *ABOUT_THE_BOT])
async def test_who_greets_is_told_what_the_bot_does(text: str) -> None:
    """Without a search that would find nothing."""
    engine = FakeEngine()
    assert texts.HELP_INTRO in await said(engine, text)
    assert engine.asked == []


@pytest.mark.parametrize("text", THANKS)
async def test_thanks_get_a_word(text: str) -> None:
    """Without a search, too."""
    engine = FakeEngine()
    assert await said(engine, text) == texts.COURTESY
    assert engine.asked == []


async def test_a_question_behind_a_greeting_is_asked() -> None:
    """The documents may know."""
    engine = FakeEngine()
    await replies(engine, QUESTIONS[0])
    assert [message.text for message in engine.asked] == [QUESTIONS[0]]


@pytest.mark.parametrize("text", RECALLS)
async def test_who_asks_what_they_asked_is_told_the_last_of_it(text: str) -> None:
    """Without a search; what they wrote is shown as they wrote it."""
    engine = FakeEngine()
    assert await said(engine, text) == texts.NOTHING_ASKED
    for number in range(7):
        await replies(engine, f"How *long* is leave {number}?")
    shown = await said(engine, text)
    assert shown.startswith(texts.ASKED_BEFORE)
    assert shown.splitlines()[2:] == [f"- How \\*long\\* is leave {number}?" for number in range(2, 7)]
    assert len(engine.asked) == 7


@pytest.mark.parametrize(
    "text", ["Übersetze das ins Deutsche", "make it more professional", "as a table", "shorter", "weiter", "tl;dr"]
)
async def test_what_changes_an_answer_wants_one(text: str) -> None:
    """At the start of a conversation there is none."""
    engine = FakeEngine()
    assert await said(engine, text) == texts.NOTHING_TO_CHANGE
    assert engine.asked == []


@pytest.mark.parametrize(
    "text",
    [
        "the experts",
        "further information",
        "polite form",
        "Steps",
        "Details",
        "show me the checklist for onboarding",
        "Explain the table in the travel guide",
        "Send a reminder to the team",
        "Create a ticket for IT",
        "Send an email to HR",
        "for a quiz",
    ],
)
async def test_a_lone_topic_is_searched(text: str) -> None:
    """Where nothing was answered yet, it is what somebody looks for."""
    engine = FakeEngine()
    await replies(engine, text)
    assert [message.text for message in engine.asked] == [text]


@pytest.mark.parametrize(
    "text",
    [
        "Kannst du Deutsch?",
        "Please answer in German",
        "Antworte auf Deutsch",
        "Bitte antworte immer auf Deutsch",
        "Do you speak German?",
        "auf Deutsch bitte",
    ],
)
async def test_who_wants_a_language_is_told_how_to_choose_it(text: str) -> None:
    """For all answers: there is none yet."""
    engine = FakeEngine()
    assert "/prefs language german" in await said(engine, text)
    assert engine.asked == []
