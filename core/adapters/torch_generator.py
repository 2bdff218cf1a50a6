"""The local language model p(y | x, d, u): transformers on torch, streaming, one token a step.

Greedy. Model calls run on one thread of their own, so that the event loop never waits for a matrix. Closing or
cancelling the stream stops the model before its next step. Knows nothing of people, stores or search.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path

import torch
from tokenizers.decoders import DecodeStream

from core.adapters import checkpoints
from core.adapters.packed import PackedModel, Row
from core.domain import Piece, Prompt
from core.errors import PromptTooLongError
from core.models.files import Progress
from core.prompt import chat, system_text

_PREFILL_TOKENS = 256  # tokens of a prompt fed in one step: as fast as more at once, and soon stopped


class TorchGenerator:
    """A transformers model behind the `Generator` port. Use `load`."""

    def __init__(self, name: str, checkpoint: checkpoints.Checkpoint) -> None:
        self._name = name
        self._model = PackedModel(checkpoint.model)
        self._tokenizer = checkpoint.tokenizer
        self._context = int(checkpoint.model.config.max_position_embeddings)
        self._ends = _end_tokens(checkpoint)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="generator")
        self._turn = asyncio.Lock()

    @classmethod
    def load(
        cls, name: str, source: Path, *, converted: Path, device: str, threads: int, progress: Progress
    ) -> TorchGenerator:
        """Load a model file or folder, by way of its converted copy under `converted`. Blocks for seconds.

        Raises:
            ModelError: the file is broken or its architecture unknown.
        """
        if threads:
            torch.set_num_threads(threads)
        target = best_device(device)
        form: checkpoints.Form = "int8" if target.type == "cpu" else "bfloat16"
        folder = checkpoints.convert(source, form, converted, progress)
        return cls(name, checkpoints.load(folder, form, target))

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and answer may have together."""
        return self._context

    def count_tokens(self, text: str) -> int:
        """Tokens in `text`."""
        return len(self._encode(text))

    async def generate(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[Piece, None]:
        """Stream the answer to `prompt`; see the port."""
        ids = self._prompt_ids(prompt)
        if len(ids) + max_tokens > self._context:
            raise PromptTooLongError(f"{len(ids)} + {max_tokens} tokens are over the model's {self._context}.")
        text = DecodeStream(skip_special_tokens=True)
        async with self._turn, aclosing(self._decode(ids, max_tokens)) as tokens:
            async for token in tokens:
                characters = text.step(self._tokenizer.backend_tokenizer, token)
                if characters:
                    yield Piece(characters)

    async def close(self) -> None:
        """Let the running step end and free the thread."""
        await asyncio.to_thread(self._thread.shutdown)

    async def _decode(self, ids: Sequence[int], max_tokens: int) -> AsyncGenerator[int, None]:
        row = Row(self._model, len(ids) + max_tokens)
        for start in range(0, len(ids), _PREFILL_TOKENS):
            token = await self._next_token(row, ids[start : start + _PREFILL_TOKENS])
        for _ in range(max_tokens - 1):
            if token in self._ends:
                return
            yield token
            token = await self._next_token(row, [token])

    async def _next_token(self, row: Row, tokens: Sequence[int]) -> int:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: int(self._model.step([(row, tokens)]).argmax()))

    def _prompt_ids(self, prompt: Prompt) -> list[int]:
        messages = chat(system_text(prompt.system, prompt.passages), prompt.turns, prompt.person, prompt.question)
        text = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return self._encode(str(text))

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids)


def best_device(wanted: str) -> torch.device:
    """The device that is wanted; for "auto" a GPU where there is one."""
    if wanted != "auto":
        return torch.device(wanted)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _end_tokens(checkpoint: checkpoints.Checkpoint) -> set[int]:
    """The tokens that end an answer: those of the configuration and the tokenizer's end of turn."""
    ends = checkpoint.model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return {int(token) for token in (*listed, checkpoint.tokenizer.eos_token_id) if token is not None}
