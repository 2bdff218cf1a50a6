"""`attune ingest ADDRESS`: documents that lie elsewhere are fetched and read, and read again by a schedule.

Knows nothing of how a source is fetched or a document read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bots.cli import operator_texts
from bots.render import clean
from core.bootstrap import Library
from core.documents.ingest import ReportProgress
from core.documents.remote.addresses import is_address
from core.documents.remote.keeper import SourceKeeper, SourceWishes
from core.documents.remote.network import is_known_private
from core.documents.tally import IngestReport
from core.errors import DocumentError
from core.readers import Readers


@dataclass(frozen=True, slots=True)
class NamedSources:
    """What was named to `attune ingest`: addresses, files and folders, and what is wished of them."""

    addresses: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    wishes: SourceWishes = field(default_factory=SourceWishes)


def named_sources(
    names: Sequence[str | Path], readers: Readers | None = None, *, every: int | None = None, site: bool = False
) -> NamedSources:
    """The names, told apart."""
    words = list(dict.fromkeys(map(str, names)))
    addresses = tuple(word for word in words if is_address(word))
    paths = tuple(Path(word) for word in words if not is_address(word))
    return NamedSources(addresses, paths, SourceWishes(readers, every, site))


async def with_recorded(library: Library, named: NamedSources) -> NamedSources:
    """With the addresses that were read before."""
    records = await library.sources.records() if library.sources else []
    known = [record.address for record in records if record.remote]
    return replace(named, addresses=tuple(dict.fromkeys((*named.addresses, *known))))


async def read_sources(
    library: Library, named: NamedSources, errors: Console, progress: ReportProgress, *, dry: bool
) -> tuple[list[IngestReport], int]:
    """Read what lies at the addresses that were named, and keep the schedule of folders; says what cannot be reached.

    Returns what was read, of those that failed from what was fetched before, and how many failed.
    """
    keeper = library.sources
    if keeper is None:
        return [], len(named.addresses)
    if named.wishes.every is not None and not dry:
        for path in filter(Path.exists, named.paths):
            await keeper.add(path.resolve().as_posix(), SourceWishes(every=named.wishes.every))
    reports, failed = list[IngestReport](), 0
    for address in named.addresses:
        try:
            reports.append(await _read(keeper, address, named.wishes, errors, progress, dry=dry))
        except DocumentError as error:
            errors.print(Text(f"✗ {clean(str(error))}", style="red"), soft_wrap=True)
            failed += 1
            reports += [await keeper.read_again(address, progress)] if not dry else []
    return reports, failed


async def _read(
    keeper: SourceKeeper, address: str, wishes: SourceWishes, errors: Console, progress: ReportProgress, *, dry: bool
) -> IngestReport:
    if dry:
        return await keeper.plan(address, wishes, progress)
    record = await keeper.add(address, wishes)
    if record.private and record.tried is None and not is_known_private(record.address):
        errors.print(Text(clean(operator_texts.on_own_network(record.address))), soft_wrap=True)
    return await keeper.read(record, progress)


async def note_folders(library: Library, read: Sequence[Path], missing: Sequence[Path]) -> None:
    """Record of folders that have a schedule that they were read now, or are not there."""
    if library.sources:
        for path in read:
            await library.sources.note(path.resolve().as_posix())
        for path in missing:
            await library.sources.note(path.resolve().as_posix(), f"{operator_texts.missing_path(str(path))}.")
