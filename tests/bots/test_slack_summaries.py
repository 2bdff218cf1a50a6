"""Slack's threads, summed up for whoever asks in them."""

from __future__ import annotations

from redis.asyncio import Redis

from core.domain import Prompt
from tests.bots.slack_world import World, world

AT = "<@UBOT>"


def script(prompt: Prompt) -> str:
    """One bullet for each line that was read."""
    return "\n".join(f"- {line}" for line in prompt.passages[0].text.splitlines())


def discuss(slack: World, *said: tuple[str, str]) -> str:
    """A thread in which people write; its first message."""
    (user, text), *rest = said
    root = slack.people.say(user, "C1", text)
    for user, text in rest:
        slack.people.say(user, "C1", text, thread=root)
    return root


async def test_a_thread_is_summed_up_where_it_stands(redis: Redis) -> None:
    """Each point leads to the message that says it, by people's names, and what was read is said."""
    async with world(redis) as slack:
        slack.generator.script = script
        slack.space.users["UANN"]["profile"] = {"display_name": "Ann"}
        slack.space.users["UBEN"]["real_name"] = "Ben Berg"
        root = discuss(
            slack, ("UANN", "The printer on floor two is broken"), ("UBEN", "<@UANN> I will repair it on Monday")
        )
        slack.people.say("UANN", "C1", f"{AT} summarise", thread=root)
        await slack.settled()
        [answer] = slack.answers("C1", root)
        assert "In short" in answer
        assert f"https://fake.slack.example/archives/C1/p{root.replace('.', '')}?thread_ts={root}&cid=C1" in answer
        assert "Ann I will repair it on Monday" in answer
        assert "Ben Berg" in answer
        assert "I read 2 messages by 2 people." in answer
        assert "UANN" not in answer
        slack.check()
