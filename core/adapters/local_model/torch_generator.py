"""The local language model p(y | x, d, u): transformers on torch, streaming, one row a passage.

Turns a prompt into rows of tokens and tokens into text; `batching.py` decodes them, `core/answering/decoding.py` mixes
them. Closing or cancelling the stream takes its rows out before the next step. Knows nothing of people, stores or
search.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from core.adapters.local_model import checkpoints
from core.adapters.local_model.batch_rows import BatchPosition, Suffix, Token, Vocabulary
from core.adapters.local_model.batching import Batcher
from core.adapters.local_model.int8 import kernel_of
from core.adapters.local_model.packed import PackedModel
from core.adapters.local_model.prefix_cache import CacheStatistics, Prefix, PrefixCache
from core.adapters.local_model.prefix_files import PrefixFiles
from core.answering.decoding import Mixture, is_circling
from core.answering.prompt import chat, documents, instructions
from core.answering.verdict import ANSWERING, NO, TOLD_TO_REFUSE, YES, Judging, Protocol
from core.domain import CutOff, Decoding, Mode, Passage, Piece, Prompt, QueuePosition, Verdicts
from core.errors import PromptTooLongError
from core.models.files import DownloadProgress

_VERDICTS = (YES, YES.title()), (NO, NO.title())  # in both spellings
_SEAM = "\0"  # where a text is cut, so that a control token that somebody wrote is encoded as the letters it is


class TorchGenerator:
    """A transformers model behind the `Generator` port. Use `load`."""

    def __init__(
        self,
        name: str,
        checkpoint: checkpoints.Checkpoint,
        cache: PrefixCache,
        *,
        batch_bytes: int,
        protocol: Protocol = TOLD_TO_REFUSE,
    ) -> None:
        self._name = name
        self._protocol = protocol
        self._checkpoint = checkpoint
        self._tokenizer = checkpoint.tokenizer
        self._controls = _controls(checkpoint)
        self._context = int(checkpoint.model.config.max_position_embeddings)
        self.kernel = kernel_of(checkpoint.model)
        self._batcher = Batcher(
            PackedModel(checkpoint.model),
            _vocabulary(checkpoint),
            cache,
            batch_bytes=batch_bytes,
        )

    @classmethod
    def load(
        cls,
        name: str,
        source: Path,
        *,
        converted: Path,
        device: str,
        threads: int,
        progress: DownloadProgress,
        cache_bytes: int,
        batch_bytes: int,
        cached: Path | None = None,
        disk_bytes: int = 0,
        adapter: Path | None = None,
        protocol: Protocol = TOLD_TO_REFUSE,
    ) -> TorchGenerator:
        """Load a model file or folder, by way of its converted copy under `converted`. Blocks for seconds.

        `adapter` is the folder of a LoRA to be merged into it, `protocol` how the two are asked, `cached` the folder
        for what the model has read, of which at most `disk_bytes` are kept.

        Raises:
            ModelError: the file is broken, its architecture unknown, or the adapter another model's.
        """
        if threads:
            torch.set_num_threads(threads)
        target = best_device(device)
        form: checkpoints.Form = "int8" if target.type == "cpu" else "bfloat16"
        folder = checkpoints.convert(source, form, converted, progress, adapter)
        checkpoint = checkpoints.load(folder, form, target)
        files = PrefixFiles(cached / folder.name, disk_bytes) if cached and disk_bytes else None
        return cls(name, checkpoint, PrefixCache(cache_bytes, files), batch_bytes=batch_bytes, protocol=protocol)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and answer may have together."""
        return self._context

    @property
    def protocol(self) -> Protocol:
        """How it is to be asked."""
        return self._protocol

    @property
    def says_likelihoods(self) -> bool:
        """Yes, of all that were decoded."""
        return True

    def count_tokens(self, text: str) -> int:
        """Tokens in `text`."""
        return len(self._encode(self._plain(text)))

    async def generate(
        self, prompt: Prompt, decoding: Decoding
    ) -> AsyncGenerator[Piece | QueuePosition | Verdicts | CutOff, None]:
        """Stream the answer to `prompt`; see the port."""
        stuffed = decoding.mode is Mode.STUFFED or not prompt.passages
        groups = [prompt.passages] if stuffed else [(passage,) for passage in prompt.passages]
        prefixes, suffix = self._read(prompt, groups)
        longest = max(prefix.ends[-1] for prefix in prefixes) + len(suffix)
        if longest + decoding.max_tokens > self._context:
            raise PromptTooLongError(f"{longest} + {decoding.max_tokens} tokens exceed the model's {self._context}.")
        mixture = Mixture([1.0] if stuffed else prompt.priors, decoding, self._protocol.calibration)
        text, said = DecodeStream(skip_special_tokens=True), list[int]()
        async with aclosing(self._batcher.decode(prefixes, suffix, mixture, tokens=decoding.max_tokens)) as events:
            async for event in events:
                match event:
                    case BatchPosition(ahead):
                        yield QueuePosition(ahead)
                    case Token(id_, posterior, log_likelihood):
                        said.append(id_)
                        if characters := text.step(self._tokenizer.backend_tokenizer, id_):
                            yield Piece(characters, () if stuffed else posterior, log_likelihood)
                        if is_circling(said):
                            break
                    case Verdicts(log_odds):
                        yield Verdicts(log_odds * len(prompt.passages)) if stuffed else event
        if len(said) == decoding.max_tokens:
            yield CutOff()

    def read_ahead(self, system: str, passages: Sequence[Passage]) -> None:
        """Read `passages` when nobody asks; see the port."""
        asking = Prompt(system, tuple(passages), (), (), "", "")
        self._batcher.read_ahead(self._read(asking, [(passage,) for passage in passages])[0])

    async def retain(self, documents: Collection[tuple[str, str]]) -> None:
        """Forget passages of other documents than these (source, version), in memory and on disk."""
        await self._batcher.retain(documents)

    @property
    def tokenizer(self) -> Tokenizer:
        """What texts become tokens by."""
        tokenizer: Tokenizer = self._tokenizer.backend_tokenizer
        return tokenizer

    @property
    def cache_statistics(self) -> CacheStatistics:
        """What the passages' cache has done so far."""
        return self._batcher.cache.statistics

    async def close(self) -> None:
        """Let the running step end."""
        await asyncio.to_thread(self._checkpoint.stop_packing)
        await self._batcher.close()

    def _read(self, prompt: Prompt, groups: Sequence[Sequence[Passage]]) -> tuple[list[Prefix], Suffix]:
        """What stands left of the bar for each group of passages, and what stands right of it, which all share."""
        spoken = chat(instructions(prompt.system), prompt.turns, prompt.person, prompt.question)
        messages = [{**message, "content": self._plain(message["content"])} for message in spoken]
        system = messages[0]["content"]
        before, _, after = self._templated(messages).partition(system.rstrip())  # some templates strip what they get
        asked = after.rfind(messages[-1]["content"].strip())
        check = [*messages[:-1], {"role": "user", "content": self._plain(prompt.check)}]
        checking = self._templated(check).partition(system.rstrip())[2][asked:] if prompt.check else ""
        head = tuple(self._encode(before + system))
        prefixes = [_prefix(head, tuple(self._encode(self._plain(documents(group)))), group) for group in groups]
        begun = self._encode(self._plain(prompt.begun))
        if self._protocol.judging is Judging.FIRST:
            behind = after.removeprefix(
                system[len(system.rstrip()) :]
            )  # the reader learned the documents without a gap
            ending = self._encode(ANSWERING)
            return prefixes, Suffix(self._encode(behind), (), ending, judged_first=True, begun=begun)
        ending = [*self._encode(after[asked:]), *begun]
        return prefixes, Suffix(self._encode(after[:asked]), self._encode(checking), ending)

    def _templated(self, messages: list[dict[str, str]]) -> str:
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def _plain(self, text: str) -> str:
        """What somebody wrote, so that none of it is a control token: those are the template's alone."""
        return self._controls.sub(rf"\g<0>{_SEAM}", text)

    def _encode(self, text: str) -> list[int]:
        encode = self._tokenizer.backend_tokenizer.encode
        return [token for piece in text.split(_SEAM) for token in encode(piece, add_special_tokens=False).ids]


