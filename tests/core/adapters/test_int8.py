"""int8 layers on every kernel that this machine can run, and the choice between kernels."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from core.adapters.local_model import int8_kernels
from core.adapters.local_model.int8 import Int8Embedding, as_int8, convert_layers, prepare_layers
from core.adapters.local_model.int8_kernels import (
    KERNELS,
    NARROW,
    READING,
    SPEAKING,
    WORTH,
    Float,
    IntMM,
    Kernel,
    NarrowFbgemm,
    OneDnn,
    SplitFbgemm,
    choose_kernel,
    cost,
    is_exact,
    quantize_rows,
)

HERE = [kernel for kernel in (*KERNELS, *NARROW, Float) if cost(kernel, READING) < math.inf]


class Saturating(IntMM):
    """Sums as a CPU without VNNI may: in 16 bits."""

    def __call__(self, x: Tensor) -> Tensor:
        return super().__call__(x).clamp(-32768, 32767)


class Missing(IntMM):
    """What torch's build lacks."""

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        super().__init__(weight, scale)
        raise NotImplementedError


class Attention(nn.Module):
    """Three layers that read one input, and one that reads another."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.exact = [nn.Linear(16, size, bias=size != 8) for size in (16, 8, 4)] + [nn.Linear(16, 16)]
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = map(as_int8, self.exact)


@pytest.mark.parametrize("kernel", HERE)
@given(st.integers(1, 5), st.integers(2, 40), st.integers(1, 30), st.booleans())  # one input: torch 2.13 sums wrongly
@settings(max_examples=50, deadline=None)
def test_a_layer_is_as_near_as_its_scales_allow(
    kernel: type[Kernel],
    rows: int,
    inputs: int,
    outputs: int,
    bias: bool,  # noqa: FBT001
) -> None:
    torch.manual_seed(rows * 1000 + inputs)
    exact = nn.Linear(inputs, outputs, bias=bias)
    layer = as_int8(exact)
    prepare_layers(nn.Sequential(layer), kernel)
    x = torch.randn(rows, inputs)
    # |Σ (x+dx)(w+dw) - Σ xw| ≤ Σ |x||dw| + |w||dx| + |dx||dw|, with |dx| ≤ s_x/2 and |dw| ≤ s_w/2
    half_x, half_w = quantize_rows(x)[1] / 2, quantize_rows(exact.weight.detach())[1].T / 2
    half_x *= 127 / getattr(kernel, "levels", 127)
    bound = x.abs().sum(1, keepdim=True) * half_w + exact.weight.abs().sum(1) * half_x + inputs * half_x * half_w
    assert ((layer(x) - exact(x)).abs() <= bound + 1e-5).all()


@pytest.mark.parametrize("kernel", HERE)
def test_layers_that_read_the_same_input_say_what_they_say_alone(kernel: type[Kernel]) -> None:
    """Whatever the order of the calls, and for each new input."""
    together = Attention()
    alone = [as_int8(exact) for exact in together.exact]
    for layer in alone:
        prepare_layers(nn.Sequential(layer), kernel)
    prepare_layers(together, kernel)
    shared = [together.v_proj, together.q_proj, together.k_proj, together.o_proj]
    order = [alone[2], alone[0], alone[1], alone[3]]
    for x in (torch.randn(1, 3, 16), torch.randn(1, 3, 16)):
        for mine, theirs in zip(shared, order, strict=True):
            torch.testing.assert_close(mine(x), theirs(x))
    x = torch.randn(2, 16)
    torch.testing.assert_close(together.q_proj(x), together.q_proj(x.clone()))


def test_the_fastest_kernel_that_is_exact_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {(OneDnn, SPEAKING): 3.0, (IntMM, SPEAKING): 2.0, (OneDnn, READING): 1.0, (IntMM, READING): 2.0}
    costs |= {(NarrowFbgemm, SPEAKING): 1.5, (Float, READING): 1.5}
    monkeypatch.setattr(int8_kernels, "KERNELS", (OneDnn, IntMM))
    monkeypatch.setattr(int8_kernels, "NARROW", (NarrowFbgemm,))
    monkeypatch.setattr(int8_kernels, "cost", lambda kernel, steps, _: costs[kernel, steps])
    assert choose_kernel.__wrapped__(SPEAKING) is IntMM
    assert choose_kernel.__wrapped__(READING) is OneDnn


def test_where_no_fast_kernel_is_exact_a_large_model_gets_seven_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU with AVX2 alone; a small one stays exact, and one that only reads stays in floating point instead."""
    costs = {(SplitFbgemm, SPEAKING): 1.0 + WORTH, (NarrowFbgemm, SPEAKING): 1.0, (SplitFbgemm, READING): 9.0}
    costs[Float, READING] = 1.0
    monkeypatch.setattr(int8_kernels, "KERNELS", (SplitFbgemm,))
    monkeypatch.setattr(int8_kernels, "NARROW", (NarrowFbgemm,))
    monkeypatch.setattr(int8_kernels, "is_sound", lambda _: False)
    monkeypatch.setattr(int8_kernels, "cost", lambda kernel, steps, limit: min(costs[kernel, steps], limit))
    assert choose_kernel.__wrapped__(SPEAKING, narrow=True) is NarrowFbgemm
    assert choose_kernel.__wrapped__(SPEAKING) is SplitFbgemm
    assert choose_kernel.__wrapped__(READING) is Float


