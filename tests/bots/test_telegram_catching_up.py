"""What somebody missed in a group of Telegram's: kept where an admin wants it, and summed up for whoever asks."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from redis.asyncio import Redis

from core.domain import Person, Prompt
from tests.bots.telegram_home import Home, Wishes, telegram_home
from tests.doubles.telegram_people import Place, User, group, topic
from tests.doubles.telegram_rules import BOT
from tests.doubles.telegram_server import TelegramDouble

TEAM = -100_500
ALLOWED = frozenset({f"channel:telegram//{TEAM}"})
KEYS = "attune:heard:*"


def script(prompt: Prompt) -> str:
    """One bullet for each line that was read."""
    return "\n".join(f"- {line}" for line in prompt.passages[0].text.splitlines())


def people(home: Home, *, forum: bool = False) -> tuple[User, User, Place]:
    """Ann, who is an admin of the group, and Ben."""
    home.generator.script = script
    ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
    team = group(home.double, TEAM, ann, ben, forum=forum)
    team.chat.members[7] = "administrator"
    return ann, ben, team


def wishes(*, privacy: bool = False) -> Wishes:
    return Wishes(allowed=ALLOWED, double=TelegramDouble(privacy=privacy))


async def replied(team: Place, count: int) -> str:
    """What the bot said last, of so many messages."""
    said = await team.until(lambda place: place.said()[count - 1 :] and place.said())
    return str(said[count - 1].text)


async def test_what_was_missed_is_summed_up(redis: Redis, tmp_path: Path):
    """From the moment on that an admin wants it, with links to the messages; each person since they last wrote."""
    async with telegram_home(redis, tmp_path, wishes()) as home:
        ann, ben, team = people(home)
        await ann.say("The old printer is broken", team)
        await ann.say("/catchup on", team)
        assert "at most 1,000 messages, none for longer than 7 days" in await replied(team, 1)
        await ann.say("The new printer arrives on Tuesday", team)
        await ben.say("I will carry the printer upstairs", team)
        moved = await ben.say("The scanner moves downstairs", team)
        await ann.say("/catchup", team)
        told = await team.until(lambda place: [one for one in place.said() if "In short" in one.text])
        assert "I will carry the printer upstairs" in told[0].text
        assert "Tuesday" not in told[0].text
        assert "I read 2 messages by 1 person." in told[0].text
        assert f"https://t.me/c/500/{moved}" in str(told[0])


async def test_nothing_is_kept_before_an_admin_wants_it(redis: Redis, tmp_path: Path):
    """Others cannot turn it on, and whoever asks is told how it is done."""
    async with telegram_home(redis, tmp_path, wishes()) as home:
        _, ben, team = people(home)
        await ben.say("My secret is 4711", team)
        await ben.say("/catchup on", team)
        assert "Only an admin" in await replied(team, 1)
        await ben.say("/catchup", team)
        assert "/catchup on" in await replied(team, 2)
        assert await redis.keys(KEYS) == []


async def test_privacy_mode_is_explained(redis: Redis, tmp_path: Path):
    """Where Telegram shows the bot nothing, that is said, and how to change it; an administrator sees all."""
    async with telegram_home(redis, tmp_path, wishes(privacy=True)) as home:
        ann, ben, team = people(home)
        await ann.say("/catchup on", team)
        assert "privacy mode" in await replied(team, 1)
        team.chat.members[BOT["id"]] = "administrator"
        await ann.say("/catchup on", team)
        assert "From now on" in await replied(team, 2)
        await ben.say("The scanner moves downstairs", team)
        await ann.say("/catchup", team)
        told = await team.until(lambda place: [one for one in place.said() if "In short" in one.text])
        assert "scanner" in told[0].text


async def test_off_deletes_what_was_kept(redis: Redis, tmp_path: Path):
    """And nothing more is kept."""
    async with telegram_home(redis, tmp_path, wishes()) as home:
        ann, ben, team = people(home)
        await ann.say("/catchup on", team)
        await replied(team, 1)
        await ben.say("The scanner moves downstairs", team)
        await ann.say("/catchup off", team)
        assert "deleted" in await replied(team, 2)
        await ben.say("The scanner moves upstairs again", team)
        await ann.say("/catchup", team)
        await replied(team, 3)
        assert await redis.keys(KEYS) == []


async def test_topics_are_apart_and_edits_count(redis: Redis, tmp_path: Path):
    """What is said in another topic is none of this one's; an edited message is as it is now."""
    async with telegram_home(redis, tmp_path, wishes()) as home:
        ann, ben, team = people(home, forum=True)
        here, there = topic(team, 11), topic(team, 12)
        await ann.say("/catchup on", team, topic=here)
        await team.until(lambda place: place.said())
        await ben.say("The roof leaks in Munich", team, topic=there)
        changed = await ben.say("The scanner moves downstairs", team, topic=here)
        await ben.edit(changed, "The scanner moves outdoors", team)
        await ann.say("/catchup", team, topic=here)
        told = await team.until(lambda place: [one for one in place.said() if "In short" in one.text])
        assert "outdoors" in told[0].text
        assert "downstairs" not in told[0].text
        assert "Munich" not in told[0].text


