"""Slack failing in every place of an answer: nothing is lost, nothing is said twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from core.domain import Passage
from tests.bots.slack_world import QUESTION, TEXTS, World, world
from tests.fakes import HashingEmbedder, many_words

WORDS = " ".join(many_words(160))


@pytest.fixture
async def slow(redis: Redis) -> AsyncIterator[World]:
    """Attune with an answer of a hundred and sixty words, one after the other."""
    async with world(redis, script=WORDS, pace=0.002) as there:
        yield there
        await there.settled()
        there.check()


async def whole(there: World, ts: str, channel: str = "C1") -> dict:
    """The one answer in the thread, with all its words once."""
    await there.settled()
    (message,) = there.space.answers(channel, ts)
    (text,) = there.answers(channel, ts)
    said = [word for word in text.replace("`", " ").split() if word.startswith("word")]
    assert said == WORDS.split()
    return message


def ask(there: World, channel: str = "C1") -> str:
    return there.people.say("UANN", channel, f"<@UBOT> {QUESTION}")


async def test_an_answer_streams(slow: World) -> None:
    """It grows in one message, which is finished with its sources and says which question it answers."""
    ts = ask(slow)
    message = await whole(slow, ts)
    assert len(message["chunks"]) > 3
    assert message["metadata"]["event_payload"] == {"question": ts}
    assert message["blocks"][-1]["type"] == "context_actions"
    methods = [method for method, _ in slow.space.calls]
    assert methods.count("chat.startStream") == 1
    assert "chat.postMessage" not in methods


async def test_an_answer_that_is_cut_takes_the_place_of_what_was_streamed(slow: World) -> None:
    """It ends with a whole sentence, where the stream went on into the next."""
    shown = " ".join(many_words(399))
    slow.generator.script = lambda _: f"{shown}. And then comes more."
    ts = ask(slow)
    await slow.settled()
    assert slow.answers("C1", ts)[0].split("…")[0].strip() == f"{shown}."
    (message,) = slow.space.answers("C1", ts)
    assert [block["type"] for block in message["blocks"]][-1] == "context_actions"


@pytest.mark.parametrize("error", ["missing_recipient_team_id", "user_not_found", "internal_error", "unknown_method"])
async def test_a_stream_that_cannot_begin_becomes_a_message(slow: World, error: str) -> None:
    """Without a stream the whole answer is posted, once."""
    slow.server.fail("chat.startStream", error, times=9)
    message = await whole(slow, ask(slow))
    assert message["blocks"][-1]["type"] == "context_actions"


async def test_a_workspace_without_streams_is_not_asked_again(slow: World) -> None:
    """What Slack does not know is tried once."""
    slow.server.fail("chat.startStream", "unknown_method", times=9)
    await whole(slow, ask(slow))
    before = slow.server.faults["chat.startStream"][0].times
    await whole(slow, ask(slow))
    assert slow.server.faults["chat.startStream"][0].times == before


@pytest.mark.parametrize("method", ["chat.appendStream", "chat.stopStream"])
@pytest.mark.parametrize(
    "fault",
    [
        {"error": "message_not_in_streaming_state"},
        {"error": "msg_too_long"},
        {"error": "fatal_error", "status": 500},
        {"error": "lost", "lose_reply": True},
    ],
)
async def test_a_stream_that_breaks_is_finished_in_the_same_message(slow: World, method: str, fault: dict) -> None:
    """The message that was begun holds the whole answer in the end, each word once."""
    slow.server.fail(method, **fault)
    message = await whole(slow, ask(slow))
    assert message["blocks"][-1]["type"] == "context_actions"


async def test_a_stream_that_slack_ended_by_itself_is_finished_by_an_edit(slow: World) -> None:
    """After a gap Slack takes no more; the answer is edited in."""
    ts = ask(slow)
    await slow.until(lambda: bool(slow.space.answers("C1", ts)))
    slow.space.answers("C1", ts)[0]["streaming"] = False
    message = await whole(slow, ts)
    assert message["edited"]


@pytest.mark.parametrize("method", ["chat.startStream", "chat.postMessage"])
async def test_a_message_whose_reply_was_lost_is_found_and_not_posted_again(slow: World, method: str) -> None:
    """Slack took it and the connection broke: the thread is looked at, and the answer put into what is there."""
    if method == "chat.postMessage":
        slow.server.fail("chat.startStream", "unknown_method", times=9)
    slow.server.fail(method, "lost", lose_reply=True)
    await whole(slow, ask(slow))


async def test_a_message_that_is_gone_is_written_again(slow: World) -> None:
    """Where somebody deleted the half-written answer, the whole one is posted."""
    ts = ask(slow)
    await slow.until(lambda: bool(slow.space.answers("C1", ts)))
    (half,) = slow.space.answers("C1", ts)
    del slow.space.messages["C1"][half["ts"]]
    await whole(slow, ts)


async def test_rate_limits_are_waited_for(slow: World) -> None:
    """A 429 is waited out as Slack asks, and nothing gets lost by it."""
    for method in ("chat.startStream", "chat.appendStream", "chat.stopStream"):
        slow.server.fail(method, "ratelimited", status=429, retry_after=0)
    await whole(slow, ask(slow))
    assert [method for method, _ in slow.space.calls if method.endswith("ratelimited")] != []


async def test_blocks_that_slack_refuses_become_text(slow: World) -> None:
    """If Slack takes no blocks at all, the words still come."""
    slow.server.fail("chat.startStream", "unknown_method", times=9)
    slow.server.fail("chat.postMessage", "invalid_blocks", times=2)
    await whole(slow, ask(slow))


async def test_without_feedback_buttons_there_are_plain_ones(slow: World) -> None:
    """A workspace that refuses the feedback block gets two buttons instead, in the stream's message."""
    slow.server.fail("chat.stopStream", "invalid_blocks")
    message = await whole(slow, ask(slow))
    actions = [
        element["action_id"]
        for block in message["blocks"]
        for element in block.get("elements", [])
        if "action_id" in element
    ]
    assert "attune_feedback_up" in actions


