"""What somebody taught is found in the next message: `attune serve` with the models it has by default.

Both platforms, and both an empty library and one whose pages compete. The 1.5B reader answers some twenty questions,
which takes minutes: only where SLOW_TESTS=1.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
import pytest_asyncio

from core.answering.prompt import NOT_FOUND
from core.models.store import ModelStore
from core.settings import Settings
from tests.bots.slack_world import SCOPES
from tests.doubles.slack_people import People, text_of
from tests.doubles.slack_server import SlackServer
from tests.doubles.slack_state import Workspace
from tests.doubles.telegram_people import Place, User, group
from tests.doubles.telegram_rules import BOT, TOKEN
from tests.doubles.telegram_server import TelegramDouble
from tests.e2e.home import Home, opened_home

pytestmark = [
    pytest.mark.model,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(os.environ.get("SLOW_TESTS") != "1", reason="takes the 1.5B model and minutes: SLOW_TESTS=1"),
]
log = logging.getLogger(__name__)
T = TypeVar("T")

PATIENCE = 3600  # seconds for what takes ten: only a hang should fail
FILE = "Dogs.md"
DOGS = """\
Dogs are welcome at the office from Monday to Thursday, as long as everybody on the floor agrees.
Tell Marta in facilities two days before the first visit and bring proof of the rabies vaccination.
No more than two dogs may be on one floor at the same time, and they stay out of the canteen and the lab.
"""
QUESTION = "can I bring my dog to the office"
IN_GERMAN = "darf ich meinen Hund ins Büro mitbringen?"
FACTS = ("Monday", "Montag", "Marta", "rabies", "Tollwut", "two dogs", "zwei Hunde")  # of DOGS and of no other page
PAGES = {
    "guests": "# Guests in the office\n\nYou can bring a guest to the office if you sign them in at reception by "
    "10:00. Guests wear a yellow badge, stay with whoever invited them, and leave before 18:00. Children are guests "
    "too: bring them on Fridays only.\n",
    "pet-allowance": "# Pet allowance\n\nWhoever owns a dog or a cat can claim 15 euros a month towards its "
    "insurance. Send the invoice to payroll with the animal's name and chip number.\n",
    "office-hours": "# Office hours\n\nThe office is open from 7:00 to 20:00 on working days. On Saturdays the side "
    "door opens with your badge between 9:00 and 14:00.\n",
    "food": "# Kitchen and canteen\n\nYou may bring your own food to the office. Label it with your name and a date. "
    "Hot food stays in the kitchen, and nobody eats in the lab.\n",
    "bikes": "# Bicycles and scooters\n\nBring your bicycle to the basement, never to the office floors. Folding "
    "bikes may stay under your desk.\n",
    "allergies": "# Allergies\n\nTell your lead about an allergy that matters at work, such as to pollen, nuts or "
    "animal hair. Facilities then finds you a desk in the quiet wing, whose air is filtered.\n",
    "own-devices": "# Your own devices\n\nCan I bring my own laptop? Yes, but only on the guest network, and with an "
    "encrypted disk. Register it with the service desk before the first day.\n",
    "cleaning": "# Cleaning\n\nCleaners come every evening at 19:00. Keep the floor free of boxes and bags. Stains on "
    "carpets are reported with a photo.\n",
    "working-from-home": "# Working from home\n\nYou can work from home three days a week. Put it into the calendar "
    "by Friday of the week before. A dog that barks in a call is fine.\n",
    "dress": "# What to wear\n\nWear what you like in the office. For visits to customers a shirt is enough. In the "
    "lab, closed shoes and a coat are required.\n",
}
GROUP = -100_500
ANN, BEN, CLEO, DAN = "Ann", "Ben", "Cleo", "Dan"  # Ben and Cleo share a group; Ann teaches herself; Dan is outside
NUMBERS = {ANN: 7, BEN: 8, CLEO: 9, DAN: 10}


@dataclass
class Product:
    """`attune serve`, and both platforms as it sees them."""

    home: Home
    telegram: TelegramDouble
    slack: SlackServer
    process: subprocess.Popen[str] = field(init=False)

    async def until(self, true: Callable[[], T]) -> T:
        """What `true` finds at last."""
        deadline = time.monotonic() + PATIENCE
        while not (found := true()):
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline, "it did not happen in time"
            await asyncio.sleep(0.05)
        return found

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve, and end as an operator ends it."""
        self.process = self.home.start("serve", **self._environ())
        began = time.monotonic()
        try:
            await self.until(lambda: self.slack.sockets)
            log.info("serving after %.0f s", time.monotonic() - began)
            yield
        finally:
            self.process.terminate()
            await asyncio.to_thread(self.process.communicate, timeout=PATIENCE)

    def _environ(self) -> dict[str, str]:
        people = [f"person:telegram//{number}" for number in NUMBERS.values()]
        return {
            **DEFAULTS,
            "ATTUNE_TELEGRAM_TOKEN": TOKEN,
            "ATTUNE_TELEGRAM_API": self.telegram.url,
            "ATTUNE_SLACK_BOT_TOKEN": self.slack.workspace.bot_token,
            "ATTUNE_SLACK_APP_TOKEN": self.slack.workspace.app_token,
            "ATTUNE_SLACK_API": self.slack.api,
            "ATTUNE_ALLOW": ",".join([*people, f"channel:telegram//{GROUP}", "workspace:slack/T1"]),
            "ATTUNE_METRICS": "off",
            "ATTUNE_LOG_LEVEL": "error",
        }


