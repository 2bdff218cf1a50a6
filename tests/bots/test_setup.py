"""`attune setup` over a pipe: what it asks, tries and keeps. Both platforms are doubles, the stores real."""

from __future__ import annotations

import asyncio
import queue
import stat
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bots.cli import setup_texts as say
from bots.cli import wizard
from bots.cli.options import Steps
from bots.cli.wizard import SetupActions, Wizard
from core.errors import ConfigurationError
from core.settings import Settings
from tests.bots.serve_telegram import TEXT, answerer
from tests.bots.slack_world import SCOPES
from tests.bots.test_slack_served import until
from tests.doubles.slack_people import People, text_of
from tests.doubles.slack_server import SlackServer
from tests.doubles.slack_state import Workspace
from tests.doubles.telegram_people import User
from tests.doubles.telegram_rules import TOKEN
from tests.doubles.telegram_server import TelegramDouble

BOT, APP = "xoxb-1", "xapp-1"
SKIP = ""


class Pipe:
    """A stdin to which lines are said one by one; it ends when told."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        for line in lines:
            self.say(line)

    def isatty(self) -> bool:
        return False

    def say(self, line: str) -> None:
        self._lines.put(f"{line}\n")

    def end(self) -> None:
        self._lines.put("")

    def readline(self) -> str:
        return self._lines.get(timeout=60)


@dataclass
class Place:
    """Where somebody sets Attune up, and what was set going."""

    folder: Path
    environ: dict[str, str]
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    read: list[tuple[str, ...]] = field(default_factory=list)
    fails: int = 0

    @property
    def file(self) -> Path:
        return self.folder / "config" / "attune.toml"

    @property
    def secrets(self) -> Path:
        return self.folder / "config" / ".env"

    def settings(self) -> Settings:
        return Settings.from_env(self.environ, self.file)

    def wizard(self, pipe: Pipe) -> Wizard:
        async def read(_: Settings, names: Sequence[str]) -> int:
            self.read.append(tuple(names))
            return self.fails

        self.monkeypatch.setattr(sys, "stdin", pipe)
        return Wizard(self.environ, self.file, SetupActions(read, answerer))

    async def set_up(self, *lines: str, steps: Sequence[str] = ()) -> tuple[int, str]:
        """The exit code and all that was shown, after these lines and the end of the pipe."""
        pipe = Pipe(lines)
        pipe.end()
        code = await self.wizard(pipe).run(steps)
        shown = self.capsys.readouterr()
        assert not any(secret in shown.out + shown.err for secret in (TOKEN, f" {BOT}\n", f" {APP}\n"))
        return code, shown.out


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    (tmp_path / "hand book").mkdir()
    (tmp_path / "hand book" / "leave.md").write_text(f"# Leave\n\n{TEXT}\n")
    return tmp_path / "hand book"


@pytest.fixture
def place(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    (data / "home").mkdir()
    environ = {"ATTUNE_HOME": str(data / "home"), "ATTUNE_MODEL_URL": "http://127.0.0.1:9/v1", "ATTUNE_METRICS": "off"}
    return Place(data, environ, monkeypatch, capsys)


@asynccontextmanager
async def platforms(place: Place) -> AsyncIterator[tuple[TelegramDouble, SlackServer]]:
    """Telegram and Slack, which the settings lead to."""
    space = Workspace(scopes=set(SCOPES))
    space.add_user("UANN")
    async with TelegramDouble().serving() as telegram, SlackServer(space) as slack:
        place.environ |= {"ATTUNE_TELEGRAM_API": telegram.url, "ATTUNE_SLACK_API": slack.api}
        yield telegram, slack


async def test_all_steps(place: Place, handbook: Path) -> None:
    """Each answer is tried and kept where it belongs: secrets for their owner alone; and a question is answered."""
    async with platforms(place):
        code, shown = await place.set_up(str(handbook), TOKEN, BOT, APP, "y", "y", "How long is parental leave?", "n")
    assert code == 0
    assert place.file.read_text().splitlines()[1:] == [
        f'ATTUNE_DOCUMENTS = "{handbook}"',
        'ATTUNE_ALLOW = "workspace:slack/T1"',
    ]
    assert place.secrets.read_text().splitlines()[1:] == [
        f"ATTUNE_TELEGRAM_TOKEN={TOKEN}",
        f"ATTUNE_SLACK_BOT_TOKEN={BOT}",
        f"ATTUNE_SLACK_APP_TOKEN={APP}",
    ]
    assert stat.S_IMODE(place.secrets.stat().st_mode) == 0o600
    assert place.read == [(str(handbook),)]
    assert TEXT in shown
    for said in ("6/6 First person", "@attune_bot", "Socket Mode connects", "api.slack.com/apps?new_app=1", say.DONE):
        assert said in shown


async def test_again_it_shows_what_is_set_and_enter_keeps_it(place: Place, handbook: Path) -> None:
    """Not a byte of the files changes."""
    async with platforms(place):
        await place.set_up(str(handbook), TOKEN, BOT, APP, "y", "n", SKIP, "n")
        before = place.file.read_bytes(), place.secrets.read_bytes()
        code, shown = await place.set_up(*[SKIP] * 4, "n", SKIP, "n")
    assert (code, (place.file.read_bytes(), place.secrets.read_bytes())) == (0, before)
    assert shown.count(say.KEPT) == 4
    assert "connected as @attune_bot" in shown
    assert f"Enter keeps {handbook}" in shown


async def test_again_only_what_is_answered_anew_changes(place: Place, handbook: Path) -> None:
    """What stands beside it in the files stays; a step can be run alone."""
    place.file.parent.mkdir()
    place.file.write_text('# mine\nATTUNE_DOCUMENTS = "/gone"\nATTUNE_PASSAGES = 6\n')
    place.secrets.write_text("OTHER=1\nATTUNE_TELEGRAM_TOKEN=1:old\n")
    async with platforms(place):
        code, shown = await place.set_up(str(handbook), TOKEN, steps=["documents", "telegram"])
    assert code == 0
    assert place.file.read_text() == f'# mine\nATTUNE_DOCUMENTS = "{handbook}"\nATTUNE_PASSAGES = 6\n'
    assert place.secrets.read_text() == f"OTHER=1\nATTUNE_TELEGRAM_TOKEN={TOKEN}\n"
    assert "1/2 Documents" in shown
    assert "Telegram does not recognise this token" in shown  # the old one


async def test_every_step_can_be_skipped(place: Place) -> None:
    """Nothing is set, read or started; what that means for the later steps is said."""
    code, shown = await place.set_up(*[SKIP] * 4)
    assert (code, place.read, place.secrets.exists()) == (0, [], False)
    assert place.settings().model_fields_set == {"home", "model_url", "metrics"}
    assert say.NO_DOCUMENTS in shown
    assert say.NO_PLATFORM in shown


async def test_bad_answers_are_asked_for_again(place: Place, handbook: Path) -> None:
    """A folder that is not there, tokens of another shape, in each other's places, or that nobody knows."""
    answers = (f"{handbook}/no", f"'{handbook}'", "abc", "1:" + "b" * 35, "n", TOKEN)
    slack = (APP, "xoxb-wrong", "n", BOT, BOT, "xapp-wrong", "n", APP, "n")
    async with platforms(place):
        code, shown = await place.set_up(*answers, *slack, steps=["documents", "telegram", "slack"])
    assert code == 0
    for said in (
        say.no_such_place(f"{handbook}/no"),
        say.NO_TELEGRAM_TOKEN,
        "Telegram does not recognise this token",
        say.NO_BOT_TOKEN,
        "Copy the Bot User OAuth Token",
        say.NO_APP_TOKEN,
        "with the scope connections:write at",
    ):
        assert said in shown
    assert place.secrets.read_text().splitlines()[1:] == [
        f"ATTUNE_TELEGRAM_TOKEN={TOKEN}",
        f"ATTUNE_SLACK_BOT_TOKEN={BOT}",
        f"ATTUNE_SLACK_APP_TOKEN={APP}",
    ]
    assert place.settings().allow == ""


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("gopher://example.com/x", "gopher:// is nothing that Attune reads."),
        ("zip://a.zip", "zip:// is nothing that lies elsewhere"),
        ("git://example.com/x", "by git+https://"),
        ("https://me:hunter2@example.com/", "leave out me:…@"),
        ("https://", "names no host"),
    ],
)
async def test_an_address_that_nothing_reads_is_asked_for_again(
    place: Place, handbook: Path, typed: str, problem: str
) -> None:
    """Before anything is kept that every reading would refuse; the step goes on."""
    code, shown = await place.set_up(typed, str(handbook), steps=["documents"])
    assert (code, place.settings().documents) == (0, str(handbook))
    assert problem in shown


