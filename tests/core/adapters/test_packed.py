"""Packed sequences, on small random models of the supported families."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

from core.adapters.local_model.packed import CachedRow, PackedModel

VOCABULARY = 97
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


@pytest.fixture(params=[LlamaConfig, Qwen2Config], ids=["llama", "qwen2"])
def model(request):
    torch.manual_seed(1)
    return AutoModelForCausalLM.from_config(request.param(**SIZES)).eval()


def reference(model: nn.Module, ids: list[int]) -> torch.Tensor:
    """What transformers itself gives after the last of `ids`."""
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        return model(torch.tensor([ids])).logits[0, -1]


@given(st.lists(st.integers(1, 12), min_size=1, max_size=5), st.data())
@settings(max_examples=25, deadline=None)
def test_sequences_packed_together_get_the_logits_they_get_alone(lengths, data) -> None:
    torch.manual_seed(2)
    model = AutoModelForCausalLM.from_config(LlamaConfig(**SIZES)).eval()
    token = st.integers(0, VOCABULARY - 1)
    sequences = [data.draw(st.lists(token, min_size=length, max_size=length)) for length in lengths]
    alone = torch.stack([reference(model, sequence) for sequence in sequences])
    packed = PackedModel(model)
    together = packed.step([(CachedRow(packed, 16), sequence) for sequence in sequences])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_a_sequence_fed_in_parts_gets_the_logits_of_the_whole(model: nn.Module) -> None:
    ids = [5, 8, 13, 21, 34, 55, 89]
    expected = reference(model, ids)
    packed = PackedModel(model)
    row, other = CachedRow(packed, 16), CachedRow(packed, 16)
    packed.step([(row, ids[:3]), (other, [1, 2])])
    packed.step([(other, [3]), (row, ids[3:6])])
    last = packed.step([(row, ids[6:]), (other, [4])])
    torch.testing.assert_close(last[0], expected, atol=1e-5, rtol=1e-4)
