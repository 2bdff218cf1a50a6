"""One answer of an encoder-decoder model, a row a passage, one token of all rows at a time.

`Rows` holds what the encoder made of the rows and the decoder's keys and values; `TokenConstraints` says which tokens
may come next, as transformers' `generate` does. Blocks; knows nothing of passages, texts or how rows are mixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    ForcedBOSTokenLogitsProcessor,
    ForcedEOSTokenLogitsProcessor,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    MinLengthLogitsProcessor,
    MinNewTokensLengthLogitsProcessor,
    NoBadWordsLogitsProcessor,
    NoRepeatNGramLogitsProcessor,
    SuppressTokensAtBeginLogitsProcessor,
    SuppressTokensLogitsProcessor,
)
from transformers.modeling_outputs import BaseModelOutput

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Rows:
    """The rows of one answer. Constructing it runs the encoder."""

    def __init__(self, model: PreTrainedModel, inputs: Sequence[Sequence[int]]) -> None:
        """`inputs` are the rows' tokens, of any lengths."""
        self._model = model
        longest = max(map(len, inputs))
        padding = model.config.pad_token_id or 0
        padded = [[*row, *[padding] * (longest - len(row))] for row in inputs]
        real = [[1] * len(row) + [0] * (longest - len(row)) for row in inputs]
        self._mask = torch.tensor(real, device=model.device)  # (rows, longest)
        self._cache: Any = None
        with torch.inference_mode():
            encoder = model.get_encoder()
            output = encoder(input_ids=torch.tensor(padded, device=model.device), attention_mask=self._mask)
        self._encoded = output.last_hidden_state  # (rows, longest, width)

    @torch.inference_mode()
    def step(self, token: int) -> NDArray[np.float32]:
        """Go on with `token` in every row; the probabilities (rows, vocab) of the one after it."""
        output = self._model(
            encoder_outputs=BaseModelOutput(last_hidden_state=self._encoded),
            attention_mask=self._mask,
            decoder_input_ids=torch.full((len(self._encoded), 1), token, device=self._model.device),
            past_key_values=self._cache,
            use_cache=True,
        )
        self._cache = output.past_key_values
        probabilities: NDArray[np.float32] = torch.softmax(output.logits[:, -1].float(), dim=-1).cpu().numpy()
        return probabilities

    @torch.inference_mode()
    def keep(self, places: Sequence[int]) -> None:
        """Go on with the rows at `places` only; call it after a step."""
        kept = torch.tensor(places, device=self._model.device)
        self._encoded, self._mask = self._encoded[kept], self._mask[kept]
        self._cache.batch_select_indices(kept)


class TokenConstraints:
    """The tokens that may come next: what the model's makers force, forbid or want repeated no more.

    What only shifts probabilities (a repetition penalty, a length penalty) is left out: the likelihood of an answer is
    the model's own.
    """

    def __init__(self, generation: GenerationConfig, vocabulary: int, max_tokens: int) -> None:
        """`vocabulary` is the number of tokens the model knows, `max_tokens` the most an answer has."""
        self._vocabulary = vocabulary
        self._rules = LogitsProcessorList(_rules(generation, max_tokens))

    def after(self, said: Sequence[int]) -> NDArray[np.bool_]:
        """Which tokens (vocab,) may follow `said`, the token that decoding starts from included."""
        scores: torch.Tensor = self._rules(torch.tensor([said]), torch.zeros(1, self._vocabulary))  # type: ignore[arg-type]
        permitted: NDArray[np.bool_] = torch.isfinite(scores[0]).numpy()
        return permitted


def end_tokens(generation: GenerationConfig) -> list[int]:
    """The tokens that end an answer."""
    ends = generation.eos_token_id
    return ends if isinstance(ends, list) else [] if ends is None else [ends]


def _rules(generation: GenerationConfig, max_tokens: int) -> list[LogitsProcessor]:
    """In `generate`'s order, since a forced token overrides what was said of it before."""
    ends, rules = end_tokens(generation), list[LogitsProcessor]()
    if generation.no_repeat_ngram_size:
        rules.append(NoRepeatNGramLogitsProcessor(generation.no_repeat_ngram_size))
    if generation.bad_words_ids:
        rules.append(NoBadWordsLogitsProcessor(generation.bad_words_ids, ends))
    if generation.min_length and ends:
        rules.append(MinLengthLogitsProcessor(generation.min_length, ends))
    if generation.min_new_tokens and ends:
        rules.append(MinNewTokensLengthLogitsProcessor(1, generation.min_new_tokens, ends))
    if generation.forced_bos_token_id is not None:
        rules.append(ForcedBOSTokenLogitsProcessor(generation.forced_bos_token_id))
    if generation.forced_eos_token_id is not None:
        rules.append(ForcedEOSTokenLogitsProcessor(max_tokens + 1, generation.forced_eos_token_id))
    if generation.suppress_tokens:
        rules.append(SuppressTokensLogitsProcessor(generation.suppress_tokens))
    if generation.begin_suppress_tokens:
        begin = 1 if generation.forced_bos_token_id is None else 2
        rules.append(SuppressTokensAtBeginLogitsProcessor(generation.begin_suppress_tokens, begin))
    return rules
