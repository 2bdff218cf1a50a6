"""Buttons, reactions, preferences, teaching and what operators see, in Telegram."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bots import texts
from bots.on_telegram import texts as say
from bots.on_telegram.buttons import PAYLOAD_BYTES
from bots.on_telegram.events import PLATFORM, Incoming, UpdateKind
from core.domain import Person
from core.inbox import DeadLetter
from core.people.interests import Action, Signal
from core.people.preferences import (
    MAX_STATED,
    MAX_STATED_CHARACTERS,
    Length,
    Polarity,
    PreferenceKind,
    PreferenceOrigin,
    StatedPreference,
)
from tests.bots.telegram_home import Home, Wishes, telegram_home
from tests.bots.test_telegram import ANSWER, AT, BUTTONS, LEAVE, TEAM
from tests.doubles.telegram_people import Place, Shown, User, group

ANN, OLGA = Person(PLATFORM, "", "7"), Person(PLATFORM, "", "9")
GROUP = frozenset({f"channel:telegram//{TEAM}"})


async def asked(user: User, text: str = LEAVE, place: Place | None = None) -> Shown:
    """The answer to a question."""
    before = len((place or user.private).finished())
    await user.say(text, place)
    return (await (place or user.private).answered(before + 1))[-1]


async def answered_from_two(home: Home, user: User) -> Shown:
    """An answer with two sources."""
    home.generator.script = lambda prompt: " ".join(passage.text for passage in prompt.passages) + "."
    return await asked(user, "How many weeks is parental leave, and who books travel with the agency?")


async def verdicts(home: Home, person: Person = ANN) -> list[Signal]:
    """What was learned from, besides questions."""
    return [
        signal for signal in await home.memory.signals(person) if signal.act not in {Action.ASKED, Action.REPHRASED}
    ]


async def settled(home: Home, user: User) -> None:
    """Wait until everything that came in was handled."""
    await user.private.until(lambda _: not (home.inlet.tasks or home.double.updates))


def now(place: Place, message: Shown) -> Shown:
    """The message as it stands there by now."""
    return next(shown for shown in place.shown() if shown.id == message.id)


async def test_a_thumb_is_learned_from_and_can_be_taken_back(redis: Redis, tmp_path: Path):
    """👍 counts and shows; pressing it again takes it back. The clock on the button always ends."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        answer = await asked(ann)
        await ann.press("👍", answer)
        await ann.private.until(lambda place: now(place, answer).buttons[0] == "👍 ✓")
        assert [signal.act for signal in await verdicts(home)] == [Action.UP]
        await ann.press("👍", answer)
        await ann.private.until(lambda place: now(place, answer).buttons[0] == "👍")
        assert await verdicts(home) == []
        await ann.private.until(lambda _: list(home.double.queries.values()) == [None, None])
        assert say.THANKS in home.double.toasts


async def test_a_thumb_down_asks_why(redis: Redis, tmp_path: Path):
    """👎 counts at once, offers reasons, and a reason in one tap is kept with it."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        answer = await asked(ann)
        await ann.press("👎", answer)
        await ann.private.until(lambda place: "Too long" in now(place, answer).buttons)
        assert [(signal.act, signal.reason) for signal in await verdicts(home)] == [(Action.DOWN, None)]
        await ann.press("Too long", answer)
        await ann.private.until(lambda place: now(place, answer).buttons[1] == "👎 ✓")
        assert [str(signal.reason) for signal in await verdicts(home)] == ["too long"]


async def test_a_verdict_stays_shown_until_it_is_taken_back(redis: Redis, tmp_path: Path):
    """Who goes back from the reasons or the sources sees what they said of the answer, and can take it back."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        answer = await answered_from_two(home, ann)
        await ann.press("👎", answer)
        await ann.private.until(lambda place: "Too long" in now(place, answer).buttons)
        await ann.press("Back", answer)
        await ann.private.until(lambda place: now(place, answer).buttons[1] == "👎 ✓")
        await ann.press("Sources", answer)
        await ann.private.until(lambda place: "📄 2" in now(place, answer).buttons)
        await ann.press("Back", answer)
        await ann.private.until(lambda place: now(place, answer).buttons[1] == "👎 ✓")
        await ann.press("👎", answer)
        await ann.private.until(lambda place: now(place, answer).buttons[1] == "👎")
        assert await verdicts(home) == []


