"""A strict Slack on 127.0.0.1: Web API, Socket Mode, signed Events API, slash commands, interactions; and its people.

`slack_state.py` has what it holds and what methods do. What is not acknowledged is sent again, as Slack does.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
from aiohttp import WSMsgType, web
from slack_sdk.signature import SignatureVerifier

from tests.doubles.slack_limits import message_complaints
from tests.doubles.slack_state import SlackError, Workspace

Json = dict[str, Any]

RETRIES = 3
JSON_FIELDS = {"blocks", "view", "metadata", "chunks", "prompts", "loading_messages", "files"}


@dataclass
class Fault:
    """What the next calls of a method end in."""

    error: str
    times: int = 1
    status: int = 200
    retry_after: int = 0
    lose_reply: bool = False  # it is done, and the caller never hears of it


@dataclass
class Socket:
    """One connected client of Socket Mode."""

    ws: web.WebSocketResponse
    going: bool = True


@dataclass
class Sent:
    """An event that was delivered: how often, and whether it was acknowledged."""

    kind: str
    payload: Json
    attempts: int = 0
    acked: bool = False
    response: Json = field(default_factory=dict)


class SlackServer:
    """The fake. Enter it to start it."""

    def __init__(self, workspace: Workspace, *, signing_secret: str = "shh", events: set[str] | None = None) -> None:  # noqa: S107
        self.workspace = workspace
        self.signing_secret = signing_secret
        self.subscribed = events
        self.events_url = ""  # set: HTTP instead of Socket Mode
        self.ack_seconds = 15.0
        self.faults: dict[str, list[Fault]] = {}
        self.sent: list[Sent] = []
        self.responses: dict[str, list[Json]] = {}
        self.sockets: list[Socket] = []
        self.connections = 0
        self.duplicate_next = 0  # so many of the next events come twice
        self.unknown_acks: list[str] = []
        self.on_call: Callable[[str, Json], None] = lambda _method, _args: None
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._turn = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._deliveries: dict[asyncio.Task[None], Sent] = {}

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_get("/link", self._link)
        app.router.add_post("/response/{id}", self._response)
        app.router.add_get("/files/{id}", self._file)
        app.router.add_post("/upload/{id}", self._upload)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        self.api = f"{self.url}/api/"
        self.workspace.base_url = self.url
        self._http = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for socket in self.sockets:
            await socket.ws.close()
        await self._http.close()
        await self._runner.cleanup()

    def fail(self, method: str, error: str, times: int = 1, **more: Any) -> None:
        """Let the next calls of `method` fail."""
        self.faults.setdefault(method, []).append(Fault(error, times, **more))

    # Web API

    async def _api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        args = await _arguments(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or args.pop("token", "")
        self.on_call(method, args)
        fault = self._fault(method)
        if fault is not None and not fault.lose_reply:
            self.workspace.calls.append((f"{method} → {fault.error}", args))
            headers = {"Retry-After": str(fault.retry_after)} if fault.status == 429 else {}
            return web.json_response({"ok": False, "error": fault.error}, status=fault.status, headers=headers)
        try:
            if method == "apps.connections.open":
                reply = self._open_connection(token)
            else:
                reply = self.workspace.call(method, args, token)
        except SlackError as error:
            reply = {"ok": False, "error": error.error, **error.more}
        if fault is not None:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(reply, headers={"x-oauth-scopes": ",".join(sorted(self.workspace.scopes))})

    def _fault(self, method: str) -> Fault | None:
        waiting = self.faults.get(method, [])
        if not waiting:
            return None
        waiting[0].times -= 1
        return waiting.pop(0) if waiting[0].times <= 0 else waiting[0]

    def _open_connection(self, token: str) -> Json:
        self.workspace.calls.append(("apps.connections.open", {}))
        if token != self.workspace.app_token:
            raise SlackError("invalid_auth" if token else "not_authed")
        self.connections += 1
        return {"ok": True, "url": f"{self.url.replace('http', 'ws')}/link?ticket={self.connections}"}

    async def _response(self, request: web.Request) -> web.Response:
        posts = self.responses.get(request.match_info["id"])
        body = await request.json()
        if posts is None:
            return web.Response(status=404, text="used_url")
        if len(posts) >= 5:
            return web.Response(status=404, text="expired_url")
        if message_complaints(body.get("blocks") or []):
            return web.Response(status=500, text="invalid_blocks")
        posts.append(body)
        return web.Response(text="ok")

    async def _file(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.workspace.bot_token}":
            return web.Response(text="<html>sign in</html>", content_type="text/html")
        return web.Response(body=self.workspace.files[request.match_info["id"]]["data"])

    async def _upload(self, request: web.Request) -> web.Response:
        self.workspace.files[request.match_info["id"]]["data"] = await request.read()
        return web.Response(text="OK")

    # Socket Mode

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        socket = Socket(ws)
        self.sockets.append(socket)
        await ws.send_json({"type": "hello", "num_connections": len(self.sockets), "connection_info": {"app_id": "A1"}})
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                self._acknowledged(json.loads(message.data))
        if socket in self.sockets:
            self.sockets.remove(socket)
        return ws

    def _acknowledged(self, ack: Json) -> None:
        waiting = self._waiting.get(ack.get("envelope_id", ""))
        if waiting is None:
            self.unknown_acks.append(str(ack.get("envelope_id")))
        elif not waiting.done():
            waiting.set_result(ack.get("payload") or {})

    async def refresh(self) -> None:
        """Tell every client to connect anew, and close its connection a moment later."""
        for socket in list(self.sockets):
            socket.going = False
            await socket.ws.send_json({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}})

    async def cut(self) -> None:
        """Close every connection without a word."""
        for socket in list(self.sockets):
            self.sockets.remove(socket)
            assert socket.ws._req is not None
            assert socket.ws._req.transport is not None
            socket.ws._req.transport.abort()

    # Delivery

    def deliver(self, kind: str, payload: Json, content: str = "json") -> Sent:
        """Send an event, a command or an interaction, until it is acknowledged."""
        sent = Sent(kind, payload)
        self.sent.append(sent)
        copies = 1
        if self.duplicate_next and kind == "events_api":
            self.duplicate_next -= 1
            copies = 2
        for _ in range(copies):
            task = asyncio.get_running_loop().create_task(self._until_acked(sent, content))
            self._tasks.add(task)
            self._deliveries[task] = sent
            task.add_done_callback(self._ended)
        return sent

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        del self._deliveries[task]

    async def delivered(self, sent: Sent) -> None:
        """Return when it was acknowledged or given up."""
        await asyncio.gather(*(task for task, its in list(self._deliveries.items()) if its is sent))

    async def settled(self, seconds: float = 60) -> None:
        """Return when everything that was delivered has been acknowledged or given up."""
        deadline = time.monotonic() + seconds
        while waiting := list(self._tasks):
            await asyncio.wait(waiting, timeout=max(0.0, deadline - time.monotonic()))
            assert time.monotonic() < deadline, "not everything was acknowledged"

    async def _until_acked(self, sent: Sent, content: str) -> None:
        for attempt in range(RETRIES + 1):
            sent.attempts += 1
            send = self._post if self.events_url else self._envelope
            if (response := await send(sent, content, attempt)) is not None:
                sent.acked, sent.response = True, response
                return
            if sent.kind != "events_api":
                return  # nobody repeats a click
            await asyncio.sleep(0.05)

    async def _envelope(self, sent: Sent, _content: str, attempt: int) -> Json | None:
        socket = await self._next_socket()
        envelope = self.workspace.new_id("E")
        body: Json = {"type": sent.kind, "envelope_id": envelope, "payload": sent.payload}
        body["accepts_response_payload"] = sent.kind != "events_api"
        if sent.kind == "events_api":
            body |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        waiting: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope] = waiting
        try:
            await socket.ws.send_json(body)
            return await asyncio.wait_for(waiting, self.ack_seconds)
        except (TimeoutError, ConnectionError, aiohttp.ClientError):
            return None

    async def _next_socket(self) -> Socket:
        while True:
            open_now = [each for each in self.sockets if each.going and not each.ws.closed]
            if open_now:
                self._turn += 1
                return open_now[self._turn % len(open_now)]
            await asyncio.sleep(0.02)

    async def _post(self, sent: Sent, content: str, attempt: int) -> Json | None:
        body, kind = _encoded(sent, content)
        headers = {**self.signed(body), "Content-Type": kind}
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_timeout"}
        try:
            timeout = aiohttp.ClientTimeout(total=self.ack_seconds)
            async with self._http.post(self.events_url, data=body.encode(), headers=headers, timeout=timeout) as reply:
                text = await reply.text()
                return (json.loads(text) if text.startswith("{") else {"text": text}) if reply.ok else None
        except (aiohttp.ClientError, TimeoutError):
            return None

    def signed(self, body: str) -> dict[str, str]:
        """The headers that prove who sends."""
        stamp = str(int(time.time()))
        signature = SignatureVerifier(self.signing_secret).generate_signature(timestamp=stamp, body=body)
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature or ""}

    def response_url(self) -> str:
        """An address that takes five posts."""
        name = self.workspace.new_id("R")
        self.responses[name] = []
        return f"{self.url}/response/{name}"

    def event(self, event: Json, **more: Any) -> Sent | None:
        """Deliver an event of the Events API, if the app has subscribed to it."""
        if self.subscribed is not None and _subscription(event) not in self.subscribed:
            return None
        return self.deliver(
            "events_api",
            {
                "token": "t",
                "team_id": self.workspace.team,
                "api_app_id": "A1",
                "type": "event_callback",
                "event_id": self.workspace.new_id("Ev"),
                "event_time": int(time.time()),
                "authorizations": [
                    {"team_id": self.workspace.team, "user_id": self.workspace.bot_user, "is_bot": True}
                ],
                "event": event,
                **more,
            },
        )


@asynccontextmanager
async def slack(**more: Any) -> AsyncIterator[SlackServer]:
    """A running Slack."""
    async with SlackServer(Workspace(), **more) as server:
        yield server


def _subscription(event: Json) -> str:
    """The name under which an app subscribes to `event`."""
    if event["type"] != "message":
        return str(event["type"])
    return {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}[
        event["channel_type"]
    ]


async def _arguments(request: web.Request) -> Json:
    if request.content_type == "application/json":
        return dict(await request.json())
    args: Json = {**request.query, **await request.post()}
    for name in JSON_FIELDS & set(args):
        args[name] = json.loads(args[name])
    booleans = {"true": True, "false": False, "True": True, "False": False}
    return {name: booleans.get(value, value) if isinstance(value, str) else value for name, value in args.items()}


def _encoded(sent: Sent, content: str) -> tuple[str, str]:
    from urllib.parse import urlencode  # noqa: PLC0415

    form = "application/x-www-form-urlencoded"
    if content == "command":
        return urlencode(sent.payload), form
    if content == "interaction":
        return urlencode({"payload": json.dumps(sent.payload)}), form
    return json.dumps(sent.payload), "application/json"
