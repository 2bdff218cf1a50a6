"""What an operator looks after, as the `attune` command and the web console both show it.

The documents with their use, the questions that found no answer, when something was and when it is due, and what each
setting is. Knows nothing of how any of it is laid out, or of stores.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from bots.language import plural
from core.documents.gaps import GapGroup, grouped, vectors_of, with_vectors
from core.domain import Document, Use, Vectors
from core.errors import ConfigurationError
from core.ports import Usage
from core.settings import ADVANCED, Settings, place_of, shown_url

NOT_SHOWN = "set, not shown"
DEFAULT = "default"  # where a value comes from that nobody set

_SCHEDULE = re.compile(r"([0-9]{1,4})([mhd])")
_UNITS = {"m": 60, "h": 3600, "d": 86_400}  # seconds
_LEAST = 5 * 60  # seconds: more often would be no politeness


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One document and what it was good for."""

    source: str
    title: str
    passages: int
    readers: tuple[str, ...]
    changed: datetime | None  # of the file, where it is still there
    answers: int
    last: datetime | None


def source_rows(documents: Sequence[Document], uses: Mapping[str, Use]) -> list[SourceRow]:
    """One row a source; of one that is changing just now, the version with the most passages."""
    held: dict[str, Document] = {}
    for document in sorted(documents, key=lambda document: document.passages):
        held[document.source] = document
    rows = [_row(document, uses.get(document.source)) for document in held.values()]
    return sorted(rows, key=lambda row: (-row.answers, row.source))


def _row(document: Document, use: Use | None) -> SourceRow:
    answers, last = (use.answers, use.last) if use else (0, None)
    return SourceRow(
        document.source,
        document.title,
        document.passages,
        document.readers,
        _changed(document.source),
        answers,
        last,
    )


def _changed(source: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(Path(source).stat().st_mtime, UTC)
    except (OSError, ValueError):
        return None


async def gap_groups(usage: Usage, embed: Callable[[Sequence[str]], Awaitable[Vectors]]) -> list[GapGroup]:
    """The groups of the questions that went unanswered; `embed` is called only where some have no vector."""
    gaps = await usage.gaps()
    if not gaps:
        return []
    vectors = vectors_of(gaps)
    if vectors is None:
        vectors = await embed([gap.question for gap in gaps])
        await usage.keep_vectors(with_vectors(gaps, vectors))
    return grouped(gaps, vectors)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting: what it is now, where that is from, and what it means. The value of a secret is never in it."""

    name: str
    value: str
    origin: str
    meaning: str
    advanced: bool


def setting_rows(settings: Settings, environ: Mapping[str, str], file: Path) -> list[SettingRow]:
    """Every setting, in the order of `docs/settings.md`."""
    rows = []
    for field, info in Settings.model_fields.items():
        name, value = info.alias or field, getattr(settings, field)
        origin = DEFAULT
        if field in settings.model_fields_set:
            origin = place_of(name, environ, file)
        shown = "" if value is None else _shown(name, value)
        rows.append(SettingRow(name, shown, origin, info.description or "", name in ADVANCED))
    return rows


def _shown(name: str, value: object) -> str:
    """A value; a URL without its password, and of any other secret only that there is one."""
    if isinstance(value, SecretStr):
        return shown_url(value.get_secret_value()) if name.endswith("_URL") else NOT_SHOWN
    return shown_url(str(value)) if "://" in str(value) else str(value)


def seconds_of(every: str) -> int:
    """`30m`, `6h`, `1d` in seconds; 0 for `never`.

    Raises:
        ConfigurationError: it is none of these.
    """
    if every == "never":
        return 0
    meant = _SCHEDULE.fullmatch(every)
    seconds = int(meant[1]) * _UNITS[meant[2]] if meant else 0
    if seconds < _LEAST:
        raise ConfigurationError(
            f"--every {every} is no schedule. Write 30m, 6h or 1d, five minutes at least; or: never"
        )
    return seconds


def every(seconds: int) -> str:
    """A schedule, as it is written after --every."""
    unit, length = next((pair for pair in (("d", 86_400), ("h", 3600)) if seconds % pair[1] == 0), ("m", 60))
    return f"{seconds // length}{unit}" if seconds else "—"


def until(moment: datetime | None, now: datetime) -> str:
    """How soon, roughly; an em dash for never."""
    if moment is None:
        return "—"
    minutes = round((moment - now).total_seconds() / 60)
    if minutes <= 0:
        return "now"
    return f"in {plural(minutes, 'minute')}" if minutes < 90 else f"in {plural(round(minutes / 60), 'hour')}"  # noqa: PLR2004


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago, roughly; an em dash for never."""
    if moment is None:
        return "—"
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return f"{plural(seconds // length, unit)} ago"
    return "just now"
