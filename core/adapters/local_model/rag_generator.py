"""A published RAG model (`facebook/rag-sequence-nq`, `facebook/rag-token-nq`) behind the `Generator` port.

Its generator is an encoder-decoder, one row a passage; our embedder and index stand where its question encoder and
retriever stood. A row reads `title / passage // question`, as transformers' `RagRetriever.postprocess_docs` writes it,
except that a row over `max_combined_length` loses the end of its passage, never of the question. These models learnt
from bare questions: they see the standalone question, and neither the system prompt nor earlier turns nor wishes.
One answer is decoded at a time, the others wait in line. Knows nothing of people, stores or search.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from core.adapters.local_model import on_torch_thread, rag_checkpoint
from core.adapters.local_model.rag_rows import Rows, TokenConstraints, end_tokens
from core.adapters.local_model.torch_generator import best_device
from core.answering.decoding import Mixture
from core.answering.history import standalone_question
from core.answering.verdict import TOLD_TO_REFUSE, Protocol
from core.domain import Decoding, Mode, Passage, Piece, Prompt, QueuePosition
from core.errors import PromptTooLongError

_POSITIONS = 1024  # tokens, where the model's positions are relative (T5) and set no limit
_UNDERFLOWN = np.float32(1e-38)  # what a permitted token has at least, so that a forced one is always found

_T = TypeVar("_T")


class RagGenerator:
    """A RAG checkpoint's generator. Use `load`."""

    def __init__(self, name: str, checkpoint: rag_checkpoint.RagCheckpoint) -> None:
        self._name = name
        self._config = checkpoint.config
        self._model = checkpoint.model
        self._generation = checkpoint.generation
        self._tokenizer: Tokenizer = checkpoint.tokenizer.backend_tokenizer
        self._question_tokenizer = checkpoint.question_tokenizer.backend_tokenizer
        for tokenizer in (self._tokenizer, self._question_tokenizer):
            tokenizer.encode_special_tokens = True  # as letters: a "</s>" in a text is nobody's end
        self._positions = int(getattr(checkpoint.model.config, "max_position_embeddings", _POSITIONS))
        self._line: list[asyncio.Event] = []  # the answers that are wanted; the first is being decoded

    @classmethod
    def load(cls, name: str, source: Path, *, device: str, threads: int) -> RagGenerator:
        """Load the checkpoint in the folder `source`. Blocks for seconds.

        Raises:
            ModelError: a part is missing or broken.
        """
        if threads:
            torch.set_num_threads(threads)
        return cls(name, rag_checkpoint.load(source, best_device(device)))

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    @property
    def context_tokens(self) -> int:
        """Tokens of all the rows that the model was trained on, and of an answer.

        Passages do not share a context here: each row has `max_combined_length` of its own.
        """
        return int(self._config.n_docs * self._config.max_combined_length) + self._positions

    @property
    def protocol(self) -> Protocol:
        """No verdicts: these models know no instructions."""
        return TOLD_TO_REFUSE

    @property
    def tokenizer(self) -> Tokenizer:
        """What texts become tokens by."""
        return self._tokenizer

    @property
    def says_likelihoods(self) -> bool:
        """Yes, of the whole mixture."""
        return True

    def read_ahead(self, system: str, passages: Sequence[Passage]) -> None:
        """Nothing: the encoder reads passage and question together."""

    async def retain(self, documents: Collection[tuple[str, str]]) -> None:
        """Nothing: the encoder reads passage and question together."""

    def count_tokens(self, text: str) -> int:
        """Tokens in `text`."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    async def generate(self, prompt: Prompt, decoding: Decoding) -> AsyncGenerator[Piece | QueuePosition, None]:
        """Stream the answer to `prompt`; see the port.

        Stuffed, all passages stand in one row, which may fill the encoder: longer than any the model was trained on.
        """
        if decoding.max_tokens > self._positions:
            raise PromptTooLongError(f"{decoding.max_tokens} tokens exceed the decoder's {self._positions}.")
        stuffed = decoding.mode is Mode.STUFFED or not prompt.passages
        inputs = self._inputs(prompt, stuffed=stuffed)
        mixture = Mixture([1.0] if stuffed else prompt.priors, decoding)
        turn = asyncio.Event()
        self._line.append(turn)
        try:
            while ahead := self._line.index(turn):
                yield QueuePosition(ahead)
                await turn.wait()
                turn.clear()
            async with aclosing(self._decode(inputs, mixture, decoding.max_tokens)) as pieces:
                async for text in pieces:
                    yield Piece(text, () if stuffed else mixture.posterior, mixture.log_likelihood)
        finally:
            place = self._line.index(turn)
            del self._line[place]
            for behind in self._line[place:]:
                behind.set()

    async def close(self) -> None:
        """Let the running step end and free the thread."""
        await on_torch_thread(lambda: None)

    async def _decode(
        self, inputs: Sequence[Sequence[int]], mixture: Mixture, max_tokens: int
    ) -> AsyncGenerator[str, None]:
        """The answer's text as it is decoded; `mixture` is as far as the text."""
        rows = await self._run(lambda: Rows(self._model, [inputs[row] for row in mixture.rows]))
        permitted = TokenConstraints(self._generation, self._model.config.vocab_size, max_tokens)
        said = [self._start()]
        text, ends = DecodeStream(skip_special_tokens=True), end_tokens(self._generation)
        while len(said) <= max_tokens:
            token = await self._run(lambda: _step(rows, mixture, permitted, said))
            if token in ends:
                return
            said.append(token)
            if characters := text.step(self._tokenizer, token):
                yield characters

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await on_torch_thread(work)

    def _start(self) -> int:
        """The token that decoding starts from."""
        start = self._generation.decoder_start_token_id
        return int(self._generation.bos_token_id if start is None else start)

    def _inputs(self, prompt: Prompt, *, stuffed: bool) -> list[list[int]]:
        """The encoder's tokens of each row."""
        question = self._question(prompt)
        if stuffed:
            return [self._row(prompt.passages, question, self._positions)]
        limit = min(self._config.max_combined_length, self._positions)
        return [self._row([passage], question, limit) for passage in prompt.passages]

    def _question(self, prompt: Prompt) -> str:
        """The standalone question as the question encoder's tokenizer spells it: the published ones in lower case."""
        asked = standalone_question(prompt.question, prompt.turns)
        ids = self._question_tokenizer.encode(asked, add_special_tokens=False).ids
        return str(self._question_tokenizer.decode(ids, skip_special_tokens=True)) or asked

    def _row(self, passages: Sequence[Passage], question: str, limit: int) -> list[int]:
        """The tokens of one row, at most `limit`: what is over is taken from the end of the passages."""
        document = (self._model.config.to_dict().get("prefix") or "") + self._document(passages)
        tail = f"{self._config.doc_sep}{question}" if passages else question
        while (over := len(ids := self._tokenizer.encode(_single_spaced(document + tail)).ids) - limit) > 0:
            offsets = self._tokenizer.encode(document, add_special_tokens=False).offsets
            if len(offsets) <= over:
                raise PromptTooLongError(f"The question leaves no room for a passage in a row of {limit} tokens.")
            document = document[: offsets[-over][0]].rstrip()
        return list(ids)

    def _document(self, passages: Sequence[Passage]) -> str:
        separator, between = self._config.title_sep, self._config.doc_sep
        return between.join(f"{_title(passage)}{separator}{passage.text}" for passage in passages)


def _title(passage: Passage) -> str:
    """Title and headings as a Wikipedia title would join them."""
    return ", ".join((passage.title.removeprefix('"').removesuffix('"'), *passage.headings))


def _single_spaced(text: str) -> str:
    return text.replace("  ", " ")  # once, as postprocess_docs does


def _step(rows: Rows, mixture: Mixture, permitted: TokenConstraints, said: Sequence[int]) -> int:
    """The token after `said`; rows that the mixture drops are dropped."""
    before = mixture.rows
    probabilities = np.maximum(rows.step(said[-1]), _UNDERFLOWN)  # (rows, vocab)
    token = mixture.step(probabilities * permitted.after(said))
    if mixture.rows != before:
        rows.keep([before.index(row) for row in mixture.rows])
    return token
