"""A Slack that was not written here: npm's `emulate`, over HTTP with its own signed events.

It knows no `GET` for what Slack's SDK reads by `GET`; a proxy on the way turns those into the `POST` that it knows.
It has no streams, no statuses and no Socket Mode.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import platformdirs
import pytest
from aiohttp import web

PACKAGES = ("emulate@0.12.2", "node@24")
SCRIPT = Path(__file__).with_name("emulate_slack.mjs")


def installed() -> Path:
    """The folder that has the packages: fetched at the first use, and kept."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, and emulate is a package for Node")
    folder = platformdirs.user_cache_path("attune-tests") / "emulate"
    if not (folder / "node_modules" / ".bin" / "node").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [
            npm,
            "install",
            "--no-audit",
            "--no-fund",
            "--prefix",
            str(folder),
            *PACKAGES,
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder


@dataclass
class Emulate:
    """A running emulate, and the proxy before it."""

    http: aiohttp.ClientSession
    url: str
    api: str

    async def call(self, method: str, token: str = "xoxp-alice", **args: Any) -> dict[str, Any]:  # noqa: S107
        """Call a method as a person."""
        headers = {"Authorization": f"Bearer {token}"}
        async with self.http.post(f"{self.url}/api/{method}", data=args, headers=headers) as reply:
            found: dict[str, Any] = await reply.json()
            assert found["ok"], found
            return found


@asynccontextmanager
async def emulate(events_url: str, signing_secret: str) -> AsyncIterator[Emulate]:
    """Slack as emulate has it, delivering its events to `events_url`."""
    folder = await asyncio.to_thread(installed)
    port = free_port()
    environ = {**os.environ, "EVENTS_URL": events_url, "PORT": str(port), "SIGNING_SECRET": signing_secret}
    node = str(folder / "node_modules" / ".bin" / "node")
    process = await asyncio.create_subprocess_exec(
        node, str(SCRIPT), str(folder), env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        assert json.loads(await asyncio.wait_for(process.stdout.readline(), 60))["url"]
        async with aiohttp.ClientSession() as http:
            url = f"http://127.0.0.1:{port}"
            runner = web.AppRunner(_proxy(http, url))
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            try:
                yield Emulate(http, url, f"http://127.0.0.1:{runner.addresses[0][1]}/api/")
            finally:
                await runner.cleanup()
    finally:
        process.terminate()
        await process.wait()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _proxy(http: aiohttp.ClientSession, url: str) -> web.Application:
    async def forward(request: web.Request) -> web.Response:
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
        body: Any = dict(request.query) if request.method == "GET" else await request.read()
        if request.method == "GET":
            headers.pop("Content-Type", None)
        async with http.post(f"{url}{request.path}", data=body, headers=headers) as reply:
            return web.Response(status=reply.status, body=await reply.read(), content_type=reply.content_type)

    app = web.Application()
    app.router.add_route("*", "/api/{method}", forward)
    return app
