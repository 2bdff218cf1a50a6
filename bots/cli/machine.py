"""What this machine has for models: memory, cores, instructions for int8, a GPU; in a container, what that may use.

Looks into /proc and /sys, and loads no torch. Knows nothing of models.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.text.words import whole_number

FAST_INT8 = {  # the kernel's name of what multiplies int8 quickly, the best first
    "amx_int8": "AMX",
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX VNNI",
    "i8mm": "I8MM",
    "asimddp": "dot products",
}
_SLOW_INT8 = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}
_GPU = ("dev/nvidiactl", "proc/driver/nvidia/version", "dev/kfd")  # NVIDIA's, and AMD's


@dataclass(frozen=True, slots=True)
class Machine:
    """Bytes of memory in all and free, 0 where nobody says; cores; the best instructions for int8, and if they are."""

    memory: int
    free: int
    cores: int
    instructions: str = ""
    is_fast: bool = True
    gpu: bool = False


def this_machine(root: Path = Path("/")) -> Machine:
    """What there is; `root` is where /proc and /sys are looked for."""
    memory, free = _memory(root)
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    for group in _control_groups(root):
        most, used = _number(group / "memory.max"), _number(group / "memory.current")
        if most and (not memory or most < memory):
            memory, free = most, min(free or most, most - used + _cached(group / "memory.stat"))
        quota, _, period = _text(group / "cpu.max").partition(" ")
        if _figure(quota) and _figure(period):
            cores = min(cores, _figure(quota) / _figure(period))
    instructions, is_fast = _instructions(_text(root / "proc/cpuinfo"))
    mac = sys.platform == "darwin"
    gpu = mac or any((root / place).exists() for place in _GPU)
    return Machine(memory, free, math.ceil(cores), instructions, is_fast or mac, gpu)


def _memory(root: Path) -> tuple[int, int]:
    """Bytes in all and free of the whole machine."""
    said = dict(line.split(":", 1) for line in _text(root / "proc/meminfo").splitlines() if ":" in line)
    if "MemTotal" in said:
        total, free = (_figure(said.get(name, "").strip().partition(" ")[0]) for name in ("MemTotal", "MemAvailable"))
        return total << 10, free << 10
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), 0
    except (ValueError, OSError):
        return 0, 0


def _control_groups(root: Path) -> Iterator[Path]:
    """The folders of the control groups that this process is in, its own first; in a container only the root's."""
    home = root / "sys/fs/cgroup"
    named = (line for line in _text(root / "proc/self/cgroup").splitlines() if line.startswith("0::/"))
    folder = home / next(named, "0::/").removeprefix("0::/")
    while folder.is_relative_to(home):
        yield folder
        folder = folder.parent


def _instructions(cpuinfo: str) -> tuple[str, bool]:
    """The best that the processor has for int8, and whether that is made for it."""
    lines = (line for line in cpuinfo.splitlines() if line.startswith(("flags", "Features")))
    flags = set(next(lines, "").partition(":")[2].split())
    found = next((name for flag, name in {**FAST_INT8, **_SLOW_INT8}.items() if flag in flags), "")
    return found, not found or found in FAST_INT8.values()


def _cached(statistics: Path) -> int:
    """Bytes that the kernel would give back: pages of files that nobody used lately."""
    said = (line.split() for line in _text(statistics).splitlines())
    return next((_figure(line[1]) for line in said if line[:1] == ["inactive_file"]), 0)


def _number(file: Path) -> int:
    return _figure(_text(file))


def _figure(text: str) -> int:
    """The whole number that `text` is; 0 for anything else, such as `max`."""
    return whole_number(text.strip()) or 0


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
