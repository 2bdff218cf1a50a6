"""Stand-ins for the two model ports, the only fakes of the fast tests. They keep state; nothing is mocked."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Collection, Sequence

import numpy as np

from core.answering.prompt import system_text
from core.answering.verdict import PROTOCOLS, Judging
from core.domain import CutOff, Decoding, DecodingSummary, Passage, Piece, Prompt, Vectors, Verdicts
from core.errors import PromptTooLongError


def many_words(count: int) -> list[str]:
    """`count` different words, none of them with a digit: that could be a fact which no passage states."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return ["word" + letters[n // 676] + letters[n // 26 % 26] + letters[n % 26] for n in range(count)]


class HashingEmbedder:
    """Adds up one fixed random direction for each word: texts that share words are near each other."""

    dimension = 384
    max_tokens = 256
    dense_weight = 0.65

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded.extend(texts)
        rows = [self._row(text) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self.dimension), np.float32)

    async def embed_questions(self, questions: Sequence[str]) -> Vectors:
        return await self.embed(questions)

    def _row(self, text: str) -> Vectors:
        row = np.full(self.dimension, 1e-6)
        for word in text.lower().split():
            seed = int.from_bytes(hashlib.sha256(word.strip(".,;:?!").encode()).digest()[:8], "little")
            row += np.random.default_rng(seed).standard_normal(self.dimension)
        return np.asarray(row / np.linalg.norm(row), np.float32)


class ScriptedGenerator:
    """Says what `script` makes of the prompt, a word a piece, `pace` seconds apart, but for what was `begun` of it.

    Its `certainty` is the log-odds of every verdict; `protocol` is the trained reader's, unless a test sets another.
    """

    name = "scripted"
    context_tokens = 4096
    protocol = PROTOCOLS["attune-reader-1.5b"]
    says_likelihoods = True

    def __init__(
        self, script: Callable[[Prompt], str] | None = None, *, pace: float = 0.0, certainty: float = 9.0
    ) -> None:
        self.certainty = certainty
        self.script = script or (lambda prompt: prompt.passages[0].text)
        self.pace = pace
        self.prompts: list[Prompt] = []
        self.pieces_sent = 0
        self.read: list[Passage] = []
        self.decoded = DecodingSummary.EXACT

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def read_ahead(self, system: str, passages: Sequence[Passage]) -> None:  # noqa: ARG002
        self.read.extend(passages)

    async def retain(self, documents: Collection[tuple[str, str]]) -> None:
        self.read = [passage for passage in self.read if (passage.source, passage.version) in documents]

    async def generate(self, prompt: Prompt, decoding: Decoding) -> AsyncGenerator[Piece | Verdicts | CutOff, None]:
        self.prompts.append(prompt)
        if self.count_tokens(system_text(prompt.system, prompt.passages)) + decoding.max_tokens > self.context_tokens:
            raise PromptTooLongError("The prompt leaves no room for an answer.")
        if self.protocol.judging is Judging.FIRST:
            yield Verdicts((self.certainty,) * len(prompt.passages))
        elif prompt.check:
            yield Verdicts((self.certainty,) * min(2, len(prompt.passages)))
        words = self.script(prompt).removeprefix(prompt.begun).strip().split(" ")
        for number, word in enumerate(words[: decoding.max_tokens]):
            await asyncio.sleep(self.pace)
            self.pieces_sent += 1
            yield Piece(word if number == 0 else f" {word}", decoded=self.decoded)
        if len(words) > decoding.max_tokens:
            yield CutOff()


def quizzing(prompt: Prompt) -> str:
    """What a reader says that writes quiz questions and passes them; it explains a passage in its own words."""
    text = prompt.passages[0].text
    right = " ".join(text.split()[-3:])
    if prompt.question.startswith("Write a quiz question"):
        options = ["Nobody knows this here", right, "Only on Sundays, perhaps", "What the board decides"]
        listed = "\n".join(f"{letter}. {option}" for letter, option in zip("ABCD", options, strict=True))
        return f"Question: What does {prompt.passages[0].title} end with?\n{listed}\nRight: B\nWhy: It says so."
    if "Reply only with the letter" in prompt.question:
        return next(line[0] for line in prompt.question.splitlines() if line[1:] == f". {right}")
    return text
