"""What `attune serve` and `attune worker` do: every configured platform, received and answered, until a signal.

Receiving and answering meet in the inbox only, so they may run in one process or in many. Knows nothing of how any
platform, the inbox, the engine or the stores work.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field

import structlog

from bots.own_guides import OwnGuides
from bots.platform import Inlet, Platform, PlatformServices, Receiver, Sender
from bots.service.digest_clock import DigestClock
from bots.service.health import OFF, Check, HealthPage
from bots.service.metrics import Metrics
from bots.service.observing import WatchedDialogue, WatchedInlet
from bots.service.slots import Pace
from bots.service.workers import Workers
from bots.watching import Watcher
from bots.web.app import programs_served
from core.bootstrap import SILENT, Attune, open_attune, open_inbox, open_records
from core.documents.teaching import Teacher
from core.engine import Engine
from core.errors import ConfigurationError
from core.models.files import DownloadProgress
from core.ports import Inbox
from core.settings import Settings

log = structlog.get_logger(__name__)

ENDING = (signal.SIGTERM, signal.SIGINT)
NO_PLATFORM = (
    "No platform is configured. Set ATTUNE_TELEGRAM_TOKEN, or ATTUNE_SLACK_BOT_TOKEN and ATTUNE_SLACK_APP_TOKEN; "
    "docs/telegram.md and docs/slack.md say where to get them. For other programs alone, set ATTUNE_API "
    "(docs/programs.md). To chat in the terminal: attune chat"
)


@dataclass(frozen=True, slots=True)
class Answerer:
    """An engine, what has to answer for it to work, and figures of its cache."""

    engine: Engine
    checks: Mapping[str, Check] = field(default_factory=dict)
    figures: Callable[[], Mapping[str, float]] = dict
    teacher: Teacher | None = None
    attune: Attune | None = None


OpenSite = Callable[[Attune, Inbox, Metrics], AbstractAsyncContextManager[object]]
OpenAnswerer = Callable[[Settings], AbstractAsyncContextManager[Answerer]]


@dataclass(frozen=True, slots=True)
class ProcessRoles:
    """Which halves this process runs."""

    receives: bool = True
    answers: bool = True


def configured(settings: Settings) -> list[Platform]:
    """The platforms that have their tokens: the one place that knows all of them."""
    found = []
    if settings.telegram_token is not None:
        from bots.on_telegram.platform import telegram  # noqa: PLC0415

        found.append(telegram())
    if settings.slack_bot_token is not None:
        from bots.on_slack.platform import slack  # noqa: PLC0415

        found.append(slack())
    return found


async def serve(
    settings: Settings,
    platforms: Sequence[Platform],
    halves: ProcessRoles,
    open_answerer: OpenAnswerer | None = None,
    open_site: OpenSite | None = None,
) -> None:
    """Receive and answer until SIGTERM or SIGINT; then stop receiving, finish what is in work, and hand over the rest.

    `open_site` serves the web console beside it.

    Raises:
        ConfigurationError: no platform is configured, and no address for programs or for the console.
    """
    if not platforms and not open_site and (settings.api == OFF or not halves.answers):
        raise ConfigurationError(NO_PLATFORM)
    ending = asyncio.Event()
    with on_signals(ending.set):
        async with AsyncExitStack() as stack:
            inbox = await stack.enter_async_context(open_inbox(settings))
            metrics = Metrics()
            answerer = None
            if halves.answers:
                answerer = await stack.enter_async_context((open_answerer or open_everything)(settings))
            records = await stack.enter_async_context(open_records(settings))
            teacher = answerer.teacher if answerer else None
            means = PlatformServices(records.access, records.usage, inbox, records.chats, teacher, metrics)
            receivers = [platform.receiver(settings, means) for platform in platforms] if halves.receives else []
            checks = {name: reception.check for name, reception in means.receptions.items()}
            page = HealthPage(
                metrics,
                inbox,
                {**(answerer.checks if answerer else {}), **checks},
                answerer.figures if answerer else dict,
            )
            await stack.enter_async_context(page.served(settings.metrics))
            if answerer:
                await stack.enter_async_context(answering(settings, platforms, means, answerer.engine, metrics))
                await stack.enter_async_context(programs_served(settings, answerer.engine, records.clients, metrics))
            if answerer and answerer.attune and open_site:
                await stack.enter_async_context(open_site(answerer.attune, inbox, metrics))
            await stack.enter_async_context(receiving(receivers, WatchedInlet(inbox, metrics)))
            log.info("serving_started", platforms=[platform.name for platform in platforms], halves=str(halves))
            await ending.wait()
            log.info("shutdown_started")


@asynccontextmanager
async def receiving(receivers: Sequence[Receiver], inlet: Inlet) -> AsyncIterator[None]:
    """The receivers of this process."""
    async with AsyncExitStack() as stack:
        for receiver in receivers:
            await stack.enter_async_context(receiver.receiving(inlet))
        yield


@asynccontextmanager
async def answering(
    settings: Settings, platforms: Sequence[Platform], means: PlatformServices, engine: Engine, watcher: Watcher
) -> AsyncIterator[None]:
    """The workers of this process, with a sender for each platform."""
    async with AsyncExitStack() as stack:
        senders: dict[str, Sender] = {}
        for platform in platforms:
            dialogue = WatchedDialogue(
                engine,
                watcher,
                own_commands=platform.own_commands,
                hint=platform.hint,
                embedder=settings.embedder,
                digest_gaps=settings.digest_gaps,
            )
            senders[platform.name] = platform.sender(settings, dialogue, means)
            await stack.enter_async_context(senders[platform.name].sending())
        workers = Workers(means.inbox, senders, Pace(settings.workers, settings.grace), watcher)
        await stack.enter_async_context(workers.working())
        await stack.enter_async_context(DigestClock(engine.people, means.inbox, platforms).running())
        yield


@asynccontextmanager
async def open_everything(settings: Settings, progress: DownloadProgress = SILENT) -> AsyncIterator[Answerer]:
    """Open what answers, with Attune's own guides and the sources that are kept in step meanwhile."""
    async with open_attune(settings, progress) as attune:
        checks: dict[str, Check] = {"memory": attune.records.memory.ping, "index": attune.library.index.count}
        guides = OwnGuides(attune.library)
        if await guides.urgent():
            await guides.keep()
        sources = attune.library.sources
        async with guides.kept(), sources.kept() if sources else nullcontext():
            yield Answerer(attune.engine, checks, attune.figures, attune.teacher, attune)


@contextmanager
def on_signals(action: Callable[[], None]) -> Iterator[None]:
    """The first signal asks for an end; a second one of the same kind ends the program at once."""
    loop = asyncio.get_running_loop()

    def once(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        action()

    for number in ENDING:
        loop.add_signal_handler(number, once, number)
    try:
        yield
    finally:
        for number in ENDING:
            loop.remove_signal_handler(number)
