"""What `attune serve` and `attune worker` do: every configured platform, received and answered, until a signal.

Receiving and answering meet in the inbox only, so they may run in one process or in many. Knows nothing of any
platform, and nothing of how the inbox, the engine or the stores are built.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import structlog

from bots.dialogue import Answering, Dialogue
from bots.platforms import Platform
from bots.workers import Pace, Workers
from core.bootstrap import open_attune, open_inbox
from core.errors import ConfigurationError
from core.ports import Inbox
from core.settings import Settings

log = structlog.get_logger(__name__)

ENDING = (signal.SIGTERM, signal.SIGINT)
NO_PLATFORM = (
    "No platform is configured. Set ATTUNE_TELEGRAM_TOKEN, or ATTUNE_SLACK_BOT_TOKEN with ATTUNE_SLACK_APP_TOKEN; "
    "docs/operate.md says where they come from. To talk in the terminal: attune chat."
)

OpenEngine = Callable[[Settings], AbstractAsyncContextManager[Answering]]


@dataclass(frozen=True, slots=True)
class Halves:
    """Which halves this process runs."""

    receives: bool = True
    answers: bool = True


async def serve(
    settings: Settings, platforms: Sequence[Platform], halves: Halves, open_engine: OpenEngine | None = None
) -> None:
    """Receive and answer until SIGTERM or SIGINT; then stop receiving, finish what is in work, and hand over the rest.

    Raises:
        ConfigurationError: no platform is configured.
    """
    if not platforms:
        raise ConfigurationError(NO_PLATFORM)
    ending = asyncio.Event()
    with _on_signals(ending.set):
        async with AsyncExitStack() as stack:
            inbox = await stack.enter_async_context(open_inbox(settings))
            if halves.answers:
                engine = await stack.enter_async_context((open_engine or _engine)(settings))
                await stack.enter_async_context(answering(settings, platforms, inbox, engine))
            if halves.receives:
                for platform in platforms:
                    await stack.enter_async_context(platform.receiver(settings).receiving(inbox))
            log.info("serving", platforms=[platform.name for platform in platforms], halves=str(halves))
            await ending.wait()
            log.info("ending")


@asynccontextmanager
async def answering(
    settings: Settings, platforms: Sequence[Platform], inbox: Inbox, engine: Answering
) -> AsyncIterator[Workers]:
    """The workers of this process, with a sender for each platform."""
    async with AsyncExitStack() as stack:
        senders = {}
        for platform in platforms:
            dialogue = Dialogue(engine, own_commands=platform.own_commands)
            senders[platform.name] = platform.sender(settings, dialogue)
            await stack.enter_async_context(senders[platform.name].sending())
        workers = Workers(inbox, senders, Pace(settings.workers, settings.grace))
        await stack.enter_async_context(workers.working())
        yield workers


@asynccontextmanager
async def _engine(settings: Settings) -> AsyncIterator[Answering]:
    async with open_attune(settings) as attune:
        yield attune.engine


@contextmanager
def _on_signals(action: Callable[[], None]) -> Iterator[None]:
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
