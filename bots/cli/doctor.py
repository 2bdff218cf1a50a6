"""`attune doctor`: looks at everything that an answer needs, and says what to do where something is missing.

Each check is a function to rows of the table. Repairs nothing and fetches nothing.
"""

from __future__ import annotations

import asyncio
import platform
import shutil
import sys
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bots.cli import operator_texts
from bots.cli.bars import Bars
from bots.cli.models_view import disk_bytes, megabytes
from bots.language import plural
from bots.platform import Check, CheckStatus
from bots.render import clean
from bots.service.serving import configured
from core.answering.verdict import Judging
from core.bootstrap import open_embedder, open_index, open_records, open_remote, origin_of
from core.documents.reading import beginnings, share_of_others
from core.documents.sandbox import Sandbox
from core.domain import Mode
from core.embedder_choice import FOREIGN_SHARE, is_remembered, knows, with_embedder
from core.errors import AttuneError, ConfigurationError, DocumentError, ModelError
from core.models.specs import BUILT_IN, LocalModel
from core.models.store import ModelStore, protocol_for
from core.ports import Generator
from core.settings import Settings

FREE_BYTES = 500_000_000  # beside what is still to be fetched

NO_EVICTION = "noeviction"
BUILT_IN_DIMENSION = 384  # of the built-in embedder; another one has to be asked


STYLES = {CheckStatus.GOOD: "green", CheckStatus.CARE: "yellow", CheckStatus.BAD: "red"}


async def doctor(environ: Mapping[str, str], file: Path, version: str) -> int:
    """Check everything and show the table. Returns the exit code: 1 when something is wrong."""
    return _show(await all_checks(environ, file, version))


async def all_checks(environ: Mapping[str, str], file: Path, version: str) -> list[Check]:
    """A row for everything that was looked at."""
    checks = [Check(CheckStatus.GOOD, "attune", f"{version}, Python {platform.python_version()}")]
    try:
        named = Settings.from_env(environ, file)
    except ConfigurationError as error:
        checks.append(Check(CheckStatus.BAD, "settings", str(error), operator_texts.FIX_SETTINGS))
    else:
        settings = with_embedder(named)
        checks += [*_settings(named, environ, file), *await _server(settings), *_models(settings), *_disk(settings)]
        checks += [*await _stores(settings), *_device(settings), *await _platforms(settings)]
        checks.append(await asyncio.to_thread(parsers))
    return checks


def _show(checks: list[Check]) -> int:
    console = Console(soft_wrap=True)  # a fix stays on its line, so that it can be copied
    width = max(len(check.name) for check in checks)
    for check in checks:
        line = Text.assemble((check.mark, STYLES[check.mark]), f" {check.name:<{width}}  {clean(check.found)}")
        console.print(line)
        if check.fix:
            console.print(Text(f"  {'':<{width}}  → {clean(check.fix)}", style="dim"))
    bad = sum(check.mark is CheckStatus.BAD for check in checks)
    care = any(check.mark is CheckStatus.CARE for check in checks)
    well = operator_texts.ALL_WELL_BUT if care else operator_texts.ALL_WELL
    verdict = operator_texts.checks_failed(bad) if bad else well
    console.print(Text(f"\n{verdict}", style="red" if bad else "green"))
    return 1 if bad else 0


def _settings(settings: Settings, environ: Mapping[str, str], file: Path) -> Iterator[Check]:
    """What was set and where; the rest is as `docs/settings.md` has it."""
    for field in sorted(settings.model_fields_set):
        name = Settings.model_fields[field].alias or field
        origin = "environment" if environ.get(name) else str(file)
        yield Check(CheckStatus.GOOD, name, f"{getattr(settings, field)} ({origin})")
    if not settings.model_fields_set:
        yield Check(CheckStatus.GOOD, "settings", operator_texts.ALL_DEFAULTS)