@pytest.mark.parametrize("after", ["before anything", "in the middle"])
async def test_a_death_in_the_middle_leaves_one_answer(slow: World, after: str) -> None:
    """Another attempt goes on in the message of the first."""
    ts = ask(slow)
    if after == "in the middle":
        await slow.until(lambda: len(slow.space.answers("C1", ts)) == 1)
        await slow.until(lambda: len(slow.space.answers("C1", ts)[0]["chunks"]) > 2)
    else:
        await slow.until(lambda: bool(slow.hub._running))
    await slow.hub.kill()
    await whole(slow, ts)


async def test_a_death_before_the_message_was_noted_leaves_one_answer(slow: World) -> None:
    """Posted, and dead before anybody remembered it: the next attempt finds it in the thread."""
    ts = ask(slow)
    await slow.until(lambda: bool(slow.space.answers("C1", ts)))
    delivery = next(iter(slow.hub.deliveries.values()))
    await slow.hub.kill()
    delivery.shown = ()
    await whole(slow, ts)


async def test_many_deaths_leave_one_answer(slow: World) -> None:
    """However often a worker dies."""
    ts = ask(slow)
    for _ in range(4):
        await asyncio.sleep(0.15)
        await slow.hub.kill()
    await whole(slow, ts)


async def test_stop_in_the_thread_stops_the_answer(slow: World) -> None:
    """`stop` keeps what was said, says that it was stopped, and the model stops too; it is no question."""
    ts = ask(slow)
    await slow.until(lambda: bool(slow.space.answers("C1", ts)))
    slow.people.say("UANN", "C1", "stop", thread=ts)
    await slow.settled()
    (text,) = slow.answers("C1", ts)
    assert text.startswith("wordaaa")
    assert text.endswith("_Stopped._")
    assert slow.generator.pieces_sent < 160


async def test_slacks_stop_button_stops_the_answer(slow: World) -> None:
    """The button that Slack shows does the same."""
    channel = slow.space.dm("UANN")
    ts = slow.people.say("UANN", channel, QUESTION)
    await slow.until(lambda: bool(slow.space.answers(channel, ts)))
    slow.people.stop_button("UANN", channel, ts)
    await slow.settled()
    assert slow.answers(channel, ts)[0].endswith("_Stopped._")


