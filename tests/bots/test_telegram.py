"""Conversations in Telegram, through the real python-telegram-bot over HTTP, with a strict server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
import structlog
from redis.asyncio import Redis

from bots import texts
from bots.on_telegram.events import from_event
from bots.on_telegram.screen import Streaming
from bots.on_telegram.webhook import Webhook
from core.answering.prompt import NOT_FOUND
from core.domain import Passage, Person
from core.inbox import Receipt
from core.people.preferences import Length
from tests.bots.telegram_home import Wishes, telegram_home
from tests.doubles.telegram_people import Place, User, group, topic
from tests.doubles.telegram_server import TelegramDouble

LEAVE = "How many weeks is parental leave?"
ANSWER = "Parental leave is twenty weeks and you ask your lead for it"
AT = "@attune_bot"
SECRET = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
TEAM = -100_500
BUTTONS = [["👍", "👎", "📖 Source"], ["Why this?", "Without my preferences"]]


@pytest.mark.parametrize("streaming", ["auto", "draft", "edit", "off"])
async def test_a_question_is_answered_in_one_message(redis: Redis, tmp_path: Path, streaming: Streaming):
    """However an answer grows, one message stands there in the end, with its source and its buttons."""
    async with telegram_home(redis, tmp_path, Wishes(streaming)) as home:
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.answered()
        [answer] = ann.private.said()
        assert answer.text == f"{ANSWER}\n\nSources\n1. Leave — Leave.md"
        assert answer.parts("bold") == [ANSWER, "Sources"]
        assert answer.keyboard == BUTTONS
        assert home.double.refused == []


@pytest.mark.parametrize("streaming", ["draft", "edit"])
async def test_an_answer_grows(redis: Redis, tmp_path: Path, streaming: Streaming):
    """A status comes first, then more and more of the answer, without a mark of Markdown in it."""
    async with telegram_home(redis, tmp_path, Wishes(streaming)) as home:
        home.generator.pace = 0.1
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.answered()
        first = home.double.calls_of("sendMessageDraft" if streaming == "draft" else "sendMessage")
        later = home.double.calls_of("sendMessageDraft" if streaming == "draft" else "editMessageText")
        assert first[0]["text"].endswith("…")
        frames = [call["text"].removesuffix(" …") for call in later if call["text"].startswith("Parental")]
        grown = [frame for frame in frames if ANSWER.startswith(frame) and frame != ANSWER]
        assert len(grown) >= 2
        assert grown == sorted(grown, key=len)
        assert not any("*" in frame for frame in frames)


@pytest.mark.parametrize(("streaming", "shows"), [("draft", "sendMessageDraft"), ("edit", "sendMessage")])
async def test_a_status_stands_there_before_anything_is_searched(
    redis: Redis, tmp_path: Path, streaming: Streaming, shows: str
):
    """Whoever asks sees at once that it arrived, however long the search takes; then what is read; then the answer."""
    async with telegram_home(redis, tmp_path, Wishes(streaming)) as home:
        ann = User(home.double, 7, "Ann")
        home.embedder.may.clear()
        home.generator.pace = 0.2
        await ann.say(LEAVE)
        await ann.private.until(lambda _: home.double.calls_of(shows))
        assert home.double.calls_of(shows)[0]["text"] == texts.SEARCHING
        assert LEAVE not in home.embedder.embedded
        assert home.generator.prompts == []
        home.embedder.may.set()
        await ann.private.answered()
        told = [call["text"] for _, call in home.double.calls if "text" in call]
        assert next(n for n, text in enumerate(told) if text.startswith("Reading ")) == 1
        assert all(text.startswith("Parental") for text in told[2:])


async def test_everything_comes_in_the_language_of_the_person(redis: Redis, tmp_path: Path):
    """Ben reads German from the status to the sources, also what all platforms say; Ann beside him reads English."""
    async with telegram_home(redis, tmp_path, Wishes("edit")) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben", language="de-AT")
        home.generator.pace = 0.1
        await asyncio.gather(ann.say(LEAVE), ben.say(LEAVE))
        [english], [german] = await ann.private.answered(), await ben.private.answered()
        assert "Sources\n1. Leave" in english.text
        assert "Quellen\n1. Leave" in german.text
        seen = {chat: [call["text"] for _, call in home.double.calls if call.get("chat_id") == chat] for chat in (7, 8)}
        assert seen[7][0] == texts.SEARCHING
        assert seen[8][0] == "Ich suche in deinen Dokumenten…"
        home.generator.script = lambda _: NOT_FOUND
        for typed, said in {
            LEAVE: "Das konnte ich in den Dokumenten nicht finden.",
            "/prefs length short": "Erledigt. length steht jetzt auf short.",
            "/prefs length huge": "huge gibt es bei length nicht. Du kannst short, normal oder detailed wählen.",
            "/new": "Gut, fangen wir neu an.",
            "/why": "Warum diese Antwort",
            "/help": "Frag mich alles zu deinen Dokumenten",
            "/prefz": "Den Befehl /prefz gibt es nicht. Meintest du /prefs?",
        }.items():
            await ben.say(typed)
            await ben.private.until(lambda place, said=said: place.said()[-1].text.startswith(said))
        assert not any("I " in message.text for message in ben.private.said())


async def test_a_webhook_turns_away_what_has_no_secret_or_another(redis: Redis, tmp_path: Path, unused_tcp_port: int):
    """Whoever finds the address and knows no secret can hand nothing in, whatever they post."""
    webhook = Webhook("https://bot.example/hook", "s3cret", port=unused_tcp_port)
    async with telegram_home(redis, tmp_path, Wishes(webhook=webhook)) as home, aiohttp.ClientSession() as session:
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        for headers in ({}, {SECRET: ""}, {SECRET: "S3CRET"}, {SECRET: "s3cre"}):
            address = f"http://127.0.0.1:{unused_tcp_port}/hook"
            async with session.post(address, json=home.double.posted, headers=headers) as reply:
                assert reply.status == 403
        assert home.inlet.events == []


async def test_a_webhook_delivers_with_its_secret(redis: Redis, tmp_path: Path, unused_tcp_port: int):
    """By webhook the same conversation works; what comes without the secret is turned away."""
    webhook = Webhook("https://bot.example/hook", "s3cret", port=unused_tcp_port)
    double = TelegramDouble(reachable={"https://bot.example": f"http://127.0.0.1:{unused_tcp_port}"})
    async with telegram_home(redis, tmp_path, Wishes(webhook=webhook, double=double)) as home:
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.answered()
        home.double.webhook["secret_token"] = "guessed"  # noqa: S105
        await ann.say("And who approves transit enrolment?")
        await ann.private.until(lambda _: home.double.webhook.get("last_error_message"))
        assert "403" in home.double.webhook["last_error_message"]
        assert len(home.generator.prompts) == 1
        home.double.webhook["secret_token"] = "s3cret"  # noqa: S105
        await ann.private.answered(2)


async def test_updates_are_kept_before_telegram_is_told(redis: Redis, tmp_path: Path):
    """While the inbox is away, Telegram keeps an update; it is answered once when the inbox is back."""
    async with telegram_home(redis, tmp_path) as home:
        home.inlet.away = 2
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.answered()
        assert len(home.double.delivered) >= 3
        assert len(home.generator.prompts) == 1


async def test_an_update_that_comes_twice_is_answered_once(redis: Redis, tmp_path: Path):
    """Telegram may send an update again, or late; nothing is answered twice."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.answered()
        home.double.again = [home.double.posted, home.double.posted]
        await ann.say("Who approves transit enrolment?")
        await ann.private.answered(2)
        assert home.double.delivered.count(1001) == 3
        assert len(ann.private.said()) == 2
        assert len(home.generator.prompts) == 2


