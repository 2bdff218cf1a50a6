"""Several workspaces: installing, tokens that nobody can read in the store, and who answers where."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from redis.asyncio import Redis

from bots.on_slack.clients import Clients
from bots.on_slack.install import AppSecrets, Installing
from bots.slack_bot import Connection, SlackReceiver
from core.adapters.redis_installations import TOKENS, RedisInstallations
from core.errors import ConfigurationError
from tests.bots.slack_world import Hub
from tests.doubles.slack_server import SlackServer
from tests.doubles.slack_state import Workspace

KEY = base64.urlsafe_b64encode(bytes(32)).decode()
SECRET = "shh"  # noqa: S105 - the test's own


@pytest.fixture
def installations(redis: Redis) -> RedisInstallations:
    return RedisInstallations(redis, KEY)


async def test_tokens_are_kept_encrypted(redis: Redis, installations: RedisInstallations) -> None:
    """Each workspace has its token, the store holds none of them readable, and a removed one is gone."""
    await installations.save("T1", "xoxb-one")
    await installations.save("T2", "xoxb-two")
    assert (await installations.token_of("T1"), await installations.token_of("T3")) == ("xoxb-one", None)
    assert all(b"xoxb" not in sealed for sealed in (await redis.hgetall(TOKENS)).values())
    await installations.remove("T1")
    assert (await installations.token_of("T1"), await installations.token_of("T2")) == (None, "xoxb-two")


async def test_another_key_opens_nothing(redis: Redis, installations: RedisInstallations) -> None:
    """A changed key is said so, with what to do; a wrong one is refused at once."""
    await installations.save("T1", "xoxb-one")
    other = RedisInstallations(redis, base64.urlsafe_b64encode(b"x" * 32).decode())
    with pytest.raises(ConfigurationError, match="another ATTUNE_SLACK_KEY"):
        await other.token_of("T1")
    with pytest.raises(ConfigurationError, match="attune slack key"):
        RedisInstallations(redis, "short")


@pytest.fixture
async def pages(installations: RedisInstallations) -> AsyncIterator[tuple[str, SlackServer]]:
    """A receiver with the pages of installing, before a fake Slack."""
    async with SlackServer(Workspace(team="T7")) as server:
        installing = Installing(installations, AppSecrets("id", "secret"), "https://bot.example", server.api)
        connection = Connection(signing_secret=SECRET, port=0)
        receiver = SlackReceiver(Clients(installations, server.api), connection, server.api, installing)
        async with receiver.receiving(Hub(None)):
            yield f"http://127.0.0.1:{receiver.port}", server


async def begun(http: aiohttp.ClientSession, url: str) -> tuple[str, str]:
    """An installation that began: the state, and the browser's cookie."""
    async with http.get(f"{url}/slack/install", allow_redirects=False) as reply:
        asked = parse_qs(urlsplit(reply.headers["Location"]).query)
        assert asked["client_id"] == ["id"]
        assert asked["redirect_uri"] == ["https://bot.example/slack/oauth_redirect"]
        return asked["state"][0], reply.cookies["attune-install"].value


async def test_a_workspace_installs_the_app(pages: tuple[str, SlackServer], installations: RedisInstallations) -> None:
    """Slack's answer is exchanged for a token, which is kept for that workspace."""
    url, _ = pages
    async with aiohttp.ClientSession() as http:
        state, cookie = await begun(http, url)
        back = f"{url}/slack/oauth_redirect?code=good&state={state}"
        async with http.get(back, cookies={"attune-install": cookie}) as reply:
            assert reply.status == 200
    assert await installations.token_of("T7") == "xoxb-1"


@pytest.mark.parametrize(
    ("code", "state", "cookie"),
    [
        ("good", "other", None),
        ("good", None, "another browser"),
        ("bad", None, None),
        ("", None, None),
        ("organisation", None, None),
    ],
)
async def test_what_did_not_begin_here_installs_nothing(
    pages: tuple[str, SlackServer], installations: RedisInstallations, code: str, state: str | None, cookie: str | None
) -> None:
    """A forged state, another browser, a code that Slack refuses or a whole organisation leave no token."""
    url, _ = pages
    async with aiohttp.ClientSession() as http:
        real, own = await begun(http, url)
        back = f"{url}/slack/oauth_redirect?code={code}&state={state or real}"
        async with http.get(back, cookies={"attune-install": cookie or own}) as reply:
            assert reply.status == 400
    assert await installations.token_of("T7") is None


async def test_a_state_is_good_once(installations: RedisInstallations) -> None:
    """Nobody finishes the same installation twice."""
    state = await installations.new_state()
    assert [await installations.take_state(state) for _ in range(2)] == [True, False]
