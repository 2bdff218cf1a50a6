"""What somebody may look at is decided when they look, on both platforms; names of answers open nothing to others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bots import personal_texts
from bots.on_telegram import texts as telegram_texts
from bots.on_telegram.events import PLATFORM
from core.domain import Conversation, Passage, Person
from core.ports import PassageIndex
from tests.bots.slack_world import QUESTION, World, world
from tests.bots.telegram_home import Home, Wishes, telegram_home
from tests.bots.test_telegram import AT, TEAM
from tests.doubles.slack_people import text_of
from tests.doubles.telegram_people import Shown, User, group
from tests.fakes import HashingEmbedder

BUDGET = "How large is the moonstone budget of bluebird?"
TOLD = "The moonstone budget of bluebird is ninety thousand"
REDACTED = "The moonstone budget of bluebird is told by the board alone"
TYPED = (
    *("/open 1", "/why", "/recommend", "/prefs learned", "what did I ask before?", "/open 9"),
    *("shorter", "tell me more", "and for ravens?"),
)
GONE = "or you may no longer see it"
ALLOWED = frozenset({f"channel:telegram//{TEAM}", "person:telegram//7", "person:telegram//8"})


def bluebird(reader: str, text: str = TOLD, number: int = 77, version: str = "1") -> Passage:
    name = f"00000000-0000-0000-0000-{number:012}"
    return Passage(name, "/hr/bluebird.md", "Bluebird", ("Budgets",), text, 1, 0, 1, version, (reader,))


async def put(index: PassageIndex, passage: Passage) -> None:
    await index.upsert([passage], await HashingEmbedder().embed([passage.text]))


async def redact(index: PassageIndex, reader: str) -> None:
    """The file was changed and ingested again."""
    await put(index, bluebird(reader, REDACTED, 78, "2"))
    await index.remove("/hr/bluebird.md", keep_version="2")


# Slack

G1 = "channel:slack/T1/G1"


@pytest.fixture
async def slack(redis: Redis) -> AsyncIterator[World]:
    async with world(redis) as there:
        there.generator.script = lambda prompt: " ".join(
            [*(turn.answer for turn in prompt.turns), prompt.begun, prompt.passages[0].text]
        ).strip()
        await put(there.index, bluebird(G1))
        yield there
        await there.settled()
        there.check()


async def left(there: World) -> None:
    there.space.channels["G1"]["members"].remove("UANN")


async def redacted(there: World) -> None:
    await redact(there.index, G1)


async def removed(there: World) -> None:
    await there.index.remove("/hr/bluebird.md")


def source_of(message: dict) -> str:
    return message["blocks"][1]["elements"][0]["options"][0]["value"]


async def answered(there: World, channel: str, question: str = BUDGET) -> tuple[str, dict]:
    """A question and its answer in a channel or in private."""
    named = "" if channel.startswith("D") else "<@UBOT> "
    ts = there.people.say("UANN", channel, f"{named}{question}")
    await there.settled()
    return ts, there.space.answers(channel, ts)[-1]


@pytest.mark.parametrize("change", [left, redacted, removed])
async def test_in_slack_nothing_comes_back_of_what_may_not_be_seen(slack: World, change: Callable) -> None:
    """In private, at once: the menu of sources, reasons, the plain answer, re-wordings, recommendations, the home."""
    home = slack.space.dm("UANN")
    ts, message = await answered(slack, home)
    assert TOLD in text_of(message)
    before = set(slack.space.messages[home])
    await change(slack)
    slack.generator.prompts.clear()
    slack.people.press("UANN", home, message["ts"], "attune_source", value=source_of(message))
    await slack.settled()
    assert GONE in str(slack.people.view("UANN"))
    assert TOLD not in str(slack.people.view("UANN"))
    slack.people.press("UANN", home, message["ts"], "attune_why")
    await slack.settled()
    why = str(slack.people.view("UANN"))
    slack.people.press("UANN", home, message["ts"], "attune_plain")
    for said in (
        "!open 1",
        "!why",
        "shorter",
        "tell me more",
        "and for ravens?",
        "!recommend",
        "what did I ask before?",
    ):
        slack.people.say("UANN", home, said, thread=ts)
        await slack.settled()
    slack.people.open_home("UANN")
    await slack.settled()
    new = [value for key, value in slack.space.messages[home].items() if key not in before]
    shown = str(new) + why + str(slack.space.views) + str(slack.space.homes) + repr(slack.generator.prompts)
    assert "ninety" not in shown
    if change is not redacted:
        assert "Budgets" not in shown


async def test_in_slack_who_belongs_to_the_channel_goes_on_reading(slack: World) -> None:
    """The same steps show the passage as long as nothing changed."""
    home = slack.space.dm("UANN")
    ts, message = await answered(slack, home)
    slack.people.press("UANN", home, message["ts"], "attune_source", value=source_of(message))
    await slack.settled()
    assert TOLD in str(slack.people.view("UANN"))
    slack.people.say("UANN", home, "!open 1", thread=ts)
    await slack.settled()
    assert TOLD in slack.answers(home, ts)[-1]


async def test_in_slack_a_reader_who_left_the_channel_opens_nothing(slack: World) -> None:
    """Ben reads Ann's answer in a channel of both; who is in it no more may not, though the press came from there."""
    slack.space.channels["G1"]["members"].append("UBEN")
    _, message = await answered(slack, "G1")
    slack.people.press("UBEN", "G1", message["ts"], "attune_source", value=source_of(message))
    await slack.settled()
    assert TOLD in str(slack.people.view("UBEN"))
    slack.space.channels["G1"]["members"].remove("UBEN")
    slack.people.press("UBEN", "G1", message["ts"], "attune_source", value=source_of(message))
    await slack.settled()
    assert TOLD not in str(slack.people.view("UBEN"))


