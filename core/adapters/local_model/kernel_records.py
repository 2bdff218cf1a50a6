"""The kernels that were chosen by measuring, kept for the next start on the same machine.

A record holds for one CPU, one torch and one number of threads. What is kept is tried on the largest values again,
which takes no time: a file that was copied from another machine chooses nothing that is wrong on this one. A choice is
kept only where nothing disturbed the measuring. Knows nothing of how kernels are measured.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
from contextlib import suppress
from pathlib import Path

import torch

from core.adapters.local_model.int8_kernels import KERNELS, NARROW, Float, Kernel, choose_kernel, is_sound
from core.storage.durable import SHARED, write_whole

RECORDS = "kernels.json"  # beside the converted copies
DISTURBED = 1.3  # times as long by the clock as on the processor, while measuring
_EVERY: tuple[type[Kernel], ...] = (*KERNELS, *NARROW, Float)
_KNOWN = {kernel.name: kernel for kernel in _EVERY}
_CPU = Path("/proc/cpuinfo")
_TELLING = ("model name", "flags", "Features")  # lines of it that say what the CPU can do


def recorded_kernel(records: Path, steps: int, *, narrow: bool = False) -> type[Kernel]:
    """What `choose_kernel` chose on this machine, as the file `records` has it; else its choice, which is noted."""
    key, known = f"{_machine()} {steps}{' narrow' if narrow else ''}", _read(records)
    if (kernel := _KNOWN.get(known.get(key, ""))) and is_sound(kernel):
        return kernel
    wall, busy = time.perf_counter(), time.thread_time()
    kernel = choose_kernel(steps, narrow=narrow)
    wall, busy = time.perf_counter() - wall, time.thread_time() - busy
    if wall <= DISTURBED * busy:
        with suppress(OSError):  # it is measured again next time
            write_whole(records, json.dumps({**known, key: kernel.name}, indent=1).encode(), mode=SHARED)
    return kernel


def _read(records: Path) -> dict[str, str]:
    try:
        content = json.loads(records.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(name) for key, name in content.items()} if isinstance(content, dict) else {}


def _machine() -> str:
    """A name for what a choice depends on."""
    lines = _CPU.read_text(encoding="utf-8", errors="replace").splitlines() if _CPU.is_file() else []
    can = sorted({line for line in lines if line.startswith(_TELLING)}) or [platform.processor()]
    cpu = hashlib.sha256("\n".join(can).encode()).hexdigest()[:12]
    return f"{platform.machine()} {cpu} torch {torch.__version__} {torch.get_num_threads()} threads"
