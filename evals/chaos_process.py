"""One process of `evals.chaos`: serves a platform's double with the scripted model, until it is killed.

python -m evals.chaos_process MODULE:CLASS both|receive|work WORDS PACE
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog

from bots.service.serving import Answerer, ProcessRoles, serve
from core.settings import Settings
from evals.scripted import PacedGenerator, scripted_engine

HALVES = {"both": ProcessRoles(), "receive": ProcessRoles(answers=False), "work": ProcessRoles(receives=False)}


def plug(name: str) -> Any:
    """The class that `module:class` names."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def main(words: list[str]) -> None:
    """Serve."""
    platform, halves, length, pace = words
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    settings = Settings.from_env(os.environ)

    @asynccontextmanager
    async def opened(settings: Settings) -> AsyncIterator[Answerer]:
        async with scripted_engine(settings, PacedGenerator(int(length), float(pace))) as engine:
            yield Answerer(engine)

    asyncio.run(serve(settings, plug(platform).platforms(os.environ), HALVES[halves], opened))


if __name__ == "__main__":
    main(sys.argv[1:])