DEFAULTS = {"ATTUNE_MODEL": "", "ATTUNE_PASSAGES": "", "ATTUNE_ANSWER_TOKENS": ""}  # empty: as nobody set them


class Platform(Protocol):
    """What people do on a platform, and what they read there."""

    async def teach(self, who: str, *, everybody_here: bool) -> str:
        """Upload the file, for oneself in private or for the group in the group. What the bot says of it."""
        ...

    async def ask(self, who: str, question: str, *, in_group: bool = False) -> str:
        """Ask. The whole answer as it stands on the screen."""
        ...


class InTelegram:
    """Private chats, and a group of Ben and Cleo."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._users = {name: User(product.telegram, number, name) for name, number in NUMBERS.items()}
        self._team = group(product.telegram, GROUP, self._users[BEN], self._users[CLEO])

    async def teach(self, who: str, *, everybody_here: bool) -> str:
        user, place = self._users[who], self._place(who, in_group=everybody_here)
        name, before = f"@{BOT['username']}", len(place.said())
        mention = {"type": "mention", "offset": 0, "length": len(name)}
        called = {"caption": name, "caption_entities": [mention]} if everybody_here else {}
        await user.upload(FILE, DOGS.encode(), place, **called)
        [offer] = await self._product.until(lambda: place.said()[before:])
        await user.press("Everyone in this chat" if everybody_here else "Only me", offer, place)
        return await self._product.until(lambda: learned(place, offer.id))

    async def ask(self, who: str, question: str, *, in_group: bool = False) -> str:
        user, place = self._users[who], self._place(who, in_group=in_group)
        before = len(place.finished())
        await user.say(f"@{BOT['username']} {question}" if in_group else question, place)
        [answer] = await self._product.until(lambda: place.finished()[before:])
        return answer.text

    def _place(self, who: str, *, in_group: bool) -> Place:
        return self._team if in_group else self._users[who].private


def learned(place: Place, offer: int) -> str:
    """What the message with the buttons says in the end: nothing while it asks for whom, or is being read."""
    [shown] = [message for message in place.said() if message.id == offer]
    return "" if "Only me" in shown.buttons or shown.text.startswith("Reading") else shown.text


class InSlack:
    """Direct messages, and a channel of Ben and Cleo."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._people = People(product.slack)
        self._space = product.slack.workspace
        for name in NUMBERS:
            self._space.add_user(f"U{name.upper()}")
        self._team = self._space.add_channel("C1", ["UBEN", "UCLEO", "UBOT"], name="team")

    async def teach(self, who: str, *, everybody_here: bool) -> str:
        user, channel = f"U{who.upper()}", self._channel(who, in_group=everybody_here)
        file = self._people.upload(FILE, DOGS.encode())
        ts = self._people.say(user, channel, "<@UBOT>" if everybody_here else "", files=[file])
        [offer] = await self._product.until(lambda: self._space.answers(channel, ts))
        before = len(self._people.replies())
        whom = "chat" if everybody_here else "me"
        self._people.press(user, channel, offer["ts"], f"attune_learn_{whom}")
        [reply] = await self._product.until(lambda: self._people.replies()[before:])
        return text_of(reply)

    async def ask(self, who: str, question: str, *, in_group: bool = False) -> str:
        channel = self._channel(who, in_group=in_group)
        ts = self._people.say(f"U{who.upper()}", channel, f"<@UBOT> {question}" if in_group else question)
        [answer] = await self._product.until(lambda: self._finished(channel, ts))
        return text_of(answer)

    def _channel(self, who: str, *, in_group: bool) -> str:
        return self._team if in_group else self._space.dm(f"U{who.upper()}")

    def _finished(self, channel: str, ts: str) -> list[Any]:
        return [each for each in self._space.answers(channel, ts) if each.get("blocks") and not each.get("streaming")]