def test_a_kernel_that_is_wrong_or_missing_is_never_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_exact(IntMM)
    assert not is_exact(Saturating)
    monkeypatch.setattr(int8_kernels, "KERNELS", (Saturating, Missing, IntMM))
    monkeypatch.setattr(int8_kernels, "Float", Missing)
    assert cost(Saturating, READING) == cost(Missing, READING) == math.inf
    assert choose_kernel.__wrapped__(READING) is IntMM


def test_a_row_of_zeros_stays_zero() -> None:
    rows, scale = quantize_rows(torch.zeros(2, 4))
    assert not rows.any()
    assert torch.isfinite(scale).all()
    for kernel in HERE:
        assert not kernel(torch.ones(3, 4, dtype=torch.int8), torch.ones(3))(torch.zeros(2, 4)).any()


def test_an_embedding_looks_up_rows() -> None:
    table = torch.randn(10, 8)
    embedding = Int8Embedding(10, 8)
    weight, scale = quantize_rows(table)
    embedding.weight, embedding.scale = weight, scale.squeeze(1)
    found = embedding(torch.tensor([[3, 7]]))
    assert found.shape == (1, 2, 8)
    torch.testing.assert_close(found[0], table[[3, 7]], atol=float(scale.max()) / 2 + 1e-6, rtol=0)


class Bert(nn.Module):
    """Layers as transformers' BERT names them, with their values."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(6)
        self.query, self.key, self.value, self.dense = (nn.Linear(16, size, bias=size != 8) for size in (16, 8, 4, 16))


@pytest.mark.parametrize("kernel", HERE)
def test_a_loaded_model_is_converted_in_place(kernel: type[Kernel]) -> None:
    """Every linear layer gives what its int8 twin gives, those that share an input among them."""
    model, x = Bert(), torch.randn(3, 5, 16)
    names = ("query", "key", "value", "dense")
    twins = {name: as_int8(getattr(model, name)) for name in names}
    exact = {name: getattr(model, name)(x) for name in names}
    convert_layers(model, kernel)
    assert not any(isinstance(module, nn.Linear) for module in model.modules())
    for name in names:
        found = getattr(model, name)(x)
        torch.testing.assert_close(found, twins[name](x), rtol=0.02, atol=0.02)
        torch.testing.assert_close(found, exact[name], rtol=0.1, atol=0.05)
