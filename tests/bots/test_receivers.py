"""No update, event or delivery ends or blocks a receiver, and one that ends all the same is seen and started again."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from redis.asyncio import Redis

from bots import reception as receptions
from bots.listening import listening
from bots.on_telegram.platform import telegram
from bots.on_telegram.webhook import Webhook
from bots.platform import CheckedInlet
from bots.reception import NotUnderstoodError, Reception
from bots.service.metrics import Metrics
from bots.service.serving import Answerer, ProcessRoles, serve
from bots.watching import Watcher
from core.domain import Conversation, Person
from core.errors import MemoryUnavailableError, ReceiverError
from core.inbox import Event
from core.settings import Settings
from evals.fuzz_routes import RawTelegram
from evals.fuzz_shapes import DEEP, DIGITS
from tests.bots.fake_engine import FakeEngine
from tests.bots.slack_world import QUESTION, World, world
from tests.bots.telegram_home import Home, Wishes, telegram_home
from tests.bots.test_serving import fetched, free_port
from tests.bots.test_telegram import LEAVE
from tests.doubles.slack_server import SlackServer
from tests.doubles.telegram_people import User
from tests.doubles.telegram_rules import TOKEN
from tests.doubles.telegram_server import TelegramDouble


class Counted(Watcher):
    """Counts what a reception tells."""

    def __init__(self) -> None:
        self.unread = self.ended = 0

    def not_understood(self, platform: str) -> None:  # noqa: ARG002
        self.unread += 1

    def receiver_ended(self, platform: str) -> None:  # noqa: ARG002
        self.ended += 1


async def until(true: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


async def receives(reception: Reception) -> bool:
    try:
        await reception.check()
    except ReceiverError:
        return False
    return True


# Telegram: every update by itself


def forged(number: int) -> list[str]:
    """Updates that nobody sends, as text, from a stranger's tap to what no parser gets through."""
    eve = {"id": 66, "is_bot": False, "first_name": "Eve"}
    chat = {"id": 66, "type": "private", "first_name": "Eve"}
    said = {"message_id": 5, "date": 1, "chat": chat, "from": eve, "text": "hello"}
    tap = {"id": "1", "from": eve, "chat_instance": "1", "message": said, "data": "u:x:²"}
    stopped = {"chat": {"id": "²"}, "draft_id": 1, "message_thread_id": "³"}
    return [
        json.dumps({"update_id": number, "callback_query": tap}),
        json.dumps({"update_id": number, "stopped_message_generation": stopped}),
        json.dumps({"update_id": number, "message": {**said, "date": 10**18}}),
        json.dumps({"update_id": number, "message": {**said, "from": {**eve, "language_code": 5}}}),
        json.dumps({"update_id": number, "message": {**said, "chat": {"id": [], "type": "private"}}}),
        json.dumps({"update_id": number, "message": {**said, "text": "\ud83d"}}),
        json.dumps({"update_id": 2**60, "message": said}),
        json.dumps({"update_id": "²", "message": said}),
        json.dumps({"message": said}),
        f'{{"update_id": {number}, "message": {DEEP}}}',
        f'{{"update_id": {number}, "message": {DIGITS}}}',
        "null",
        '"text"',
    ]


async def ask_by_polling(home: Home, ann: User, count: int) -> None:
    """Put a question behind whatever waits, and see it answered."""
    await ann.say(LEAVE)
    await ann.private.answered(count)
    assert home.inlet.failed == []


async def test_no_update_ends_or_blocks_polling(redis: Redis, tmp_path: Path):
    """Whatever Telegram hands out, also as the only update: the question after it is answered, and it is confirmed."""
    async with telegram_home(redis, tmp_path, Wishes(double=RawTelegram())) as home:
        assert isinstance(home.double, RawTelegram)
        ann = User(home.double, 7, "Ann")
        await ask_by_polling(home, ann, 1)
        for number, text in enumerate(forged(home.double.next_update), start=2):
            home.double.next_update += 1
            await home.double.queue(text)
            await until(lambda: not home.double.raw)
            await ask_by_polling(home, ann, number)


async def test_a_batch_with_unreadable_updates_costs_them_alone(redis: Redis, tmp_path: Path):
    """All of them come in one reply, with questions between them: each question is answered once."""
    async with telegram_home(redis, tmp_path, Wishes(double=RawTelegram())) as home:
        assert isinstance(home.double, RawTelegram)
        ann = User(home.double, 7, "Ann")
        home.inlet.away = 1  # so that what comes meanwhile comes together
        texts = forged(0)
        for text in texts:
            await ann.say(LEAVE)
            home.double.next_update += 1
            await home.double.queue(text)
        await ann.private.answered(len(texts))
        await until(lambda: not home.double.raw)
        assert len(home.inlet.events) == len(texts)