async def test_a_group_is_answered_where_the_bot_is_meant(redis: Redis, tmp_path: Path):
    """In a group a mention, a command and a reply to the bot are answered, each in reply; all else is left alone."""
    allowed = frozenset({f"channel:telegram//{TEAM}"})
    async with telegram_home(redis, tmp_path, Wishes(allowed=allowed, double=TelegramDouble(privacy=False))) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        team = group(home.double, TEAM, ann, ben)
        await ann.say("Lunch, anyone?", team)
        asked = await ann.say(f"{AT} {LEAVE}", team)
        [answer] = await team.answered()
        assert answer.reply_to == asked
        assert home.generator.prompts[0].question == LEAVE
        more = await ben.say("Who approves transit enrolment?", team, reply_to=answer.id)
        await team.answered(2)
        assert team.said()[-1].reply_to == more
        await ben.say("Thanks!", team, reply_to=answer.id)
        await ben.say("/help@other_bot", team)
        await ben.say("/help@attune_bot", team)
        await team.until(lambda place: len(place.said()) == 3)
        assert "/prefs" in team.said()[-1].text


async def test_people_of_a_group_have_conversations_of_their_own(redis: Redis, tmp_path: Path):
    """What one person asked in a group is no part of another's conversation."""
    allowed = frozenset({f"channel:telegram//{TEAM}"})
    async with telegram_home(redis, tmp_path, Wishes(allowed=allowed)) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        team = group(home.double, TEAM, ann, ben)
        await ann.say(f"{AT} {LEAVE}", team)
        await team.answered()
        await ben.say(f"{AT} Who approves transit enrolment?", team)
        await team.answered(2)
        await ann.say(f"{AT} Who approves parental leave?", team)
        await team.answered(3)
        assert [len(prompt.turns) for prompt in home.generator.prompts] == [0, 0, 1]


