"""Attune in Slack, for all tests that want it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from tests.bots.slack_world import World, world


@pytest.fixture(params=["socket", "http"])
async def slack(redis: Redis, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Attune in Slack, by both ways of delivery."""
    async with world(redis, http=request.param == "http") as there:
        yield there
        await there.settled()
        there.check()


@pytest.fixture
async def socket(redis: Redis) -> AsyncIterator[World]:
    async with world(redis) as there:
        yield there
        await there.settled()
        there.check()