async def test_a_source_is_opened(redis: Redis, tmp_path: Path):
    """Sources open by number: the passage is shown, and opening it counts."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        answer = await answered_from_two(home, ann)
        assert "Sources\n1. Travel — Travel.md\n2. Leave — Leave.md" in answer.text
        await ann.press("Sources", answer)
        await ann.private.until(lambda place: now(place, answer).buttons == ["📄 1", "📄 2", "‹ Back"])
        await ann.press("📄 2", answer)
        await ann.private.until(lambda place: len(place.said()) == 2)
        opened = ann.private.said()[1]
        assert opened.text == f"Leave\n\n{ANSWER}"
        assert opened.reply_to == answer.id
        await ann.press("Back", answer)
        await ann.private.until(lambda place: now(place, answer).keyboard == answer.keyboard)
        assert [signal.act for signal in await verdicts(home)] == [Action.OPENED]


async def test_the_only_source_opens_at_once(redis: Redis, tmp_path: Path):
    """Where an answer has one source, its button shows the passage."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        answer = await asked(ann)
        await ann.press("📖 Source", answer)
        await ann.private.until(lambda place: len(place.said()) == 2)
        assert ann.private.said()[1].text == f"Leave\n\n{ANSWER}"
        assert now(ann.private, answer).keyboard == BUTTONS


async def test_why_and_without_my_preferences(redis: Redis, tmp_path: Path):
    """An answer's reasons are one tap away, and so is the same question without personalisation."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        answer = await asked(ann)
        await ann.press("Why this?", answer)
        await ann.private.until(lambda place: any("Why this answer" in message.text for message in place.said()))
        why = ann.private.said()[-1]
        assert "gave the answer" in why.text
        assert "%" not in why.text
        await ann.press("In numbers", why)
        await ann.private.until(lambda place: any("% → " in message.text for message in place.said()))
        await ann.press("Without my preferences", answer)
        await ann.private.answered(2)
        assert home.generator.prompts[1].question == LEAVE
        assert ann.private.said()[-1].reply_to == answer.id


async def test_buttons_work_after_a_restart(redis: Redis, tmp_path: Path):
    """A button that was posted before a restart still means the same; every payload fits."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        answer = await asked(ann)
        double = home.double
        async with telegram_home(redis, tmp_path / "again", Wishes(double=double)) as restarted:
            await ann.press("👍", answer)
            await ann.private.until(lambda place: now(place, answer).buttons[0] == "👍 ✓")
            assert [signal.act for signal in await verdicts(restarted)] == [Action.UP]
        rows = ann.private.chat.messages[answer.id]["reply_markup"]["inline_keyboard"]
        assert all(len(button["callback_data"].encode()) <= PAYLOAD_BYTES for row in rows for button in row)


async def test_unknown_buttons_are_answered(redis: Redis, tmp_path: Path):
    """A button of some other version is answered with what to do."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        answer = await asked(ann)
        await ann.press_data("??", ann.private.chat.messages[answer.id])
        await ann.private.until(lambda place: any("expired" in message.text for message in place.said()))


async def test_buttons_of_old_messages_work(redis: Redis, tmp_path: Path):
    """Telegram tells of a message that is very old only where it stands: its buttons still do what they are for."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        answer = await asked(ann)
        kept = ann.private.chat.messages[answer.id]
        old = {"chat": kept["chat"], "message_id": answer.id, "date": 0}
        await ann.press_data(kept["reply_markup"]["inline_keyboard"][0][0]["callback_data"], old)
        await ann.private.until(lambda place: now(place, answer).buttons[0] == "👍 ✓")
        assert [signal.act for signal in await verdicts(home)] == [Action.UP]


