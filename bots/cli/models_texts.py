"""What `attune models list` and `attune doctor` say of this machine, and of which model suits it.

Knows nothing of how a machine is looked at, or of how a model is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bots.language import plural

if TYPE_CHECKING:
    from bots.cli.machine import Machine

GIGABYTE = 1e9  # bytes
OTHERS = (
    "Larger models answer better and take longer: one on the hub (hf:org/name), or one on a server (ATTUNE_MODEL_URL). "
    "What they are worth was not measured here; attune eval does it on your own questions, attune doctor --speed says "
    "how soon they answer."
)


def this_machine(machine: Machine) -> str:
    """What there is for a model."""
    return f"This machine has {machine_parts(machine)}."


def machine_parts(machine: Machine) -> str:
    """Memory, cores, instructions and GPU."""
    free = f" ({_gigabytes(machine.free)} free)" if machine.free else ""
    memory = [f"{_gigabytes(machine.memory)} of memory{free}"] if machine.memory else []
    cores = plural(machine.cores, "core") + (f" with {machine.instructions}" if machine.instructions else "")
    return ", ".join([*memory, cores, "a GPU" if machine.gpu else "no GPU"])


def fits(name: str, need: int, free: int) -> str:
    """The default model has room, in all if not just now."""
    just_now = " Not all of that is free just now." if 0 < free < need else ""
    return f"{name} fits: it takes at most {_gigabytes(need)} of memory, its caches included.{just_now}"


def too_large(name: str, need: int) -> str:
    """The default model has no room."""
    return (
        f"{name} does not fit: it takes {_gigabytes(need)} of memory with its caches full. {FIX_MEMORY} "
        "The smaller model that is built in is for tests only."
    )


FIX_MEMORY = "Lower ATTUNE_CACHE_MB and ATTUNE_BATCH_MB, or run the model on a server (ATTUNE_MODEL_URL)."


def short_of_memory(parts: str, need: int) -> str:
    """More is needed than there is, or than is free."""
    return f"{parts}; the language model takes {_gigabytes(need)} with its caches full"


def _gigabytes(count: int) -> str:
    return f"{count / GIGABYTE:,.1f} GB"
