"""`attune setup`: asks for what Attune needs, tries each answer at once, and keeps it before the next question.

Each step can be skipped and run again: it shows what is set, and changes only what is answered anew. Knows nothing of
how platforms, stores or models work.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bots.cli import setup_texts as say
from bots.cli.asking import Prompter, SetupStoppedError
from bots.cli.bars import opened
from bots.cli.doctor import STYLES
from bots.cli.models_view import megabytes
from bots.cli.operations import ingest
from bots.cli.setup_tokens import SetupToken, slack_tokens, slack_workspace, telegram_token
from bots.cli.slack_app import show_steps
from bots.console_bot import OWN_COMMANDS, ConsoleBot, answer_lines, quiet_keyboard
from bots.dialogue import Dialogue
from bots.platform import Check, CheckStatus, PlatformServices
from bots.render import THEME, clean, home_folder, short_path
from bots.service.metrics import Metrics
from bots.service.serving import Answerer, answering, configured, open_everything, receiving
from core.bootstrap import open_inbox, open_records
from core.documents.remote.addresses import checked_address, is_address
from core.documents.remote.keeper import check_source
from core.embedder_choice import embedder_for, with_embedder
from core.errors import AttuneError, ConfigurationError, DocumentError
from core.models.specs import BUILT_IN
from core.models.store import ModelStore
from core.people.access import Access, Pairing
from core.settings import Settings, secret_names
from core.settings_files import change_env, change_toml, read_env, secrets_file
from core.together import ended

CONNECTING = 60.0  # seconds that the platforms may take
LOOK = 0.3  # seconds between two looks for whoever was let in

Read = Callable[[Settings, Sequence[str]], Awaitable[int]]
OpenAnswerer = Callable[[Settings], AbstractAsyncContextManager[Answerer]]


async def set_up(environ: Mapping[str, str], file: Path, steps: Sequence[str]) -> int:
    """Go through `steps`, or all. Returns the exit code: 1 where somebody stopped before the end, or a step failed.

    Raises:
        ConfigurationError: there is no such step, or nothing can be kept.
    """
    return await Wizard(environ, file).run(steps)


@asynccontextmanager
async def open_with_bars(settings: Settings) -> AsyncIterator[Answerer]:
    """Everything that answers, with bars meanwhile."""
    async with opened(open_everything, settings, Console(stderr=True)) as answerer:
        yield answerer


@dataclass(frozen=True, slots=True)
class SetupActions:
    """What the steps set going: reading documents, and what answers."""

    read: Read = ingest
    open_answerer: OpenAnswerer = open_with_bars


class Wizard:
    """The steps over the settings of `environ` and of `file`, an `attune.toml` with a `.env` beside it."""

    def __init__(self, environ: Mapping[str, str], file: Path, actions: SetupActions | None = None) -> None:
        self._environ = environ
        self._file = file
        self._actions = actions or SetupActions()
        self._console = Console(soft_wrap=not sys.stdout.isatty())
        self._prompter = Prompter(self._console)
        self._stack = AsyncExitStack()
        self._answerer: Answerer | None = None
        self._failed: list[str] = []
        self._steps: Mapping[str, Callable[[], Awaitable[None]]] = {
            "documents": self._documents,
            "telegram": self._telegram,
            "slack": self._slack,
            "reading": self._reading,
            "question": self._question,
            "people": self._people,
        }

    async def run(self, names: Sequence[str] = ()) -> int:
        """Go through the steps of these names, or all."""
        if unknown := next((name for name in names if name not in self._steps), None):
            raise ConfigurationError(say.no_step(unknown, list(self._steps)))
        self._settings()
        change_toml(self._file, {})  # what cannot be kept is said before anything is asked
        self._say(say.WELCOME)
        self._say(say.settings_in(short_path(str(self._file.parent), home=home_folder(), here=Path("/"))), "dim")
        self._say(say.STAYS, "dim")
        try:
            with quiet_keyboard():  # a token may be pasted before it is asked for
                async with self._stack:
                    await self._all(names or list(self._steps))
        except (SetupStoppedError, asyncio.CancelledError):
            self._say(f"\n{say.STOPPED}")
            return 1
        self._finish()
        return 1 if self._failed else 0

    async def _all(self, names: Sequence[str]) -> None:
        for number, name in enumerate(names, 1):
            self._say(f"\n{say.heading(number, len(names), name)}", "bold")
            await self._taken(name)

    async def _taken(self, name: str) -> None:
        """A step, of which a failure keeps nobody from the others."""
        try:
            await self._steps[name]()
        except AttuneError as error:
            self._say(f"✗ {error}", "red")
            self._failed.append(name)

    def _finish(self) -> None:
        """What comes next: first of all the steps that failed."""
        if self._failed:
            self._say(f"\n{say.NOT_DONE}", "red")
            self._say(say.again(self._failed))
        else:
            self._say(f"\n{say.DONE}", "bold")
        width = max(len(command) for command, _ in say.NEXT)
        for command, what in say.NEXT:
            self._console.print(Text.assemble("  ", (f"{command:<{width}}", "cyan"), f"   {what}"))

    # The steps

    async def _documents(self) -> None:
        """What to read."""
        self._say(say.DOCUMENTS, "dim")
        known = self._settings().documents or ""
        if self._is_given("ATTUNE_DOCUMENTS"):
            return None
        while True:
            question = say.keeps(say.ASK_DOCUMENTS, is_set=bool(known), value=self._short(known) if known else "")
            typed = (await self._prompter.ask(question, path=True)).strip("'\"")
            if not typed:
                return self._say(say.KEPT if known else say.SKIPPED, "dim")
            place, problem = documents_at(typed)
            if not problem:
                return self._save({"ATTUNE_DOCUMENTS": place})
            self._say(f"✗ {problem}", "red")

    async def _telegram(self) -> None:
        """A bot of @BotFather."""
        for line in say.TELEGRAM:
            self._say(line, "dim")
        await self._token(telegram_token())

    async def _slack(self) -> None:
        """An app, with the token of its bot and its own; then who of the workspace may ask."""
        show_steps(self._console)
        bot, app = slack_tokens()
        if await self._token(bot) and await self._token(app):
            await self._admit_workspace()

    async def _reading(self) -> None:
        """Read what was named."""
        named = self._settings().documents
        if not named:
            return self._say(say.NO_DOCUMENTS, "dim")
        if not await self._prompter.confirm(f"{self._short(named)}: {say.READ_NOW}", default=True):
            return self._say(say.SKIPPED, "dim")
        with embedder_for(self._settings(), [] if is_address(named) else [Path(named)]) as settings:
            failed = await self._actions.read(settings, [named])
        if failed:
            self._say(say.NOT_READ)
            self._failed.append("reading")
        return None

    async def _question(self) -> None:
        """A first answer, here."""
        self._say(say.QUESTION, "dim")
        asked = await self._prompter.ask(say.keeps(say.ASK_QUESTION, is_set=False))
        if not asked:
            return self._say(say.SKIPPED, "dim")
        settings = self._settings()
        dialogue = await self._opened()
        if self._prompter.live:
            return await ConsoleBot(dialogue, settings.data_folder, Console(theme=THEME)).answer(asked)
        if await answer_lines(dialogue, io.StringIO(asked), sys.stdout, sys.stderr):
            self._failed.append("question")
        return None

    async def _people(self) -> None:
        """Somebody gets in, and may ask at once, where the platforms are."""
        settings = self._settings()
        if not configured(settings):
            return self._say(say.NO_PLATFORM, "dim")
        async with open_records(settings) as records:
            known = await records.access.pairings()
            self._say(say.paired_already([each.person for each in known]) if known else say.NOBODY_YET, "dim")
            if not await self._prompter.confirm(say.MAKE_ANOTHER if known else say.MAKE_CODE, default=not known):
                return self._say(say.SKIPPED, "dim")
            self._say(say.STARTING, "dim")
            await self._opened()
            async with AsyncExitStack() as stack:
                await self._connected(stack)
                self._say(f"\n  {await records.access.new_code(operator=True)}\n", "bold")
                self._say(say.SEND_IT)
                await self._wait_for(records.access, known)
        return None

    # What the steps do

    async def _token(self, token: SetupToken) -> bool:
        """Ask for a token until it works, or is kept or left out. Returns whether there is one."""
        known = token.known_to(self._settings())
        if known:
            self._show(await token.look(self._settings()))
        if self._is_given(token.setting):
            return True
        while True:
            typed = await self._prompter.ask(say.keeps(token.label, is_set=known), secret=True)
            if not (typed := typed.strip("'\"")):
                self._say(say.KEPT if known else say.SKIPPED, "dim")
                return known
            if not token.shape.fullmatch(typed):
                self._say(f"✗ {token.other_shape}", "red")
                continue
            checks = await token.look(self._settings({token.setting: typed}))
            self._show(checks)
            bad = any(check.mark is CheckStatus.BAD for check in checks)
            if not bad or await self._prompter.confirm(say.KEEP_ALL_THE_SAME, default=False):
                self._save({token.setting: typed})
                return True

    async def _admit_workspace(self) -> None:
        settings = self._settings()
        workspace, team = await slack_workspace(settings)
        listed = [name for name in settings.allow.replace(",", " ").split() if name]
        if not workspace:
            return
        if workspace in listed:
            self._say(say.admitted(team), "dim")
        elif not self._is_given("ATTUNE_ALLOW") and await self._prompter.confirm(
            say.admit_workspace(team), default=False
        ):
            self._save({"ATTUNE_ALLOW": ", ".join([*listed, workspace])})

    async def _opened(self) -> Dialogue:
        """What answers here; it stays open until the end."""
        if self._answerer is None:
            settings = with_embedder(self._settings())
            if not settings.model_url and not ModelStore(settings.models_folder).find(settings.model):
                spec = BUILT_IN.get(settings.model.lower())
                self._say(say.fetched_first(settings.model, megabytes(spec.size) if spec else "?"), "dim")
            self._answerer = await self._stack.enter_async_context(self._actions.open_answerer(settings))
        engine, embedder = self._answerer.engine, with_embedder(self._settings()).embedder
        return Dialogue(engine, own_commands=OWN_COMMANDS, operator_present=True, embedder=embedder)

    async def _connected(self, stack: AsyncExitStack) -> None:
        try:
            async with asyncio.timeout(CONNECTING):
                await stack.enter_async_context(self._serving())
        except TimeoutError:
            raise ConfigurationError(say.NOT_CONNECTED) from None

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        """Receive and answer, as `attune serve` does."""
        settings, answerer, metrics = with_embedder(self._settings()), self._answerer, Metrics()
        assert answerer is not None  # noqa: S101 - it was opened
        async with open_inbox(settings) as inbox, open_records(settings) as records:
            means = PlatformServices(records.access, records.usage, inbox, records.chats, answerer.teacher, metrics)
            platforms = configured(settings)
            receivers = [platform.receiver(settings, means) for platform in platforms]
            async with answering(settings, platforms, means, answerer.engine, metrics), receiving(receivers, inbox):
                yield

    async def _wait_for(self, access: Access, known: Sequence[Pairing]) -> None:
        """Wait until somebody used the pairing code; whoever does not want to wait presses Enter."""
        coming = asyncio.create_task(_new_pairing(access, known))
        going_on = asyncio.create_task(self._prompter.ask(say.WAITING))
        try:
            tasks = {coming, going_on} if self._prompter.live else {going_on}
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if going_on.done():
                going_on.result()
                await asyncio.wait({coming}, timeout=2 * LOOK)
            self._say(f"✓ {say.paired(coming.result().person)}" if coming.done() else say.NOT_PAIRED)
        finally:
            await ended(coming, going_on)

    # Answers, kept and shown

    def _settings(self, changes: Mapping[str, str] | None = None) -> Settings:
        return Settings.from_env({**self._environ, **(changes or {})}, self._file)

    def _is_given(self, name: str) -> bool:
        """Whether the environment sets this, so that no answer would count; it is said."""
        if given := bool(self._environ.get(name)):
            self._say(say.from_environment(name), "dim")
        return given

    def _save(self, changes: Mapping[str, str]) -> None:
        """Keep what was answered, each where it belongs; what `.env` sets there, since that comes first."""
        self._settings(changes)
        there = {name for name, value in read_env(secrets_file(self._file)).items() if value}
        secret = {name: value for name, value in changes.items() if name in there.union(secret_names())}
        plain = {name: value for name, value in changes.items() if name not in secret}
        for file, part, change in (
            (secrets_file(self._file), secret, change_env),
            (self._file, plain, change_toml),
        ):
            if part:
                change(file, part)
                self._say(f"✓ {say.saved(self._short(file))}", "green")

    def _show(self, checks: Sequence[Check]) -> None:
        for check in checks:
            self._say(f"{check.mark} {check.name}: {check.found}", STYLES[check.mark])
            if check.fix:
                self._say(f"  → {check.fix}", "dim")

    def _say(self, sentence: str, style: str = "") -> None:
        self._console.print(Text(clean(sentence), style=style))

    def _short(self, path: str | Path) -> str:
        return short_path(str(path), home=home_folder(), here=self._file.parent)


def documents_at(typed: str) -> tuple[str, str]:
    """What was named, as it is kept, and what is wrong with it."""
    if is_address(typed):
        try:
            address = checked_address(typed)
            check_source(address)
        except DocumentError as error:
            return "", str(error)
        return address, ""
    try:
        place = Path(typed).expanduser().absolute()
        if not place.exists():
            return "", say.no_such_place(str(place))
        if not os.access(place, os.R_OK | (os.X_OK if place.is_dir() else 0)):
            return "", say.unreadable(str(place))
    except (OSError, RuntimeError, ValueError):  # in a folder that is shut, of nobody's home, too long a name
        return "", say.unreadable(typed)
    return str(place), ""


async def _new_pairing(access: Access, known: Sequence[Pairing]) -> Pairing:
    while True:
        if new := [each for each in await access.pairings() if each not in known]:
            return new[0]
        await asyncio.sleep(LOOK)
