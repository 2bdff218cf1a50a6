"""Writes the requirements*.lock files from what `uv pip compile --generate-hashes` says: `make lock`.

The first has what constraints.txt names, the second PyTorch and what it brings for NVIDIA's GPUs, so that a container
for a machine without one can do without; the third (`python -m tests.write_lock ray`) what a Ray cluster needs beside
them. What only other systems than Linux need is left out.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.markers import Marker

ROOT = Path(__file__).parent.parent
LOCK, TORCH, RAY = "requirements.lock", "requirements-torch.lock", "requirements-ray.lock"
HEADER = "# The hashes of the versions in constraints.txt, for the container. `make lock` writes this file.\n"
TORCH_HEADER = "# PyTorch and what it brings on Linux, for the container. `make lock` writes this file.\n"
RAY_HEADER = "# What a Ray cluster needs beside the others, for the container. `make lock` writes this file.\n"
MACHINES = ("x86_64", "aarch64")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def written(compiled: str, constraints: str) -> tuple[str, str]:
    """Both files' text."""
    named = {name.replace(".", "-") for name in re.findall(r"^([a-z0-9.-]+)==", constraints, flags=re.MULTILINE)}
    named.discard("torch")
    files = {True: [HEADER], False: [TORCH_HEADER]}
    for block in _blocks(compiled):
        if _is_for_linux(block):
            files[re.split("==", block)[0] in named].append(block)
    return "".join(files[True]), "".join(files[False])


def further(compiled: str, *locked: str) -> str:
    """The text of a file with what is in none of those that are `locked`."""
    known = {name for text in locked for name in re.findall(r"^([a-z0-9-]+)==", text, flags=re.MULTILINE)}
    blocks = (block for block in _blocks(compiled) if _is_for_linux(block) and block.partition("==")[0] not in known)
    return "".join([RAY_HEADER, *blocks])


def _blocks(compiled: str) -> Iterator[str]:
    """Each requirement with its hashes."""
    lines = [line for line in compiled.splitlines(keepends=True) if line.strip() and not line.startswith("#")]
    begin = [number for number, line in enumerate(lines) if not line[0].isspace()]
    for start, end in itertools.pairwise([*begin, len(lines)]):
        yield "".join(lines[start:end])


def _is_for_linux(block: str) -> bool:
    _, _, marker = block.partition("\n")[0].rstrip(" \\").partition(" ; ")
    linux = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    return not marker or any(
        Marker(marker).evaluate({**linux, "platform_machine": machine, "python_version": python})
        for machine in MACHINES
        for python in PYTHONS
    )


def main(extra: str = "") -> None:
    if extra:
        others = [(ROOT / name).read_text(encoding="utf-8") for name in (LOCK, TORCH)]
        (ROOT / RAY).write_text(further(sys.stdin.read(), *others), encoding="utf-8")
        return
    texts = written(sys.stdin.read(), (ROOT / "constraints.txt").read_text(encoding="utf-8"))
    for name, text in zip((LOCK, TORCH), texts, strict=True):
        (ROOT / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
