"""Stand-ins for the two models, for measuring everything but the models: they keep nothing and cost nothing.

A question that holds a tag such as `m12x3` is answered with `m12x3`, some words, and `m12x3end`.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from itertools import cycle, islice

import numpy as np

from core.answering.verdict import PROTOCOLS
from core.bootstrap import open_index, open_records
from core.domain import Decoding, Passage, Piece, Prompt, Vectors, Verdicts
from core.engine import Engine, limits_of
from core.ports import PassageIndex
from core.settings import Settings

DIMENSION = 64
TAG = re.compile(r"m\d+x\d+")
TOPIC = "Tell me about the moon please"
# more of them than the words a text may repeat: what only repeats itself is cut
SAID = [
    "the",
    "moon",
    "goes",
    "round",
    "our",
    "planet",
    "once",
    "a",
    "month",
    "and",
    "shows",
    "us",
    "one",
    "and",
    "only",
    "face",
    "by",
    "night",
]
MOON = Passage("00000000-0000-0000-0000-000000000001", "/moon.md", "Moon", (), f"{TOPIC}.", 1, 0, 1, "v")


def tag_of(conversation: int, number: int) -> str:
    """What marks one message and its answer."""
    return f"m{conversation}x{number}"


def end_of(tag: str) -> str:
    """The last word of the answer."""
    return f"{tag}end"


class WordEmbedder:
    """Adds up one fixed random direction for each word."""

    dimension = DIMENSION
    max_tokens = 256
    dense_weight = 0.65

    def count_tokens(self, text: str) -> int:
        """Words."""
        return len(text.split())

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Rows of unit length."""
        rows = [sum((_direction(word) for word in text.lower().split()), np.full(DIMENSION, 1e-6)) for text in texts]
        matrix = np.array(rows, np.float32).reshape(-1, DIMENSION)
        return np.asarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), np.float32)

    async def embed_questions(self, questions: Sequence[str]) -> Vectors:
        """The same."""
        return await self.embed(questions)


class PacedGenerator:
    """Says `words` words, one every `pace` seconds by the clock, however busy the loop is."""

    name = "paced"
    context_tokens = 4096
    protocol = PROTOCOLS["attune-reader-1.5b"]
    says_likelihoods = False

    def __init__(self, words: int, pace: float) -> None:
        self.words = words
        self.pace = pace

    @property
    def seconds(self) -> float:
        """What an answer takes the model."""
        return self.words * self.pace

    def count_tokens(self, text: str) -> int:
        """Words."""
        return len(text.split())

    def read_ahead(self, system: str, passages: Sequence[Passage]) -> None:
        """Nothing to read."""

    async def retain(self, documents: Collection[tuple[str, str]]) -> None:
        """Nothing to forget."""

    async def generate(self, prompt: Prompt, _: Decoding) -> AsyncGenerator[Piece | Verdicts, None]:
        """The tag of the question, words, and the tag's end."""
        found = TAG.search(prompt.question)
        tag = found[0] if found else "m0x0"
        yield Verdicts((9.0,) * len(prompt.passages))
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number, word in enumerate([tag, *islice(cycle(SAID), self.words - 2), end_of(tag)]):
            await asyncio.sleep(max(0.0, start + (number + 1) * self.pace - loop.time()))
            yield Piece(word if number == 0 else f" {word}", (1.0,) * len(prompt.passages))


@asynccontextmanager
async def scripted_engine(settings: Settings, generator: PacedGenerator) -> AsyncIterator[Engine]:
    """The real engine over the real stores, with a model that costs nothing."""
    async with open_records(settings) as records, open_index(settings, DIMENSION) as index:
        yield Engine(
            embedder=WordEmbedder(),
            index=index,
            memory=records.memory,
            usage=records.usage,
            generator=generator,
            limits=limits_of(settings),
            histories=records.histories,
        )


async def know_the_moon(index: PassageIndex) -> None:
    """Put the one document into the index."""
    await index.upsert([MOON], await WordEmbedder().embed([MOON.text]))


@lru_cache(maxsize=10_000)  # it stands in for a model that computes in a thread of its own: here it holds nobody up
def _direction(word: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(word.strip(".,;:?!").encode()).digest()[:8], "little")
    return np.random.default_rng(seed).standard_normal(DIMENSION)