@pytest.fixture(scope="module")
def default_models(models: Path) -> Path:
    """The models folder, with the language model that nobody has to name."""
    ModelStore(models).resolve(Settings.from_env({}).model)
    return models


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["empty", "handbook"])
async def platforms(default_models: Path, request: pytest.FixtureRequest) -> AsyncIterator[dict[str, Platform]]:
    """The product over a home without documents, or with ten pages of which several are about offices or dogs."""
    with opened_home(default_models) as home:
        if request.param == "handbook":
            for name, page in PAGES.items():
                home.write(f"pages/{name}.md", page)
            reading = home.start("ingest", "pages", **DEFAULTS)
            assert (reading.communicate(timeout=PATIENCE), reading.returncode)[1] == 0
        logging.getLogger("aiohttp.access").setLevel(logging.WARNING)  # the doubles' would drown what is said
        space = Workspace(scopes=set(SCOPES))
        async with TelegramDouble().serving() as telegram, SlackServer(space) as slack:
            slack.ack_seconds = PATIENCE
            product = Product(home, telegram, slack)
            async with product.serving():
                yield {"telegram": InTelegram(product), "slack": InSlack(product)}
        assert space.violations == []


@pytest.fixture(params=["telegram", "slack"])
def platform(platforms: dict[str, Platform], request: pytest.FixtureRequest) -> Platform:
    log.info("--- %s", request.node.name)
    return platforms[request.param]


async def told(platform: Platform, who: str, question: str, *, in_group: bool = False) -> str:
    """What somebody is told, which the log of the test has as well."""
    began = time.monotonic()
    answer = await platform.ask(who, question, in_group=in_group)
    log.info("%s%s: %s\n%.1f s\n%s", who, " in the group" * in_group, question, time.monotonic() - began, answer)
    return answer


async def taught(platform: Platform, who: str, *, everybody_here: bool) -> str:
    """Teach, and say so in the log."""
    began = time.monotonic()
    said = await platform.teach(who, everybody_here=everybody_here)
    log.info("%s uploads %s\n%.1f s\n%s", who, FILE, time.monotonic() - began, said)
    return said


def rests_on_the_lesson(answer: str) -> bool:
    """Whether it says something that only the lesson says, and names it as its source."""
    text, sources, cited = answer.partition("Sources")
    return any(fact in text for fact in FACTS) and bool(sources) and "Dogs" in cited


def knows_of_the_lesson(answer: str) -> bool:
    """Whether anything in it can only come from the lesson, which the closest sections would be, too."""
    return any(fact in answer for fact in FACTS) or "Dogs" in answer


async def test_an_author_gets_the_answer_in_the_next_message(platform: Platform) -> None:
    """In the language of the lesson and in another; nobody else learns that there is such a lesson."""
    assert FILE in await taught(platform, ANN, everybody_here=False)
    assert rests_on_the_lesson(await told(platform, ANN, QUESTION))
    assert rests_on_the_lesson(await told(platform, ANN, IN_GERMAN))
    outside = await told(platform, DAN, QUESTION)
    assert NOT_FOUND in outside
    assert not knows_of_the_lesson(outside)


async def test_so_do_all_who_may_read_it(platform: Platform) -> None:
    """What was taught in a group is answered there and to its members in private, and to nobody outside."""
    assert FILE in await taught(platform, BEN, everybody_here=True)
    assert rests_on_the_lesson(await told(platform, CLEO, QUESTION, in_group=True))
    assert rests_on_the_lesson(await told(platform, CLEO, QUESTION))
    outside = await told(platform, DAN, QUESTION)
    assert NOT_FOUND in outside
    assert not knows_of_the_lesson(outside)
