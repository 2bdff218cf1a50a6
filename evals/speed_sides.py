"""The sides that `evals.speed` compares, and what they are asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import torch

from core.adapters.local_model import wait_on_torch_thread
from core.adapters.local_model.checkpoints import Checkpoint
from core.adapters.local_model.prefix_cache import PrefixCache
from core.adapters.local_model.prefix_files import PrefixFiles
from core.adapters.local_model.torch_generator import TorchGenerator
from core.answering import prompt, verdict
from core.domain import Decoding, Passage, Prompt, Verdicts
from evals.common import records, sample

QUESTION_TOKENS = 18, 30
PASSAGE_TOKENS = 200


class Side(Protocol):
    """One of those compared."""

    def answer(self, passages: Sequence[str], question: str, tokens: int) -> None:
        """Say `tokens` tokens."""
        ...

    def together(self, asked: Sequence[tuple[Sequence[str], str]], tokens: int) -> None:
        """Answer several people at once."""
        ...


def passage(text: str) -> Passage:
    """`text` as a document of its own."""
    return Passage(text[:40], f"/{hash(text)}", "Article", (), text, 1, 0, 1, "v")


class Attune:
    """This project's generator as the product uses it, its verdicts included, without an end of turn."""

    def __init__(self, checkpoint: Checkpoint, files: PrefixFiles | None = None) -> None:
        """`files`: where what was read is kept besides."""
        config: Any = checkpoint.model.generation_config
        config.eos_token_id, checkpoint.tokenizer.eos_token = None, None
        self.cache = PrefixCache(1 << 30, files)
        protocol = verdict.PROTOCOLS["attune-reader-1.5b"]
        self._generator = wait_on_torch_thread(
            TorchGenerator, "attune", checkpoint, self.cache, batch_bytes=2 << 30, protocol=protocol
        )
        self._loop = asyncio.new_event_loop()

    def answer(self, passages: Sequence[str], question: str, tokens: int) -> None:
        """One row a passage."""
        self._loop.run_until_complete(self._answer(passages, question, tokens))

    def together(self, asked: Sequence[tuple[Sequence[str], str]], tokens: int) -> None:
        """All in one batch."""

        async def everyone() -> None:
            await asyncio.gather(*[self._answer(passages, question, tokens) for passages, question in asked])

        self._loop.run_until_complete(everyone())

    async def _answer(self, passages: Sequence[str], question: str, tokens: int) -> None:
        read = tuple(map(passage, passages))
        asking = Prompt(self._generator.protocol.system, read, (1 / len(read),) * len(read), (), "", question)
        events = self._generator.generate(asking, Decoding(max_tokens=tokens))
        assert [event async for event in events if isinstance(event, Verdicts)]  # noqa: S101

    def close(self) -> None:
        """Free the model's thread."""
        self._loop.run_until_complete(self._generator.close())
        self._loop.close()


class LlamaCpp:
    """llama.cpp's server in this process, on the GGUF file itself."""

    def __init__(self, file: Path, tokenizer: Any, threads: int, slots: int) -> None:
        import xllamacpp  # noqa: PLC0415  # a peer, not a dependency

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(file)
        parameters.n_ctx = (6144 if slots == 1 else 2048) * slots
        parameters.n_parallel = slots
        parameters.cpuparams.n_threads = threads
        parameters.cpuparams_batch.n_threads = threads
        parameters.verbosity = -1
        self._server = xllamacpp.Server(parameters)
        self._tokenizer = tokenizer

    def answer(self, passages: Sequence[str], question: str, tokens: int) -> None:
        """All passages in one prompt."""
        asked = {
            "prompt": templated(self._tokenizer, passages, question),
            "n_predict": tokens,
            "temperature": 0,
            "ignore_eos": True,
            "cache_prompt": True,
        }
        answer = self._server.handle_completions(asked)
        assert answer["usage"]["completion_tokens"] == tokens  # noqa: S101  # else the sides did not do the same work

    def together(self, asked: Sequence[tuple[Sequence[str], str]], tokens: int) -> None:
        """As many requests as people, for as many slots."""
        with ThreadPoolExecutor(len(asked)) as pool:
            list(pool.map(lambda one: self.answer(one[0], one[1], tokens), asked))


class Transformers:
    """`generate` of transformers in bfloat16, on the weights of the GGUF file in a folder that it can read."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

        self._model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
        self._tokenizer = AutoTokenizer.from_pretrained(folder)

    def answer(self, passages: Sequence[str], question: str, tokens: int) -> None:
        """All passages in one prompt."""
        text = templated(self._tokenizer, passages, question)
        inputs = self._tokenizer(text, return_tensors="pt", add_special_tokens=False)
        self._model.generate(**inputs, do_sample=False, min_new_tokens=tokens, max_new_tokens=tokens)

    def together(self, asked: Sequence[tuple[Sequence[str], str]], tokens: int) -> None:
        """One after the other."""
        for passages, question in asked:
            self.answer(passages, question, tokens)


def templated(tokenizer: Any, passages: Sequence[str], question: str) -> str:
    """The stuffed prompt as text."""
    messages = prompt.chat(prompt.system_text(verdict.SYSTEM, map(passage, passages)), (), "", question)
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


class Material:
    """Passages of a given length and questions of about 24 tokens, never the same passage twice unless asked for."""

    def __init__(self, data: Path, seed: int, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        squad = data / "squad"
        texts = [record["text"] for record in records(squad / "passages.jsonl.gz")]
        drawn = sample(texts, None, seed)
        self._words = tokenizer.encode(" ".join(drawn))
        self._place = 0
        asked = [record["question"] for record in records(squad / "questions.jsonl.gz")]
        fewest, most = QUESTION_TOKENS
        self._questions = iter([text for text in asked if fewest <= len(tokenizer.encode(text)) <= most] * 10)

    def text(self, tokens: int) -> str:
        """About `tokens` tokens that nobody has read."""
        self._place += tokens
        return str(self._tokenizer.decode(self._words[self._place - tokens : self._place]))

    def passages(self) -> list[str]:
        """Four passages that nobody has read."""
        return [self.text(PASSAGE_TOKENS) for _ in range(4)]

    def question(self) -> str:
        """Another question."""
        return str(next(self._questions))


def seconds(act: Callable[[], object]) -> float:
    """How long `act` takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
