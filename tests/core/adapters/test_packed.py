"""int8 matrices and packed sequences, on small random models of the supported families."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

from core.adapters.int8 import Int8Embedding, Int8Linear, quantize_rows
from core.adapters.packed import PackedModel, Row

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
    together = packed.step([(Row(packed, 16), sequence) for sequence in sequences])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_a_sequence_fed_in_parts_gets_the_logits_of_the_whole(model: nn.Module) -> None:
    ids = [5, 8, 13, 21, 34, 55, 89]
    expected = reference(model, ids)
    packed = PackedModel(model)
    row, other = Row(packed, 16), Row(packed, 16)
    packed.step([(row, ids[:3]), (other, [1, 2])])
    packed.step([(other, [3]), (row, ids[3:6])])
    last = packed.step([(row, ids[6:]), (other, [4])])
    torch.testing.assert_close(last[0], expected, atol=1e-5, rtol=1e-4)


@given(st.integers(1, 5), st.integers(2, 40), st.integers(1, 30), st.booleans())  # one input: torch 2.13 sums wrongly
@settings(max_examples=50, deadline=None)
def test_an_int8_layer_is_as_near_as_its_scales_allow(rows: int, inputs: int, outputs: int, bias: bool) -> None:  # noqa: FBT001
    torch.manual_seed(rows * 1000 + inputs)
    exact = nn.Linear(inputs, outputs, bias=bias)
    layer = Int8Linear(inputs, outputs, bias=bias)
    weight, scale = quantize_rows(exact.weight.detach())
    layer.weight, layer.scale = weight, scale.squeeze(1)
    if bias:
        layer.bias = exact.bias.detach()
    x = torch.randn(rows, inputs)
    x_int8, x_scale = quantize_rows(x)
    # |Σ (x+dx)(w+dw) - Σ xw| ≤ Σ |x||dw| + |w||dx| + |dx||dw|, with |dx| ≤ s_x/2 and |dw| ≤ s_w/2
    half_x, half_w = x_scale / 2, scale.T / 2
    bound = x.abs().sum(1, keepdim=True) * half_w + exact.weight.abs().sum(1) * half_x + inputs * half_x * half_w
    assert ((layer(x) - exact(x)).abs() <= bound + 1e-5).all()
    assert x_int8.abs().max() <= 127


def test_a_row_of_zeros_stays_zero() -> None:
    rows, scale = quantize_rows(torch.zeros(2, 4))
    assert not rows.any()
    assert torch.isfinite(scale).all()


def test_an_int8_embedding_looks_up_rows() -> None:
    table = torch.randn(10, 8)
    embedding = Int8Embedding(10, 8)
    weight, scale = quantize_rows(table)
    embedding.weight, embedding.scale = weight, scale.squeeze(1)
    found = embedding(torch.tensor([[3, 7]]))
    assert found.shape == (1, 2, 8)
    torch.testing.assert_close(found[0], table[[3, 7]], atol=float(scale.max()) / 2 + 1e-6, rtol=0)
