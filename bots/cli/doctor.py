"""`attune doctor`: looks at everything that an answer needs, and says what to do where something is missing.

Each check is a function to rows of the table. Repairs nothing and fetches nothing; loads a model only for `--speed`.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bots.cli import doctor_texts as say
from bots.cli import operator_texts
from bots.cli.bars import Bars
from bots.cli.collection_checks import collection_checks
from bots.cli.endpoint_checks import endpoint_checks
from bots.cli.machine import this_machine
from bots.cli.machine_checks import device_checks, folder_checks, is_writable, machine_check
from bots.cli.models_view import disk_bytes, megabytes
from bots.language import plural
from bots.operating import DEFAULT, setting_rows
from bots.platform import Check, CheckStatus
from bots.render import clean
from core.answering.verdict import Judging
from core.bootstrap import open_embedder, open_index, open_records, open_remote, origin_of
from core.documents.folder_records import FolderRecords
from core.documents.reading import beginnings, share_of_others
from core.documents.remote.records import SourceRecords
from core.documents.sandbox import Sandbox
from core.domain import NO_EVICTION, Mode
from core.embedder_choice import FOREIGN_SHARE, is_remembered, knows, with_embedder
from core.errors import AttuneError, ConfigurationError, DocumentError, DownloadError, ModelError
from core.models.specs import BUILT_IN, LocalModel
from core.models.store import ModelStore, protocol_for
from core.people.access import listed_names, sound_names
from core.ports import Generator
from core.settings import Settings, shown_url

LISTS = ("ATTUNE_ALLOW", "ATTUNE_OPERATORS")
HUB_SECONDS = 2.0  # that the hub may take to say whether it has a model
BUILT_IN_DIMENSION = 384  # of the built-in embedder; another one has to be asked


STYLES = {CheckStatus.GOOD: "green", CheckStatus.CARE: "yellow", CheckStatus.BAD: "red"}


async def doctor(environ: Mapping[str, str], file: Path, version: str, *, speed: bool = False) -> int:
    """Check everything and show the table; with `speed` also how soon the model answers, which takes a while.

    Returns the exit code: 1 when something is wrong.
    """
    return _show(await all_checks(environ, file, version, speed=speed))


async def all_checks(environ: Mapping[str, str], file: Path, version: str, *, speed: bool = False) -> list[Check]:
    """A row for everything that was looked at."""
    checks = [Check(CheckStatus.GOOD, "attune", f"{version}, Python {platform.python_version()}")]
    try:
        named = Settings.from_env(environ, file)
    except ConfigurationError as error:
        return [*checks, Check(CheckStatus.BAD, "settings", str(error), say.FIX_SETTINGS)]
    checks += _settings(named, environ, file)
    try:
        settings, machine = _with_sound_lists(with_embedder(named)), this_machine()
    except (AttuneError, OSError) as error:
        return [*checks, Check(CheckStatus.BAD, "data folder", str(error), say.FIX_FOLDER)]
    parsing = asyncio.create_task(asyncio.to_thread(parsers))  # it takes a process, and waits for it
    checks += [machine_check(settings, machine), *device_checks(settings, machine)]
    checks += [*await _server(settings), *_models(settings), *(await _speed(settings) if speed else [])]
    checks += [*folder_checks(settings), *await _stores(settings), *await _platforms(settings)]
    checks += [check async for check in endpoint_checks(settings)]
    return [*checks, await parsing]


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
    well = say.ALL_WELL_BUT if care else say.ALL_WELL
    verdict = say.checks_failed(bad) if bad else well
    console.print(Text(f"\n{verdict}", style="red" if bad else "green"))
    return 1 if bad else 0


def _settings(settings: Settings, environ: Mapping[str, str], file: Path) -> Iterator[Check]:
    """What was set and where; the rest is as `docs/settings.md` has it."""
    for row in sorted(setting_rows(settings, environ, file), key=lambda row: row.name):
        if row.origin != DEFAULT:
            fix = _wrong_list(row.name, row.value)
            yield Check(CheckStatus.BAD if fix else CheckStatus.GOOD, row.name, f"{row.value} ({row.origin})", fix)
    if not settings.model_fields_set:
        yield Check(CheckStatus.GOOD, "settings", say.ALL_DEFAULTS)


def _wrong_list(setting: str, text: str) -> str:
    """What is wrong with a list of names; empty where nothing is, or where it is none."""
    try:
        listed_names(text if setting in LISTS else "", setting)
    except ConfigurationError as error:
        return str(error)
    return ""


def _with_sound_lists(settings: Settings) -> Settings:
    """`settings` with the names alone that are some, so that all else can be looked at."""
    lists = {name: ",".join(sorted(sound_names(getattr(settings, name)))) for name in ("allow", "operators")}
    return settings.model_copy(update=lists)


async def _speed(settings: Settings) -> list[Check]:
    """How soon the language model answers; it is loaded, or asked where it is."""
    from bots.cli.speed import speed_of  # noqa: PLC0415 - it brings torch

    name = "speed"
    try:
        sample = await speed_of(settings, Bars(Console(stderr=True)))
    except AttuneError as error:
        return [Check(CheckStatus.BAD, name, say.NO_REPLY, str(error))]
    how = ", ".join(filter(None, (sample.kernel, say.loaded_in(sample.ready))))
    return [Check(CheckStatus.GOOD, name, say.speed_found(sample.model, how, sample.new, sample.seen, sample.rate))]


async def _server(settings: Settings) -> list[Check]:
    """The language model, where a server has it, and how near the server comes to what `ATTUNE_DECODING` asks."""
    if not settings.model_url:
        return []
    try:
        async with open_remote(settings, settings.model_url) as remote:
            found = say.served(remote.name, shown_url(settings.model_url), remote.context_tokens)
            decoding = _decoding(settings.decoding, remote, remote.obstacle)
    except AttuneError as error:
        return [Check(CheckStatus.BAD, "language model", shown_url(settings.model_url), str(error))]
    return [Check(CheckStatus.GOOD, "language model", found), decoding]


def _decoding(mode: Mode, remote: Generator, obstacle: str) -> Check:
    if mode is Mode.STUFFED:
        return Check(CheckStatus.GOOD, "decoding", f"{mode}: {say.SHARED}")
    if remote.says_likelihoods:
        return Check(CheckStatus.GOOD, "decoding", f"{mode}: {say.MIXED}")
    if remote.protocol.judging is Judging.FIRST:
        return Check(CheckStatus.GOOD, "decoding", f"{mode}: {say.JUDGED}")
    found = f"{mode} needs a model on this machine: {say.SHARED}"
    return Check(CheckStatus.CARE, "decoding", found, f"{obstacle} {say.FIX_DECODING}".strip())


def _models(settings: Settings) -> Iterator[Check]:
    store = ModelStore(settings.models_folder, hub_seconds=HUB_SECONDS)
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
            yield _to_fetch(role, name, store)
        if role == operator_texts.LANGUAGE_MODEL and (settings.adapter or "").startswith("hf:"):
            yield from _hub_adapter(str(settings.adapter), store)


def _to_fetch(role: str, name: str, store: ModelStore) -> Check:
    """A model that is not here yet; of one on the hub, whether it is there."""
    try:
        spec = BUILT_IN.get(name.lower()) or store.describe(name)
    except DownloadError as error:
        return Check(CheckStatus.CARE, role, f"{name}: {say.unasked(str(error))}", say.fix_model(name))
    except ModelError as error:
        return Check(CheckStatus.BAD, role, name, str(error))
    size = f", {megabytes(spec.size)}" if spec else ""
    return Check(CheckStatus.CARE, role, f"{name}{size}: {operator_texts.NOT_HERE}", say.fix_model(name))


def _hub_adapter(name: str, store: ModelStore) -> Iterator[Check]:
    """Whether the hub has an adapter that is not here yet."""
    if store.find(name) is None:
        yield _to_fetch("adapter", name, store)


def _merged(model: LocalModel, settings: Settings, store: ModelStore) -> list[str]:
    """The adapter that is merged into the language model, in words, where there is one.

    Raises:
        ModelError: the one of the settings is none, or was trained for other words.
    """
    name = settings.adapter
    if name is None:
        return [say.OWN_ADAPTER] if model.adapter else []
    if name.startswith("hf:") and store.find(name) is None:
        return [say.adapter_to_fetch(name)]
    folder = store.resolve_adapter(name)
    protocol_for(replace(model, adapter=folder), settings)
    return [say.adapter_in_use(str(folder))]


async def _stores(settings: Settings) -> list[Check]:
    if not is_writable(settings.data_folder):
        return [Check(CheckStatus.CARE, name, say.NOT_LOOKED_DISK) for name in ("memory", "index", "records")]
    index = [await _told("index", _index(settings)), *await collection_checks(settings)]
    return [*await _memory(settings), *index, _records(settings)]


def _records(settings: Settings) -> Check:
    """Whether what was decided of documents can be read: who may see them, and what is read again."""
    try:
        named = FolderRecords(settings.data_folder).read().folders
        elsewhere = [one for one in SourceRecords(settings.data_folder).read() if one.remote]
    except DocumentError as error:
        return Check(CheckStatus.BAD, "records", say.UNREADABLE, str(error))
    return Check(CheckStatus.GOOD, "records", say.recorded(len(named), len(elsewhere)))


async def _told(name: str, check: Awaitable[Check]) -> Check:
    try:
        return await check
    except AttuneError as error:
        return Check(CheckStatus.BAD, name, say.NO_REPLY, str(error))


async def _memory(settings: Settings) -> list[Check]:
    """Whether it answers and keeps what it is given, and how much that is."""
    try:
        async with open_records(settings) as records:
            kept = await records.memory.footprint()
    except AttuneError as error:
        return [Check(CheckStatus.BAD, "memory", say.NO_REPLY, str(error))]
    return [
        eviction(kept.eviction),
        Check(CheckStatus.GOOD, "people", say.kept_of_people(kept, settings.keep)),
    ]


def eviction(policy: str) -> Check:
    """What a full server does: one that makes room throws away what it was given to keep."""
    if policy in ("", NO_EVICTION):  # some servers do not tell
        return Check(CheckStatus.GOOD, "memory", say.REPLIES)
    return Check(CheckStatus.CARE, "memory", say.evicts(policy), say.FIX_EVICTION)


async def _index(settings: Settings) -> Check:
    async with AsyncExitStack() as stack:
        dimension, here = BUILT_IN_DIMENSION, ModelStore(settings.models_folder).find(settings.embedder) is not None
        if settings.embedder.lower() not in BUILT_IN:
            if not here:
                return Check(CheckStatus.CARE, "index", say.NOT_LOOKED)
            dimension = (await stack.enter_async_context(open_embedder(settings))).dimension
        origin = await asyncio.to_thread(origin_of, settings) if here else None
        index = await stack.enter_async_context(open_index(settings, dimension, origin))
        count, others = await index.count(), await share_of_others(index, settings.embedder)
        ours = await beginnings(index)
    found = plural(count, "passage")
    if others:
        found += f", {say.embedded_by_others(others)}"
        return Check(CheckStatus.BAD, "index", found, say.FIX_OTHERS)
    if not knows(settings.embedder, ours, FOREIGN_SHARE):
        fix = operator_texts.fix_language(remembered=is_remembered(settings))
        return Check(CheckStatus.CARE, "index", f"{found}, {say.ELSEWHERE}", fix)
    mark, fix = (CheckStatus.GOOD, "") if count else (CheckStatus.CARE, operator_texts.FIX_EMPTY)
    return Check(mark, "index", found, fix)


async def _platforms(settings: Settings) -> list[Check]:
    if settings.telegram_token is None and settings.slack_bot_token is None:
        return []
    from bots.service.serving import configured  # noqa: PLC0415 - it brings all that serves

    return [check for platform in configured(settings) async for check in platform.checks(settings)]


def parsers() -> Check:
    """How far a document that takes over its parser is shut in, as the process that parses says itself."""
    with closing(Sandbox()) as sandbox:
        try:
            confined = sandbox.confined()
        except DocumentError as error:
            return Check(CheckStatus.BAD, "parsers", say.NO_REPLY, str(error))
    found = say.confined(confined.on, {str(layer): reason for layer, reason in confined.off.items()})
    if confined.is_whole:
        return Check(CheckStatus.GOOD, "parsers", found)
    return Check(CheckStatus.CARE, "parsers", found, say.fix_confinement(confined.on))
