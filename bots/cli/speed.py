"""How soon the language model answers here: `attune doctor --speed` loads it and asks it twice.

The first time about as many passages as an answer reads, all new to it; then about the same ones, as when they were
read before. Nothing of it is kept. Knows nothing of documents.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass

from bots.cli.bars import Bars
from core.bootstrap import open_generator
from core.domain import Decoding, Passage, Piece, Prompt
from core.ports import Generator
from core.settings import Settings

QUESTION = "How long before a journey is the form to be handed in?"
TOKENS = 24  # of an answer, for its rate
_LINE = (
    "Whoever travels for the team fills in form {number} and hands it in at least {number} days before the journey, "
    "with the dates, the place and what it will cost. "
)


@dataclass(frozen=True, slots=True)
class SpeedSample:
    """Seconds until the model was ready, and until the first word, new and seen; tokens a second after it."""

    model: str
    ready: float
    new: float
    seen: float
    rate: float
    kernel: str = ""


async def speed_of(settings: Settings, bars: Bars) -> SpeedSample:
    """Load the model of the settings and ask it.

    Raises:
        ModelError: it cannot be had or used.
    """
    kept_nowhere = settings.model_copy(update={"cache_disk_mb": 0})
    started = time.perf_counter()
    async with open_generator(kept_nowhere, bars) as generator:
        ready = time.perf_counter() - started
        prompt = _prompt(generator, settings)
        new, _ = await _asked(generator, prompt)
        seen, rate = await _asked(generator, prompt)
        kernel = getattr(generator, "kernel", "")  # how it multiplies int8, where it does so here
        return SpeedSample(generator.name, ready, new, seen, rate, kernel)


def _prompt(generator: Generator, settings: Settings) -> Prompt:
    """A question about so many passages of the usual size, of which each is likely to be read."""
    passages = tuple(_passage(generator, number + 3, settings.passage_tokens) for number in range(settings.passages))
    priors = (1 / len(passages),) * len(passages)
    return Prompt(generator.protocol.system, passages, priors, (), "", QUESTION)


def _passage(generator: Generator, number: int, tokens: int) -> Passage:
    line = _LINE.format(number=number)
    text = line * max(1, tokens // generator.count_tokens(line))
    return Passage(f"probe-{number}", "probe", f"Journeys {number}", (), text, 1, number, number + 1, "1")


async def _asked(generator: Generator, prompt: Prompt) -> tuple[float, float]:
    """Seconds until the first word, and tokens a second behind it."""
    started, first, pieces = time.perf_counter(), 0.0, 0
    decoding = Decoding(max_tokens=TOKENS, clear=2.0)  # all passages are read, as where none is clear
    async with aclosing(generator.generate(prompt, decoding)) as events:
        async for event in events:
            if isinstance(event, Piece):
                pieces += 1
                first = first or time.perf_counter() - started
    whole = time.perf_counter() - started
    return first or whole, (pieces - 1) / (whole - first) if pieces > 1 else 0.0