async def test_reactions_count_and_can_be_taken_back(redis: Redis, tmp_path: Path):
    """A reaction to an answer is feedback like a button; taken back, nothing is left. Other messages are no answers."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        answer = await asked(ann)
        await ann.react(answer.id, "🔥")
        await settled(home, ann)
        assert [signal.act for signal in await verdicts(home)] == [Action.UP]
        await ann.react(answer.id, "👎")
        await settled(home, ann)
        assert [signal.act for signal in await verdicts(home)] == [Action.DOWN]
        await ann.react(answer.id, "")
        await ann.react(101, "👍")
        await settled(home, ann)
        assert await verdicts(home) == []


async def test_in_a_group_everybody_judges_for_themselves(redis: Redis, tmp_path: Path):
    """In a group nobody's verdict shows on the answer, and what is personal comes in private."""
    async with telegram_home(redis, tmp_path, Wishes(allowed=GROUP)) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        team = group(home.double, TEAM, ann, ben)
        answer = await asked(ann, f"{AT} {LEAVE}", team)
        await ann.press("👍", answer, team)
        await team.until(lambda _: None in home.double.queries.values())
        await settled(home, ann)
        assert now(team, answer).keyboard == BUTTONS
        assert [signal.act for signal in await verdicts(home)] == [Action.UP]
        await ann.press("Why this?", answer, team)
        await ann.private.until(lambda place: any("Why this answer" in message.text for message in place.said()))
        await ann.say("/prefs@attune_bot", team)
        await ann.private.until(lambda place: any("How I answer you" in message.text for message in place.said()))
        assert not any("How I answer you" in message.text for message in team.said())


async def test_in_a_group_only_whoever_asked_rates_an_answer(redis: Redis, tmp_path: Path):
    """Somebody else who presses a button is told so by a toast; nothing counts, changes or is posted."""
    async with telegram_home(redis, tmp_path, Wishes(allowed=GROUP)) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        team = group(home.double, TEAM, ann, ben)
        answer = await asked(ann, f"{AT} {LEAVE}", team)
        for label in ("👍", "👎", "Why this?", "Without my preferences"):
            await ben.press(label, answer, team)
        await team.until(lambda _: home.double.toasts.count(texts.ASKERS_ONLY) == 4)
        await settled(home, ben)
        assert say.THANKS not in home.double.toasts
        assert [message.id for message in team.said()] == [answer.id]
        assert now(team, answer).keyboard == BUTTONS
        assert ben.private.said() == []
        assert await verdicts(home, Person(PLATFORM, "", "8")) == []
        await ann.press("Without my preferences", answer, team)
        plain = (await team.answered(2))[-1]
        await ann.press("👍", plain, team)
        await team.until(lambda _: say.THANKS in home.double.toasts)
        await settled(home, ann)
        assert [signal.act for signal in await verdicts(home)] == [Action.UP]


async def test_in_a_group_everybody_may_open_a_source(redis: Redis, tmp_path: Path):
    """Whoever reads an answer may read what it rests on; nothing is learned from that, of nobody."""
    async with telegram_home(redis, tmp_path, Wishes(allowed=GROUP)) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        team = group(home.double, TEAM, ann, ben)
        answer = await asked(ann, f"{AT} {LEAVE}", team)
        await ben.press("Source", answer, team)
        await team.until(lambda place: len(place.said()) == 2)
        assert "twenty weeks" in team.said()[-1].text
        await settled(home, ben)
        assert await verdicts(home) == []
        assert await verdicts(home, Person(PLATFORM, "", "8")) == []


async def test_buttons_stay_for_whoever_asked_when_the_question_is_gone(redis: Redis, tmp_path: Path):
    """Where Telegram no longer says whom an answer is for, somebody else's thumb counts and changes nothing either."""
    async with telegram_home(redis, tmp_path, Wishes(allowed=GROUP)) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        team = group(home.double, TEAM, ann, ben)
        answer = await asked(ann, f"{AT} {LEAVE}", team)
        del team.chat.messages[answer.id]["reply_to_message"]
        await ben.press("👎", answer, team)
        await settled(home, ben)
        assert now(team, answer).keyboard == BUTTONS
        assert await verdicts(home, Person(PLATFORM, "", "8")) == []