@pytest.mark.parametrize("typed", ["~nosuch-user/x", "a" * 300])
async def test_a_name_that_no_system_takes_is_asked_for_again(place: Place, handbook: Path, typed: str) -> None:
    """It is no crash, and keeps nobody from naming another."""
    code, shown = await place.set_up(typed, str(handbook), steps=["documents"])
    assert (code, place.settings().documents) == (0, str(handbook))
    assert "cannot be read by this user" in shown


async def test_a_platform_that_cannot_be_reached_keeps_nobody_from_going_on(place: Place) -> None:
    """The token is kept if its owner says so."""
    place.environ["ATTUNE_TELEGRAM_API"] = "http://127.0.0.1:9"
    code, shown = await place.set_up(TOKEN, "perhaps", "y", steps=["telegram"])
    assert code == 0
    assert "does not respond" in shown
    assert place.secrets.read_text().endswith(f"ATTUNE_TELEGRAM_TOKEN={TOKEN}\n")


async def test_a_token_of_the_environment_is_not_asked_for(place: Place) -> None:
    """It would win over what is answered."""
    async with platforms(place):
        place.environ["ATTUNE_TELEGRAM_TOKEN"] = TOKEN
        code, shown = await place.set_up(steps=["telegram"])
    assert code == 0
    assert "connected as @attune_bot" in shown
    assert say.from_environment("ATTUNE_TELEGRAM_TOKEN") in shown