async def test_in_slack_a_forged_press_opens_nothing(slack: World) -> None:
    """The value of a press names an answer to somebody else, that was never shown where the press comes from."""
    slack.space.channels["G1"]["members"].append("UBEN")
    _, private = await answered(slack, slack.space.dm("UANN"))
    _, public = await answered(slack, "C1", QUESTION)
    menu = public["blocks"][1]["elements"][0]
    for forged in (source_of(private), ":1/UANN", "0000000000000000:1/UANN", "x:²/UANN", source_of(private).lower()):
        menu["options"] = [{**menu["options"][0], "value": forged}]
        slack.people.press("UBEN", "C1", public["ts"], "attune_source", value=forged)
        await slack.settled()
        assert GONE in str(slack.people.view("UBEN"))
        assert TOLD not in str(slack.people.view("UBEN"))


# Telegram


def reader() -> str:
    return f"channel:telegram//{TEAM}"


async def asked(user: User, text: str = BUDGET) -> Shown:
    before = len(user.private.finished())
    await user.say(text)
    return (await user.private.answered(before + 1))[-1]


def repeat(home: Home) -> None:
    """A model that says again whatever it was told."""
    home.generator.script = lambda prompt: " ".join(
        [*(turn.answer for turn in prompt.turns), prompt.begun, prompt.passages[0].text]
    ).strip()


async def said_next(user: User, do: Callable) -> Shown:
    """What the bot says to something."""
    before = len(user.private.said())
    await do()
    await user.private.until(lambda place: len(place.said()) > before and not place.said()[-1].text.endswith("…"))
    return user.private.said()[-1]