async def _server(settings: Settings) -> list[Check]:
    """The language model, where a server has it, and how near the server comes to what `ATTUNE_DECODING` asks."""
    if not settings.model_url:
        return []
    try:
        async with open_remote(settings, settings.model_url) as remote:
            found = operator_texts.served(remote.name, settings.model_url, remote.context_tokens)
            decoding = _decoding(settings.decoding, remote)
    except AttuneError as error:
        return [Check(CheckStatus.BAD, "language model", settings.model_url, str(error))]
    return [Check(CheckStatus.GOOD, "language model", found), decoding]


def _decoding(mode: Mode, remote: Generator) -> Check:
    if mode is Mode.STUFFED:
        return Check(CheckStatus.GOOD, "decoding", f"{mode}: {operator_texts.SHARED}")
    if remote.says_likelihoods:
        return Check(CheckStatus.GOOD, "decoding", f"{mode}: {operator_texts.MIXED}")
    if remote.protocol.judging is Judging.FIRST:
        return Check(CheckStatus.GOOD, "decoding", f"{mode}: {operator_texts.JUDGED}")
    found = f"{mode} needs a model on this machine: {operator_texts.SHARED}"
    return Check(CheckStatus.CARE, "decoding", found, operator_texts.FIX_DECODING)


def _models(settings: Settings) -> Iterator[Check]:
    store = ModelStore(settings.models_folder)
    here = [] if settings.model_url else [(operator_texts.LANGUAGE_MODEL, settings.model)]
    for role, name in (*here, (operator_texts.EMBEDDER, settings.embedder)):
        try:
            model = store.find(name, Bars(Console(stderr=True)))
            merged = _merged(model, settings, store) if model and role == operator_texts.LANGUAGE_MODEL else []
        except ModelError as error:
            yield Check(CheckStatus.BAD, role, name, str(error))
            continue
        if model:
            yield Check(
                CheckStatus.GOOD, role, ", ".join([f"{model.name}, {megabytes(disk_bytes(model))}, verified", *merged])
            )
        else:
            size = f", {megabytes(BUILT_IN[name.lower()].size)}" if name.lower() in BUILT_IN else ""
            yield Check(
                CheckStatus.CARE, role, f"{name}{size}: {operator_texts.NOT_HERE}", operator_texts.fix_model(name)
            )


def _merged(model: LocalModel, settings: Settings, store: ModelStore) -> list[str]:
    """The adapter that is merged into the language model, in words, where there is one.

    Raises:
        ModelError: the one of the settings is none, or was trained for other words.
    """
    name = settings.adapter
    if name is None:
        return [operator_texts.OWN_ADAPTER] if model.adapter else []
    if name.startswith("hf:") and store.find(name) is None:
        return [operator_texts.adapter_to_fetch(name)]
    folder = store.resolve_adapter(name)
    protocol_for(replace(model, adapter=folder), settings)
    return [operator_texts.adapter_in_use(str(folder))]


def _disk(settings: Settings) -> Iterator[Check]:
    for name, folder in (("models folder", settings.models_folder), ("data folder", settings.data_folder)):
        existing = next(place for place in (folder, *folder.parents) if place.exists())
        free = shutil.disk_usage(existing).free
        mark = CheckStatus.GOOD if free >= FREE_BYTES else CheckStatus.BAD
        fix = "" if mark is CheckStatus.GOOD else operator_texts.FIX_DISK
        yield Check(mark, name, f"{folder}, {megabytes(free)} free", fix)


async def _stores(settings: Settings) -> list[Check]:
    return [*await _memory(settings), await _told("index", _index(settings))]


async def _told(name: str, check: Awaitable[Check]) -> Check:
    try:
        return await check
    except AttuneError as error:
        return Check(CheckStatus.BAD, name, operator_texts.NO_REPLY, str(error))