async def test_documents_of_the_environment_are_not_asked_for(place: Place, handbook: Path) -> None:
    """Nothing is said to be saved that would not count."""
    place.environ["ATTUNE_DOCUMENTS"] = str(handbook)
    code, shown = await place.set_up("n", steps=["documents", "reading"])
    assert (code, "Saved" in shown) == (0, False)
    assert say.from_environment("ATTUNE_DOCUMENTS") in shown


async def test_what_env_sets_is_changed_there(place: Place, handbook: Path) -> None:
    """In `attune.toml` it would not count."""
    place.file.parent.mkdir()
    place.secrets.write_text("OTHER=1\nATTUNE_DOCUMENTS=/gone\n")
    code, shown = await place.set_up(str(handbook), steps=["documents"])
    assert (code, place.settings().documents) == (0, str(handbook))
    assert place.secrets.read_text() == f"OTHER=1\nATTUNE_DOCUMENTS={handbook}\n"
    assert "Saved in .env" in shown


async def test_a_workspace_is_not_offered_where_the_environment_says_who_may_ask(place: Place) -> None:
    """That is said."""
    place.environ["ATTUNE_ALLOW"] = "person:telegram//1"
    async with platforms(place):
        code, shown = await place.set_up(BOT, APP, steps=["slack"])
    assert (code, say.from_environment("ATTUNE_ALLOW") in shown) == (0, True)


async def test_an_end_in_the_middle_keeps_what_was_answered(place: Place, handbook: Path) -> None:
    """With a sentence, and exit code 1."""
    code, shown = await place.set_up(str(handbook))
    assert (code, shown.splitlines()[-1]) == (1, say.STOPPED)
    assert place.settings().documents == str(handbook)
    assert not place.secrets.exists()