async def test_forgetting_takes_a_persons_own_messages(redis: Redis, tmp_path: Path):
    """What others wrote stays."""
    async with telegram_home(redis, tmp_path, wishes()) as home:
        ann, ben, team = people(home)
        await ann.say("/catchup on", team)
        await replied(team, 1)
        await ben.say("The scanner moves downstairs", team)
        await ann.say("The new printer arrives on Tuesday", team)
        await ann.say("Hello?", team)
        while not (keys := await redis.keys(KEYS)):  # noqa: ASYNC110 - as below
            await asyncio.sleep(0.01)
        [key] = keys
        while await redis.zcard(key) < 3:  # noqa: ASYNC110 - nothing tells that it was kept
            await asyncio.sleep(0.01)
        await home.memory.forget(Person("telegram", "", "8"))
        kept = await redis.zrange(key, 0, -1)
        assert b"scanner" not in b"".join(kept)
        assert b"printer" in b"".join(kept)


async def test_decisions_in_a_group(redis: Redis, tmp_path: Path):
    """What was decided is asked of what was kept, too, in German as in English."""
    async with telegram_home(redis, tmp_path, wishes()) as home:
        ann, ben, team = people(home)
        await ann.say("/catchup on", team)
        await replied(team, 1)
        await ben.say("Beschlossen: der Scanner zieht am Montag um", team)
        await ben.say("Schönes Wetter haben wir hier oben", team)
        await ann.say(f"@{BOT['username']} was wurde entschieden?", team)
        told = await team.until(lambda place: [one for one in place.said() if "Decided" in one.text])
        assert "Scanner" in told[0].text
        assert "Wetter" not in told[0].text


async def test_what_replies_to_something_is_about_that(redis: Redis, tmp_path: Path):
    """To an answer of the bot as to a message of somebody: the group is not meant."""
    async with telegram_home(redis, tmp_path, wishes()) as home:
        ann, ben, team = people(home)
        await ann.say("/catchup on", team)
        await replied(team, 1)
        first = await ben.say("The scanner moves downstairs", team)
        await ann.say(f"@{BOT['username']} summarise", team, reply_to=first)
        await replied(team, 2)
        await ann.say(f"@{BOT['username']} summarise", team, reply_to=team.said()[-1].id)
        await replied(team, 3)
        assert not any("In short" in one.text for one in team.said())


async def test_what_is_posted_as_a_channel_is_not_kept(redis: Redis, tmp_path: Path):
    """Nobody knows whose it is; what an admin posts as the group is the group's."""
    async with telegram_home(redis, tmp_path, wishes()) as home:
        ann, ben, team = people(home)
        await ann.say("/catchup on", team)
        await replied(team, 1)
        for place, title, text in ((-100_999, "Private", "Secret of a stranger"), (TEAM, "Team", "Office is closed")):
            sender = {"id": place, "type": "channel" if title == "Private" else "supergroup", "title": title}
            await ben.send({"text": text, "entities": [], "sender_chat": sender}, team)
        await ben.say("The scanner moves downstairs", team)
        await ann.say("/catchup", team)
        told = await team.until(lambda place: [one for one in place.said() if "In short" in one.text])
        assert "Office is closed" in told[0].text
        assert "Secret" not in told[0].text