async def test_in_a_group_only_the_askers_preferences_act(redis: Redis, tmp_path: Path):
    """What Ann set shows in what the model is told of Ann, in a group too, and not in what it is told of Ben."""
    allowed = frozenset({f"channel:telegram//{TEAM}"})
    async with telegram_home(redis, tmp_path, Wishes(allowed=allowed)) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        team = group(home.double, TEAM, ann, ben)
        await ann.say("/prefs@attune_bot length short", team)
        await ann.private.until(lambda place: place.said())
        for count, user in enumerate((ann, ben), start=1):
            await user.say(f"{AT} {LEAVE}", team)
            await team.answered(count)
        told = [prompt.person for prompt in home.generator.prompts]
        assert told[0] != told[1]
        await ben.say("/prefs length short")
        await ben.private.until(lambda place: place.said())
        await ben.say(f"{AT} {LEAVE}", team)
        await team.answered(3)
        assert home.generator.prompts[2].person == told[0]


async def test_topics_are_conversations(redis: Redis, tmp_path: Path):
    """In a forum an answer stands in the topic of its question, also in the general one."""
    allowed = frozenset({f"channel:telegram//{TEAM}"})
    async with telegram_home(redis, tmp_path, Wishes(allowed=allowed)) as home:
        ann = User(home.double, 7, "Ann")
        team = group(home.double, TEAM, ann, forum=True)
        hr, it = topic(team, 40), topic(team, 41)
        for where in (hr, it, 1):
            await ann.say(f"{AT} {LEAVE}", team, topic=where)
        await team.answered(3)
        assert sorted(message.topic for message in team.said()) == [0, hr, it]
        assert [len(prompt.turns) for prompt in home.generator.prompts] == [0, 0, 0]


async def test_strangers_learn_how_to_get_in(redis: Redis, tmp_path: Path):
    """Nobody unknown is answered; a code from the operator lets them in, once."""
    async with telegram_home(redis, tmp_path) as home:
        eve, mal = User(home.double, 66, "Eve"), User(home.double, 67, "Mal")
        await eve.say(LEAVE)
        await eve.private.until(lambda place: place.said())
        assert "for a pairing code and send it to me" in eve.private.said()[0].text
        assert not {"66", "ATTUNE_ALLOW", "telegram//"} & set(eve.private.said()[0].text.replace("`", " ").split())
        await eve.say("What time")  # as long as a code, and none
        await eve.private.until(lambda place: len(place.said()) == 2)
        assert "isn't valid" not in eve.private.said()[1].text
        code = await home.access.new_code()
        await eve.say(f"/start {code}")
        await eve.private.until(lambda place: len(place.said()) == 5)
        assert eve.private.said()[2].text.startswith("Welcome, you're in")
        await eve.say(LEAVE)
        await eve.private.answered()
        await mal.say(code)
        await mal.private.until(lambda place: place.said())
        assert "isn't valid" in mal.private.said()[0].text
        assert home.inlet.events[0].person.user == "66"
        assert {event.person.user for event in home.inlet.events} == {"66"}


