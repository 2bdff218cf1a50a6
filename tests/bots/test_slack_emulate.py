"""A conversation in a Slack that was not written here: npm's `emulate`, with its own signed events."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from redis.asyncio import Redis

from bots.on_slack.clients import Clients
from bots.on_slack.receiver import Connection, SlackReceiver
from core.adapters.index.qdrant_index import QdrantIndex
from tests.bots.slack_world import QUESTION, TEXTS, Lists, Teacher, engine_of, hub_of
from tests.doubles.emulate_slack import emulate, free_port
from tests.fakes import HashingEmbedder, ScriptedGenerator

SECRET = "shh"  # noqa: S105 - the test's own
TOKEN = "xoxb-attune"  # noqa: S105


async def test_a_conversation_over_http_with_emulates_signed_events(redis: Redis) -> None:
    """A mention is answered once in its thread, a follow-up without a mention too, and others' talk is left alone."""
    port = free_port()
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(emulate(f"http://127.0.0.1:{port}/slack/events", SECRET))
        index = await stack.enter_async_context(
            QdrantIndex.at(":memory:", api_key=None, collection="t", dimension=HashingEmbedder.dimension)
        )
        me = await slack.call("auth.test", TOKEN)
        engine = await engine_of(redis, index, ScriptedGenerator())
        access = Lists(allowed={f"workspace:slack/{me['team_id']}"}).over(redis)
        hub = hub_of(slack.api, TOKEN, engine, access, Teacher(), redis)
        stack.push_async_callback(hub.close)
        connection = Connection(signing_secret=SECRET, port=port)
        receiver = SlackReceiver(Clients(TOKEN, slack.api), connection, slack.api)
        await stack.enter_async_context(receiver.receiving(hub))

        channels = (await slack.call("conversations.list"))["channels"]
        channel = next(found["id"] for found in channels if found["name"] == "questions")
        await slack.call("conversations.join", TOKEN, channel=channel)

        async def thread(root: str) -> list[str]:
            found = (await slack.call("conversations.replies", channel=channel, ts=root))["messages"]
            return [message["text"] for message in found if message["user"] == me["user_id"]]

        async def answers(root: str, count: int) -> list[str]:
            deadline = time.monotonic() + 60
            while len(await thread(root)) < count:
                assert time.monotonic() < deadline, "no answer came"
                await asyncio.sleep(0.1)
            await hub.idle()
            return await thread(root)

        asked = await slack.call("chat.postMessage", channel=channel, text=f"<@{me['user_id']}> {QUESTION}")
        other = await slack.call("chat.postMessage", channel=channel, text="How do I book travel with the agency?")
        (first,) = await answers(asked["ts"], 1)
        assert TEXTS["Transit"] in first
        follow = "How do I book travel with the agency?"
        await slack.call("chat.postMessage", channel=channel, thread_ts=asked["ts"], text=follow)
        assert TEXTS["Travel"] in (await answers(asked["ts"], 2))[-1]
        assert len(await answers(asked["ts"], 2)) == 2
        assert await thread(other["ts"]) == []
        assert hub.sorry == []
