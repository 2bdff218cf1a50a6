"""Ways to multiply by an int8 matrix, and the choice between them: by measuring, at start-up, on this machine.

Which is fastest depends on the CPU and on torch's build, and some are wrong on some CPUs: without VNNI, 16-bit sums
of u8 · s8 products saturate. So each is first held against exact sums of the largest values, then timed. On CPUs with
AVX2 alone what is exact at 8 bits is tens of times slower; there activations get 7 bits, with which no sum saturates.
Knows nothing of models.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

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
    most: int  # rows of a matrix up to which it is best held in one

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        """Take int8 `weight` (out, in) and float32 `scale` (out,)."""

    def __call__(self, x: Tensor) -> Tensor:
        """Map float32 (rows, in) to float32 (rows, out)."""
        ...


class Fbgemm:
    """FBGEMM's product. With VNNI the fastest at a few rows, where what takes the time is reading the weights.

    It packs column by column, and a column of more rows than the caches hold takes twice to six times as long.
    """

    name = "fbgemm"
    levels = 127  # on either side of zero
    most = 9216

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        _begin_fbgemm()
        self._packed = [_packed(rows) for rows in torch.split(weight, self.most)]
        self._scale = scale.clone()

    def __call__(self, x: Tensor) -> Tensor:
        """See `Kernel`."""
        scale = x.abs().amax(dim=1, keepdim=True).clamp_(min=_TINY)  # (rows, 1)
        rows = x * (self.levels / scale)  # rounded to uint8 around the middle by the product
        return self._product(rows, self.levels + 1).mul_(scale.div_(self.levels))

    def _product(self, rows: Tensor, middle: int) -> Tensor:
        """(rows, out), by the weights' scales."""
        multiply = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32
        parts: list[Tensor] = [multiply(rows, 1.0, middle, packed) for packed in self._packed]
        return (torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]).mul_(self._scale)


@cache
def _begin_fbgemm() -> None:
    """Say whose order of weights is meant, and pass over what torch says once: quantized tensors are to go one day."""
    torch.backends.quantized.engine = "fbgemm"  # raises where it is missing
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        _quantized(torch.zeros(1, 1, dtype=torch.int8))


def _packed(weight: Tensor) -> Any:
    return torch.ops.quantized.linear_prepack(_quantized(weight), None)


def _quantized(weight: Tensor) -> Tensor:
    """Without the scales of its rows, which torch would read one by one."""
    return torch._make_per_tensor_quantized_tensor(weight, 1.0, 0)  # noqa: SLF001  # torch has no public name


