"""What `attune chat` and `attune ingest` do: open Attune, talk or read, say what happened.

Knows nothing of the command line's grammar, of stores or of models; `core.bootstrap` puts those together.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bots import texts
from bots.cli import ingest_texts, operator_texts
from bots.cli.bars import is_interactive, opened
from bots.cli.ingest_view import ingestion_bar, show_plan, show_report, show_watched
from bots.cli.source_ingest import named_sources, note_folders, read_sources, with_recorded
from bots.console_bot import HISTORY_FILE, OWN_COMMANDS, ConsoleBot, answer_lines
from bots.dialogue import Dialogue
from bots.own_guides import OwnGuides, shown
from bots.render import THEME, one_line, terminal
from core.bootstrap import Attune, Library, open_attune, open_library, open_stored_index, rebuilt
from core.documents.embedding import RemoteReading
from core.documents.ingest import Ingester
from core.documents.reading import beginnings
from core.documents.tally import IngestReport, merged
from core.domain import Document
from core.embedder_choice import FOREIGN_SHARE, is_remembered, knows, knows_all
from core.errors import DocumentError, StoreError
from core.models.store import ModelStore
from core.readers import Readers
from core.settings import Settings, shown_url
from core.together import ended

WATCH_MS = 300  # milliseconds until the first look at what changed


async def chat(settings: Settings, version: str) -> int:
    """Talk until the person leaves, or until the pipe ends. Returns the exit code."""
    if is_interactive() and (held := await _prepared(settings)):
        return await _chat_early(settings, version, held)
    errors = Console(stderr=True)
    async with opened(open_attune, settings, errors) as attune:
        guides = OwnGuides(attune.library)
        await _begin_with_guides(guides, attune.library, errors)
        if not is_interactive():
            dialogue = Dialogue(attune.engine, operator_present=True, embedder=settings.embedder)
            typed = settings.data_folder / HISTORY_FILE
            return await answer_lines(dialogue, sys.stdin, sys.stdout, sys.stderr, typed)
        console = Console(theme=THEME)
        _welcome(shown(await attune.library.index.documents()), settings, version, console)
        async with guides.kept():
            await ConsoleBot(_dialogue(attune, settings), settings.data_folder, console).talk()
    return 0


async def _prepared(settings: Settings) -> Sequence[Document]:
    """The documents that a question can be asked about as soon as the models are open; none where more is to be done.

    Fetching, converting and a first reading have bars, which leave no room for a prompt.
    """
    names = [settings.embedder, *([] if settings.model_url else [settings.model])]
    if settings.adapter or not await asyncio.to_thread(ModelStore(settings.models_folder).is_prepared, names):
        return []
    async with open_stored_index(settings) as index:
        return shown(await index.documents())


async def _chat_early(settings: Settings, version: str, held: Sequence[Document]) -> int:
    """Talk while everything is still being opened: the prompt is there at once, and the first answer waits."""
    console, opening = Console(theme=THEME), asyncio.get_running_loop().create_future()
    _welcome(held, settings, version, console, early=True)
    talking = asyncio.create_task(ConsoleBot(opening, settings.data_folder, console).talk())
    try:
        async with open_attune(settings) as attune:
            guides = OwnGuides(attune.library)
            if await guides.urgent():
                await guides.keep()
            opening.set_result(_dialogue(attune, settings))
            async with guides.kept():
                await talking
    finally:
        await ended(talking)
    return 0


def _dialogue(attune: Attune, settings: Settings) -> Dialogue:
    return Dialogue(attune.engine, own_commands=OWN_COMMANDS, operator_present=True, embedder=settings.embedder)


async def ingest(
    settings: Settings,
    names: Sequence[str | Path],
    readers: Readers | None = None,
    *,
    watch: bool = False,
    dry: bool = False,
    anew: bool = False,
    every: int | None = None,
    site: bool = False,
    elsewhere: RemoteReading | None = None,
) -> int:
    """Read documents and show what became of each; with `watch` again whenever one changes, until interrupted.

    Without `names` those that were read before, or watched. With `dry` only show what would become of each; nothing is
    written. With `anew` begin with an empty index, and read all again that was read before. `every` and `site` are of
    `SourceWishes`; what `elsewhere` reaches it reads and embeds.

    Returns the exit code: 1 where a path or all is missing.
    """
    errors, named = Console(stderr=True), named_sources(names, readers, every=every, site=site)
    missing = _missing(named.paths, errors)
    if missing and len(missing) == len(names):
        return 1
    opener = partial(open_library, anew=True) if anew else open_library
    async with opened(opener, settings, errors) as library:
        known = await _recorded(library, watched=watch) if anew or not names else []
        missing += _missing(known, errors)
        present = [path for path in dict.fromkeys((*named.paths, *known)) if path not in missing]
        lessons = [settings.learned_folder] if anew and settings.learned_folder.is_dir() else []
        named = await with_recorded(library, named) if anew or not (names or watch) else named
        if not present and not lessons and not named.addresses:
            await _say_nothing(library, missing, errors, watch=watch)
            return 1
        with ingestion_bar(errors) as progress:
            reports, failed = await read_sources(library, named, errors, progress, dry=dry)
            if found := [*present, *lessons]:
                reading = partial(library.ingester.ingest, readers=readers, dry=dry, elsewhere=elsewhere)
                reports += [await reading(found, progress, watch=watch if names and not anew else None)]
        await note_folders(library, [] if dry else present, [] if dry else missing)
        read = _shown(merged(reports), errors, dry=dry)
        await _compare_languages(settings, library, errors)
        if watch:
            async with library.sources.kept() if library.sources else nullcontext():
                await _keep_in_step(library.ingester, present, readers)
    if anew:
        await rebuilt(settings)
    return 1 if missing or failed or not read else 0


def _shown(report: IngestReport, errors: Console, *, dry: bool) -> int:
    """How many documents were read, after saying what became of each."""
    (show_plan if dry else show_report)(report, Console())
    read = len(report.new) + len(report.changed) + len(report.unchanged)
    if not read:
        nothing = operator_texts.NOTHING_TO_INGEST if dry else operator_texts.NOTHING_INGESTED
        errors.print(Text(nothing, style="red"))
    return read


async def _compare_languages(settings: Settings, library: Library, errors: Console) -> None:
    """Say so where the embedder does not know the language of many documents in the index."""
    if knows_all(settings.embedder):
        return
    if not knows(settings.embedder, await beginnings(library.index), FOREIGN_SHARE):
        said = operator_texts.foreign_documents(settings.embedder, remembered=is_remembered(settings))
        errors.print(Text(said), soft_wrap=True)


async def _say_nothing(library: Library, missing: Sequence[Path], errors: Console, *, watch: bool) -> None:
    """Say that nothing was named, unless what was named is missing, which was said."""
    await note_folders(library, [], missing)
    if not missing:
        nothing = operator_texts.NOTHING_WATCHED if watch else operator_texts.NOTHING_NAMED
        errors.print(Text(nothing, style="red"), soft_wrap=True)


def _missing(paths: Sequence[Path], errors: Console) -> list[Path]:
    """Those that do not exist, after saying so."""
    missing = [path for path in paths if not path.exists()]
    for path in missing:
        errors.print(Text(operator_texts.missing_path(one_line(str(path))), style="red"), soft_wrap=True)
    return missing


async def _recorded(library: Library, *, watched: bool) -> list[Path]:
    """What was ingested before."""
    if library.folders is None:
        return []
    records = await asyncio.to_thread(library.folders.read)
    return records.places(watched=watched)


async def _keep_in_step(ingester: Ingester, paths: Sequence[Path], readers: Readers | None) -> None:
    from watchfiles import awatch  # noqa: PLC0415

    console, watching = Console(), False
    if not paths:
        console.print(Text(ingest_texts.WATCHING, style="dim"))
        await asyncio.Event().wait()
    async for changes in awatch(*paths, rust_timeout=WATCH_MS, yield_on_timeout=True):
        if watching and not changes:
            continue
        if not watching:  # and what changed before it did is looked for
            console.print(Text(ingest_texts.WATCHING, style="dim"))
            watching = True
        try:
            report = await ingester.ingest(paths, readers=readers)
        except (DocumentError, StoreError) as error:  # a folder that is gone for a moment, a store that restarts
            console.print(Text(f"✗ {error}"), soft_wrap=True)
            continue
        if report.new or report.changed or report.removed or report.refused:
            show_watched(report, console)


def _welcome(
    held: Sequence[Document], settings: Settings, version: str, console: Console, *, early: bool = False
) -> None:
    documents, passages = len({document.source for document in held}), sum(document.passages for document in held)
    server = shown_url(settings.model_url) if settings.model_url else None
    console.print(terminal(texts.welcome(version, settings.model, passages, documents, server)))
    hint = texts.WELCOME_HINT if passages else texts.WELCOME_EMPTY
    console.print(Text(f"{texts.WELCOME_EARLY} {hint}" if early else hint, style="dim"), end="\n\n")


async def _begin_with_guides(guides: OwnGuides, library: Library, errors: Console) -> None:
    """A first question about Attune has an answer, and later ones never meet its guides among a team's documents."""
    if not await guides.urgent():
        return
    first = await library.index.count() == 0
    with ingestion_bar(errors) as progress:
        files = await guides.keep(progress)
    if first:
        errors.print(Text(texts.ingested_own(files - 1, await library.index.count()), style="dim"), soft_wrap=True)