async def test_whoever_joins_is_shown_nothing_from_before(redis: Redis, tmp_path: Path):
    """However Telegram tells of it: in the group, or to the bot as its administrator."""
    async with telegram_home(redis, tmp_path, wishes()) as home:
        ann, ben, team = people(home)
        eve, zoe, now = User(home.double, 9, "Eve"), User(home.double, 10, "Zoe"), int(time.time())
        await ann.say("/catchup on", team)
        assert "Whoever joins later is shown nothing from before" in await replied(team, 1)
        await ben.say("The safe opens with 4711", team, date=now - 60)
        await ben.send({"new_chat_members": [eve.json], "date": now - 50}, team)
        states = [{"user": zoe.json, "status": status} for status in ("left", "member")]
        about = {"chat": team.chat.json, "from": ben.json, "date": now - 50}
        await home.double.post("chat_member", {**about, "old_chat_member": states[0], "new_chat_member": states[1]})
        await eve.say("/catchup all", team)
        assert "nobody has written" in await replied(team, 2)
        await ben.say("The scanner moves downstairs", team, date=now - 40)
        for who in (eve, zoe):
            await who.say("/catchup all", team)
        told = await team.until(lambda place: [one for one in place.said() if "scanner" in one.text][1:])
        assert told
        assert not [one for one in team.said() if "4711" in one.text]


async def test_a_bot_that_is_removed_keeps_nothing(redis: Redis, tmp_path: Path):
    """Nor does it listen when it comes back; where it still does, everybody is told again."""
    async with telegram_home(redis, tmp_path, wishes()) as home:
        ann, ben, team = people(home)
        await ann.say("/catchup on", team)
        await replied(team, 1)
        await ben.say("The scanner moves downstairs", team)
        await ben.add_bot(team)
        assert "From now on I keep" in await replied(team, 2)
        await ben.remove_bot(team)
        while await redis.keys("attune:catchup:*"):  # noqa: ASYNC110 - nothing tells that it ended
            await asyncio.sleep(0.01)
        assert await redis.keys(KEYS) == []


async def test_a_forward_is_somebody_elses_word(redis: Redis, tmp_path: Path):
    """It is said whose, and decides nothing here."""
    async with telegram_home(redis, tmp_path, wishes()) as home:
        ann, ben, team = people(home)
        await ann.say("/catchup on", team)
        await replied(team, 1)
        origin = {"type": "hidden_user", "sender_user_name": "Zoe Rival", "date": 1700000000}
        await ben.send({"text": "Decision: the office closes in May", "entities": [], "forward_origin": origin}, team)
        await ann.say("/catchup", team)
        told = await team.until(lambda place: [one for one in place.said() if "In short" in one.text])
        assert "Ben, forwarded from Zoe Rival" in told[0].text
        await ann.say(f"@{BOT['username']} what was decided?", team)
        await team.until(lambda place: [one for one in place.said() if "no decision" in one.text])


async def test_what_names_the_bot_counts_unless_it_asks_for_minutes(redis: Redis, tmp_path: Path):
    """Nor does a message keep the words that it had before it was edited into a request."""
    async with telegram_home(redis, tmp_path, wishes()) as home:
        ann, ben, team = people(home)
        at = f"@{BOT['username']}"
        await ann.say("/catchup on", team)
        await replied(team, 1)
        await ben.say(f"{at} Decision: the scanner moves to floor four", team)
        typed = await ben.say(f"{at} The safe opens with 4711", team)
        await replied(team, 3)
        await ben.edit(typed, f"{at} summarise", team)
        await team.until(lambda place: [one for one in place.said() if "In short" in one.text])
        await ann.say(f"{at} what was decided?", team)
        decided = await team.until(lambda place: [one for one in place.said() if "Decided" in one.text])
        assert "floor four" in decided[0].text
        await ann.say("/catchup all", team)
        told = await team.until(lambda place: [one for one in place.said() if "In short" in one.text][1:])
        assert "4711" not in told[-1].text


async def test_an_edited_request_is_answered_in_the_same_place(redis: Redis, tmp_path: Path):
    """By one message, as an edited question is."""
    async with telegram_home(redis, tmp_path, wishes()) as home:
        ann, ben, team = people(home)
        await ann.say("/catchup on", team)
        await replied(team, 1)
        await ben.say("Decision: the scanner moves to floor four", team)
        asked = await ann.say(f"@{BOT['username']} what was decided?", team)
        await team.until(lambda place: [one for one in place.said() if "Decided" in one.text])
        await ann.edit(asked, f"@{BOT['username']} summarise", team)
        await team.until(lambda place: [one for one in place.said() if "In short" in one.text])
        assert len(team.said()) == 2
