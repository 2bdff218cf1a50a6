"""Conversations in Telegram, through the real python-telegram-bot over HTTP, with a strict server."""

from __future__ import annotations

import pytest

from tests.bots.fake_engine import FakeEngine
from tests.bots.telegram_home import telegram_home
from tests.doubles.telegram_people import User


@pytest.mark.parametrize("streaming", ["auto", "draft", "edit", "off"])
async def test_a_question_is_answered_in_one_message(streaming: str):
    """However an answer grows, one message stands there in the end, with its source and its buttons."""
    async with telegram_home(FakeEngine("Twenty **weeks** [1].", pace=0.02), streaming=streaming) as home:
        ann = User(home.double, 7, "Ann")
        await ann.say("How long is parental leave?")
        await ann.private.answered()
        [answer] = ann.private.said()
        assert answer.text == "Twenty weeks [1].\n\nSources\n1. Handbook › Leave › Parents (handbook.md)"
        assert answer.parts("bold") == ["weeks", "Sources"]
        assert answer.keyboard == [["👍", "👎", "📖 Sources"], ["Why this?", "Without my profile"]]
        assert home.double.refused == []