async def test_nobody_stops_another_persons_answer(slow: World) -> None:
    """Only the one who asked can stop it."""
    ts = ask(slow)
    await slow.until(lambda: bool(slow.space.answers("C1", ts)))
    slow.people.say("UBEN", "C1", "stop", thread=ts)
    await slow.settled()
    assert "_Stopped._" not in slow.answers("C1", ts)[0]


async def test_a_question_deleted_while_it_is_answered_leaves_nothing(slow: World) -> None:
    """The answer stops and goes."""
    first = ask(slow)
    await whole(slow, first)
    second = slow.people.say("UANN", "C1", "And how long does transit enrolment take?", thread=first)
    await slow.until(lambda: len(slow.space.answers("C1", first)) == 2)
    slow.people.delete("C1", second)
    await slow.settled()
    assert len(slow.answers("C1", first)) == 1


async def test_a_status_is_shown_before_the_first_word(redis: Redis) -> None:
    """Slack shows what is going on beside the thread, and no longer when the answer is there."""
    async with world(redis, script="Fine.", pace=0.3) as there:
        ts = ask(there)
        await there.until(lambda: ("C1", ts) in there.space.status)
        await there.settled()
        statuses = [args for method, args in there.space.calls if method == "assistant.threads.setStatus"]
        told = [args["loading_messages"][0] for args in statuses]
        assert "Searching your documents…" in told
        assert any(text.startswith("Reading") for text in told)
        assert there.space.status == {}
        assert there.space.sessions == {("C1", ts): "active"}
        there.check()


async def test_where_slack_knows_no_status_the_stream_begins_with_it(redis: Redis) -> None:
    """Without `assistant:write` there is a sign of life too: a step in the message itself, done when words come."""
    async with world(redis, script="Fine it is.", pace=0.05) as there:
        there.space.scopes.remove("assistant:write")
        there.server.fail("assistant.threads.setStatus", "missing_scope", times=9)
        ts = ask(there)
        await there.until(lambda: bool(there.space.answers("C1", ts)))
        await there.settled()
        (message,) = there.space.answers("C1", ts)
        steps = [chunk for chunk in message["chunks"] if chunk["type"] == "task_update"]
        assert steps[0]["title"].startswith("Searching")
        assert steps[-1]["status"] == "complete"
        there.check()


async def test_a_long_answer_takes_several_messages(redis: Redis) -> None:
    """Beyond what one message holds, the next one in the thread goes on; the buttons stand under the last."""
    text = " ".join(many_words(2500))
    async with world(redis, script=text) as there:
        there.engine._limits = type(there.engine._limits)(
            passages=2, relevance=0.15, decoding=type(there.engine._limits.decoding)(max_tokens=3000)
        )
        there.generator.context_tokens = 20_000
        ts = ask(there)
        await there.settled()
        told = there.answers("C1", ts)
        assert len(told) > 1
        said = [word for page in told for word in page.split() if word.startswith("word")]
        assert said == text.split()
        footers = [bool(message["blocks"]) for message in there.space.answers("C1", ts)]
        assert footers == [False] * (len(told) - 1) + [True]
        there.check()


async def test_an_answer_that_fails_says_so_behind_what_was_said(slow: World) -> None:
    """When the model breaks off, its words stay and a sentence says what happened."""

    def broken(_prompt: object) -> str:
        raise RuntimeError("the model fell over")

    slow.generator.script = broken
    ts = ask(slow)
    await slow.settled()
    (text,) = slow.answers("C1", ts)
    assert "Something went wrong on my side" in text


async def test_hostile_words_name_nobody(redis: Redis) -> None:
    """What a document says reaches nobody: no mention, no link that Slack would open by itself."""
    evil = "<!here> <@UANN> <!channel> [x](https://evil.example/?q=1) https://evil.example/a @everyone <#C1>"
    async with world(redis, script=evil) as there:
        said = f"{TEXTS['Transit']} {evil}"
        document = Passage("00000000-0000-0000-0000-000000000099", "/docs/Evil.md", "Evil", (), said, 1, 0, 1, "v")
        await there.engine._index.upsert([document], await HashingEmbedder().embed([said]))
        ts = ask(there)
        await there.settled()
        (text,) = there.answers("C1", ts)
        assert "evil.example" in text
        assert TEXTS["Transit"] not in text
        there.check()