async def _memory(settings: Settings) -> list[Check]:
    """Whether it answers and keeps what it is given, and how much that is."""
    try:
        async with open_records(settings) as records:
            kept = await records.memory.footprint()
    except AttuneError as error:
        return [Check(CheckStatus.BAD, "memory", operator_texts.NO_REPLY, str(error))]
    return [
        eviction(kept.eviction),
        Check(CheckStatus.GOOD, "people", operator_texts.kept_of_people(kept, settings.keep)),
    ]


def eviction(policy: str) -> Check:
    """What a full server does: one that makes room throws away what it was given to keep."""
    if policy in ("", NO_EVICTION):  # some servers do not tell
        return Check(CheckStatus.GOOD, "memory", operator_texts.REPLIES)
    return Check(CheckStatus.CARE, "memory", operator_texts.evicts(policy), operator_texts.FIX_EVICTION)


async def _index(settings: Settings) -> Check:
    async with AsyncExitStack() as stack:
        dimension, here = BUILT_IN_DIMENSION, ModelStore(settings.models_folder).find(settings.embedder) is not None
        if settings.embedder.lower() not in BUILT_IN:
            if not here:
                return Check(CheckStatus.CARE, "index", operator_texts.NOT_LOOKED)
            dimension = (await stack.enter_async_context(open_embedder(settings))).dimension
        origin = await asyncio.to_thread(origin_of, settings) if here else None
        index = await stack.enter_async_context(open_index(settings, dimension, origin))
        count, others = await index.count(), await share_of_others(index, settings.embedder)
        ours = await beginnings(index)
    found = plural(count, "passage")
    if others:
        found += f", {operator_texts.embedded_by_others(others)}"
        return Check(CheckStatus.BAD, "index", found, operator_texts.FIX_OTHERS)
    if not knows(settings.embedder, ours, FOREIGN_SHARE):
        fix = operator_texts.fix_language(remembered=is_remembered(settings))
        return Check(CheckStatus.CARE, "index", f"{found}, {operator_texts.ELSEWHERE}", fix)
    mark, fix = (CheckStatus.GOOD, "") if count else (CheckStatus.CARE, operator_texts.FIX_EMPTY)
    return Check(mark, "index", found, fix)


async def _platforms(settings: Settings) -> list[Check]:
    return [check for platform in configured(settings) async for check in platform.checks(settings)]


def parsers() -> Check:
    """How far a document that takes over its parser is shut in, as the process that parses says itself."""
    with closing(Sandbox()) as sandbox:
        try:
            confined = sandbox.confined()
        except DocumentError as error:
            return Check(CheckStatus.BAD, "parsers", operator_texts.NO_REPLY, str(error))
    found = operator_texts.confined(confined.on, {str(layer): reason for layer, reason in confined.off.items()})
    if confined.is_whole:
        return Check(CheckStatus.GOOD, "parsers", found)
    return Check(CheckStatus.CARE, "parsers", found, operator_texts.fix_confinement(confined.on))


def _device(settings: Settings) -> Iterator[Check]:
    import torch  # noqa: PLC0415 - takes a second, which only this check should cost

    wanted = settings.device
    gpu = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else ""
    if wanted not in ("auto", "cpu", gpu):
        yield Check(CheckStatus.BAD, "device", f"{wanted}: {operator_texts.NOT_THERE}", operator_texts.FIX_DEVICE)
        return
    device = (gpu or "cpu") if wanted == "auto" else wanted
    found = torch.cuda.get_device_name() if device == "cuda" else device
    yield Check(CheckStatus.GOOD, "device", f"torch {torch.__version__} on {found}")
    if device == "cpu":
        yield _int8()


def _int8() -> Check:
    import torch  # noqa: PLC0415

    level = torch.backends.cpu.get_cpu_capability()
    if sys.platform == "darwin" or torch.cpu._is_vnni_supported():  # noqa: SLF001 - torch has no public name
        return Check(CheckStatus.GOOD, "int8", f"{level} with int8 instructions")
    return Check(CheckStatus.CARE, "int8", f"{level} {operator_texts.SLOW_INT8}")
