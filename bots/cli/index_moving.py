"""`attune index move`: opens both indexes, moves what is in one to the other, and says how to switch.

Knows nothing of how passages are copied, or of stores.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from bots.cli import index_texts as say
from core.bootstrap import open_stored_index, origin_of, rebuilt
from core.documents.reading import check_origin
from core.domain import VectorOrigin
from core.errors import ConfigurationError, MoveError
from core.settings import Settings, shown_url
from core.storage.moving import NOTHING, MovableIndex, MoveProgress, ReportMove, move


async def move_to(settings: Settings, target: str, collection: str | None, *, replace: bool) -> int:
    """Move the index of the settings to `target`, and say how to switch. Returns the exit code.

    Raises:
        ConfigurationError: the target is no address, or the index is there already.
        MoveError: there is nothing to move, the target holds something else, or is not the same afterwards.
        StoreError: an index does not answer.
    """
    elsewhere, console, errors = target_settings(settings, target, collection), Console(), Console(stderr=True)
    before, now = _name(settings), _name(elsewhere)
    if settings.qdrant_url is None and not (settings.data_folder / "index").exists():
        raise MoveError(NOTHING)  # before one is made, by which a home is no new one any more
    async with open_stored_index(settings.as_laid_out()) as source:
        origin = await _origin(settings, source)
        async with open_stored_index(elsewhere) as other:
            errors.print(Text(say.moving(await source.count(), before, now)), soft_wrap=True)
            with _bar(errors) as report:
                done = await move(source, other, origin, report, replace=replace)
    if elsewhere.qdrant_url is None:
        await rebuilt(elsewhere)
    for line in (say.moved(done), say.switch(_switched(settings, elsewhere, origin)), say.MEANWHILE, say.stays(before)):
        console.print(Text(line), soft_wrap=True)
    return 0


def target_settings(settings: Settings, target: str, collection: str | None) -> Settings:
    """The settings that lead to the target.

    Raises:
        ConfigurationError: it is no address, or where the index is already.
    """
    if target == say.EMBEDDED:
        if collection:
            raise ConfigurationError(say.ONLY_ON_A_SERVER)
        changed: dict[str, str | None] = {"qdrant_url": None}
    else:
        named = {"QDRANT_URL": target, "QDRANT_COLLECTION": collection or settings.qdrant_collection}
        checked = Settings.from_env(named)
        if checked.qdrant_url is None:
            raise ConfigurationError(say.NO_ADDRESS)
        changed = {"qdrant_url": checked.qdrant_url, "qdrant_collection": checked.qdrant_collection}
    elsewhere = settings.model_copy(update=changed)
    if _place(elsewhere) == _place(settings):
        raise ConfigurationError(say.SAME)
    return elsewhere


def _place(settings: Settings) -> tuple[str, str]:
    url = settings.qdrant_url
    return (url.rstrip("/").lower(), settings.qdrant_collection) if url else ("", "")


def _name(settings: Settings) -> str:
    if settings.qdrant_url:
        return say.collection_at(settings.qdrant_collection, shown_url(settings.qdrant_url))
    return say.embedded_at(str(settings.data_folder / "index"))


async def _origin(settings: Settings, source: MovableIndex) -> VectorOrigin:
    """By what the vectors were made; of an index that does not say, the embedder of the settings, if it made them."""
    if stored := await source.origin():
        return stored
    asked = origin_of(settings)
    await check_origin(source, asked)
    return asked


def _switched(settings: Settings, elsewhere: Settings, origin: VectorOrigin) -> dict[str, str]:
    """The settings that have to change; only beside a server has the embedder to be named."""
    if elsewhere.qdrant_url is None:
        return {"QDRANT_URL": ""}
    changed = {"QDRANT_URL": shown_url(elsewhere.qdrant_url)}
    if elsewhere.qdrant_collection != settings.qdrant_collection:
        changed["QDRANT_COLLECTION"] = elsewhere.qdrant_collection
    named = settings.embedder if "embedder" in settings.model_fields_set else Settings.model_fields["embedder"].default
    return changed if named == origin.embedder else {**changed, "ATTUNE_EMBEDDER": origin.embedder}


@contextmanager
def _bar(console: Console) -> Iterator[ReportMove]:
    """How far each round is; elsewhere than on a terminal, nothing."""
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True)]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(say.COPYING, total=None)

        def report(now: MoveProgress) -> None:
            label = say.COPYING if now.round == 1 else say.COMPARING
            progress.update(task, description=label, total=max(now.total, now.seen), completed=now.seen)

        yield report
