"""Ways to multiply by an int8 matrix, and the choice between them: by measuring, at start-up, on this machine.

Which is fastest depends on the CPU and on torch's build, and some are wrong on some CPUs (without VNNI, 16-bit sums
of u8 · s8 products saturate). So each is first held against exact sums of the largest values, then timed.
Knows nothing of models.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import cache
from typing import Protocol

import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]
_TINY = 1e-12  # keeps a row of zeros from dividing by zero


def quantize_rows(x: Tensor) -> tuple[Tensor, Tensor]:
    """Quantize each row of `x` (rows, features) by its own scale: int8 (rows, features), float32 (rows, 1)."""
    scale = x.abs().amax(dim=1, keepdim=True).float().clamp_(min=_TINY).div_(127.0)
    return torch.round(x / scale).to(torch.int8), scale


class Kernel(Protocol):
    """A prepared matrix. Raises whatever torch raises where this machine cannot run it."""

    name: str

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        """Take int8 `weight` (out, in) and float32 `scale` (out,)."""

    def __call__(self, x: Tensor) -> Tensor:
        """Map float32 (rows, in) to float32 (rows, out)."""
        ...


class OneDnn:
    """oneDNN's inner product over weights in the order that it likes best. The fastest with VNNI or AMX."""

    name = "onednn"

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        self._packed = torch.ops.onednn.qlinear_prepack(weight, None)
        self._scale = scale.clone()
        self._zeros = torch.zeros(weight.shape[0], dtype=torch.int32)

    def __call__(self, x: Tensor) -> Tensor:
        """See `Kernel`."""
        scale = x.abs().amax(dim=1, keepdim=True).clamp_(min=_TINY)  # (rows, 1)
        rows = (x * (127.0 / scale)).add_(128.5).to(torch.uint8)  # without a sign, as oneDNN wants them; .5 rounds
        y: Tensor = torch.ops.onednn.qlinear_pointwise(
            rows, 1.0, 128, self._packed, self._scale, self._zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return y.mul_(scale.div_(127.0))


class IntMM:
    """torch's plain int8 product."""

    name = "int_mm"

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        self._weight, self._scale = weight, scale

    def __call__(self, x: Tensor) -> Tensor:
        """See `Kernel`."""
        rows, row_scale = quantize_rows(x)
        product = torch._int_mm(rows, self._weight.t())  # noqa: SLF001  # (rows, out) int32; torch has no public name
        return product.float().mul_(self._scale).mul_(row_scale)


class WeightOnly:
    """int8 weights under floating-point activations: exact on every CPU that torch knows, ARM among them."""

    name = "weight only"

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        self._weight, self._scale = weight.contiguous(), scale

    def __call__(self, x: Tensor) -> Tensor:
        """See `Kernel`."""
        y: Tensor = torch._weight_int8pack_mm(x, self._weight, self._scale)  # noqa: SLF001  # no public name
        return y


KERNELS: tuple[type[Kernel], ...] = (OneDnn, IntMM, WeightOnly)
_SHAPE = 8960, 1536  # of the probe: the largest matrix of a layer of the default model
_STEPS = 32  # decode steps of four rows that stand beside one prompt of 128 tokens when kernels are compared

_TIMES, _PATIENCE = 3, 0.05  # calls that are timed, and seconds after which no more are


@cache
def choose_kernel() -> type[Kernel]:
    """The kernel that is exact here and answers fastest. Takes about a second, once a process."""
    return min(KERNELS, key=cost)


def cost(kernel: type[Kernel]) -> float:
    """Seconds of one matrix's share of a short answer; infinite where the kernel is missing or wrong."""
    try:
        if not is_exact(kernel):
            return math.inf
        product = kernel(torch.ones(_SHAPE, dtype=torch.int8), torch.ones(_SHAPE[0]))
        return _seconds(product, 128) + _STEPS * _seconds(product, 4)
    except (RuntimeError, AttributeError, NotImplementedError):
        return math.inf


def is_exact(kernel: type[Kernel]) -> bool:
    """Whether sums of the largest products come out right, in each mixture of signs."""
    weight = torch.full((64, 256), 127, dtype=torch.int8)
    weight[::2] = -127
    weight[:, ::3] *= -1
    x = torch.full((4, 256), 127.0)
    x[1], x[2, ::2], x[3, ::5] = -127.0, -127.0, 0.0
    wanted = (x.double() @ weight.double().t()).float()
    return torch.allclose(kernel(weight, torch.ones(64))(x), wanted, rtol=1e-5, atol=0.5)


def _seconds(product: Product, rows: int) -> float:
    x = torch.ones(rows, _SHAPE[1])
    product(x)  # the first call of a shape prepares it
    times: list[float] = []
    while len(times) < _TIMES and sum(times) < _PATIENCE:
        start = time.perf_counter()
        product(x)
        times.append(time.perf_counter() - start)
    return min(times)
