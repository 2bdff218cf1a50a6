"""What a machine is said to have, from what its kernel tells: in full, in a container, and where it tells nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bots.cli.machine import Machine, this_machine

MEMINFO = "MemTotal:       24000000 kB\nMemFree:         1000000 kB\nMemAvailable:   20000000 kB\n"


def kernel(root: Path, **files: str) -> Path:
    """A root whose /proc and /sys have these files, named with `__` for slashes."""
    for name, text in {"proc__meminfo": MEMINFO, **files}.items():
        file = root / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def limit(root: Path, group: str, **files: str) -> None:
    """Set limits of a control group; `memory_max` stands for `memory.max`."""
    folder = root / "sys/fs/cgroup" / group
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(text)


def test_a_whole_machine(tmp_path: Path) -> None:
    machine = this_machine(kernel(tmp_path))
    assert (machine.memory, machine.free) == (24_000_000 << 10, 20_000_000 << 10)
    assert machine.cores >= 1
    assert (machine.instructions, machine.is_fast) == ("", True)


@pytest.mark.parametrize(
    ("flags", "instructions", "fast"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_vnni amx_int8", "AMX", True),
        ("flags\t\t: fpu avx2 avx512f avx512_vnni", "AVX-512 VNNI", True),
        ("flags\t\t: fpu avx2 avx_vnni", "AVX VNNI", True),
        ("flags\t\t: fpu avx2", "AVX2", False),
        ("Features\t: fp asimd asimddp", "dot products", True),
        ("Features\t: fp asimd", "NEON", False),
    ],
)
def test_instructions_are_those_of_the_processor(tmp_path: Path, flags: str, instructions: str, fast: bool) -> None:  # noqa: FBT001
    machine = this_machine(kernel(tmp_path, proc__cpuinfo=f"processor\t: 0\n{flags}\n\nprocessor\t: 1\n{flags}\n"))
    assert (machine.instructions, machine.is_fast) == (instructions, fast)


def test_a_container_has_what_it_may_use(tmp_path: Path) -> None:
    """The least of its own limits and those of what it is in; pages of files that nobody uses count as free."""
    root = kernel(tmp_path, proc__self__cgroup="0::/outer/inner\n")
    limit(root, "outer", memory_max="8000000000\n", memory_current="1000000000\n", cpu_max="max 100000\n")
    limit(
        root,
        "outer/inner",
        memory_max="4000000000\n",
        memory_current="3000000000\n",
        memory_stat="anon 1\ninactive_file 500000000\n",
        cpu_max="50000 100000\n",
    )
    machine = this_machine(root)
    assert (machine.memory, machine.free, machine.cores) == (4_000_000_000, 1_500_000_000, 1)


@pytest.mark.parametrize("said", ["max\n", "", "many\n"])
def test_a_group_without_a_limit_limits_nothing(tmp_path: Path, said: str) -> None:
    root = kernel(tmp_path)
    limit(root, "", memory_max=said, memory_current="1\n", cpu_max=said)
    assert this_machine(root).memory == 24_000_000 << 10


def test_a_gpu_is_seen_by_what_its_driver_shows(tmp_path: Path) -> None:
    root = kernel(tmp_path)
    assert not this_machine(root).gpu
    (root / "dev").mkdir()
    (root / "dev/nvidiactl").touch()
    assert this_machine(root).gpu


def test_where_the_kernel_tells_nothing_python_may_know(tmp_path: Path) -> None:
    machine = this_machine(tmp_path)
    assert isinstance(machine, Machine)
    assert machine.cores >= 1
