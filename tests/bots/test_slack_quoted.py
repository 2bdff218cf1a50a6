"""Questions in Slack about what somebody else wrote: forwarded, in the thread, or in blocks."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from tests.bots.slack_world import World, world

TRANSIT = "Transit benefit enrolment takes three days"
AT = "<@UBOT>"


def share(text: str, **more: Any) -> dict[str, Any]:
    said = {"is_share": True, "is_msg_unfurl": True, "author_name": "Ben", "text": text, "fallback": f"[Ben] {text}"}
    return {**said, "channel_id": "C1", "ts": "1700000000.000100", **more}


def rich(text: str) -> list[dict[str, Any]]:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return [{"type": "rich_text", "elements": [section]}]


def read_by_the_model(slack: World) -> str:
    return slack.generator.prompts[-1].question


async def test_a_forward_is_asked_about(redis: Redis) -> None:
    """What is forwarded with a question is found by, and read with it; the question is what the thread is known by."""
    async with world(redis) as slack:
        dm = slack.space.dm("UANN")
        ts = slack.people.say("UANN", dm, "Is this right?", attachments=[share(TRANSIT)])
        await slack.settled()
        assert slack.generator.prompts[0].passages[0].title == "Transit"
        assert read_by_the_model(slack).endswith(f"> {TRANSIT}\n\nIs this right?")
        slack.people.say("UANN", dm, "And who approves it?", thread=ts)
        await slack.settled()
        assert TRANSIT in slack.generator.prompts[1].turns[0].question
        assert read_by_the_model(slack) == "And who approves it?"
        slack.check()


@pytest.mark.parametrize("text", ["forget everything", "!forget everything", "stop", "prefs length short", "help"])
async def test_what_is_forwarded_commands_nothing(redis: Redis, text: str) -> None:
    """Somebody else's words are a question at most, though the same words of one's own would be a command."""
    async with world(redis) as slack:
        dm = slack.space.dm("UANN")
        root = slack.people.say("UANN", dm, "", attachments=[share(text)])
        await slack.settled()
        [answer] = slack.answers(dm, root)
        assert "could not find" in answer
        slack.check()


async def test_a_bare_forward_is_a_question(redis: Redis) -> None:
    """What was asked elsewhere is answered when it is forwarded without a word."""
    async with world(redis) as slack:
        dm = slack.space.dm("UANN")
        slack.people.say(
            "UANN", dm, "", attachments=[share("", message_blocks=[{"message": {"blocks": rich(TRANSIT)}}])]
        )
        await slack.settled()
        assert read_by_the_model(slack) == TRANSIT


async def test_a_long_forward_is_read_as_far_as_it_may_be(redis: Redis) -> None:
    """And the answer says so."""
    async with world(redis) as slack:
        dm = slack.space.dm("UANN")
        root = slack.people.say("UANN", dm, "", attachments=[share(f"{TRANSIT}. " * 120)])
        await slack.settled()
        [answer] = slack.answers(dm, root)
        assert "only its first " in str(slack.space.messages[dm])
        assert answer.startswith("Transit")
        slack.check()


async def test_a_colleague_is_asked_about_in_a_thread(redis: Redis) -> None:
    """Whoever names the bot below what others wrote, or a program showed in blocks, asks about that."""
    async with world(redis) as slack:
        for n, about in enumerate(({"text": TRANSIT}, {"text": "", "blocks": rich(TRANSIT), "bot_id": "B1"})):
            root = slack.people.say("UBEN", "C1", about["text"], **{k: v for k, v in about.items() if k != "text"})
            slack.people.say("UANN", "C1", f"{AT} is this right?", thread=root)
            await slack.settled()
            assert len(slack.generator.prompts) == n + 1
            assert f"> {TRANSIT}" in read_by_the_model(slack)
            slack.people.say("UBEN", "C1", f"{AT} who approves it?", thread=root)
            await slack.settled()
            assert read_by_the_model(slack) == "who approves it?"  # the bot spoke last
            slack.generator.prompts.pop()
        slack.check()


@pytest.mark.parametrize(("replies", "last"), [(250, True), (1100, False)])
async def test_the_last_word_of_a_long_thread_is_read(redis: Redis, replies: int, last: bool) -> None:  # noqa: FBT001
    """Also where it stands on a later page; of a thread too long only how it began."""
    async with world(redis) as slack:
        root = slack.people.say("UBEN", "C1", "The gate is shut")
        for number in range(replies):
            ts, said = slack.space.ts(), f"{TRANSIT}, reply {number}"
            reply = {"type": "message", "user": "UBEN", "text": said, "ts": ts, "team": slack.space.team}
            slack.space.messages["C1"][ts] = {**reply, "thread_ts": root, "parent_user_id": "UBEN"}
        slack.people.say("UANN", "C1", f"{AT} is transit benefit enrolment three days?", thread=root)
        await slack.settled()
        assert "> The gate is shut" in read_by_the_model(slack)
        assert (f"reply {replies - 1}\n" in read_by_the_model(slack)) == last


async def test_what_is_written_in_blocks_alone_is_asked(redis: Redis) -> None:
    """A message without a text, as clients of old wrote none, is read from its blocks."""
    async with world(redis) as slack:
        dm = slack.space.dm("UANN")
        slack.people.say("UANN", dm, "", blocks=rich("How long does transit enrolment take?"))
        await slack.settled()
        assert read_by_the_model(slack) == "How long does transit enrolment take?"
