"""Questions in Telegram about what somebody else wrote: replied to, quoted, forwarded; and what polls and lists say."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from telegram import Update
from telegram import User as Account

from bots.on_telegram.events import UpdateKind
from bots.on_telegram.updates import read
from tests.bots.telegram_home import Home, Wishes, telegram_home
from tests.doubles.telegram_people import User, group

AT = "@attune_bot"
TEAM = -100_500
TRANSIT = "Transit benefit enrolment takes three days"
FROM_ZOE = {"type": "hidden_user", "sender_user_name": "Zoe", "date": 1}
ALLOWED = frozenset({f"channel:telegram//{TEAM}"})


def read_by_the_model(home: Home) -> str:
    return home.generator.prompts[-1].question


async def test_a_reply_asks_about_what_a_colleague_wrote(redis: Redis, tmp_path: Path) -> None:
    """The colleague's message, or the part of it that was quoted, is searched for and read with the question."""
    async with telegram_home(redis, tmp_path, Wishes(allowed=ALLOWED)) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        team = group(home.double, TEAM, ann, ben)
        said = await ben.say(f"{TRANSIT}. Lunch is at noon.", team)
        await ann.say(f"{AT} is this right?", team, reply_to=said)
        [answer] = await team.answered()
        assert home.generator.prompts[0].passages[0].title == "Transit"
        assert read_by_the_model(home).endswith(f"> {TRANSIT}. Lunch is at noon.\n\nis this right?")
        quote = {"text": TRANSIT, "position": 0, "is_manual": True}
        await ann.say(f"{AT} really?", team, reply_to=said, quote=quote)
        await team.answered(2)
        assert read_by_the_model(home).endswith(f"> {TRANSIT}\n\nreally?")
        await ann.say("And who approves it?", team, reply_to=answer.id)
        await team.answered(3)
        assert read_by_the_model(home) == "And who approves it?"
        elsewhere = {"origin": {**FROM_ZOE}}
        await ann.say(f"{AT} and this?", team, external_reply=elsewhere, quote={"text": TRANSIT, "position": 0})
        await team.answered(4)
        assert read_by_the_model(home).endswith(f"> {TRANSIT}\n\nand this?")


async def test_a_question_follows_what_is_forwarded(redis: Redis, tmp_path: Path) -> None:
    """Whoever forwards and then asks, or replies to what was forwarded, asks about that."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        forwarded = await ann.say(TRANSIT, forward_origin=FROM_ZOE)
        await ann.private.until(lambda place: place.said())
        await ann.say("Is this right?")
        await ann.private.answered()
        assert home.generator.prompts[0].passages[0].title == "Transit"
        assert f"> {TRANSIT}" in read_by_the_model(home)
        await ann.say("What is it about?", reply_to=forwarded)
        await ann.private.answered(2)
        assert f"> {TRANSIT}" in read_by_the_model(home)
        await ann.say("How many weeks is parental leave for both parents?")
        await ann.private.answered(3)
        assert TRANSIT not in read_by_the_model(home)


@pytest.mark.parametrize("button", ["Cancel", "Learn it"])
async def test_what_was_let_go_is_not_asked_about(redis: Redis, tmp_path: Path, button: str) -> None:
    """Once cancelled or learned, a forward takes part in no later question, and what was said before it still does."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        await ann.say("How long does transit benefit enrolment take?")
        await ann.private.answered()
        await ann.say("Zoe likes lunch at noon", forward_origin=FROM_ZOE)
        await ann.private.until(lambda place: "Cancel" in place.said()[-1].buttons)
        offer = ann.private.said()[-1]
        await ann.press(button, offer)
        await ann.private.until(lambda place: "Answer it" not in place.said()[-1].buttons)
        await ann.say("And who approves it?")
        await ann.private.answered(2)
        assert read_by_the_model(home) == "And who approves it?"
        assert home.generator.prompts[-1].turns


async def test_a_comment_sent_with_a_forward_asks_about_it(redis: Redis, tmp_path: Path) -> None:
    """Telegram sends the comment first: its answer gives way to the one about what was forwarded."""
    async with telegram_home(redis, tmp_path, Wishes("edit")) as home:
        ann = User(home.double, 7, "Ann")
        await ann.say("is this right?", date=int(time.time()))
        await ann.say(TRANSIT, forward_origin=FROM_ZOE)
        await ann.private.until(lambda _: home.generator.prompts and TRANSIT in read_by_the_model(home))
        await ann.private.answered()
        assert read_by_the_model(home).endswith(f"> {TRANSIT}\n\nis this right?")
        [answer] = ann.private.said()
        assert answer.text.startswith("Transit benefit enrolment")
        await ann.say("How many weeks is parental leave for both parents?")
        await ann.say(TRANSIT, forward_origin=FROM_ZOE)
        await ann.private.until(lambda place: place.said()[-1].buttons[:2] == ["Answer it", "Learn it"])


