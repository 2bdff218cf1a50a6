"""A chat platform on loopback: people write, a bot posts and edits, and all that was ever visible can be read.

`Chat` is the platform. `ChatReceiver` and `ChatSender` are a bot's two halves for it, as small as halves can be; they
may run in other processes, which find the platform by its address.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import aiohttp
from aiohttp import web

from bots import texts
from bots.dialogue import Dialogue
from bots.language import Voice
from bots.platform import Check, Delivery, Inlet, Platform
from bots.replies import Delta, Final, Notice, PersonForgotten, Problem, Status
from core.domain import Conversation, Message, Person
from core.errors import StoreError
from core.inbox import Event, Receipt
from core.notices.schedule import Subscription
from core.settings import Settings
from evals.chaos_checks import Visible

NAME, DIGEST = "chat", "digest"
ADDRESS = "CHAT_DOUBLE"  # the variable by which processes learn where the platform is
EDIT_EVERY = 0.25  # seconds
REFUSALS = {Receipt.HURRIED: texts.HURRIED, Receipt.CROWDED: texts.CROWDED}


@dataclass
class Shown:
    """A message of the bot, with every text it ever had and when, in seconds of the loop's clock."""

    id: str
    channel: str
    key: str
    versions: list[tuple[float, str]]

    @property
    def text(self) -> str:
        return self.versions[-1][1]


@dataclass
class Chat:
    """The platform's state. `sent` are the keys that some receiver acknowledged, by channel, in that order."""

    messages: list[Shown] = field(default_factory=list)
    sent: dict[str, list[str]] = field(default_factory=dict)
    receivers: list[str] = field(default_factory=list)
    broken: bool = False  # nothing can be posted
    deliveries: int = 0
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Chat]:
        app = web.Application()
        routes = (("/post", self._post), ("/edit", self._edit), ("/receivers", self._register))
        for path, handler in routes:
            app.router.add_post(path, handler)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(15)) as self._session:
            try:
                yield self
            finally:
                await runner.cleanup()

    async def deliver(self, key: str, channel: str, user: str, text: str) -> None:
        """Deliver a message until a receiver acknowledges it, as platforms do."""
        update = {"key": key, "channel": channel, "user": user, "text": text}
        while not await self.deliver_once(update):  # noqa: ASYNC110 - a platform tries again by the clock
            await asyncio.sleep(0.05)
        if key not in self.sent.setdefault(channel, []):
            self.sent[channel].append(key)

    async def deliver_once(self, update: dict[str, str]) -> bool:
        """Whether the receiver whose turn it is acknowledged `update`."""
        if not self.receivers:
            return False
        self.deliveries += 1
        address = self.receivers[self.deliveries % len(self.receivers)]
        try:
            async with self._session.post(address, json=update) as response:
                assert response.status in {200, 503}, "the receiver has a mistake"
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            if address in self.receivers:
                self.receivers.remove(address)
            return False

    def shown_for(self, key: str) -> list[Shown]:
        """What stands for the message `key`."""
        return [shown for shown in self.messages if shown.key == key]

    async def _register(self, request: web.Request) -> web.Response:
        self.receivers.append(await request.text())
        return web.Response()

    async def _post(self, request: web.Request) -> web.Response:
        if self.broken:
            return web.Response(status=500)
        said = await request.json()
        now = asyncio.get_running_loop().time()
        shown = Shown(str(len(self.messages)), said["channel"], said["key"], [(now, said["text"])])
        self.messages.append(shown)
        return web.json_response({"id": shown.id})

    async def _edit(self, request: web.Request) -> web.Response:
        if self.broken:
            return web.Response(status=500)
        said = await request.json()
        self.messages[int(said["id"])].versions.append((asyncio.get_running_loop().time(), said["text"]))
        return web.Response()