async def test_numbers_that_begin_anew_are_believed(redis: Redis, tmp_path: Path):
    """After a silent week Telegram may begin with quite another number: what comes is answered, and confirmed."""
    async with telegram_home(redis, tmp_path, Wishes(double=RawTelegram())) as home:
        assert isinstance(home.double, RawTelegram)
        ann = User(home.double, 7, "Ann")
        await ask_by_polling(home, ann, 1)
        home.double.next_update += 50_000_000
        await ask_by_polling(home, ann, 2)
        await until(lambda: not home.double.raw)


@pytest.mark.parametrize(
    "reply", ["{}", '{"ok": true}', '{"ok": true, "result": 5}', '{"ok": false, "parameters": 5}', "<html>"]
)
async def test_replies_that_are_none_of_telegrams_are_waited_out(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: str
):
    """Also at the start: a proxy's page or half a reply ends nothing, and what Telegram has comes afterwards."""
    monkeypatch.setattr("bots.on_telegram.polling.PAUSE", 0.1)
    double = RawTelegram()
    double.instead = [(200, reply), (502 if reply[0] == "<" else 400, reply)]
    async with telegram_home(redis, tmp_path, Wishes(double=double)) as home:
        ann = User(home.double, 7, "Ann")
        await ask_by_polling(home, ann, 1)
        assert double.instead == []


# Telegram: the webhook


@asynccontextmanager
async def hooked(redis: Redis, folder: Path, port: int) -> AsyncIterator[Home]:
    webhook = Webhook("https://bot.example/hook", "s3cret", port=port)
    double = TelegramDouble(reachable={"https://bot.example": f"http://127.0.0.1:{port}"})
    async with telegram_home(redis, folder, Wishes(webhook=webhook, double=double)) as home:
        yield home


async def test_a_poisoned_update_holds_nothing_up_behind_the_webhook(
    redis: Redis, tmp_path: Path, unused_tcp_port: int
):
    """Whatever carries the secret is confirmed at once; Telegram, which sends one after the other, goes on."""
    address, secret = f"http://127.0.0.1:{unused_tcp_port}/hook", {"X-Telegram-Bot-Api-Secret-Token": "s3cret"}
    bodies = [*forged(5), "", "{", "x" * 9_000_000]
    async with hooked(redis, tmp_path, unused_tcp_port) as home, aiohttp.ClientSession(headers=secret) as session:
        for body in bodies:
            async with session.post(address, data=io.BytesIO(body.encode())) as reply:
                assert reply.status == 200
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.answered()


async def test_behind_the_webhook_what_the_store_cannot_keep_comes_again(
    redis: Redis, tmp_path: Path, unused_tcp_port: int
):
    """The store being away is no fault of the update's: it is not confirmed, and answered once in the end."""
    async with hooked(redis, tmp_path, unused_tcp_port) as home:
        home.inlet.away = 2
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.answered()
        assert home.double.delivered.count(home.double.next_update) == 3
        assert len(home.inlet.events) == 1


# Slack


def events(channel: str) -> list[Any]:
    """What Slack never sends, as the event of a delivery."""
    said = {"type": "message", "channel": channel, "channel_type": "im", "user": "UANN", "ts": "1.2", "text": "hi"}
    return [
        None,
        [],
        "text",
        {"type": "message"},
        {**said, "ts": "²"},
        {**said, "ts": "1e999"},
        {**said, "user": {"id": "UANN"}},
        {**said, "channel": ["C1"]},
        {**said, "files": [None]},
        {**said, "subtype": "message_changed", "message": "text"},
        {**said, "text": {"a": 1}, "thread_ts": 5},
        {"type": "reaction_added", "user": "UANN", "reaction": "+1", "item_user": "UBOT", "item": None},
        {"type": "app_home_opened", "user": [], "event_ts": None},
        {"type": "assistant_thread_started", "assistant_thread": 5},
        {"type": "agent_session_stopped", "user": {}, "channel": []},
    ]