async def test_a_private_answer_to_a_question_in_a_group(redis: Redis, tmp_path: Path):
    """/private answers in the private chat; who never opened it gets a button to."""
    async with telegram_home(redis, tmp_path, Wishes(allowed=GROUP)) as home:
        ann = User(home.double, 7, "Ann")
        team = group(home.double, TEAM, ann)
        ann.private.chat.gone = "bot can't initiate conversation with a user"
        await ann.say(f"/private@attune_bot {LEAVE}", team)
        await team.until(lambda place: place.said())
        assert team.said()[0].buttons == ["Open the private chat"]
        ann.private.chat.gone = ""
        await ann.say(f"/private@attune_bot {LEAVE}", team)
        [answer] = await ann.private.answered()
        assert ANSWER in answer.text
        assert not any(ANSWER in message.text for message in team.said())
        assert all(prompt.question == LEAVE for prompt in home.generator.prompts)


async def test_prefs_by_buttons(redis: Redis, tmp_path: Path):
    """Every setting says what it is set to; its values are behind it, a choice shows at once and can be undone."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        await ann.say("/prefs")
        await ann.private.until(lambda place: place.said())
        [panel] = ann.private.said()
        assert panel.keyboard[0] == ["Length: normal", "Tone: plain"]
        await ann.press("Length: normal", panel)
        await ann.private.until(lambda place: now(place, panel).keyboard[0] == ["short", "● normal", "detailed"])
        await ann.press("short", panel)
        await ann.private.until(lambda place: "Length: short" in now(place, panel).buttons)
        assert (await home.memory.wishes(ANN)).preferences.length is Length.SHORT
        await ann.press("Undo", panel)
        await ann.private.until(lambda place: "Length: normal" in now(place, panel).buttons)
        await ann.press("Strength of what I've learned: 50 %", panel)
        await ann.private.until(lambda place: now(place, panel).keyboard[0] == ["0 %", "25 %", "● 50 %", "100 %"])
        await ann.press("100 %", panel)
        await ann.private.until(lambda place: "Strength of what I've learned: 100 %" in now(place, panel).buttons)
        await ann.press("Pause learning", panel)
        await ann.private.until(lambda place: any("Resume learning" in name for name in now(place, panel).buttons))
        wishes = await home.memory.wishes(ANN)
        assert (wishes.paused, wishes.strength) == (True, 100)
        assert home.double.refused == []


async def test_the_panel_shows_what_was_typed(redis: Redis, tmp_path: Path):
    """What somebody likes and avoids is told apart, has a button that removes it; the language shows, too."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        for typed in ("/prefs avoid jargon", "/prefs language german", "/prefs"):
            await ann.say(typed)
        await ann.private.until(lambda place: len(place.said()) == 3)
        panel = ann.private.said()[-1]
        assert "1. avoid: jargon" in panel.text
        assert "Language: german" in panel.text
        await ann.press("What I've learned", panel)
        await ann.private.until(lambda place: "✕ jargon" in now(place, panel).buttons)
        await ann.press("✕ jargon", panel)
        await ann.private.until(lambda place: "✕ jargon" not in now(place, panel).buttons)
        assert (await home.memory.wishes(ANN)).stated == ()