class Api:
    """What a bot may ask of the platform at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(raise_for_status=True) as self._session:
            yield

    async def register(self, address: str) -> None:
        await self._session.post(f"{self._url}/receivers", data=address)

    async def post(self, channel: str, key: str, text: str) -> str:
        said = {"channel": channel, "key": key, "text": text}
        async with self._session.post(f"{self._url}/post", json=said) as response:
            return str((await response.json())["id"])

    async def edit(self, message_id: str, text: str) -> None:
        async with self._session.post(f"{self._url}/edit", json={"id": message_id, "text": text}):
            pass


class ChatReceiver:
    """Takes deliveries in on a port of its own."""

    def __init__(self, url: str) -> None:
        self._api = Api(url)

    @asynccontextmanager
    async def receiving(self, inlet: Inlet) -> AsyncIterator[None]:
        self._inlet = inlet
        app = web.Application()
        app.router.add_post("/", self._receive)
        runner = web.AppRunner(app)
        await runner.setup()
        async with self._api.open():
            try:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                await self._api.register(f"http://127.0.0.1:{runner.addresses[0][1]}/")
                yield
            finally:
                await runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        update = await request.json()
        event = to_event(update)
        try:
            if update["text"] == "/stop":
                await self._inlet.stop(event.conversation, event.person)
                return web.Response()
            receipt = await self._inlet.put(event)
        except StoreError:
            return web.Response(status=503)
        if receipt in REFUSALS:
            await self._api.post(update["channel"], update["key"], REFUSALS[receipt])
        return web.Response(text=receipt)


class ChatSender:
    """Shows what a dialogue says."""

    def __init__(self, url: str, dialogue: Dialogue) -> None:
        self._api = Api(url)
        self._dialogue = dialogue

    def sending(self):
        return self._api.open()

    async def handle(self, event: Event, delivery: Delivery) -> None:
        if event.kind == DIGEST:
            await self._digest(event, delivery)
            return
        view = await self._view(event, delivery, "…")
        said, edited, loop = "", 0.0, asyncio.get_running_loop()
        try:
            async with aclosing(self._dialogue.respond(to_message(event))) as replies:
                async for reply in replies:
                    match reply:
                        case Status(text):
                            await self._api.edit(view, text)
                        case Delta(text):
                            said += text
                            if loop.time() - edited > EDIT_EVERY:
                                edited = loop.time()
                                await self._api.edit(view, said)
                        case Final():
                            await self._api.edit(view, reply.markdown)
                            await delivery.ended(reply.answer)
                        case Notice(text) | PersonForgotten(text) | Problem(text):
                            await self._api.edit(view, text)
        except asyncio.CancelledError:
            if delivery.stopped:
                await self._api.edit(view, f"{said}\n{texts.STOPPED}")
            raise

    async def voice(self, event: Event) -> Voice:
        return Voice(event.language)

    async def waiting(self, event: Event, delivery: Delivery, sentence: str) -> None:
        if event.kind != DIGEST:  # nobody asked
            await self._view(event, delivery, sentence)

    async def apologise(self, event: Event, delivery: Delivery, sentence: str) -> None:
        if event.kind != DIGEST:
            await self._api.edit(await self._view(event, delivery, "…"), sentence)

    async def _digest(self, event: Event, delivery: Delivery) -> None:
        """As platforms show one: the title first, and the rest edited into it, with time to die at every step."""
        message = replace(to_message(event), sent_at=datetime.now(UTC))
        due = await self._dialogue.digest(message, event.key, operator=False)
        if due is None:
            return
        await asyncio.sleep(EDIT_EVERY)
        view = await self._view(event, delivery, due.title)
        await asyncio.sleep(EDIT_EVERY)
        await self._api.edit(view, due.markdown)
        await asyncio.sleep(EDIT_EVERY)
        await self._dialogue.digest_shown(due)
        await delivery.ended()

    async def _view(self, event: Event, delivery: Delivery, text: str) -> str:
        """The message that stands for `event`."""
        if not delivery.shown:
            await delivery.note(await self._api.post(event.conversation.channel, event.key, text))
        return delivery.shown[0]


def to_event(update: dict[str, str]) -> Event:
    conversation, person = Conversation(NAME, "w", update["channel"]), Person(NAME, "w", update["user"])
    body = json.dumps({"text": update["text"]})
    return Event(f"{NAME}:{update['key']}", conversation, person, "message", body, datetime.now(UTC))


def digest_event(kept: Subscription, key: str, _name: str) -> Event:
    person = kept.person
    lane, body = Conversation(NAME, "w", person.user.removeprefix("u"), DIGEST), json.dumps({"text": ""})
    return Event(key, lane, person, DIGEST, body, datetime.now(UTC), asks=False)


def to_message(event: Event) -> Message:
    text = json.loads(event.body)["text"]
    return Message(event.key, event.conversation, event.person, text, event.received_at, private=True)


def chat_platform(url: str) -> Platform:
    """What `configured` would say of the platform at `url`."""
    return Platform(
        NAME,
        lambda _, __: ChatReceiver(url),
        lambda _, dialogue, __: ChatSender(url, dialogue),
        _no_checks,
        digest=digest_event,
    )


async def _no_checks(_: Settings) -> AsyncIterator[Check]:
    for check in ():
        yield check


class ChaosChat(Chat):
    """What `evals.chaos` needs of a platform: people who write, processes that serve, and all that was visible."""

    @property
    def environ(self) -> dict[str, str]:
        """Settings of the serving processes."""
        return {ADDRESS: self.url}

    @staticmethod
    def platforms(environ: Mapping[str, str]) -> list[Platform]:
        """The platforms of a serving process."""
        return [chat_platform(environ[ADDRESS])]

    async def send(self, conversation: int, tag: str, text: str) -> bool:
        """Deliver once. Whether some process acknowledged it."""
        update = {"key": tag, "channel": str(conversation), "user": f"u{conversation}", "text": text}
        return await self.deliver_once(update)

    def visible(self) -> list[Visible]:
        """Every message of the bot."""
        return [Visible(int(shown.channel), tuple(shown.versions)) for shown in self.messages]
