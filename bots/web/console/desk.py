"""What the console's pages work with: the whole of Attune, and what this process knows of itself.

Knows no page.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from bots.operating import SettingRow
from bots.platform import Check
from bots.service.metrics import Metrics
from bots.web.console import texts
from core.bootstrap import Attune, folder_records
from core.documents.lessons import LessonFolder
from core.documents.remote.records import SourceRecords
from core.documents.removing import Remover
from core.ports import Inbox
from core.settings import Settings

log = structlog.get_logger(__name__)

LookAtAll = Callable[[], Awaitable[Sequence[Check]]]


def failure_of(error: Exception, event: str, **values: object) -> str:
    """What is said of a mistake of ours, which the log has in full under a code."""
    error_id = secrets.token_hex(4)
    log.error(event, error_id=error_id, exc_info=error, **values)
    return texts.failed(type(error).__name__, error_id)


async def no_checks() -> Sequence[Check]:
    """Nobody looks at anything."""
    return []


@dataclass(frozen=True, slots=True)
class Desk:
    """An Attune that is looked after. `look` is what `attune doctor` does; `rows` are the settings as they were read.

    `version` is Attune's own.
    """

    settings: Settings
    attune: Attune
    inbox: Inbox
    metrics: Metrics
    version: str = ""
    look: LookAtAll = no_checks
    rows: Sequence[SettingRow] = field(default=())

    @property
    def lessons(self) -> LessonFolder:
        """What was taught in conversations."""
        return LessonFolder(self.settings.learned_folder, self.attune.library.index)

    def remover(self) -> Remover:
        """What finds and removes documents."""
        records = self.attune.records
        return Remover(
            self.attune.library.index,
            records.usage,
            records.memory,
            self.lessons,
            self.attune.forget_reading,
            folders=folder_records(self.settings),
            sources=SourceRecords(self.settings.data_folder),
        )