async def test_the_panel_is_one_message_however_much_was_stated(redis: Redis, tmp_path: Path):
    """Thirty long wishes fit into the panel, each with its button."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        words, moment = "_*" * (MAX_STATED_CHARACTERS // 2), datetime.now(UTC)
        stated = [
            StatedPreference(number, words, Polarity.AVOID, PreferenceKind.TOPIC, (), PreferenceOrigin.SAID, moment)
            for number in range(1, MAX_STATED + 1)
        ]
        await home.memory.change_wishes(ANN, lambda wishes: replace(wishes, stated=tuple(stated)))
        await ann.say("/prefs")
        await ann.private.until(lambda place: place.said())
        panel = ann.private.said()[-1]
        await ann.press("What I've learned", panel)
        await ann.private.until(lambda place: any("✕" in name for name in now(place, panel).buttons))
        assert len(ann.private.said()) == 1
        assert sum("✕" in name for name in now(ann.private, panel).buttons) == MAX_STATED
        assert home.double.refused == []


async def test_learned_interests_can_be_removed(redis: Redis, tmp_path: Path):
    """What was learned is shown in words, and one tap removes it."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        answer = await asked(ann)
        await ann.press("👍", answer)
        await ann.private.until(lambda place: now(place, answer).buttons[0] == "👍 ✓")
        await ann.say("/prefs")
        await ann.private.until(lambda place: len(place.said()) == 2)
        panel = ann.private.said()[-1]
        await ann.press("What I've learned", panel)
        await ann.private.until(lambda place: any(name.startswith("✕") for name in now(place, panel).buttons))
        while any(name.startswith("✕") for name in now(ann.private, panel).buttons):
            before = now(ann.private, panel).buttons
            await ann.press("✕", panel)
            await ann.private.until(lambda place, before=before: now(place, panel).buttons != before)
        assert "haven't learned anything" in now(ann.private, panel).text
        assert (await home.memory.learned(ANN)).interests == ()


async def test_export_and_forget(redis: Redis, tmp_path: Path):
    """Everything that is kept comes as a file; all of it is forgotten after asking once more."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        await asked(ann)
        await ann.say("/prefs length short")
        await ann.say("/prefs")
        await ann.private.until(lambda place: len(place.said()) == 3)
        panel = ann.private.said()[-1]
        await ann.press("Export", panel)
        await ann.private.until(lambda place: any(message.document for message in place.said()))
        sent = next(message for message in ann.private.said() if message.document)
        exported = json.loads(home.double.uploads[f"sent/{sent.id}"])
        assert exported["wishes"]["preferences"]["length"] == "short"
        await ann.press("Forget everything", panel)
        await ann.private.until(lambda place: "Yes, forget everything" in now(place, panel).buttons)
        await ann.press("Yes, forget everything", panel)
        await ann.private.until(lambda place: "forgotten" in now(place, panel).text)
        assert (await home.memory.wishes(ANN)).preferences.length is Length.NORMAL


async def test_typing_brings_the_same_file_and_the_same_question(redis: Redis, tmp_path: Path):
    """/prefs export sends a file too, in private; /forget asks with buttons."""
    async with telegram_home(redis, tmp_path, Wishes(allowed=GROUP)) as home:
        ann = User(home.double, 7, "Ann")
        team = group(home.double, TEAM, ann)
        await ann.say("/prefs@attune_bot export", team)
        await ann.private.until(lambda place: any(message.document for message in place.said()))
        await team.until(lambda place: place.said())
        assert not any(message.document for message in team.said())
        await ann.say("/forget@attune_bot", team)
        await ann.private.until(lambda place: "Yes, forget everything" in place.said()[-1].buttons)


async def test_the_beginning_takes_two_messages(redis: Redis, tmp_path: Path):
    """/start greets by name in two messages, in the language of whoever begins."""
    async with telegram_home(redis, tmp_path) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben*", language="de")
        await ann.say("/start")
        await ann.private.until(lambda place: len(place.said()) == 2)
        assert ann.private.said()[0].text.startswith("Hello Ann! I answer")
        await ben.say("/start")
        await ben.private.until(lambda place: len(place.said()) == 2)
        assert ben.private.said()[0].text.startswith("Hallo Ben*! Ich beantworte")


async def test_commands_are_registered_in_two_languages(redis: Redis, tmp_path: Path):
    """Telegram's menu has the commands in English and in German, and fewer in groups."""
    async with telegram_home(redis, tmp_path) as home:
        menus = home.double.commands
        assert set(menus) == {(scope, code) for scope in ("default", "all_group_chats") for code in ("", "de")}
        names = [command["command"] for command in menus["default", ""]]
        assert {"help", "prefs", "why", "recommend", "stop", "forget", "learn", "unlearn", "private"} <= set(names)
        assert [command["command"] for command in menus["default", "de"]] == names
        assert menus["default", "de"][0]["description"] == "was ich kann"
        assert len(menus["all_group_chats", ""]) < len(names)