async def test_who_is_in_already_becomes_an_operator_by_a_code(redis: Redis, tmp_path: Path):
    """The code is no question and in no inbox; a plain one takes the role from nobody, and a wrong one is said so.

    Their menu has what operators can do from then on.
    """
    async with telegram_home(redis, tmp_path, Wishes(allowed=frozenset({"person:telegram//7"}))) as home:
        ann = User(home.double, 7, "Ann")
        person = Person("telegram", "", "7")
        sent = [await home.access.new_code(operator=True), f"/pair {await home.access.new_code()}", "/pair 2222-2222"]
        for text, shown in zip(sent, (3, 6, 7), strict=True):  # each code brings the two messages of /start, too
            await ann.say(text)
            await ann.private.until(lambda place, shown=shown: len(place.said()) == shown)
            assert await home.access.is_operator(person)
        told = [message.text for message in ann.private.said()]
        assert (told.count(texts.PAIRED_OPERATOR), told[-1][:18]) == (2, "That pairing code ")
        assert "gaps" in [command["command"] for command in home.double.commands["chat", ""]]
        await ann.say("next-step")  # has the form of a code
        await ann.private.answered()
        came = [(event.person.user, from_event(event).text) for event in home.inlet.events]
        assert came == [("7", "/start"), ("7", "/start"), ("7", "next-step")]


async def test_a_strange_group_is_told_once(redis: Redis, tmp_path: Path):
    """In a group that is not on the list, the bot says once what can be done; the log has the name for the list."""
    with structlog.testing.capture_logs() as logged:
        async with telegram_home(redis, tmp_path) as home:
            eve = User(home.double, 66, "Eve")
            team = group(home.double, TEAM, eve)
            for _ in range(3):
                await eve.say(f"{AT} {LEAVE}", team)
            await eve.say("hello")
            await eve.private.until(lambda place: place.said())
            [told] = team.said()
            assert "can let it in" in told.text
            assert str(TEAM) not in told.text
            assert {"event": "group_turned_away", "group": f"channel:telegram//{TEAM}", "log_level": "info"} in logged
        assert home.inlet.events == []


async def test_members_of_a_listed_group_get_in(redis: Redis, tmp_path: Path):
    """Whoever belongs to a group on the list is answered in private too; who left it is not."""
    allowed = frozenset({f"channel:telegram//{TEAM}"})
    async with telegram_home(redis, tmp_path, Wishes(allowed=allowed)) as home:
        ann, eve = User(home.double, 7, "Ann"), User(home.double, 66, "Eve")
        group(home.double, TEAM, ann)
        await ann.say(LEAVE)
        await ann.private.answered()
        await eve.say(LEAVE)
        await eve.private.until(lambda place: place.said())
        assert "don't know you" in eve.private.said()[0].text


async def test_stop_ends_an_answer(redis: Redis, tmp_path: Path):
    """/stop does not wait behind the answer: what was said so far stays, marked as stopped."""
    async with telegram_home(redis, tmp_path) as home:
        home.generator.pace = 0.3
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.until(lambda place: any("Parental" in message.text for message in place.said()))
        await ann.say("/stop")
        await ann.private.until(lambda place: any("Stopped." in message.text for message in place.said()))
        [answer] = ann.private.said()
        assert answer.text.startswith("Parental")
        assert ANSWER not in answer.text
        assert answer.buttons == []
        await asyncio.wait(home.inlet.tasks)
        await ann.say("/stop")
        await ann.private.until(lambda place: len(place.said()) == 2)
        assert ann.private.said()[1].text == "There's no answer to stop."