@pytest.mark.parametrize("http", [False, True])
async def test_no_delivery_of_slacks_ends_or_blocks_a_receiver(redis: Redis, *, http: bool) -> None:
    """Every one is confirmed at the first try, however malformed, and the question after it is answered."""
    async with world(redis, http=http) as there:
        for event in events(there.space.dm("UANN")):
            there.server.deliver("events_api", {"team_id": "T1", "type": "event_callback", "event": event})
        for payload in (
            {},
            {"type": "block_actions"},
            {"type": "block_actions", "actions": [], "team": 5, "user": None},
        ):
            there.server.deliver("interactive", payload, "interaction")
        there.server.deliver("slash_commands", {"command": "/prefs", "team_id": "T1"}, "command")
        await there.settled()
        assert [sent.payload for sent in there.server.sent if not sent.acked or sent.attempts > 1] == []
        ts = there.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
        await there.settled()
        assert len(there.answers("C1", ts)) == 1


@pytest.mark.parametrize("raw", ["{", '{"type": 5}', "[]", f'{{"payload": {DEEP}, "x": 1', f'{{"payload": {DIGITS}'])
async def test_an_envelope_that_cannot_be_read_is_acknowledged(redis: Redis, raw: str) -> None:
    """What has an envelope's name in it is acknowledged; what has none is left alone; the next question is answered."""
    async with world(redis) as there:
        [socket] = there.server.sockets
        waiting = there.server._waiting["E9"] = asyncio.get_running_loop().create_future()
        await socket.ws.send_str(raw)
        await socket.ws.send_str(f'{{"envelope_id": "E9", "type": "events_api", "payload": {DEEP}')
        await asyncio.wait_for(waiting, 30)
        ts = there.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
        await there.settled()
        assert len(there.answers("C1", ts)) == 1


async def posted(there: World, body: bytes, headers: dict[str, str]) -> int:
    address = there.server.events_url
    async with aiohttp.ClientSession() as session, session.post(address, data=body, headers=headers) as reply:
        return reply.status


async def test_a_post_without_slacks_signature_is_turned_away_whatever_is_in_it(redis: Redis) -> None:
    """Headers in digits that are none, signatures in other characters, bytes that are no text: 401, and it goes on."""
    async with world(redis, http=True) as there:
        good = there.server.signed("{}")
        stamp, signature = good["X-Slack-Request-Timestamp"], good["X-Slack-Signature"]
        json_ = {"Content-Type": "application/json"}
        for headers in (
            {},
            {"X-Slack-Request-Timestamp": "²", "X-Slack-Signature": signature},
            {"X-Slack-Request-Timestamp": "9" * 5_000, "X-Slack-Signature": signature},
            {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=ü"},
            {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature[:-1]},
        ):
            assert await posted(there, b"{}", {**json_, **headers}) == 401
        assert await posted(there, b"\xff\xfe", {**json_, **good}) == 401
        assert await posted(there, b"{", {**json_, **there.server.signed("{")}) == 200
        ts = there.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
        await there.settled()
        assert len(there.answers("C1", ts)) == 1


async def test_a_button_that_nobody_listens_to_is_confirmed(redis: Redis) -> None:
    """Slack shows a warning beside a button whose press is not confirmed, as one that only opens a link."""
    async with world(redis, http=True) as there:
        press = {"type": "block_actions", "team": {"id": "T1"}, "user": {"id": "UANN"}, "actions": [{"action_id": "x"}]}
        body = urlencode({"payload": json.dumps(press)})
        form = {"Content-Type": "application/x-www-form-urlencoded", **there.server.signed(body)}
        assert await posted(there, body.encode(), form) == 200


# What is kept can be read again


async def test_an_event_of_other_types_than_it_says_is_not_kept() -> None:
    """It would stop whoever claims it; it is refused before it is in the inbox."""

    class Nowhere:
        async def put(self, _: Event) -> Any:
            raise AssertionError("it was kept")

        async def stop(self, _: Conversation, __: Person) -> bool:
            return False

    place, ann = Conversation("chat", "w", "c"), Person("chat", "w", "ann")
    now = time.time()
    for wrong in (
        {"language": 5},
        {"body": {"text": "hi"}},
        {"body": "\ud83d"},
        {"person": Person("chat", "w", ["ann"])},  # type: ignore[arg-type]
        {"conversation": Conversation("chat", None, "c")},  # type: ignore[arg-type]
    ):
        values: dict[str, Any] = {"conversation": place, "person": ann, "kind": "ask", "body": "{}", "received_at": now}
        with pytest.raises(NotUnderstoodError):
            await CheckedInlet(Nowhere()).put(Event("chat:1", **{**values, **wrong}))


# The watch


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receptions, "SHORTEST_PAUSE", 0.1)


