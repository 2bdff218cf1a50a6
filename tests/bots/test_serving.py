"""`attune serve` as a whole: one process that receives, answers, says how it is, and ends well."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import structlog

from bots import texts
from bots.service.metrics import Metrics
from bots.service.observing import WatchedDialogue
from bots.service.serving import Answerer, ProcessRoles, serve
from bots.watching import STOPPED, AnswerTiming
from core.answering.prompt import NOT_FOUND
from core.bootstrap import open_inbox, open_records
from core.domain import Person, Source
from core.errors import ConfigurationError, IndexUnavailableError
from core.inbox import Claim, Depth, Receipt
from core.people.feedback import Feedback, Verdict
from core.people.people import People
from core.settings import Settings
from tests.bots.fake_engine import HANDBOOK, FakeEngine
from tests.bots.test_workers import until
from tests.doubles.chat import Chat, chat_platform, to_event, to_message

SECRET = "the-word-that-nobody-may-read"  # noqa: S105
BOTH = ProcessRoles()


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    async with Chat().running() as chat:
        yield chat


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings_of(folder: Path, port: int) -> Settings:
    return Settings(home=folder, metrics=f"127.0.0.1:{port}", grace=5.0)


@asynccontextmanager
async def served(chat: Chat, settings: Settings, answerer: Answerer, halves: ProcessRoles = BOTH):
    """Serve in a task, and end it as an operator does: by a signal."""

    @asynccontextmanager
    async def opened(_: Settings) -> AsyncIterator[Answerer]:
        yield answerer

    expected = len(chat.receivers) + 1
    task = asyncio.create_task(serve(settings, [chat_platform(chat.url)], halves, opened))
    await until(lambda: len(chat.receivers) == expected or task.done() or not halves.receives)
    try:
        assert not task.done(), task.exception()
        yield
    finally:
        if not task.done():
            os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 30)


async def fetched(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as response:
        return response.status, await response.text()


async def test_nothing_configured_is_said_at_once() -> None:
    """The operator reads which settings connect a platform."""
    with pytest.raises(ConfigurationError, match="ATTUNE_TELEGRAM_TOKEN"):
        await serve(Settings(), [], BOTH)


async def test_serving_answers_counts_and_ends_on_a_signal(chat: Chat, data: Path) -> None:
    """A question becomes an answer and figures; neither question, nor answer, nor name is among them."""
    port = free_port()
    answerer = Answerer(FakeEngine(f"Not {SECRET}"), figures=lambda: {"hits": 3.0})
    async with served(chat, settings_of(data, port), answerer):
        await chat.deliver("1", "c", SECRET, f"Where is {SECRET}?")
        await until(lambda: bool(chat.messages) and chat.messages[0].text == f"Not {SECRET}")
        assert await fetched(port, "/healthz") == (200, "ok\n")
        assert (await fetched(port, "/readyz"))[0] == 200
        page = ""
        while 'outcome="done"' not in page:
            _, page = await fetched(port, "/metrics")
    assert 'attune_received_total{platform="chat",receipt="accepted"} 1.0' in page
    assert 'attune_answers_total{ending="answered"} 1.0' in page
    assert 'attune_cache{figure="hits"} 3.0' in page
    assert "attune_first_token_seconds_count 1.0" in page
    assert SECRET not in page


async def test_who_is_forgotten_leaves_no_dead_letter(chat: Chat, data: Path) -> None:
    """`/forget everything` reaches what was given up, too."""
    settings = settings_of(data, free_port())
    async with open_inbox(settings) as inbox:
        await inbox.put(to_event({"key": "0", "channel": "c", "user": "ann", "text": SECRET}))
        claim = await inbox.claim("t")
        assert claim is not None
        await inbox.bury(claim.token, "x")
        async with open_records(settings) as records:
            engine = Forgetting(People(records.memory, records.usage, inbox))
            async with served(chat, settings, Answerer(engine)):
                await chat.deliver("1", "c", "ann", "/forget everything")
                await until(lambda: bool(chat.messages) and chat.messages[0].text == texts.FORGOTTEN)
        assert await inbox.dead() == []


class Forgetting(FakeEngine):
    """Forgets as the engine does."""

    def __init__(self, people: People) -> None:
        super().__init__()
        self.people = people


async def test_a_store_that_is_down_shows_in_readiness_and_metrics(chat: Chat, data: Path) -> None:
    """The process is healthy and not ready, and the error is counted by its kind."""

    async def down() -> None:
        raise IndexUnavailableError("away")

    port = free_port()
    answerer = Answerer(FakeEngine(error=IndexUnavailableError("away")), {"index": down})
    async with served(chat, settings_of(data, port), answerer):
        assert (await fetched(port, "/healthz"))[0] == 200
        status, states = await fetched(port, "/readyz")
        assert (status, states) == (503, '{"inbox": true, "index": false}')
        await chat.deliver("1", "c", "ann", "?")
        await until(lambda: bool(chat.messages) and "give your operator this code" in chat.messages[0].text)
        _, page = await fetched(port, "/metrics")
    assert 'attune_errors_total{kind="IndexUnavailableError"} 1.0' in page


async def test_verdicts_commands_and_refusals_are_counted_apart() -> None:
    """What people did with answers, and how messages ended, each under its name."""
    metrics, engine = Metrics(), FakeEngine(NOT_FOUND, nearest=(Source(1, HANDBOOK),))
    dialogue = WatchedDialogue(engine, metrics)
    for text in ("Where?", "/help"):
        asked = to_message(to_event({"key": "1", "channel": "c", "user": "u", "text": text}))
        assert [reply async for reply in dialogue.respond(asked)]
    person = Person("chat", "w", "u")
    await dialogue.feedback(Feedback(person, "unknown", Verdict.UP, to_event_time()))
    page = metrics.page(None, {}).decode()
    assert 'attune_answers_total{ending="not found"} 1.0' in page
    assert 'attune_answers_total{ending="command"} 1.0' in page
    assert 'attune_feedback_total{verdict="up"} 1.0' in page


def test_every_figure_moves() -> None:
    """What the dashboard draws is counted by what happens, and nothing that anybody wrote is in it."""
    metrics, still = Metrics(), Metrics().page(None, {}).decode()
    event = to_event({"key": SECRET, "channel": SECRET, "user": SECRET, "text": SECRET})
    metrics.received("chat", Receipt.ACCEPTED, 0.002)
    metrics.not_understood("chat")
    metrics.receiver_ended("chat")
    metrics.began(Claim(event, "token", attempt=2))
    metrics.said(AnswerTiming(STOPPED, seconds=2.0, first_piece=0.5, pieces=16))
    metrics.failed("IndexUnavailableError")
    metrics.judged(Verdict.DOWN)
    metrics.finished(event, "done")
    metrics.requested("api", 200, 1.5)
    page = metrics.page(Depth(waiting=3, working=2, dead=1, oldest=4.5), {"hits": 7.0}).decode()
    for line in (
        'attune_received_total{platform="chat",receipt="accepted"} 1.0',
        'attune_received_total{platform="chat",receipt="malformed"} 1.0',
        'attune_receiver_restarts_total{platform="chat"} 1.0',
        "attune_put_seconds_count 1.0",
        "attune_waited_seconds_count 1.0",
        'attune_handled_total{outcome="done",platform="chat"} 1.0',
        "attune_retries_total 1.0",
        'attune_requests_total{door="api",status="200"} 1.0',
        'attune_request_seconds_sum{door="api"} 1.5',
        'attune_answers_total{ending="stopped"} 1.0',
        "attune_first_token_seconds_sum 0.5",
        "attune_answer_seconds_sum 2.0",
        "attune_tokens_per_second_sum 10.0",
        'attune_errors_total{kind="IndexUnavailableError"} 1.0',
        'attune_feedback_total{verdict="down"} 1.0',
        'attune_inbox{state="waiting"} 3.0',
        'attune_inbox{state="working"} 2.0',
        'attune_inbox{state="dead"} 1.0',
        "attune_inbox_oldest_seconds 4.5",
        'attune_cache{figure="hits"} 7.0',
    ):
        assert line in page.splitlines()
        assert line not in still
    exist = set(re.findall(r"^# TYPE (attune_\w+) (?:counter|histogram|gauge)", page, flags=re.MULTILINE))
    moved = {name for name in exist if _lines(page, name) != _lines(still, name)}
    assert moved == exist
    assert SECRET not in page


def _lines(page: str, name: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith(name)]


async def test_receiving_alone_keeps_for_a_worker(chat: Chat, data: Path) -> None:
    """Two processes share the work: what one received, the other answers."""
    settings = settings_of(data, free_port())
    engine = FakeEngine("Answered elsewhere.")
    async with open_inbox(settings) as inbox:
        async with served(chat, settings, Answerer(engine), ProcessRoles(answers=False)):
            await chat.deliver("1", "c", "ann", "?")
            assert (await inbox.depth()).waiting == 1
            assert engine.asked == []
        async with served(chat, settings, Answerer(engine), ProcessRoles(receives=False)):
            await until(lambda: bool(chat.messages) and chat.messages[0].text == "Answered elsewhere.")


async def test_a_taken_address_costs_only_the_figures(chat: Chat, data: Path) -> None:
    """Several workers on one machine: people are answered all the same."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = settings_of(data, taken.getsockname()[1])
        async with served(chat, settings, Answerer(FakeEngine("Yes."))):
            await chat.deliver("1", "c", "ann", "?")
            await until(lambda: bool(chat.messages) and chat.messages[0].text == "Yes.")


def to_event_time():
    return to_event({"key": "", "channel": "", "user": "", "text": ""}).received_at