async def test_telegrams_own_stop_button_ends_an_answer(redis: Redis, tmp_path: Path):
    """Where Telegram shows a stop button of its own, pressing it stops the answer too."""
    async with telegram_home(redis, tmp_path, Wishes("draft")) as home:
        home.generator.pace = 0.3
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.until(lambda place: place.chat.drafts)
        await ann.stop_draft()
        await ann.private.until(lambda place: any("Stopped." in message.text for message in place.said()))
        assert len(ann.private.said()) == 1


async def test_an_edited_question_is_answered_anew_in_place(redis: Redis, tmp_path: Path):
    """An edit changes the answer that stands there, and adds none."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        asked = await ann.say(LEAVE)
        [before] = await ann.private.answered()
        await ann.edit(asked, "Who approves transit enrolment?")
        await ann.private.until(lambda place: any("supervisor" in m.text for m in place.finished()))
        [after] = ann.private.said()
        assert after.id == before.id
        assert after.keyboard == BUTTONS


async def test_what_cannot_be_read_is_refused_politely(redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Voice and stickers are answered with what to do instead, and without text recognition photos, an album once."""
    monkeypatch.setattr("core.documents.parsing.is_installed", lambda: False)
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        voice = {"file_id": "v", "file_unique_id": "v", "duration": 3}
        photo = [{"file_id": "p", "file_unique_id": "p", "width": 1, "height": 1}]
        sticker = {**photo[0], "type": "regular", "is_animated": False, "is_video": False}
        await ann.send({"voice": voice})
        await ann.send({"sticker": sticker})
        for _ in range(3):
            await ann.send({"photo": photo, "media_group_id": "album"})
        await ann.say("/help")
        await ann.private.until(lambda place: len(place.said()) == 4)
        said = [message.text for message in ann.private.said()]
        assert ["voice" in said[0], "words" in said[1], "pictures" in said[2], "/prefs" in said[3]] == [True] * 4


async def test_channels_bots_and_anonymous_administrators(redis: Redis, tmp_path: Path):
    """A channel's post and another bot are left alone; who writes as the group is told why there is no answer."""
    allowed = frozenset({f"channel:telegram//{TEAM}"})
    async with telegram_home(redis, tmp_path, Wishes(allowed=allowed, double=TelegramDouble(privacy=False))) as home:
        ann = User(home.double, 7, "Ann")
        team = group(home.double, TEAM, ann)
        chat = {"id": -100_9, "type": "channel", "title": "News"}
        await home.double.post("channel_post", {"message_id": 1, "chat": chat, "date": 1, "text": f"{AT} hi"})
        other = User(home.double, 70, "Robot")
        other.json["is_bot"] = True
        await other.say(f"{AT} {LEAVE}", team)
        await ann.say(f"{AT} {LEAVE}", team, sender_chat=team.chat.json)
        await team.until(lambda place: place.said())
        [told] = team.said()
        assert "anonymous" in told.text
        assert home.inlet.events == []


@pytest.mark.parametrize("why", ["bot was blocked by the user", "user is deactivated", "deleted"])
async def test_who_is_gone_has_no_error(redis: Redis, tmp_path: Path, why: str):
    """Who blocks the bot, or is gone, while it answers gets nothing, and nothing is tried again."""
    async with telegram_home(redis, tmp_path) as home:
        home.generator.pace = 0.05
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        await ann.say(LEAVE)
        await ann.private.until(lambda place: place.said())
        await ann.block()
        ann.private.chat.gone = why
        await ben.say(LEAVE)
        await ben.private.answered()
        await ann.private.until(lambda _: not home.inlet.running)
        assert {method for method, _ in home.double.refused} <= {"editMessageText", "sendMessage"}


