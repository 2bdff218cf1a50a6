"""Every sentence that `attune doctor` says itself; the platforms' checks have their own.

Knows nothing of how something was found out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bots.language import plural

if TYPE_CHECKING:
    from core.domain import Footprint

ALL_WELL = "Everything is in place."
ALL_WELL_BUT = "No check failed. Lines marked ! deserve a look."
ALL_DEFAULTS = "all at their defaults"
NOT_THERE = "this machine has none"
OWN_ADAPTER = "with the adapter that ships with Attune"
NOT_LOOKED = "not checked until the embedder is downloaded"
NO_REPLY = "not responding"
REPLIES = "responding"
SLOW_INT8 = "without int8 instructions: answers are slower"
FIX_EVICTION = "Set maxmemory-policy to noeviction in the server's configuration, and maxmemory to what it may use."
FIX_SETTINGS = "Correct the environment, .env or attune.toml."
FIX_DISK = "Free some space, or set ATTUNE_HOME to a folder on a larger disk."
ELSEWHERE = "many of them not in English"
FIX_OTHERS = "Embed all documents again: attune ingest --rebuild; or set ATTUNE_EMBEDDER back to the previous model."
FIX_DEVICE = "Set ATTUNE_DEVICE=auto."
MIXED = "each passage is read by itself, as on this machine"
JUDGED = "the model says which passages hold the answer, and those share one prompt"
SHARED = "all passages share one prompt"
NOT_LOOKED_DISK = "not checked until the data folder can be written to"
UNREADABLE = "what was decided of documents cannot be read"
FIX_FOLDER = "Check who owns the folder, or set ATTUNE_HOME to a folder that this user may write to."
NO_FOLDER = "is not a folder"
API_OFF = "not served; ATTUNE_API=127.0.0.1:8083 has attune serve do it"
CONSOLE_OFF = "not served; attune console opens it, or ATTUNE_CONSOLE=127.0.0.1:8084 beside attune serve"
WIDE = "others can reach it, and without TLS"
FIX_WIDE = "Put a proxy with TLS before it, or name a loopback address: keys travel in clear."
FIX_WIDE_CONSOLE = "Put a proxy with TLS before it, and set ATTUNE_CONSOLE_URL to its https address."
FIX_NO_KEY = "Make a key for each program: attune clients add NAME --readers everyone"
FIX_DECODING = "Set ATTUNE_DECODING=stuffed, serve Attune's reader (docs/reader.md), or unset ATTUNE_MODEL_URL."


def served(model: str, url: str, tokens: int) -> str:
    """A model on a server answers."""
    return f"{model} at {url} responds; context of {tokens:,} tokens"


def adapter_in_use(folder: str) -> str:
    """The team's own adapter is merged into the language model."""
    return f"with the adapter {folder}"


def adapter_to_fetch(name: str) -> str:
    """The team's own adapter is not on this machine yet."""
    return f"with the adapter {name}, which is fetched on first use"


def fix_model(name: str) -> str:
    """How to get a model."""
    return f"It is fetched on first use, or now: attune models pull {name}"


def checks_failed(count: int) -> str:
    """The last line of `attune doctor` when something is wrong."""
    return f"{plural(count, 'check')} failed. Each arrow (→) says what to do."


def embedded_by_others(share: float) -> str:
    """Some documents have vectors that cannot be compared with a question's."""
    return f"{max(1, round(100 * share))} % of the documents embedded by a model other than ATTUNE_EMBEDDER"


def confined(on: Sequence[str], off: Mapping[str, str]) -> str:
    """What confines the process that parses, and what this system lacks of it."""
    layers = ["limits of memory and time", *on]
    by = " and ".join((", ".join(layers[:-1]), layers[-1])) if on else layers[0]
    without = "; ".join(f"{layer}: {reason}" for layer, reason in off.items())
    return f"confined by {by}{f' (not by {without})' if without else ''}"


def fix_confinement(on: Sequence[str]) -> str:
    """What a document that takes over its parser could do, and the remedy."""
    could = [
        *([] if {"namespaces", "Landlock"} & set(on) else ["read the files that Attune can read"]),
        *([] if "seccomp" in on else ["disturb this user's other processes"]),
        *([] if {"namespaces", "seccomp"} & set(on) else ["send what it reads elsewhere"]),
    ]
    return (
        f"A file that takes over its parser could {' and '.join(could)}. Ingest only files you trust, or use "
        "Linux 5.13 or newer with Landlock and seccomp; in a container, the security profile has to allow them."
    )


def evicts(policy: str) -> str:
    """A server that evicts keys when it is full."""
    return f"{REPLIES}, but maxmemory-policy {policy} discards messages and history when it is full"


def recorded(named: int, elsewhere: int) -> str:
    """What is recorded of documents."""
    return f"readable: {plural(named, 'place')} of documents here, {plural(elsewhere, 'source')} elsewhere"


def kept_of_people(kept: Footprint, days: int) -> str:
    """How much is kept about how many people, and how long."""
    stay = f"for {plural(days, 'day')}" if days else "forever"
    if not kept.people:
        return f"nothing is kept about anybody yet; what comes is kept {stay} (ATTUNE_KEEP)"
    people = "1 person" if kept.people == 1 else f"{kept.people:,} people"
    some = "" if kept.whole else "sample of the keys: "
    each = f"median {_kilobytes(kept.median)} each, {_kilobytes(kept.most)} at most"
    return f"{some}{people}, {each}, kept {stay} (ATTUNE_KEEP)"


def _kilobytes(count: int) -> str:
    return f"{count / 1000:,.1f} kB"


def short_of_disk(free: str, need: str, *, downloads: bool) -> str:
    """Less is free than will be needed."""
    return f"{free} free, {need} needed{' with what is still to be downloaded' if downloads else ''}"


def unwritable(reason: str) -> str:
    """Nothing can be kept in a folder."""
    return f"cannot be written to ({reason})"


def unasked(reason: str) -> str:
    """The hub did not say whether it has a model."""
    return f"not downloaded yet, and not checked: {reason}"


def speed_found(model: str, how: str, new: float, seen: float, rate: float) -> str:
    """How soon an answer begins."""
    return (
        f"{model} ({how}): first word after {new:.1f} s about passages that are new to it, {seen:.1f} s about others; "
        f"then {rate:.0f} tokens a second"
    )


def loaded_in(seconds: float) -> str:
    """How long a model took to be ready."""
    return f"ready after {seconds:.1f} s"


def answers(address: str) -> str:
    """Attune is served at an address."""
    return f"{address} responds"


def silent(address: str) -> str:
    """Nothing is served at an address now."""
    return f"{address}, once attune serve runs"


def taken(address: str) -> str:
    """Something else is served at an address."""
    return f"{address} is taken by another program"


def fix_taken(setting: str) -> str:
    """How to get out of its way."""
    return f"Set {setting} to another port."


def keys(count: int) -> str:
    """How many programs may ask."""
    return f"{plural(count, 'program')} with a key" if count else "no program has a key"
