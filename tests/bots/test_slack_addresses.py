"""Slack's own addresses, and what is fetched from them with the bot's token."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bots.on_slack.addresses import API, REDIRECTS, download, is_slacks
from bots.on_slack.clients import new_client
from bots.on_slack.ephemeral import EphemeralReply, StatelessDelivery
from bots.on_slack.teaching import _shared
from core.errors import LessonError
from tests.doubles.elsewhere import hello, host
from tests.doubles.slack_server import SlackServer, slack

TOKEN = "xoxb-SECRET"  # noqa: S105 - the test's own
OWN = "http://127.0.0.1:{port}/api/"

SLACKS = [
    "https://files.slack.com/files-pri/T1-F1/download/x.txt",
    "https://slack.com/files/x",
    "https://SLACK.com/x",
    "https://slack-files.com/T1-F1",
    "https://a.b.slack-files.com:443/x",
]
OTHERS = [
    "",
    "/files/x",
    "//files.slack.com/x",
    "http://files.slack.com/x",
    "http://files.slack.com:443/x",
    "https://files.slack.com:8443/x",
    "https://files.slack.com.evil.example/x",
    "https://notslack.com/x",
    "https://evil-slack.com/x",
    "https://slack-files.com.evil.example/",
    "https://slack.company/",
    "https://slack.com@evil.example/x",
    "https://slack.com:443@evil.example/x",
    "https://evil.example#.slack.com",
    "https://evil.example?x=.slack.com",
    "https://evil.example\\@slack.com/x",
    "https://evil.example/.slack.com",
    "https://user:pw@files.slack.com/x",
    "https://[::1]/slack.com",
    "https://127.0.0.1/slack.com",
    "https://.slack.com./x",
    "https://slаck.com/x",
    "ftp://files.slack.com/x",
    "file:///etc/passwd",
    "https://slack.com:port/",
    "https://drive.example/slack.com",
    "data:text/plain,slack.com",
]


@pytest.mark.parametrize("url", SLACKS)
def test_slacks_own_addresses(url: str) -> None:
    assert is_slacks(url)


@pytest.mark.parametrize("url", OTHERS)
def test_addresses_of_others(url: str) -> None:
    """However they look."""
    assert not is_slacks(url)
    assert not is_slacks(url, OWN.format(port=1))


@given(
    st.sampled_from(["https", "http", "HTTPS", "", "ws"]), st.text(max_size=30), st.sampled_from(["/", "", "@", "."])
)
def test_no_address_is_slacks_by_its_looks(scheme: str, host: str, end: str) -> None:
    """Whatever is taken for Slack's, the library that connects to it takes for Slack's, by https."""
    url = f"{scheme}://{host}slack.com{end}x"
    if is_slacks(url):
        address = URL(url)
        assert address.scheme == "https"
        assert address.host == "slack.com" or str(address.host).endswith(".slack.com")


def test_a_server_of_the_operators_is_known_by_scheme_host_and_port() -> None:
    assert is_slacks("http://127.0.0.1:5/files/x", OWN.format(port=5))
    for url in ("http://127.0.0.1:6/files/x", "https://127.0.0.1:5/x", "http://localhost:5/x", "http://127.0.0.1/x"):
        assert not is_slacks(url, OWN.format(port=5))


@dataclass
class Files:
    """A client that says where a file is."""

    url: str
    token: str = TOKEN

    async def files_info(self, file: str) -> dict[str, Any]:
        return {"file": {"id": file, "name": "x.txt", "size": 5, "url_private_download": self.url}}


async def test_the_token_goes_to_no_host_that_is_not_slacks() -> None:
    """A file that Slack says is elsewhere is not fetched, and the person is told why."""
    async with host(hello) as elsewhere:
        with pytest.raises(LessonError, match="stored somewhere else"):
            await _shared(Files(f"{elsewhere.url}/f"), "F1")  # type: ignore[arg-type]
    assert elsewhere.seen == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_takes_the_token_nowhere_else(status: int) -> None:
    """One to the same server is followed with the token; one to another ends there, without a request."""
    async with AsyncExitStack() as stack:
        elsewhere = await stack.enter_async_context(host(hello))

        def reply(request: web.Request) -> web.Response:
            target = {"/near": "/f", "/far": f"{elsewhere.url}/f", "/odd": "https://[", "/loop": "/loop"}
            if request.path in target:
                return web.Response(status=status, headers={"Location": target[request.path]})
            return hello(request)

        own = await stack.enter_async_context(host(reply))
        api = f"{own.url}/api/"
        assert await download(f"{own.url}/near", TOKEN, api, most=5) == b"hello"
        assert own.seen == [f"Bearer {TOKEN}"] * 2
        for path in ("far", "odd", "loop"):
            assert await download(f"{own.url}/{path}", TOKEN, api, most=5) is None
        assert elsewhere.seen == []
        assert len(own.seen) == 4 + REDIRECTS


async def test_a_file_is_read_up_to_its_bound() -> None:
    async with host(hello) as own:
        assert await download(f"{own.url}/f", TOKEN, f"{own.url}/api/", most=4) is None


async def test_a_reply_goes_to_no_address_that_is_not_slacks() -> None:
    """What one person alone may read is not posted to somebody else's address: it comes by Slack's own methods."""
    async with AsyncExitStack() as stack:
        elsewhere = await stack.enter_async_context(host(hello))
        server = await stack.enter_async_context(slack())
        await _whispered(server, new_client("xoxb-1", server.api), f"{elsewhere.url}/r")
    assert elsewhere.seen == []


async def _whispered(server: SlackServer, client: AsyncWebClient, url: str) -> None:
    space = server.workspace
    space.scopes.update({"chat:write", "im:write"})
    space.add_user("UANN")
    space.add_channel("C1", ["UANN", "UBOT"])
    await EphemeralReply(client, "UANN", {"response_url": url, "channel": "C1"}, StatelessDelivery()).say(
        "For you alone."
    )
    assert [told["user"] for told in space.ephemeral] == ["UANN"]


def test_the_usual_api_is_slacks() -> None:
    assert is_slacks(API)