async def test_a_group_that_moved_is_answered_where_it_is(redis: Redis, tmp_path: Path):
    """A group that becomes a supergroup while it is answered gets the answer in its new place."""
    old, new = -500, -100_501
    allowed = frozenset({f"channel:telegram//{old}"})
    async with telegram_home(redis, tmp_path, Wishes("off", allowed=allowed)) as home:
        home.generator.pace = 0.05
        ann = User(home.double, 7, "Ann")
        before, after = group(home.double, old, ann), group(home.double, new, ann)
        before.chat.type = "group"
        await ann.say(f"{AT} {LEAVE}", before)
        await before.until(lambda _: home.generator.prompts)
        before.chat.moved_to = new
        await after.answered()


async def test_a_deleted_topic_is_answered_in_the_group(redis: Redis, tmp_path: Path):
    """A topic that is gone before its answer is there does not swallow it."""
    allowed = frozenset({f"channel:telegram//{TEAM}"})
    async with telegram_home(redis, tmp_path, Wishes("off", allowed=allowed)) as home:
        home.generator.pace = 0.05
        ann = User(home.double, 7, "Ann")
        team = group(home.double, TEAM, ann, forum=True)
        await ann.say(f"{AT} {LEAVE}", team, topic=topic(team, 40))
        await team.until(lambda _: home.generator.prompts)
        team.chat.topics.clear()
        await team.answered()


@pytest.mark.parametrize(("receipt", "said"), [(Receipt.HURRIED, "wait a minute"), (Receipt.CROWDED, "waiting")])
async def test_what_is_too_much_is_refused_with_a_sentence(redis: Redis, tmp_path: Path, receipt: Receipt, said: str):
    """Whoever asks too fast, or when too many wait, is told so."""
    async with telegram_home(redis, tmp_path) as home:
        home.inlet.receipts = [receipt, Receipt.HUSHED]
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.say(LEAVE)
        await ann.say(LEAVE)
        await ann.private.answered()
        assert [said in message.text for message in ann.private.said()].count(True) == 1
        assert len(ann.private.said()) == 2


async def test_a_long_answer_stands_in_several_messages(redis: Redis, tmp_path: Path):
    """An answer over Telegram's limit is whole in several messages, the buttons under the last one."""
    code = "\n".join(f"value_{n}={n}" for n in range(500))
    async with telegram_home(redis, tmp_path) as home:
        said = Passage("00000000-0000-0000-0000-000000000099", "/docs/Code.md", "Code", (), code, 1, 0, 1, "v")
        await home.teacher._index.upsert([said], await home.embedder.embed([LEAVE]))
        home.generator.script = lambda _: f"Here:\n\n```python\n{code}\n```\n\nThat is all."
        home.generator.pace = 0
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.answered()
        said = ann.private.said()
        assert len(said) > 1
        assert [bool(message.buttons) for message in said] == [*[False] * (len(said) - 1), True]
        assert "\n".join(part for message in said for part in message.parts("pre")) == code
        assert home.double.refused == []


async def shown_prefs(place: Place) -> str:
    await place.until(lambda each: any("How I answer you" in message.text for message in each.said()))
    return next(message.text for message in place.said() if "How I answer you" in message.text)


async def test_waiting_and_apologies_take_the_place_of_each_other(redis: Redis, tmp_path: Path):
    """A person who has to wait is told so in the message that the answer, or the excuse, then takes."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        await ann.say("/prefs length short")
        await ann.private.until(lambda place: place.said())
        [event] = home.inlet.events
        from tests.bots.telegram_home import MemoryDelivery  # noqa: PLC0415

        delivery = MemoryDelivery(home.inlet, event)
        await home.inlet.sender.waiting(event, delivery, "Two others come first.")
        await home.inlet.sender.apologise(event, delivery, "It did not work.")
        assert [message.text for message in ann.private.said()][1:] == ["It did not work."]
        assert (await home.memory.wishes(event.person)).preferences.length is Length.SHORT


async def test_new_begins_a_new_conversation(redis: Redis, tmp_path: Path):
    """After /new the model reads nothing of what was said before."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.answered()
        await ann.say("/new")
        await ann.say("Who approves transit enrolment?")
        await ann.private.answered(2)
        assert [len(prompt.turns) for prompt in home.generator.prompts] == [0, 0]
