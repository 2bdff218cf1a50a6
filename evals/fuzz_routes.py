"""The four ways in which deliveries reach Attune, each with a platform's double at the other end that sends raw text.

A route sends what it is given until it is confirmed, as the platform does, and asks a good question. The answering half
is the product's, over the real stores; only the model is scripted.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from bots.dialogue import Dialogue
from bots.lessons import Lessons
from bots.on_slack.platform import slack
from bots.on_telegram.entrance import Membership, TelegramEntrance, listed_groups
from bots.on_telegram.pace import ChatPace, Rate
from bots.on_telegram.receiver import TelegramReceiver, new_bot
from bots.on_telegram.sender import Services, TelegramSender
from bots.on_telegram.webhook import Webhook
from bots.operator_lists import OperatorLists
from bots.platform import PlatformServices, Receiver, Sender
from core.settings import Settings
from evals import fuzz_slack, fuzz_telegram
from evals.fuzz_shapes import mutant
from evals.scripted import TOPIC, tag_of
from tests.doubles.slack_people import People, text_of
from tests.doubles.slack_server import SlackServer
from tests.doubles.slack_state import Workspace
from tests.doubles.telegram_people import User
from tests.doubles.telegram_rules import TOKEN
from tests.doubles.telegram_server import TelegramDouble

FIRST = 100_000  # the id of the first person who asks a good question
KEPT = 2_000  # messages that the double remembers of a channel
TRIES = 4  # of Slack's, for one event
WAIT = 60.0  # seconds until something counts as stopped
QUICK = Rate(1e6, 1e6, reserve=0)
SCOPES = {"channels:history", "channels:read", "chat:write", "im:history", "im:read", "im:write", "users:read"}
PUBLIC = "https://bot.example"
SECRET = "fuzzed"  # noqa: S105 - of a double


class Route:
    """One way in. `unconfirmed` counts what the platform had to give up, `repeated` what it sent once more."""

    name = ""

    def __init__(self) -> None:
        self.unconfirmed = 0
        self.repeated = 0

    @property
    def environ(self) -> dict[str, str]:
        """Settings of the product."""
        raise NotImplementedError

    def halves(self, settings: Settings, dialogue: Dialogue, means: PlatformServices) -> tuple[Receiver, Sender]:
        """The platform's two halves."""
        raise NotImplementedError

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The platform, running."""
        yield

    async def send(self, count: int, chance: random.Random) -> bool:
        """Deliver so many mutants. False where they are not all dealt with in time."""
        raise NotImplementedError

    async def ask(self, number: int) -> bool:
        """Whether a good question of somebody new is answered in time."""
        raise NotImplementedError


class RawTelegram(TelegramDouble):
    """The double, with updates as text: what is in one has nothing to do with the number that Telegram gave it."""

    def __init__(self) -> None:
        super().__init__()
        self.raw: list[tuple[int, str]] = []
        self.pushes = 0
        self.instead: list[tuple[int, str]] = []  # status and text of the next replies to a poll

    async def post(self, kind: str, content: dict[str, Any]) -> int:
        """Queue an update."""
        self.next_update += 1
        return await self.queue(json.dumps({"update_id": self.next_update, kind: content}))

    async def queue(self, text: str) -> int:
        """Queue text under the last number."""
        self.raw.append((self.next_update, text))
        await self.tell()
        return self.next_update

    async def _call(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["method"] != "getUpdates":
            return await super()._call(request)
        if self.instead:
            status, text = self.instead.pop(0)
            return web.Response(status=status, text=text, content_type="application/json")
        asked = await request.post()
        first, limit = int(str(asked.get("offset", 0))), int(str(asked.get("limit", 100)))
        self.raw = [update for update in self.raw if update[0] >= first]
        await self.tell()
        with suppress(TimeoutError):
            async with asyncio.timeout(float(str(asked.get("timeout", 0)))), self.changed:
                await self.changed.wait_for(lambda: self.raw)
        text = ", ".join(update for _, update in self.raw[:limit])
        return web.Response(text=f'{{"ok": true, "result": [{text}]}}', content_type="application/json")

    async def _push(self) -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                async with self.changed:
                    await self.changed.wait_for(lambda: self.webhook.get("url") and self.raw)
                with suppress(aiohttp.ClientError):
                    self.pushes += 1
                    address = self.webhook["url"].replace(PUBLIC, self.reachable[PUBLIC])
                    async with session.post(address, data=self.raw[0][1].encode()) as reply:
                        if reply.status == 200:
                            del self.raw[0]
                            await self.tell()
                            continue
                await asyncio.sleep(0.1)


class TelegramRoute(Route):
    """Long polling, or a webhook at `port`."""

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self.name = "Telegram webhook" if port else "Telegram polling"
        self._double = RawTelegram()
        self._shapes = fuzz_telegram.updates()
        self._webhook = Webhook(f"{PUBLIC}/hook", SECRET, port=port) if port else None
        self._double.reachable = {PUBLIC: f"http://127.0.0.1:{port}"}
        self._taken = 0

    @property
    def environ(self) -> dict[str, str]:
        """Settings of the product."""
        people = (7, *range(FIRST, FIRST + 1000))
        names = [*(f"person:telegram//{user}" for user in people), f"channel:telegram//{fuzz_telegram.TEAM['id']}"]
        return {"ATTUNE_TELEGRAM_TOKEN": TOKEN, "ATTUNE_ALLOW": ",".join(names)}

    def halves(self, _: Settings, dialogue: Dialogue, means: PlatformServices) -> tuple[Receiver, Sender]:
        """As `on_telegram.platform` has them, but that nothing waits for Telegram's limits."""
        bots = [new_bot(TOKEN, self._double.url, ChatPace(QUICK, QUICK, QUICK)) for _ in range(2)]
        groups = listed_groups([f"channel:telegram//{fuzz_telegram.TEAM['id']}"])
        lists = OperatorLists(means.usage, means.inbox, means.access)
        dialogue_of_telegram = Services(dialogue, Lessons(None, means.access), means.access, lists, means.chats)
        entrance = TelegramEntrance(means.access, Membership(bots[1], groups))
        receiver = TelegramReceiver(bots[1], entrance, means.chats, self._webhook, means.reception("telegram"))
        return receiver, TelegramSender(bots[0], dialogue_of_telegram, groups, "off")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Telegram, running; Ann is somebody there, and so is the group."""
        async with self._double.serving():
            User(self._double, 7, "Ann")
            yield

    async def send(self, count: int, chance: random.Random) -> bool:
        """Queue mutants, and wait until none is left."""
        self._double.calls.clear()
        for _ in range(count):
            self._double.next_update += 1
            shape = {**chance.choice(self._shapes), "update_id": self._double.next_update}
            await self._double.queue(mutant(shape, chance))
        self._taken += count
        done = await _within(WAIT, lambda: not self._double.raw)
        self.repeated = max(0, self._double.pushes - self._taken - 1)
        return done

    async def ask(self, number: int) -> bool:
        """A message in a private chat."""
        user, tag = User(self._double, FIRST + number, f"P{number}"), tag_of(number, 1)
        self._taken += 1
        await user.say(f"{TOPIC} {tag}")
        return await _within(WAIT, lambda: any(tag in message.text for message in user.private.finished()))


class SlackRoute(Route):
    """Socket Mode, or posts with Slack's signature."""

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self.name = "Slack HTTP" if port else "Slack Socket Mode"
        self._port = port
        self._space = Workspace(scopes=set(SCOPES))
        self._server = SlackServer(self._space)
        self._people = People(self._server)
        self._shapes = fuzz_slack.deliveries()
        self._sent = 0
        for user in ("UANN", "UBEN"):
            self._space.add_user(user)
        self._space.add_channel("C1", ["UANN", "UBEN", "UBOT"], name="general")
        self._space.add_channel("DANN", ["UANN", "UBOT"], user="UANN")

    @property
    def environ(self) -> dict[str, str]:
        """Settings of the product."""
        listen, secret = f"127.0.0.1:{self._port}", self._server.signing_secret
        way = {"ATTUNE_SLACK_SIGNING_SECRET": secret, "ATTUNE_SLACK_LISTEN": listen}
        if not self._port:
            way = {"ATTUNE_SLACK_APP_TOKEN": self._space.app_token}
        return {
            "ATTUNE_SLACK_BOT_TOKEN": self._space.bot_token,
            "ATTUNE_SLACK_API": self._server.api,
            "ATTUNE_ALLOW": f"workspace:slack/{self._space.team}",
            **way,
        }

    def halves(self, settings: Settings, dialogue: Dialogue, means: PlatformServices) -> tuple[Receiver, Sender]:
        """As `on_slack.platform` has them."""
        return slack().receiver(settings, means), slack().sender(settings, dialogue, means)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Slack, running."""
        async with self._server:
            self._server.events_url = f"http://127.0.0.1:{self._port}/slack/events" if self._port else ""
            yield

    async def send(self, count: int, chance: random.Random) -> bool:
        """Deliver mutants side by side, each until it is confirmed or Slack gives up."""
        self._space.calls.clear()
        for channel in ("C1", "DANN"):
            if len(self._space.messages[channel]) > KEPT:
                self._space.messages[channel].clear()
        sending = [self._deliver(*self._mutant(chance)) for _ in range(count)]
        try:
            async with asyncio.timeout(WAIT * TRIES):
                confirmed = await asyncio.gather(*sending)
        except TimeoutError:
            return False
        self.unconfirmed += confirmed.count(False)
        return True

    def _mutant(self, chance: random.Random) -> tuple[str, str]:
        """Its kind and its text; each under moments of its own, since Slack repeats none."""
        kind, shape = chance.choice(self._shapes)
        self._sent += 1
        text = mutant(shape, chance)
        for stamp in (fuzz_slack.TS, fuzz_slack.LATER):
            fresh = f"{stamp[:4]}{self._sent:06}.{stamp[-6:]}"
            text = text.replace(stamp, fresh)
            for channel in ("C1", "DANN"):  # it stands there, so that it can be answered
                self._space.messages[channel][fresh] = {"ts": fresh, "user": "UANN", "text": "", "type": "message"}
        return kind, text.replace('"1.2.', f'"1.{self._sent}.')

    async def _deliver(self, kind: str, text: str) -> bool:
        for tried in range(TRIES):
            self.repeated += tried > 0
            if await (self._post(kind, text) if self._port else self._envelope(kind, text)):
                return True
        return False

    async def _envelope(self, kind: str, text: str) -> bool:
        envelope = self._space.new_id("E")
        waiting = asyncio.get_running_loop().create_future()
        self._server._waiting[envelope] = waiting  # noqa: SLF001 - the double's own
        socket = await self._server._next_socket()  # noqa: SLF001 - the double's own
        await socket.ws.send_str(f'{{"type": "{kind}", "envelope_id": "{envelope}", "payload": {text}}}')
        with suppress(TimeoutError):
            await asyncio.wait_for(waiting, self._server.ack_seconds)
            return True
        return False

    async def _post(self, kind: str, text: str) -> bool:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body, headers = text, {"Content-Type": "application/json"}
        if kind == "interactive":
            body, headers = urlencode({"payload": text}), form
        elif kind == "slash_commands":
            body, headers = _form(text), form
        headers |= self._server.signed(body)
        with suppress(aiohttp.ClientError, TimeoutError):
            http = self._server._http  # noqa: SLF001 - the double's own
            async with http.post(self._server.events_url, data=body.encode(), headers=headers) as reply:
                return reply.ok
        return False

    async def ask(self, number: int) -> bool:
        """A direct message."""
        user = self._space.add_user(f"UGOOD{number}")
        channel, tag = self._space.dm(user), tag_of(number, 1)
        ts = self._people.say(user, channel, f"{TOPIC} {tag}")
        done = await _within(WAIT, lambda: any(tag in text_of(each) for each in self._space.answers(channel, ts)))
        self._server.sent.clear()
        return done


def _form(text: str) -> str:
    """A command's fields, where the mutant still has some."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return urlencode(fields, errors="replace") if isinstance(fields, dict) else text


async def _within(seconds: float, true: Any) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True