HANDBOOK = "# Bicycles\n\nA bicycle is leased for thirty-six months and the lease is taken from the salary.\n"


async def test_a_document_is_learned(redis: Redis, tmp_path: Path):
    """A document is learned for whom its sender says, and then answers; /unlearn forgets it."""
    async with telegram_home(redis, tmp_path) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        await ann.upload("bikes.md", HANDBOOK.encode())
        await ann.private.until(lambda place: place.said())
        [offer] = ann.private.said()
        assert offer.buttons == ["Only me", "Cancel"]
        await ann.press("Only me", offer)
        await ann.private.until(lambda place: now(place, offer).text.startswith("Done. I've learned"))
        assert offer.parts("bold") == ["bikes.md"]
        question = "How many months is a bicycle leased?"
        assert "thirty-six" in (await asked(ann, question)).text
        await ben.say(question)
        await ben.private.until(lambda place: len(place.said()) == 1 and not home.inlet.tasks)
        assert "thirty-six" not in ben.private.said()[0].text
        await ann.say("/unlearn")
        await ann.private.until(lambda place: any("bikes.md" in message.buttons for message in place.said()))
        await ann.press("bikes.md", ann.private.said()[-1])
        await ann.private.until(
            lambda place: any("I've forgotten bikes.md" in message.text for message in place.said())
        )
        assert await home.teacher.lessons({"person:telegram//7"}) == []
        forgotten = ann.private.said()[-1]
        await ann.press("Bring it back", forgotten)
        await ann.private.until(lambda place: now(place, forgotten).text == "bikes.md is back.")
        assert now(ann.private, forgotten).buttons == ["Forget it"]
        assert [lesson.name for lesson in await home.teacher.lessons({"person:telegram//7"})] == ["bikes.md"]


