"""Attune as tools, called by the official client of MCP over HTTP; the pipe is in `test_mcp_pipe.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from bots.web import mcp_server
from core.answering.prompt import NOT_FOUND
from core.domain import Passage
from core.errors import IndexUnavailableError
from tests.bots.test_workers import until
from tests.bots.web.conftest import BOARD, LEAVE, QUESTION, SALARY, SECRET, TRAVEL, World, serving
from tests.fakes import many_words


@asynccontextmanager
async def calling(api: World, key: str, mode: str = "auto") -> AsyncIterator[Client]:
    """The official client, with a key."""
    url, headers = f"http://{api.address}/mcp", {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    """What a tool gives."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """What a tool says where it gives nothing."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content[0].text)  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_three_tools_answer_search_and_read(api: World, mode: str) -> None:
    """By the protocol of today and by the one before."""
    async with calling(api, await api.key(), mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools.keys() == {"search", "ask", "open"}
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())
        reply = await call(client, "ask", question=QUESTION)
        assert (reply["answer"], reply["found"]) == (LEAVE, True)
        assert (reply["sources"][0]["file"], reply["sources"][0]["text"]) == ("leave.md", LEAVE)
        first, *_ = (await call(client, "search", query="book travel", limit=2))["result"]
        assert (first["text"], first["address"]) == (TRAVEL, "https://intra.test/travel")
        document = await call(client, "open", source=reply["sources"][0]["source"])
        assert (document["text"], document["parts"]) == (f"## Leave › Request\n\n{LEAVE}", 1)
        by_address = await call(client, "open", source="https://intra.test/travel")
        assert TRAVEL in by_address["text"]
        assert "/srv" not in str((reply, first, document))


async def test_a_tool_shows_what_its_key_may_see(api: World) -> None:
    """By none of the three is there a way to what is for others, not even by its name."""
    async with calling(api, await api.key("board", BOARD)) as client:
        [found] = (await call(client, "search", query=SECRET))["result"]
        assert found["text"] == SALARY
        assert (await call(client, "ask", question=SECRET))["answer"] == SALARY
        assert SALARY in (await call(client, "open", source=found["source"]))["text"]
    async with calling(api, await api.key("everybody")) as client:
        assert SALARY not in str(await call(client, "search", query=SECRET, limit=20))
        assert (await call(client, "ask", question=SECRET)) == {"answer": NOT_FOUND, "found": False, "sources": []}
        for name in (found["source"], "/srv/docs/board.md", "../board.md", "nothing"):
            assert "no such document" in await refused(client, "open", source=name)


async def test_without_a_key_there_is_nothing(api: World) -> None:
    """Nor with one that was removed, in the middle of a session."""
    async with aiohttp.ClientSession() as session:
        for headers in ({}, {"Authorization": "Bearer attune.x.y"}):
            async with session.post(f"http://{api.address}/mcp", json={}, headers=headers) as reply:
                assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    async with calling(api, await api.key()) as client:
        await call(client, "search", query="leave")
        await api.clients.remove("tester")
        with pytest.raises(Exception, match="error response"):
            await client.call_tool("search", {"query": "leave"})


async def test_a_key_that_is_removed_meanwhile_gets_no_answer(api: World) -> None:
    api.generator.pace, api.generator.script = 0.02, lambda _: " ".join(many_words(40))
    async with calling(api, await api.key()) as client:
        asking = asyncio.ensure_future(client.call_tool("ask", {"question": QUESTION}))
        await until(lambda: api.generator.pieces_sent > 2)
        await api.clients.remove("tester")
        result = await asking
        assert result.is_error
        assert "not valid" in str(result.content)


async def test_what_cannot_be_done_is_a_sentence(api: World) -> None:
    """For the model that reads it; arguments of other types are refused by the protocol."""
    async with calling(api, await api.key()) as client:
        assert "no question" in await refused(client, "ask", question="  ")
        assert "no question" in await refused(client, "search", query="")
        assert "4,000" in await refused(client, "ask", question="word " * 1000)
        source = (await call(client, "search", query="leave"))["result"][0]["source"]
        assert "has 1 parts" in await refused(client, "open", source=source, part=2)
        await refused(client, "search", query="leave", limit="many")
        await refused(client, "search")


async def test_a_store_that_is_away_is_said_without_the_inside(api: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: Any, **__: Any) -> list[Passage]:
        raise IndexUnavailableError("the index at 10.0.0.7 is away")

    monkeypatch.setattr(api.engine, "search", away)
    async with calling(api, await api.key()) as client:
        said = await refused(client, "search", query="leave")
    assert "operator" in said
    assert "10.0.0.7" not in said


async def test_a_client_that_hurries_is_told_to_wait(world: World) -> None:
    async with serving(world, minute=1) as api, calling(api, await api.key()) as client:
        await call(client, "search", query="leave")
        assert "Please wait" in await refused(client, "search", query="leave")


async def test_a_long_document_comes_in_parts(api: World) -> None:
    """Each passage once, and each part no longer than it should be."""
    long = [
        Passage(f"00000000-0000-0000-0000-00000000010{n}", "/srv/long.md", "Long", (), f"{n} " * 4500, 1, n, 5, "v")
        for n in range(5)
    ]
    await api.engine._index.upsert(long, await api.engine._embedder.embed([one.text for one in long]))
    async with calling(api, await api.key()) as client:
        source = next(
            one["source"]
            for one in (await call(client, "search", query="0 1 2", limit=9))["result"]
            if one["file"] == "long.md"
        )
        first = await call(client, "open", source=source)
        parts = [await call(client, "open", source=source, part=part) for part in range(1, first["parts"] + 1)]
    assert first["parts"] == 3
    assert "".join(part["text"] for part in parts).replace("## Long", "").split() == [
        word for one in long for word in one.text.split()
    ]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_call_that_takes_too_long_is_ended(api: World, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """It gets a sentence, and the model stops."""
    monkeypatch.setattr(mcp_server, "LONGEST", 0.5)
    api.generator.pace, api.generator.script = 0.05, lambda _: " ".join(many_words(300))
    async with calling(api, await api.key(), mode) as client:
        assert "took too long" in await refused(client, "ask", question=QUESTION)
        sent = api.generator.pieces_sent
        await asyncio.sleep(0.3)
    assert api.generator.pieces_sent == sent < 60


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_who_goes_stops_the_model(api: World, mode: str) -> None:
    """And leaves the lane to the next call."""
    key = await api.key()
    api.generator.pace, api.generator.script = 0.05, lambda _: " ".join(many_words(300))

    async def ask() -> None:
        async with calling(api, key, mode) as client:
            await client.call_tool("ask", {"question": QUESTION})

    asking = asyncio.ensure_future(ask())
    await until(lambda: api.generator.pieces_sent > 2)
    asking.cancel()
    await asyncio.wait({asking})
    await asyncio.sleep(0.5)
    sent = api.generator.pieces_sent
    await asyncio.sleep(0.3)
    assert api.generator.pieces_sent == sent < 60
    api.generator.pace, api.generator.script = 0.0, lambda _: LEAVE
    async with calling(api, key, mode) as client:
        assert (await call(client, "ask", question=QUESTION))["answer"] == LEAVE


async def test_no_stream_is_left_open(api: World) -> None:
    """Where there are no sessions nothing comes unasked, and nothing waits for it."""
    headers = {"Authorization": f"Bearer {await api.key()}", "Accept": "text/event-stream"}
    async with aiohttp.ClientSession() as session:
        for way in ("get", "delete"):
            async with session.request(way, f"http://{api.address}/mcp", headers=headers) as reply:
                assert reply.status == 405
