"""int8 layers on every kernel that this machine can run, and the choice between kernels."""

from __future__ import annotations

import copy
import math
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from core.adapters.local_model import int8_kernels, kernel_records
from core.adapters.local_model.int8 import Int8Embedding, as_int8, convert_layers, prepare_layers
from core.adapters.local_model.int8_kernels import (
    KERNELS,
    NARROW,
    READING,
    SPEAKING,
    WORTH,
    Fbgemm,
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
from core.adapters.local_model.kernel_records import RECORDS, recorded_kernel

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


def test_threads_prepare_layers_while_others_go_on() -> None:
    """A call waits for what it needs; what was not begun when the model goes is not begun any more."""
    layers, x, may_go = nn.ModuleList(as_int8(nn.Linear(8, 8)) for _ in range(3)), torch.randn(2, 8), threading.Event()
    expected = [layer(x) for layer in copy.deepcopy(layers)]

    class Slow(IntMM):
        def __init__(self, weight: Tensor, scale: Tensor) -> None:
            may_go.wait(10)
            super().__init__(weight, scale)

    pool = ThreadPoolExecutor(1)
    prepare_layers(layers, Slow, pool)
    stopping = threading.Thread(target=lambda: pool.shutdown(cancel_futures=True))
    stopping.start()
    may_go.set()
    stopping.join()
    torch.testing.assert_close(layers[0](x), expected[0])
    with pytest.raises(CancelledError):
        layers[2](x)


def test_a_matrix_of_more_rows_than_are_packed_at_once_is_one_still(monkeypatch: pytest.MonkeyPatch) -> None:
    for kernel in [kernel for kernel in HERE if issubclass(kernel, Fbgemm)]:
        weight, scale = torch.randint(-127, 128, (50, 16), dtype=torch.int8), torch.rand(50) + 0.5
        x, whole = torch.randn(3, 16), kernel(weight, scale)
        monkeypatch.setattr(kernel, "most", 20)
        assert torch.equal(kernel(weight, scale)(x), whole(x))


def test_layers_that_would_be_too_many_rows_together_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IntMM, "most", 27)
    together = Attention()
    alone = [as_int8(exact) for exact in together.exact]
    prepare_layers(together, IntMM)
    x = torch.randn(2, 16)
    for layer, twin in zip((together.q_proj, together.k_proj, together.v_proj), alone, strict=False):
        torch.testing.assert_close(layer(x), twin(x))


def test_a_choice_is_kept_for_the_next_start_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def choose(_: int, *, narrow: bool = False) -> type[Kernel]:
        asked.append(narrow)
        time.sleep(0.05 if disturbed else 0)
        return IntMM

    monkeypatch.setattr(kernel_records, "choose_kernel", choose)
    monkeypatch.setattr(kernel_records, "DISTURBED", 1e6)
    records, disturbed = tmp_path / RECORDS, False
    assert [recorded_kernel(records, SPEAKING) for _ in range(2)] == [IntMM, IntMM]
    assert recorded_kernel(records, SPEAKING, narrow=True) is IntMM
    assert asked == [False, True]

    monkeypatch.setattr(kernel_records, "is_sound", lambda _: False)  # a file of another machine
    recorded_kernel(records, SPEAKING)
    assert len(asked) == 3

    monkeypatch.setattr(kernel_records, "DISTURBED", 1.5)
    records.write_text("[", encoding="utf-8")
    disturbed = True
    recorded_kernel(records, SPEAKING)
    assert records.read_text(encoding="utf-8") == "["


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
