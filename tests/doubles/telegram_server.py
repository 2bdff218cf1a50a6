"""A strict Bot API server on loopback: says no where Telegram's documentation does, and is as faulty as it is told.

Bots talk to it over HTTP, by long polling or by webhook; `telegram_people.py` is how people use it, and what they see.
`telegram_methods.py` has the methods, `telegram_rules.py` what they accept.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.doubles import telegram_rules as rules
from tests.doubles.telegram_methods import METHODS, PACED
from tests.doubles.telegram_rules import TOKEN, RefusedError, bad

Json = dict[str, Any]


@dataclass
class Fault:
    """What goes wrong with the next call of `method` ("" is any). `done` does it first, and only the reply is lost."""

    method: str = ""
    status: int = 502  # 0: says nothing for `seconds`; -1: drops the connection; 400: refuses, and says why
    says: str = ""
    retry_after: int = 0
    done: bool = False
    seconds: float = 60.0
    chat: int = 0
    times: int = 1


@dataclass
class Chat:
    """A chat and all that was ever said in it."""

    id: int
    type: str
    title: str = ""
    is_forum: bool = False
    topics: set[int] = field(default_factory=set)
    members: dict[int, str] = field(default_factory=dict)  # the status of each
    messages: dict[int, Json] = field(default_factory=dict)
    drafts: dict[int, Json] = field(default_factory=dict)
    reactions: dict[tuple[int, int], list[str]] = field(default_factory=dict)  # by message and by who
    gone: str = ""  # why the bot cannot write here
    moved_to: int = 0
    paced: deque[float] = field(default_factory=deque)
    penalty_until: float = 0.0
    impatient: int = 0  # calls during a penalty
    last_id: int = 0

    @property
    def json(self) -> Json:
        named = {"first_name": self.title} if self.type == "private" else {"title": self.title}
        return {"id": self.id, "type": self.type, **named, **({"is_forum": True} if self.is_forum else {})}


@dataclass
class Flood:
    """At most so many calls that show something, in so many seconds: (calls, seconds)."""

    private: tuple[int, float] = (10, 8.0)
    group: tuple[int, float] = (20, 60.0)


@dataclass
class TelegramDouble:
    """The server's state: set it before a call, read it after."""

    privacy: bool = True  # groups only tell the bot what is for it
    flood: Flood | None = None
    topics_in_private: bool = False
    query_seconds: float = 15.0
    chats: dict[int, Chat] = field(default_factory=dict)
    users: dict[int, Json] = field(default_factory=dict)
    queries: dict[str, float | None] = field(default_factory=dict)  # when pressed; None once answered
    toasts: list[str] = field(default_factory=list)
    commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    files: dict[str, Json] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    webhook: Json = field(default_factory=dict)
    reachable: dict[str, str] = field(default_factory=dict)  # public address of a webhook -> where it listens
    updates: list[Json] = field(default_factory=list)
    again: list[Json] = field(default_factory=list)  # updates that are handed out once more, although confirmed
    posted: Json = field(default_factory=dict)  # the last update
    versions: dict[tuple[int, int], list[tuple[float, str]]] = field(default_factory=lambda: defaultdict(list))
    delivered: list[int] = field(default_factory=list)  # ids of updates, each time that they are handed out
    url: str = ""
    box: int = 100  # the last id of a message in private chats and basic groups
    next_update: int = 1000
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    allowed: set[str] = field(default_factory=lambda: set(rules.UNASKED))
    _polls: int = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[TelegramDouble]:
        app = web.Application(client_max_size=60 * 2**20)
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        server = TestServer(app)
        await server.start_server(shutdown_timeout=0.1)
        self.url = str(server.make_url("/")).rstrip("/")
        pushing = asyncio.create_task(self._push())
        try:
            yield self
        finally:
            pushing.cancel()
            with suppress(asyncio.CancelledError):
                await pushing
            await server.close()

    async def post(self, kind: str, content: Json) -> int:
        """Let the bot have an update. Returns its id."""
        self.next_update += 1
        self.posted = {"update_id": self.next_update, kind: content}
        self.updates.append(self.posted)
        await self.tell()
        return self.next_update

    async def tell(self) -> None:
        """Wake up whoever waits for something to change."""
        async with self.changed:
            self.changed.notify_all()

    def calls_of(self, method: str) -> list[Json]:
        return [params for name, params in self.calls if name == method]

    def chat(self, id_: Any) -> Chat:
        """The chat that the bot may write to."""
        chat = self.chats.get(int(id_))
        if chat is None:
            raise bad("chat not found")
        if chat.moved_to:
            text = "Bad Request: group chat was upgraded to a supergroup chat"
            raise RefusedError(400, text, migrate_to_chat_id=chat.moved_to)
        if chat.gone:
            raise bad("chat not found") if chat.gone == "deleted" else RefusedError(403, f"Forbidden: {chat.gone}")
        return chat

    def note(self, message: Json) -> None:
        """Remember what stood there, and when."""
        self.versions[message["chat"]["id"], message["message_id"]].append((time.time(), message.get("text", "")))

    def new_message_id(self, chat: Chat) -> int:
        if chat.type == "supergroup":
            chat.last_id += 1
            return chat.last_id
        self.box += 1
        return self.box

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method, params = request.match_info["method"], await _params(request)
        if request.match_info["token"] != TOKEN:
            return _refused(RefusedError(401, "Unauthorized"))
        if method != "getUpdates":
            self.calls.append((method, params))
        fault = self._fault(method, params)
        try:
            if fault is not None and not fault.done:
                return await self._fail(request, fault)
            self._pace(method, params)
            result = await self._updates(params) if method == "getUpdates" else await self._run(method, params)
            if fault is not None:
                return await self._fail(request, fault)
        except RefusedError as refusal:
            self.refused.append((method, refusal.description))
            return _refused(refusal)
        return web.json_response({"ok": True, "result": result})

    async def _run(self, method: str, params: Json) -> Any:
        handler = METHODS.get(method)
        if handler is None:
            raise RefusedError(404, "Not Found")
        result = handler(self, params)
        await self.tell()
        return result

    def _fault(self, method: str, params: Json) -> Fault | None:
        for fault in self.faults:
            meant = fault.method == method or (not fault.method and method != "getMe")
            if meant and fault.chat in {0, params.get("chat_id")}:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    async def _fail(self, request: web.Request, fault: Fault) -> web.Response:
        if fault.status == 0:
            await asyncio.sleep(fault.seconds)
        if fault.status <= 0:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if fault.status == 400:
            return _refused(bad(fault.says))
        if fault.status == 429:
            text = f"Too Many Requests: retry after {fault.retry_after}"
            return _refused(RefusedError(429, text, retry_after=fault.retry_after))
        return web.Response(status=fault.status, text="<html>Bad Gateway</html>")

    def _pace(self, method: str, params: Json) -> None:
        """Too many calls to one chat are refused, and those that come too early after it as well."""
        chat = self.chats.get(int(params["chat_id"])) if method in PACED and "chat_id" in params else None
        if chat is None or self.flood is None:
            return
        now, (most, seconds) = time.monotonic(), self.flood.private if chat.type == "private" else self.flood.group
        while chat.paced and chat.paced[0] <= now - seconds:
            chat.paced.popleft()
        early = now < chat.penalty_until
        if early or len(chat.paced) >= most:
            wait = int((chat.penalty_until if early else chat.paced[0] + seconds) - now) + 1
            chat.impatient += early
            chat.penalty_until = now + wait
            raise RefusedError(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        chat.paced.append(now)

    async def _updates(self, params: Json) -> list[Json]:
        if self.webhook.get("url"):
            raise RefusedError(409, "Conflict: can't use getUpdates method while webhook is active")
        self.allowed = set(params.get("allowed_updates") or self.allowed)
        if unknown := self.allowed - rules.UPDATES:
            raise bad(f"unknown updates {unknown}")
        self._polls += 1
        mine = self._polls
        self.updates = [update for update in self.updates if update["update_id"] >= int(params.get("offset", 0))]
        await self.tell()
        with suppress(TimeoutError):
            async with asyncio.timeout(float(params.get("timeout", 0))), self.changed:
                await self.changed.wait_for(lambda: self.again or self._waiting() or self._polls != mine)
        if self._polls != mine:
            raise RefusedError(409, "Conflict: terminated by other getUpdates request")
        found = [*self.again, *self._waiting()[: int(params.get("limit", 100))]]
        self.again.clear()
        self.delivered += [update["update_id"] for update in found]
        return found

    def _waiting(self) -> list[Json]:
        self.updates = [update for update in self.updates if self.allowed & set(update)]
        return self.updates

    async def _push(self) -> None:
        """Hand updates to the webhook, one after another, until each is taken."""
        async with aiohttp.ClientSession() as session:
            while True:
                async with self.changed:
                    await self.changed.wait_for(lambda: self.webhook.get("url") and self._waiting())
                update = self.updates[0]
                address = self.webhook["url"]
                for public, local in self.reachable.items():
                    address = address.replace(public, local)
                headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.get("secret_token", "")}
                try:
                    async with session.post(address, json=update, headers=headers) as reply:
                        taken, problem = reply.status == 200, f"Wrong response from the webhook: {reply.status}"
                except aiohttp.ClientError as error:
                    taken, problem = False, str(error)
                self.delivered.append(update["update_id"])
                if taken:
                    self.updates = [kept for kept in self.updates if kept is not update]
                    await self.tell()
                else:
                    self.webhook |= {"last_error_date": int(time.time()), "last_error_message": problem}
                    await self.tell()
                    await asyncio.sleep(0.1)

    async def _download(self, request: web.Request) -> web.Response:
        data = self.uploads.get(request.match_info["path"])
        if data is None or request.match_info["token"] != TOKEN:
            return web.Response(status=404)
        return web.Response(body=data)


async def _params(request: web.Request) -> Json:
    """Parameters as the Bot API takes them: numbers and JSON are strings of a form, files are its parts."""
    found: Json = dict(request.query)
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            found[name] = {"name": value.filename, "data": value.file.read()}
        elif name in {"text", "caption", "url", "secret_token", "callback_query_id", "file_id", "description"}:
            found[name] = value
        else:
            found[name] = _value(value)
    return found


def _value(text: str | bytes | bytearray) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _refused(refusal: RefusedError) -> web.Response:
    body: Json = {"ok": False, "error_code": refusal.code, "description": refusal.description}
    if refusal.parameters:
        body["parameters"] = refusal.parameters
    return web.json_response(body, status=refusal.code)
