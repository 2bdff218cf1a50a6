"""Texts to unit vectors with sentence-transformers, offline; on a CPU with int8 layers where those are faster there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Self, cast

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from torch import nn

from core.adapters.local_model import on_torch_thread
from core.adapters.local_model.everyday import EVERYDAY
from core.adapters.local_model.int8 import convert_layers, shrink_tables
from core.adapters.local_model.int8_kernels import READING, Float, WeightOnly, choose_kernel
from core.adapters.local_model.kernel_records import RECORDS, recorded_kernel
from core.adapters.local_model.lora import LowRankAdapter
from core.answering.retrieval import DENSE_WEIGHT
from core.domain import Vector, Vectors
from core.errors import CorruptModelError
from core.models.files import DownloadProgress
from core.models.specs import LocalModel

TINY = 1e-12  # a length that is none
CHARACTERS = 4  # about as many as a token has
ON_A_CPU = 1_024  # tokens, about, that go through the layers at once: what they become stays in the caches
ON_A_GPU = 16_384  # which has no use for less
_WORDS, _LONGEST = 65_536, 64  # words whose tokens are remembered, and characters that one has at most
_SPACED = "Two words.\n\n    a = [1,  2]\t# is three\n- E-Mail an Zoë: “好 い”\n"


class SentenceEmbedder:
    """A sentence-transformers model behind the `Embedder` port."""

    def __init__(
        self,
        folder: Path,
        *,
        device: str | None,
        adapter: Path | None = None,
        prompts: tuple[str, str] = ("", ""),
        centred: bool = False,
        dense_weight: float = DENSE_WEIGHT,
        records: Path | None = None,
    ) -> None:
        """Load the model from `folder`, on the best device unless one is named. Blocks for about a second.

        `prompts` stand before questions and before passages; vectors are `centred` on what all texts have in common.
        `records` is the file of the kernels that were chosen before.

        Raises:
            CorruptModelError: the folder holds no sentence-transformers model.
            ModelError: the LoRA in `adapter` does not fit it.
        """
        try:
            self._model = SentenceTransformer(
                str(folder), device=device, local_files_only=True, model_kwargs={"dtype": torch.float32}
            )
        except (OSError, ValueError, KeyError) as error:
            raise CorruptModelError(f"{folder} holds no embedding model: {error}. Pull it again.") from error
        if adapter:
            _merge(cast("nn.Module", self._model[0].auto_model), LowRankAdapter(adapter))
        self.dense_weight = dense_weight
        self._asking, self._telling = prompts
        on_cpu = self._model.device.type == "cpu"
        self._together = CHARACTERS * (ON_A_CPU if on_cpu else ON_A_GPU)
        kernel = (recorded_kernel(records, READING) if records else choose_kernel(READING)) if on_cpu else Float
        if kernel not in {WeightOnly, Float}:
            convert_layers(self._model, kernel)
            shrink_tables(self._model)
        # A tokenizer of its own for counting: the model's is told to truncate, and by another thread.
        self._counter = Tokenizer.from_str(self._model.tokenizer.backend_tokenizer.to_str())
        self._counter.no_truncation()
        self._counter.no_padding()
        self._tokens_of_word = lru_cache(_WORDS)(self._tokens)
        self._words_apart = self._are_words_apart()
        self._max_tokens = int(self._model.max_seq_length or 512) - 2 - self.count_tokens(self._telling)
        self._centres = {prompt: self._centre(prompt) if centred else 0.0 for prompt in prompts}

    @classmethod
    def load(cls, model: LocalModel, converted: Path, device: str | None, progress: DownloadProgress) -> Self:
        """Load `model`, by way of a copy in `converted` where it comes in a form of its own.

        Raises:
            ModelError: as above.
        """
        folder = model.path
        if folder.suffix == ".bin":
            from core.adapters.local_model.e5_weights import unpacked  # noqa: PLC0415 - transformers' decoders, too

            folder = unpacked(folder, converted, progress)
        spec, records = model.spec, converted / RECORDS
        if spec is None:
            return cls(folder, device=device, adapter=model.adapter, records=records)
        return cls(
            folder,
            device=device,
            adapter=model.adapter,
            prompts=spec.prompts,
            centred=spec.centred,
            dense_weight=spec.dense_weight or DENSE_WEIGHT,
            records=records,
        )

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return cast("int", self._model.get_embedding_dimension())

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, the special ones and those of the prompt not counted."""
        return self._max_tokens

    def count_tokens(self, text: str) -> int:
        """Tokens in `text`, the special ones not counted.

        Word by word where the tokenizer takes words apart, as BERT's and XLM-R's do: most words were counted before.
        """
        if not self._words_apart:
            return self._tokens(text)
        return sum(self._tokens_of_word(word) if len(word) <= _LONGEST else self._tokens(word) for word in text.split())

    def _are_words_apart(self) -> bool:
        return self._tokens(_SPACED) == sum(map(self._tokens, _SPACED.split()))

    def _tokens(self, text: str) -> int:
        return len(self._counter.encode(text, add_special_tokens=False).ids)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed `texts`: shape (len(texts), dimension), float32, unit length."""
        return await self._embed(self._telling, texts)

    async def embed_questions(self, questions: Sequence[str]) -> Vectors:
        """The same with what this model wants before questions."""
        return await self._embed(self._asking, questions)

    async def _embed(self, prompt: str, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimension), np.float32)
        lengths = [min(len(text), CHARACTERS * self.max_tokens) for text in texts]
        for places in _batches(lengths, self._together):
            vectors[places] = await on_torch_thread(self._encode, [prompt + texts[place] for place in places])
        vectors -= self._centres[prompt]
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), TINY), np.float32)

    def _centre(self, prompt: str) -> Vector:
        return np.asarray(self._encode([prompt + text for text in EVERYDAY]).mean(axis=0), np.float32)

    def _encode(self, texts: list[str]) -> Vectors:
        vectors = self._model.encode(
            texts, batch_size=len(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(vectors, np.float32)


@torch.no_grad()
def _merge(model: nn.Module, adapter: LowRankAdapter) -> None:
    """Add the adapter's part to the weights of `model`."""
    weights = dict(model.named_parameters())
    adapter.check_fits(weights)
    for name, weight in weights.items():
        weight.copy_(torch.cat(list(adapter.merged(name, iter([weight.float().cpu()])))))


def _batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Places of texts of `lengths` characters, `most` characters together with the padding: the longest first."""
    places = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    while places:
        together = max(1, most // max(1, lengths[places[0]]))
        yield places[:together]
        del places[:together]
