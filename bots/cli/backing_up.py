"""`attune backup` and `attune restore`: one file of all that Attune keeps, written while it serves, and put back.

Knows nothing of how an archive is made, or of stores.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from bots.cli import operator_texts
from bots.cli.bars import is_interactive
from core.bootstrap import open_place, open_stored_index, rebuilt, remove_index, served_by_others
from core.errors import BackupError, IndexUnavailableError
from core.settings import Settings, shown_url
from core.storage.backup import INDEX, RESTORED_SETTINGS, DataLayout, StoredIndex, back_up, is_used, restore
from core.storage.backup_archive import BackupReader


async def backup(settings: Settings, file: Path, version: str, *, index: bool) -> int:
    """Write a backup to `file`. Returns the exit code.

    Raises:
        BackupError: it cannot be written.
        StoreError: a store does not answer.
    """
    facts = {"attune": version, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    async with open_place(settings) as place:
        await _begin_records(settings, place)
        if index:
            async with open_stored_index(settings) as stored:
                counts = await back_up(file, place, stored, facts, settings_text(settings))
        else:
            counts = await back_up(file, place, None, facts, settings_text(settings))
    size = file.stat().st_size  # noqa: ASYNC240 - one small call
    Console().print(Text(operator_texts.backed_up(str(file), size, counts)), soft_wrap=True)
    return 0


async def _begin_records(settings: Settings, place: DataLayout) -> None:
    """Take who may see what from the index of an older version, so that a backup without the index has it, too."""
    if place.folders.empty:
        with suppress(IndexUnavailableError):
            async with open_stored_index(settings) as stored:
                await asyncio.to_thread(place.folders.begin, await stored.documents(), lived=True)


async def restore_from(settings: Settings, file: Path, *, force: bool) -> int:
    """Put what `file` holds in the place of all that there is, after asking where there is something.

    Returns the exit code: 1 where the person does not want to.

    Raises:
        BackupError: it is no backup that can be restored, or another process uses the stores; nothing was changed.
    """
    console = Console()
    with BackupReader(file) as archive:
        if await served_by_others(settings):
            raise BackupError(operator_texts.RESTORE_ALONE)
        async with open_place(settings) as place:
            if not force and await _is_used(settings, place) and not _agreed(settings, console):
                return 1
            async with _opened_index(settings) as index:
                counts = await restore(archive, place, index)
        has_index = INDEX in archive.parts
    await rebuilt(settings)
    console.print(Text(operator_texts.restored(counts)), soft_wrap=True)
    if not has_index:
        console.print(Text(operator_texts.RESTORED_WITHOUT_INDEX), soft_wrap=True)
    place_of_settings = str(settings.data_folder / RESTORED_SETTINGS)
    console.print(Text(operator_texts.restored_settings(place_of_settings), style="dim"), soft_wrap=True)
    return 0


async def _is_used(settings: Settings, place: DataLayout) -> bool:
    try:
        async with open_stored_index(settings) as index:
            return await is_used(place, index)
    except IndexUnavailableError:
        if settings.qdrant_url:
            raise
        return True  # there is one, be it a damaged one


def _agreed(settings: Settings, console: Console) -> bool:
    folder = str(settings.data_folder)
    if not is_interactive():
        raise BackupError(operator_texts.restore_used(folder))
    if _confirmed(console, operator_texts.restore_over(folder)):
        return True
    console.print(Text(operator_texts.RESTORED_NOTHING))
    return False


@asynccontextmanager
async def _opened_index(settings: Settings) -> AsyncIterator[StoredIndex]:
    """The index, or an empty one in the place of an embedded one that cannot be opened: all of it goes anyway."""
    try:
        async with open_stored_index(settings):
            pass
    except IndexUnavailableError:
        if settings.qdrant_url:
            raise
        await remove_index(settings)
    async with open_stored_index(settings) as index:
        yield index


def settings_text(settings: Settings) -> str:
    """What was set, as `attune.toml` has it; of secrets only that there were some."""
    lines = [operator_texts.SETTINGS_OF_BACKUP]
    for field in sorted(settings.model_fields_set - {"home"}):
        name, value = Settings.model_fields[field].alias or field, getattr(settings, field)
        if isinstance(value, SecretStr):
            lines.append(operator_texts.secret_left_out(name))
        elif value is not None:
            lines.append(f"{name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    text = str(value)
    return json.dumps(shown_url(text) if "://" in text else text, ensure_ascii=False)


def _confirmed(console: Console, question: str) -> bool:
    try:
        return console.input(Text(question)).strip().lower() in {"y", "yes"}
    except EOFError:
        return False
