"""Several workspaces: installing, tokens that nobody can read in the store, and who answers where."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from redis.asyncio import Redis

from bots.on_slack.clients import Clients
from bots.on_slack.install import RETURNS_MINUTE, AppSecrets, Installing, Rate
from bots.slack_bot import Connection, SlackReceiver
from core.adapters.redis.installations import STATE_SECONDS, TOKENS, USED, RedisInstallations
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
    """Nobody finishes the same installation twice, also where the word is written another way."""
    state = await installations.new_state()
    words = (state, state, f"{state}A", f"{state}==")
    assert [await installations.take_state(word) for word in words] == [True, False, False, False]


async def test_opening_the_page_keeps_nothing(
    pages: tuple[str, SlackServer], installations: RedisInstallations, redis: Redis
) -> None:
    """However often somebody asks for it, the store holds no key more; each of the words is good."""
    url, _ = pages
    before = await redis.dbsize()
    async with aiohttp.ClientSession() as http:
        states = {(await begun(http, url))[0] for _ in range(200)}
    assert await redis.dbsize() == before
    assert len(states) == 200
    assert all(installations.made(state) for state in states)


@pytest.mark.parametrize("word", ["", "x", "é", "gAAAA", "=" * 100, "attune"])
async def test_a_word_that_was_not_made_here_is_none(
    installations: RedisInstallations, redis: Redis, word: str
) -> None:
    """Nor one that another key sealed, nor a token that this one did; and none of them is kept."""
    other = RedisInstallations(redis, base64.urlsafe_b64encode(b"x" * 32).decode())
    await installations.save("T1", "xoxb-one")
    sealed = (await redis.hget(TOKENS, "T1")).decode()
    before = await redis.dbsize()
    good = await installations.new_state()
    bent = good[:40] + ("A" if good[40] != "A" else "B") + good[41:]
    for state in (word, await other.new_state(), sealed, bent):
        assert not installations.made(state)
        assert not await installations.take_state(state)
    assert await redis.dbsize() == before


async def test_a_word_ends(installations: RedisInstallations, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ten minutes it is none any more, and that it was used is forgotten as soon."""
    old, used = await installations.new_state(), await installations.new_state()
    assert await installations.take_state(used)
    [key] = await redis.keys(f"{USED}*")
    assert 0 < await redis.ttl(key) <= STATE_SECONDS
    later = time.time() + STATE_SECONDS + 1
    monkeypatch.setattr("time.time", lambda: later)
    assert not await installations.take_state(old)


async def test_finishing_has_a_limit(pages: tuple[str, SlackServer], redis: Redis) -> None:
    """Who comes back again and again costs so many keys and calls of Slack's a minute; made-up words cost none."""
    url, server = pages
    async with aiohttp.ClientSession() as http:
        for _ in range(3 * RETURNS_MINUTE):
            back = f"{url}/slack/oauth_redirect?code=bad&state=made-up"
            async with http.get(back, cookies={"attune-install": "made-up"}) as reply:
                assert reply.status == 400
        before, statuses = await redis.dbsize(), []
        for _ in range(RETURNS_MINUTE + 20):
            state, cookie = await begun(http, url)
            back = f"{url}/slack/oauth_redirect?code=bad&state={state}"
            async with http.get(back, cookies={"attune-install": cookie}) as reply:
                statuses.append(reply.status)
    assert statuses[:RETURNS_MINUTE] == [400] * RETURNS_MINUTE
    assert 429 in statuses[RETURNS_MINUTE:]
    asked = [method for method, _ in server.workspace.calls if method == "oauth.v2.access"]
    assert len(asked) == statuses.count(400) == await redis.dbsize() - before


def test_the_limit_comes_back_with_time() -> None:
    clock = [0.0]
    rate = Rate(30, lambda: clock[0])
    assert [rate.admits() for _ in range(31)] == [True] * 30 + [False]
    clock[0] = 4.0
    assert [rate.admits() for _ in range(3)] == [True, True, False]
    clock[0] = 1e6
    assert sum(rate.admits() for _ in range(100)) == 30