@pytest.mark.usefixtures("_soon")
async def test_a_receiver_that_ends_is_started_again_and_readiness_says_so() -> None:
    """By an error, by returning or by somebody's cancellation: it is counted, not ready, and works again soon."""
    watcher, runs = Counted(), list[asyncio.Event]()
    reception = Reception("chat", watcher)

    async def receive() -> None:
        reception.works()
        runs.append(asyncio.Event())
        await runs[-1].wait()
        if len(runs) == 1:
            raise MemoryUnavailableError("away")

    assert not await receives(reception)
    async with reception.kept_up(receive):
        assert await receives(reception)
        for end in range(1, 4):
            task = next(task for task in asyncio.all_tasks() if task.get_name().startswith("chat:polling"))
            task.cancel() if end == 3 else runs[-1].set()
            await until(lambda end=end: watcher.ended == end)
            assert not await receives(reception)
            await until(lambda end=end: len(runs) == end + 1)
            assert await receives(reception)
    assert not await receives(reception)


async def test_what_a_receiver_cannot_begin_with_is_the_operators_to_put_right() -> None:
    """An error before it ever received ends the start, and is not tried again and again."""

    async def receive() -> None:
        raise OSError("the address is taken")

    with pytest.raises(OSError, match="taken"):
        async with Reception("chat").kept_up(receive):
            pass


async def test_a_receiver_that_says_nothing_is_not_ready() -> None:
    """One that hangs gives no sign of life, and after a while nobody believes that it receives."""
    reception = Reception("chat", quiet=0.05)
    reception.works()
    assert await receives(reception)
    await asyncio.sleep(0.1)
    assert not await receives(reception)


async def test_what_is_not_understood_is_counted_beside_the_receipts() -> None:
    """The operator sees in the metrics how much comes that nobody can read, and receivers that ended."""
    metrics = Metrics()
    Reception("slack", metrics).not_understood(ValueError("x"))
    metrics.receiver_ended("slack")
    page = metrics.page(None, {}).decode()
    assert 'attune_received_total{platform="slack",receipt="malformed"} 1.0' in page
    assert 'attune_receiver_restarts_total{platform="slack"} 1.0' in page


async def test_a_server_that_is_closed_ends_its_receiver() -> None:
    """A socket that listens no more is seen within two seconds, so that it is opened again."""
    from aiohttp import web  # noqa: PLC0415

    async with listening(web.Application(), "127.0.0.1", 0) as served:
        watched = asyncio.create_task(served.watched(lambda: None))
        await asyncio.sleep(0.05)
        served.server.close()
        with pytest.raises(ReceiverError):
            await asyncio.wait_for(watched, 5)


async def test_serving_says_within_ten_seconds_that_nothing_is_received(data: Path) -> None:
    """Telegram's receiver is ended from outside: /readyz says so; the receiver comes back, and it says that, too."""
    port = free_port()

    @asynccontextmanager
    async def opened(_: Settings) -> AsyncIterator[Answerer]:
        yield Answerer(FakeEngine())

    async def ready() -> tuple[int, str]:
        try:
            return await fetched(port, "/readyz")
        except aiohttp.ClientError:
            return 0, ""

    async def is_so(status: int, telegram: str) -> None:
        deadline = time.monotonic() + 10
        while (found := await ready())[0] != status or f'"telegram": {telegram}' not in found[1]:
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)

    async with TelegramDouble().serving() as double:
        settings = Settings.from_env(
            {
                "ATTUNE_HOME": str(data),
                "ATTUNE_METRICS": f"127.0.0.1:{port}",
                "ATTUNE_TELEGRAM_TOKEN": TOKEN,
                "ATTUNE_TELEGRAM_API": double.url,
            }
        )
        serving = asyncio.create_task(serve(settings, [telegram()], ProcessRoles(), opened))
        try:
            await until(lambda: any(name.startswith("telegram:polling") for name in names()))
            await is_so(200, "true")
            next(task for task in asyncio.all_tasks() if task.get_name().startswith("telegram:polling")).cancel()
            await is_so(503, "false")
            await is_so(200, "true")
        finally:
            serving.cancel()
            await asyncio.wait({serving})


def names() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks()]


async def test_socket_mode_comes_back_when_a_part_of_the_client_ends(redis: Redis) -> None:
    """What the SDK has running ends by some accident: the connection is made anew, and what comes is answered."""
    async with world(redis) as there:
        server: SlackServer = there.server
        before = server.connections
        reader = next(task for task in asyncio.all_tasks() if "receive_messages" in str(task.get_coro()))
        reader.cancel()
        await until(lambda: server.connections > before and server.sockets)
        ts = there.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
        await there.settled()
        assert len(there.answers("C1", ts)) == 1