@pytest.mark.parametrize("change", ["left", "redacted", "removed", "bot left"])
async def test_in_telegram_nothing_comes_back_of_what_may_not_be_seen(
    redis: Redis, tmp_path: Path, change: str
) -> None:
    """In private, at once: the button of the source, the reasons, commands and re-wordings."""
    async with telegram_home(redis, tmp_path, Wishes(allowed=ALLOWED)) as home:
        repeat(home)
        await put(home.index, bluebird(reader()))
        ann = User(home.double, 7, "Ann")
        team = group(home.double, TEAM, ann)
        answer = await asked(ann)
        assert TOLD in answer.text
        if change == "left":
            del team.chat.members[7]
        elif change == "redacted":
            await redact(home.index, reader())
        elif change == "removed":
            await home.index.remove("/hr/bluebird.md")
        else:
            team.chat.gone = "bot was kicked from the supergroup chat"
        home.generator.prompts.clear()
        shown = [await said_next(ann, lambda: ann.press("Source", answer))]
        assert GONE in shown[0].text
        shown.append(await said_next(ann, lambda: ann.press("Why this?", answer)))
        shown += [await said_next(ann, lambda text=text: ann.say(text)) for text in TYPED]
        everything = str([message.text for message in shown]) + repr(home.generator.prompts)
        assert "ninety" not in everything
        assert change == "redacted" or "Budgets" not in everything


async def test_in_telegram_forged_taps_open_nothing(redis: Redis, tmp_path: Path) -> None:
    """Ben sends the name of Ann's answer, and names that he made up, from his chat and from a group of both."""
    allowed = frozenset({*ALLOWED, "channel:telegram//-100700"})
    async with telegram_home(redis, tmp_path, Wishes(allowed=allowed)) as home:
        await put(home.index, bluebird(reader()))
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        group(home.double, TEAM, ann, ben)
        other = group(home.double, -100_700, ann, ben)
        answer = await asked(ann)
        name = (await home.memory.trace(Person(PLATFORM, "", "7"))).answer
        own = await asked(ben, "How many weeks is parental leave?")
        kept = ben.private.chat.messages[own.id]
        guessed = guess("7", str(answer.id - 1))
        assert guessed != name
        for forged in (name, guessed, "", "0" * 16):
            found = await said_next(ben, lambda forged=forged: ben.press_data(f"o:{forged}:1:1", kept))
            assert found.text in {plain(personal_texts.SOURCE_GONE), plain(telegram_texts.OLD_BUTTON)}
        await ann.say(f"{AT} How many weeks is parental leave?", other)
        (public,) = await other.answered()
        home.inlet.answers.clear()  # of an answer that nobody remembers the message of, too
        for forged in (name, guessed, "", "0" * 16):
            before = len(other.said())
            await ben.press_data(f"o:{forged}:1:1", other.chat.messages[public.id])
            await other.until(lambda place, before=before: len(place.said()) > before)
            assert "ninety" not in other.said()[-1].text


def plain(text: str) -> str:
    return text.replace("`", "")


def guess(chat: str, message: str) -> str:
    """The name that answers had before names were keyed: anybody could compute it."""
    return blake2b(f"{PLATFORM}\0\0{chat}\0\0{message}".encode(), digest_size=8).hexdigest()


async def test_in_telegram_the_buttons_of_older_answers_work(redis: Redis, tmp_path: Path) -> None:
    """An answer that was named before names were keyed is found by that name, by whom it was given to."""
    async with telegram_home(redis, tmp_path) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        answer = await asked(ann, "How many weeks is parental leave?")
        person, old = Person(PLATFORM, "", "7"), guess("7", str(answer.id - 1))
        trace, turn = await home.memory.trace(person), (await home.memory.turns(answer_place(ann), limit=1))[0]
        await home.memory.append(answer_place(ann), replace(turn, rests=None), replace(trace, answer=old))
        kept = ann.private.chat.messages[answer.id]
        home.inlet.answers["7", str(answer.id)] = old
        found = await said_next(ann, lambda: ann.press_data(f"o:{old}:1:1", kept))
        assert "twenty weeks" in found.text
        theirs = await asked(ben, "How many weeks is parental leave?")
        for known in (True, False):
            if not known:  # the note of it lasts for a while only
                home.inlet.answers.clear()
            found = await said_next(ben, lambda: ben.press_data(f"o:{old}:1:1", ben.private.chat.messages[theirs.id]))
            assert found.text == plain(telegram_texts.OLD_BUTTON if known else personal_texts.SOURCE_GONE)


def answer_place(user: User) -> Conversation:
    return Conversation(PLATFORM, "", str(user.id), "")