@pytest.mark.parametrize("text", ["/forget everything", "forget everything", "/prefs length short", "/stop", "👍"])
async def test_what_is_quoted_commands_nothing(redis: Redis, tmp_path: Path, text: str) -> None:
    """A forwarded command runs neither at once, nor edited, nor answered; nor does a colleague's, asked about."""
    async with telegram_home(redis, tmp_path, Wishes(allowed=ALLOWED)) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        team = group(home.double, TEAM, ann, ben)
        forwarded = await ann.say(text, forward_origin=FROM_ZOE)
        await ann.private.until(lambda place: place.said())
        await ann.edit(forwarded, text)
        await ann.press("Answer it", ann.private.said()[0])
        await ann.private.until(lambda place: "could not find" in place.said()[-1].text)
        said = await ben.say(text.replace("/", "\u200b/"), team)
        team.chat.messages[said]["text"] = text
        await ann.say("/private@attune_bot", team, reply_to=said)
        await ann.private.until(lambda place: ["could not find" in m.text for m in place.said()] == [False, True, True])


def update(**content: Any) -> Update:
    ann = {"id": 5, "first_name": "Ann", "is_bot": False}
    chat = {"id": 5, "type": "private", "first_name": "Ann"}
    message = {"message_id": 10, "date": 1_790_000_000, "from": ann, "chat": chat, **content}
    return Update.de_json({"update_id": 1, "message": message}, None)


def test_an_edited_forward_says_nothing() -> None:
    """The edit of somebody else's words, as of a preview, is no word of whoever forwarded them."""
    edited = {"text": "forget everything", "forward_origin": FROM_ZOE}
    message = update(**edited).message
    assert read(Update(1, edited_message=message), ME) is None


ME = Account(99, "Attune", is_bot=True, username="attune_bot")
OPTIONS = [{"persistent_id": "a", "text": "Gate 1", "voter_count": 0}]
OPTIONS += [{"persistent_id": "b", "text": "Gate 2", "voter_count": 3}]
FLAGS = {"is_closed": True, "is_anonymous": True, "allows_multiple_answers": False, "allows_revoting": False}
RIGHT = {"type": "quiz", "correct_option_ids": [1], "explanation": "Its hose broke.", "members_only": False}
POLL = {"id": "1", "question": "Which gate is stuck?", "options": OPTIONS, "total_voter_count": 3, **FLAGS, **RIGHT}
LINKED = {
    "text": "😀 form",
    "entities": [{"type": "text_link", "offset": 3, "length": 4, "url": "https://a.example/7"}],
}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"poll": POLL}, "Poll: Which gate is stuck?\n- Gate 1\n- Gate 2 (3 votes) ✓\nIts hose broke."),
        (
            {
                "checklist": {
                    "title": "Move in",
                    "tasks": [{"id": 1, "text": "Badge", "completion_date": 1}],
                }
            },
            "Move in\n- ✓ Badge",
        ),
        (
            {"contact": {"phone_number": "+49 30 1", "first_name": "Zoe", "last_name": "K."}},
            "Contact: Zoe K., +49 30 1",
        ),
        (
            {"venue": {"location": {"latitude": 52.5, "longitude": 13.4}, "title": "Depot", "address": "Quay 3"}},
            "Place: Depot, Quay 3, 52.5, 13.4",
        ),
        ({**LINKED, "forward_origin": FROM_ZOE}, "😀 [form](https://a.example/7)"),
        ({"photo": [], "caption": "Gate 2 is stuck", "forward_origin": FROM_ZOE}, "Gate 2 is stuck"),
    ],
)
def test_what_has_words_is_read(content: dict[str, Any], words: str) -> None:
    """A poll, a checklist, a contact, a place and a caption say something, sent or replied to; addresses stay."""
    incoming = read(update(**content), ME)
    assert incoming is not None
    assert (incoming.kind, incoming.text) == (UpdateKind.FORWARD, words)
    plain = {name: value for name, value in content.items() if name != "forward_origin"}
    replied = {"message_id": 9, "date": 1, "chat": {"id": 5, "type": "private"}, **plain}
    asked = read(update(text="why?", reply_to_message=replied), ME)
    assert asked is not None
    assert (asked.text, asked.quoted) == ("why?", words)