async def test_a_step_that_fails_is_said_and_the_next_one_comes(place: Place, handbook: Path) -> None:
    """Reading that was not whole, and a model that is not there: at the end they are named, for another try."""
    place.fails = 1
    place.monkeypatch.setattr("tests.bots.test_setup.answerer", no_model)
    code, shown = await place.set_up(
        str(handbook), "y", "How long?", steps=["documents", "reading", "question", "people"]
    )
    assert code == 1
    for said in (say.NOT_READ, "There is no model.", say.NO_PLATFORM, say.NOT_DONE, say.again(["reading", "question"])):
        assert said in shown
    assert say.DONE not in shown


@asynccontextmanager
async def no_model(_: Settings) -> AsyncIterator[None]:
    raise ConfigurationError("There is no model.")
    yield


async def test_the_first_person_gets_in_by_telegram_and_asks_at_once(place: Place) -> None:
    """While the code is waited for, the platforms are served: the person is an operator and has an answer."""
    async with platforms(place) as (telegram, _):
        ann, pipe = User(telegram, 7, "Ann"), Pipe([TOKEN, "y"])
        running = asyncio.create_task(place.wizard(pipe).run(["telegram", "people"]))
        await ann.say(await shown_code(place))
        await ann.private.until(lambda chat: any("operator" in each.text for each in chat.said()))
        await ann.say("How long is parental leave?")
        [answer] = await ann.private.answered()
        assert answer.text.startswith(TEXT)
        pipe.say("")
        assert await asyncio.wait_for(running, 60) == 0
        assert say.paired("person:telegram//7") in place.capsys.readouterr().out
        code, shown = await place.set_up("n", steps=["people"])
        assert code == 0
        assert say.paired_already(["person:telegram//7"]) in shown


async def test_the_first_person_gets_in_by_slack(place: Place) -> None:
    """As `pair CODE`, in a direct message."""
    async with platforms(place) as (_, slack):
        people, pipe = People(slack), Pipe([SKIP, BOT, APP, "n", "y"])
        dm = slack.workspace.dm("UANN")
        running = asyncio.create_task(place.wizard(pipe).run(["telegram", "slack", "people"]))
        people.say("UANN", dm, f"pair {await shown_code(place)}")
        await until(lambda: any("operator" in text_of(each) for each in slack.workspace.messages[dm].values()))
        pipe.say("")
        assert await asyncio.wait_for(running, 60) == 0
        assert say.paired("person:slack/T1/UANN") in place.capsys.readouterr().out


async def test_a_platform_that_does_not_respond_is_not_waited_for(place: Place) -> None:
    """It is said, with what says more."""
    place.environ |= {"ATTUNE_TELEGRAM_API": "http://127.0.0.1:9", "ATTUNE_TELEGRAM_TOKEN": TOKEN}
    place.monkeypatch.setattr(wizard, "CONNECTING", 0.5)
    code, shown = await place.set_up("y", steps=["people"])
    assert code == 1
    assert say.NOT_CONNECTED in shown


async def test_nobody_has_to_wait_for_the_first_person(place: Place) -> None:
    """Enter goes on, and the code is still valid."""
    async with platforms(place):
        code, shown = await place.set_up(TOKEN, "y", SKIP, steps=["telegram", "people"])
    assert code == 0
    assert say.NOT_PAIRED in shown


async def shown_code(place: Place) -> str:
    """The pairing code, as soon as it is shown."""
    shown = ""
    async with asyncio.timeout(60):
        while say.SEND_IT not in shown:
            await asyncio.sleep(0.05)
            shown += place.capsys.readouterr().out
    return shown.partition(say.SEND_IT)[0].split()[-1]


async def test_a_step_that_is_none(place: Place) -> None:
    """It is named, with those there are; the help of the command names them, too."""
    with pytest.raises(ConfigurationError, match=r"There is no step everything\. The steps are: documents, telegram"):
        await place.set_up(steps=["everything"])
    assert list(place.wizard(Pipe([]))._steps) == list(say.TITLES)
    assert all(name in Steps.__metadata__[0].help for name in say.TITLES)


async def test_what_cannot_be_kept_is_said_before_anything_is_asked(place: Place) -> None:
    """One sentence."""
    place.file.parent.touch()
    with pytest.raises(ConfigurationError, match="Not a directory"):
        await place.set_up()
    assert place.capsys.readouterr().out == ""