async def test_a_photo_is_learned_where_text_is_recognised(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A photo is offered as a document is, the largest that Telegram made of it; each of an album by itself."""
    monkeypatch.setattr("core.documents.parsing.is_installed", lambda: True)
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        sizes = [{"file_id": name, "file_unique_id": name, "width": 1, "height": 1} for name in ("small", "large")]
        home.double.files["large"] = {**sizes[1], "file_size": 8}
        home.double.uploads["documents/large"] = b"no image"
        for _ in range(2):
            await ann.send({"photo": sizes, "media_group_id": "album"})
        await ann.private.until(lambda place: len(place.said()) == 2)
        offer, _ = ann.private.said()
        assert (offer.buttons, "photo.jpg" in offer.text) == (["Only me", "Cancel"], True)
        await ann.press("Only me", offer)
        await ann.private.until(lambda place: "damaged or not an image" in now(place, offer).text)


async def test_what_somebody_taught_is_listed_for_them_alone(redis: Redis, tmp_path: Path):
    """`/unlearn` in a group lists somebody's lessons in their private chat."""
    async with telegram_home(redis, tmp_path, Wishes(allowed=GROUP)) as home:
        ann = User(home.double, 7, "Ann")
        team = group(home.double, TEAM, ann)
        await ann.say("/start")
        await ann.upload("bikes.md", HANDBOOK.encode())
        await ann.private.until(lambda place: any("Only me" in message.buttons for message in place.said()))
        offer = next(message for message in ann.private.said() if "Only me" in message.buttons)
        await ann.press("Only me", offer)
        await ann.private.until(lambda place: now(place, offer).text.startswith("Done. I've learned"))
        await ann.say("/unlearn@attune_bot", team)
        await ann.private.until(lambda place: any("bikes.md" in message.buttons for message in place.said()))
        assert "bikes" not in str(team.said())


async def test_the_next_message_waits_for_what_is_being_learned(redis: Redis, tmp_path: Path):
    """Asked before the document is read, a question is answered from it all the same; /stop ends the reading."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        await ann.upload("bikes.md", HANDBOOK.encode())
        await ann.private.until(lambda place: place.said())
        [offer] = ann.private.said()
        home.embedder.may.clear()
        await ann.press("Only me", offer)
        await ann.private.until(lambda place: now(place, offer).text.startswith("Reading"))
        await ann.say("How many months is a bicycle leased?")
        await ann.private.until(lambda _: len(home.inlet.events) == 3)
        assert [delivery.event.kind for _, delivery in home.inlet.running.values()] == ["tap"]
        home.embedder.may.set()
        [answer] = await ann.private.answered()
        assert "thirty-six" in answer.text
        await ann.upload("bikes again.md", HANDBOOK.encode())
        await ann.private.until(lambda place: place.said()[-1].buttons == ["Only me", "Cancel"])
        offer = ann.private.said()[-1]
        home.embedder.may.clear()
        await ann.press("Only me", offer)
        await ann.private.until(lambda place: now(place, offer).text.startswith("Reading"))
        await ann.say("/stop")
        await ann.private.until(lambda place: now(place, offer).text == "Stopped.")
        await settled(home, ann)
        assert [lesson.name for lesson in await home.teacher.lessons({"person:telegram//7"})] == ["bikes.md"]


async def test_a_lessons_button_in_a_group_stays_for_whoever_may_press_it(redis: Redis, tmp_path: Path):
    """Somebody else's press is refused in private; what stands in the group, and its button, stay as they were."""
    async with telegram_home(redis, tmp_path, Wishes(allowed=GROUP)) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        team = group(home.double, TEAM, ann, ben)
        await ben.say("/start")
        fact = await ann.say("The bicycle lease lasts thirty-six months, says finance.", team)
        await ann.say("/learn@attune_bot", team, reply_to=fact)
        await team.until(lambda place: place.said())
        [offer] = team.said()
        await ann.press("Everyone in this chat", offer, team)
        for label, left in (("Forget it", 1), ("Bring it back", 0)):
            await team.until(lambda place, label=label: now(place, offer).buttons == [label])
            before = now(team, offer)
            refused = len(ben.private.said())
            await ben.press(label, offer, team)
            await ben.private.until(lambda place, refused=refused: len(place.said()) > refused)
            assert "Only the person who taught me this" in ben.private.said()[-1].text
            assert (now(team, offer).text, now(team, offer).buttons) == (before.text, before.buttons)
            assert len(await home.teacher.lessons(GROUP)) == left
            await ann.press(label, offer, team)
        await team.until(lambda place: now(place, offer).buttons == ["Forget it"])


@pytest.mark.parametrize(("data", "in_turn"), [("p:1", True), ("l:me", True), ("y:1", True), ("u:1", False)])
def test_what_teaches_is_done_in_turn(data: str, *, in_turn: bool):
    """What is asked after a lesson was brought back waits for it, as for one that is learned."""
    tap = Incoming(UpdateKind.TAP, 7, private=True, user=7, at=datetime.now(UTC), data=data)
    assert (tap.lane == tap.conversation) == in_turn


async def test_a_group_learns_for_itself_and_only_operators_teach_everyone(redis: Redis, tmp_path: Path):
    """In a group a message is learned for the group; an operator may also teach everyone."""
    async with telegram_home(redis, tmp_path, Wishes(allowed=GROUP)) as home:
        ann, olga = User(home.double, 7, "Ann"), User(home.double, 9, "Olga")
        team = group(home.double, TEAM, ann, olga)
        fact = await ann.say("The bicycle lease lasts thirty-six months, says finance.", team)
        await ann.say("/learn@attune_bot", team, reply_to=fact)
        await team.until(lambda place: place.said())
        [offer] = team.said()
        assert offer.buttons == ["Only me", "Everyone in this chat", "Cancel"]
        await ann.press("Everyone in this chat", offer, team)
        done = "Done. I've learned The bicycle lease lasts thirty-six months, says finance., for everyone in this chat."
        await team.until(lambda place: now(place, offer).text.startswith(done))
        [lesson] = await home.teacher.lessons(GROUP)
        assert lesson.readers == tuple(GROUP)
        assert "thirty-six" in (await asked(ann, "How many months does the bicycle lease last?")).text
        await olga.upload("all.md", HANDBOOK.encode())
        await olga.private.until(lambda place: place.said())
        assert "Everyone" in olga.private.said()[0].buttons
        rows = team.chat.messages[offer.id]
        await ann.press_data("l:all", {**rows, "reply_to_message": team.chat.messages[fact]})
        await team.until(lambda place: any("Only operators" in message.text for message in place.said()))


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("film.mov", 10, "I don't know its format"),
        ("big.pdf", 21 * 2**20, "at most 20"),
        ("bad.pdf", 10, "bad.pdf"),
    ],
)
async def test_what_cannot_be_learned_is_refused(redis: Redis, tmp_path: Path, name: str, size: int, said: str):
    """A file of an unknown kind, one that is too large and one that is broken are refused with the reason."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        await ann.upload(name, b"not really", size=size)
        await ann.private.until(lambda place: place.said())
        [told] = ann.private.said()
        if told.buttons:
            await ann.press("Only me", told)
            await ann.private.until(
                lambda place: not now(place, told).buttons and "Reading" not in now(place, told).text
            )
            told = now(ann.private, told)
            assert "Done" not in told.text
        else:
            assert said in told.text
        assert await home.teacher.lessons({"person:telegram//7"}) == []


async def test_forwarded_words_are_asked_about(redis: Redis, tmp_path: Path):
    """Somebody else's words are answered or learned, as whoever forwards them chooses."""
    origin = {"type": "hidden_user", "sender_user_name": "Zoe", "date": 1}
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE, forward_origin=origin)
        await ann.private.until(lambda place: place.said())
        [offer] = ann.private.said()
        assert home.generator.prompts == []
        await ann.press("Answer it", offer)
        await ann.private.answered()
        assert home.generator.prompts[0].question == LEAVE
        await ann.say(HANDBOOK, forward_origin=origin)
        await ann.private.until(lambda place: sum("Learn it" in m.buttons for m in place.said()) == 2)
        offer = [message for message in ann.private.said() if "Learn it" in message.buttons][-1]
        await ann.press("Learn it", offer)
        await ann.private.until(lambda place: "Only me" in now(place, offer).buttons)
        await ann.press("Cancel", offer)
        await ann.private.until(lambda place: offer.id not in place.chat.messages)


