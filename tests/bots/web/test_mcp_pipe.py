"""Attune as tools over a pipe, started and called by the official client of MCP, as desktop programs do it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from core.answering.prompt import NOT_FOUND
from tests.bots.web.conftest import BOARD, LEAVE, QUESTION, SALARY, SECRET
from tests.bots.web.serve_pipe import GO

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("reader", "says"), [("everyone", (LEAVE, NOT_FOUND)), (BOARD, (NOT_FOUND, SALARY))])
async def test_a_program_that_starts_it_asks_for_the_readers_it_names(
    data: Path, reader: str, says: tuple[str, str]
) -> None:
    """It says hello before the models are loaded, and answers when they are."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env = {**kept, "PYTHONPATH": str(ROOT), "ATTUNE_HOME": str(data), "OMP_NUM_THREADS": "1"}
    program = StdioServerParameters(command=sys.executable, args=["-m", "tests.bots.web.serve_pipe", reader], env=env)
    async with Client(program) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"search", "ask", "open"}
        (data / GO).touch()
        told = [await client.call_tool("ask", {"question": question}) for question in (QUESTION, SECRET)]
    assert [one.structured_content["answer"] for one in told if one.structured_content] == list(says)
