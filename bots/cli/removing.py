"""`attune remove`: shows what would go, asks, and removes it.

Knows nothing of where documents and what is kept of them are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bots.cli import operator_texts
from bots.cli.bars import is_interactive
from bots.cli.places import Places
from bots.language import plural
from core.bootstrap import folder_records, forget_reading, open_records, open_stored_index
from core.documents.lessons import LessonFolder
from core.documents.remote.records import SourceRecords
from core.documents.removing import Removal, Remover
from core.errors import ConfigurationError
from core.settings import Settings

SHOWN = 30  # documents that are listed


async def remove(settings: Settings, names: Sequence[str], *, yes: bool) -> int:
    """Remove documents by name, asking first unless `yes`. Returns the exit code: 1 where nothing was removed.

    Raises:
        ConfigurationError: it has to ask, and nobody is there.
        DocumentError: a name is unknown; nothing was removed.
    """
    if not yes and not is_interactive():
        raise ConfigurationError(operator_texts.REMOVE_ASKS)
    console = Console()
    async with open_records(settings) as records, open_stored_index(settings) as index:
        taught, reading = LessonFolder(settings.learned_folder, index), partial(forget_reading, settings)
        folders = folder_records(settings)
        remover = Remover(
            index,
            records.usage,
            records.memory,
            taught,
            reading,
            folders=folders,
            sources=SourceRecords(settings.data_folder),
        )
        removal = await remover.find(names)
        lessons = [source for source in removal.sources if taught.lesson_of(source)]
        _show(removal, lessons, console)
        counts = len(removal.sources), sum(removal.sources.values())
        if recorded := [place for place in removal.places if place not in removal.addresses]:
            console.print(Text(operator_texts.records_go(recorded), style="dim"), soft_wrap=True)
        if removal.addresses:
            console.print(Text(operator_texts.not_read_again(removal.addresses), style="dim"), soft_wrap=True)
        if not yes and not _confirmed(console, operator_texts.remove_these(*counts)):
            console.print(Text(operator_texts.REMOVED_NOTHING))
            return 1
        await remover.remove(removal)
    console.print(Text(operator_texts.removed(*counts)), soft_wrap=True)
    if _have_files(removal):
        console.print(Text(operator_texts.REMOVED_FILES_STAY, style="dim"), soft_wrap=True)
    return 0


def _show(removal: Removal, lessons: Sequence[str], console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    places = Places(removal.sources, console)
    if places.heading:
        console.print(Text(operator_texts.below(places.heading), style="dim"), soft_wrap=True)
    for source, passages in list(removal.sources.items())[:SHOWN]:
        taught = operator_texts.TAUGHT if source in lessons else ""
        table.add_row(Text(places.name(source), overflow="fold"), plural(passages, "passage"), taught)
    console.print(table)
    if (more := len(removal.sources) - SHOWN) > 0:
        console.print(Text(operator_texts.more_documents(more), style="dim"))


def _have_files(removal: Removal) -> bool:
    return any(Path(source).exists() for source in removal.sources)


def _confirmed(console: Console, question: str) -> bool:
    try:
        return console.input(Text(question)).strip().lower() in {"y", "yes"}
    except EOFError:
        return False