async def test_operators_see_gaps_usage_and_dead_letters(redis: Redis, tmp_path: Path):
    """Only operators see what went unanswered, what answers, and what was given up; and only in private."""
    async with telegram_home(redis, tmp_path) as home:
        ann, olga = User(home.double, 7, "Ann"), User(home.double, 9, "Olga")
        await asked(ann)
        await ann.say("Lisbon wifi password?")
        await ann.private.until(lambda place: len(place.said()) == 2 and not home.inlet.tasks)
        home.desk.letters = [
            DeadLetter(home.inlet.events[0], "It killed three workers.", 3, home.inlet.events[0].received_at)
        ]
        await ann.say("/gaps")
        await ann.private.until(lambda place: any(message.text == texts.OPERATORS_ONLY for message in place.said()))
        for command, expected in (("gaps", "Lisbon"), ("usage", r"Leave\.md: 1"), ("inbox", "killed three")):
            count = len(olga.private.said())
            await olga.say(f"/{command}")
            await olga.private.until(lambda place, count=count: len(place.said()) > count)
            assert re.search(expected, olga.private.said()[-1].text)
        await olga.say("/start")
        await olga.private.until(lambda _: ("chat", "") in home.double.commands)
        assert "gaps" in [command["command"] for command in home.double.commands["chat", ""]]