def _prefix(head: tuple[int, ...], read: tuple[int, ...], passages: Sequence[Passage]) -> Prefix:
    """Several passages in one row are hardly ever read in the same company again: only the instructions are kept.

    So it is with what is of no document, such as a discussion: nothing of it stays.
    """
    if len(passages) != 1 or not passages[0].source:
        return Prefix((head, read) if read else (head,), kept=1)
    return Prefix((head, read), kept=2, owner=(passages[0].source, passages[0].version))


def best_device(wanted: str) -> torch.device:
    """The device that is wanted; for "auto" a GPU where there is one."""
    if wanted != "auto":
        return torch.device(wanted)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _vocabulary(checkpoint: checkpoints.Checkpoint) -> Vocabulary:
    """The ends are those of the configuration and the tokenizer's end of turn."""
    ends = checkpoint.model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    encode = checkpoint.tokenizer.backend_tokenizer.encode
    yes, no = (tuple(encode(word, add_special_tokens=False).ids[0] for word in words) for words in _VERDICTS)
    every = (*listed, checkpoint.tokenizer.eos_token_id)
    return Vocabulary(frozenset(int(token) for token in every if token is not None), yes, no)


def _controls(checkpoint: checkpoints.Checkpoint) -> re.Pattern[str]:
    """The first letter of each of the tokenizer's added tokens, wherever they stand in a text."""
    added = [token.content for token in checkpoint.tokenizer.added_tokens_decoder.values() if token.content.strip()]
    return re.compile(rf"(?={'|'.join(map(re.escape, added)) or '(?!)'}).", re.DOTALL)