class OneDnn:
    """oneDNN's inner product over weights in the order that it likes best. With VNNI or AMX the fastest at many."""

    name = "onednn"
    most = sys.maxsize
    levels = 127  # on either side of zero

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        self._packed = torch.ops.onednn.qlinear_prepack(weight, None)
        self._scale = scale.clone()
        self._zeros = torch.zeros(weight.shape[0], dtype=torch.int32)

    def __call__(self, x: Tensor) -> Tensor:
        """See `Kernel`."""
        scale = x.abs().amax(dim=1, keepdim=True).clamp_(min=_TINY)  # (rows, 1)
        middle = self.levels + 1
        rows = (x * (self.levels / scale)).add_(middle + 0.5).to(torch.uint8)  # no sign, as oneDNN wants it; .5 rounds
        y: Tensor = torch.ops.onednn.qlinear_pointwise(
            rows, 1.0, middle, self._packed, self._scale, self._zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return y.mul_(scale.div_(self.levels))


class SplitFbgemm(Fbgemm):
    """FBGEMM's product in two halves, 2 · ⌊q / 2⌋ + (q mod 2): exact without VNNI, since neither needs 8 bits."""

    name = "fbgemm, in halves"

    def __call__(self, x: Tensor) -> Tensor:
        """See `Kernel`."""
        scale = x.abs().amax(dim=1, keepdim=True).clamp_(min=_TINY)  # (rows, 1)
        rows = torch.round(x * (127.0 / scale))  # -127 … 127
        high = torch.floor(rows / 2)  # -64 … 63
        both = torch.cat([high, rows - 2 * high])  # (2 · rows, in)
        high, low = self._product(both, 64).chunk(2)
        return (2 * high + low).mul_(scale.div_(127.0))


class NarrowFbgemm(Fbgemm):
    """FBGEMM's product with 7 bits for activations: 2 · 127 · 127 is below what 16 bits hold."""

    name = "fbgemm, 7 bits"
    levels = 63


class NarrowOneDnn(OneDnn):
    """oneDNN's product with 7 bits for activations."""

    name = "onednn, 7 bits"
    levels = 63


class IntMM:
    """torch's plain int8 product."""

    name = "int_mm"
    most = sys.maxsize

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
    most = sys.maxsize

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        self._weight, self._scale = weight.contiguous(), scale

    def __call__(self, x: Tensor) -> Tensor:
        """See `Kernel`."""
        y: Tensor = torch._weight_int8pack_mm(x, self._weight, self._scale)  # noqa: SLF001  # no public name
        return y


class Float:
    """No int8 at all, four times the memory: for a small model that only reads."""

    name = "float32"
    most = sys.maxsize

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        self._weight = weight.float().mul_(scale[:, None])

    def __call__(self, x: Tensor) -> Tensor:
        """See `Kernel`."""
        return torch.nn.functional.linear(x, self._weight)


KERNELS: tuple[type[Kernel], ...] = (Fbgemm, OneDnn, SplitFbgemm, IntMM, WeightOnly)
NARROW: tuple[type[Kernel], ...] = (NarrowFbgemm, NarrowOneDnn)
WORTH = 1.5  # times as fast that 7 bits have to be
LARGE = 1_000_000_000  # parameters from which a model bears 7 bits: a tenth of that loses its way (evals/RESULTS.md)
SPEAKING = 32  # decode steps of four rows beside each 128 tokens that are read: a short answer
READING = 0  # of a model that only reads

_SPEAKER = 8960, 1536  # shape of the probe: the largest matrix of a layer of the default language model
_READER, _TOKENS = (1536, 384), 256  # of the default embedder, which takes hundreds of tokens at once
_MATRICES = 6  # of the probe: more than caches hold, as in a step through a language model
_TIMES, _PATIENCE = 3, 0.2  # calls of all that are timed, and seconds after which no more are


@cache
def choose_kernel(steps: int, *, narrow: bool = False) -> type[Kernel]:
    """The kernel that is exact here and fastest for `steps` (such as `SPEAKING`). Takes a second, once a process.

    A model that only reads may stay in floating point; with `narrow` activations may get 7 bits where that is faster.
    """
    if not steps:
        return _fastest((*KERNELS, Float), steps, math.inf)[0] or Float
    least = math.inf
    fewer: type[Kernel] | None = None
    if narrow and not any(is_sound(kernel) for kernel in (Fbgemm, OneDnn)):
        fewer, least = _fastest(NARROW, steps, math.inf)
    return _fastest(KERNELS, steps, WORTH * least)[0] or fewer or WeightOnly


def is_sound(kernel: type[Kernel]) -> bool:
    """Whether this machine has the kernel, and it is exact."""
    try:
        return is_exact(kernel)
    except (RuntimeError, AttributeError, NotImplementedError):
        return False


def _fastest(kernels: Sequence[type[Kernel]], steps: int, limit: float) -> tuple[type[Kernel] | None, float]:
    """The fastest of those that are exact and under `limit` seconds; None where there is none."""
    best, least = None, limit
    for kernel in kernels:
        if (seconds := cost(kernel, steps, least)) < least:
            best, least = kernel, seconds
    return best, least


def cost(kernel: type[Kernel], steps: int, limit: float = math.inf) -> float:
    """Seconds to read 128 tokens and take `steps` decode steps; infinite where the kernel is missing or wrong.

    For `READING` they are those of small matrices and many tokens. One that is over `limit` even from caches is not
    measured further.
    """
    try:
        if not is_exact(kernel):
            return math.inf
        shape = _SPEAKER if steps else _READER
        weight, scale = torch.ones(shape, dtype=torch.int8), torch.ones(shape[0])
        products: list[Product] = [kernel(weight.clone(), scale)]
        if (least := _MATRICES * _cost(products, steps)) > limit:
            return least
        products += [kernel(weight.clone(), scale) for _ in range(_MATRICES - 1)]
        return _cost(products, steps)
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


def _cost(products: Sequence[Product], steps: int) -> float:
    if not steps:
        return _seconds(products, _READER, _TOKENS)
    return 4 * _seconds(products, _SPEAKER, 32) + steps * _seconds(products, _SPEAKER, 4)


def _seconds(products: Sequence[Product], shape: tuple[int, int], rows: int) -> float:
    x = torch.ones(rows, shape[1])
    products[0](x)  # the first call of a shape prepares it
    times: list[float] = []
    while len(times) < _TIMES and sum(times) < _PATIENCE:
        start = time.perf_counter()
        for product in products:
            product(x)
        times.append(time.perf_counter() - start)
    return min(times)
