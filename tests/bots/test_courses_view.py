"""`attune courses` over real stores: what an operator sees of courses, and what is to be corrected in their files."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bots.cli import courses_view
from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.chats import RedisChats
from core.adapters.redis.clients import RedisClients
from core.adapters.redis.histories import RedisHistories
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.pairings import RedisPairings
from core.adapters.redis.usage import RedisUsage
from core.bootstrap import Stores
from core.domain import Person
from core.learning.course_files import TeamCourse, TeamStep
from core.learning.study import CourseRecord
from core.learning.team_courses import MOST_PARTS
from core.people.access import Access, AccessLists
from core.people.clients import ApiClients
from core.settings import Settings
from tests.bots.test_studies import PARTS, fill, passages

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")
FOR_ANN = "person:test/w/ann"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "home" / "data" / "courses"
    place.mkdir(parents=True)
    return place


@pytest.fixture
async def settings(
    tmp_path: Path, qdrant_index: QdrantIndex, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    @asynccontextmanager
    async def index_of(_: object) -> AsyncIterator[QdrantIndex]:
        yield qdrant_index

    @asynccontextmanager
    async def records_of(_: object) -> AsyncIterator[Stores]:
        access = Access(RedisPairings(redis), AccessLists())
        kept = RedisHistories(redis), RedisChats(redis), ApiClients(RedisClients(redis))
        yield Stores(RedisMemory(redis), RedisUsage(redis), access, *kept)

    monkeypatch.setattr(courses_view, "open_stored_index", index_of)
    monkeypatch.setattr(courses_view, "open_records", records_of)
    await fill(qdrant_index, passages(PARTS, "/docs/leave.md"))
    await fill(qdrant_index, passages(PARTS, "/docs/hr/ill.md", FOR_ANN))
    await fill(qdrant_index, passages(PARTS, "/docs/it/ill.md"))
    await fill(qdrant_index, passages({f"Part {n}": f"{n} {PARTS['Asking']}" for n in range(40)}, "/docs/long.md"))
    return Settings(home=tmp_path / "home")


def write(file: Path, *steps: str, head: str = 'title = "First week"') -> Path:
    file.write_text(f"{head}\n" + "".join(f"[[steps]]\n{step}\n" for step in steps), encoding="utf-8")
    return file


async def agree(redis: Redis, user: str, record: CourseRecord, *, counted: bool = True) -> None:
    person = Person("test", "w", user)
    await RedisMemory(redis).change_study(person, lambda old: replace(old, records=(record,), counted=counted))


async def test_counts_are_told_from_three_people_on(
    folder: Path, settings: Settings, redis: Redis, capsys: pytest.CaptureFixture[str]
):
    """Nobody is named, and whoever did not agree is in no number."""
    write(folder / "first.toml", 'document = "leave.md"\nheading = "Asking"', 'document = "it/ill.md"\ntitle = "Ill"')
    asking, ill = (TeamStep(document="leave.md", heading="Asking").stage, TeamStep(document="it/ill.md").stage)
    for number, (begun, finished) in enumerate([((asking, ill), (asking,))] * 2 + [((asking,), (asking,))]):
        await agree(redis, f"counted{number}", CourseRecord("first", begun, finished))
    for number in range(5):
        await agree(redis, f"silent{number}", CourseRecord("first", (asking, ill), (asking, ill)), counted=False)
    await agree(redis, "elsewhere", CourseRecord("second", (asking, ill), (asking, ill)))
    assert await courses_view.courses(settings, as_json=False) == 0
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert shown[:5] == [
        "First week",
        "first · for everyone · begun by 3",
        "step began finished",
        "1 leave.md: Asking 3 3",
        "2 Ill (it/ill.md) fewer than 3 fewer than 3",
    ]
    assert not any(name in " ".join(shown) for name in ("counted0", "silent", "elsewhere"))
    assert await courses_view.courses(settings, as_json=True) == 0
    [course] = json.loads(capsys.readouterr().out)
    assert [(step["began"], step["finished"]) for step in course["steps"]] == [(3, 3), (None, None)]


async def test_without_courses_it_says_where_to_write_one(settings: Settings, capsys: pytest.CaptureFixture[str]):
    """A folder that was named and is not there is to be corrected."""
    assert await courses_view.courses(settings, as_json=False) == 0
    assert "Write one into" in capsys.readouterr().out
    named = settings.model_copy(update={"courses": Path("/nowhere")})
    assert await courses_view.courses(named, as_json=False) == 2
    assert "/nowhere cannot be read" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ('document = "leave.md"', (0, "✓ 1 step, nothing to correct")),
        ('document = "./docs/leave.md"\nheading = " carrying  OVER"', (0, "✓ 1 step")),
        ('document = "leaf.md"', (2, "there is no document leaf.md. Did you mean /docs/leave.md or")),
        ('document = "ave.md"', (2, "there is no document ave.md.")),
        ('document = "ill.md"', (2, "Write more of the path of one of them: /docs/hr/ill.md, /docs/it/ill.md")),
        ('document = "leave.md"\nheading = "Carry over"', (2, "no heading “Carry over”. The document has: Carrying")),
        ('document = "hr/ill.md"', (0, f"is for {FOR_ANN}, so everyone may not see it. Whoever")),
        ('document = "long.md"', (0, f"long.md is long. Of its sections only the first {MOST_PARTS} are taught")),
    ],
)
async def test_a_course_is_checked_against_the_documents(
    folder: Path, settings: Settings, capsys: pytest.CaptureFixture[str], step: str, found: tuple[int, str]
):
    """What is missing, and who may not see what; the list says so, too."""
    file, (code, said) = write(folder / "first.toml", step), found
    assert await courses_view.check(settings, [file]) == code
    assert said in capsys.readouterr().out
    assert await courses_view.courses(settings, as_json=False) == code
    assert said in capsys.readouterr().out or said.startswith("✓")


@pytest.mark.parametrize("title", ["Next", "stop", "zurück", "count on", "step 1 2"])
async def test_a_title_that_is_a_word_of_teach_is_named(
    folder: Path, settings: Settings, capsys: pytest.CaptureFixture[str], title: str
):
    """Written behind `/teach`, it means something else; its id and its button still begin it."""
    file = folder / "first.toml"
    file.write_text(f'title = "{title}"\nsteps = [{{ document = "leave.md" }}]\n', encoding="utf-8")
    assert await courses_view.check(settings, [file]) == 0
    told = capsys.readouterr().out
    assert f"`/teach {title}` says something else, so only its button, or `/teach first`, begins" in told
    assert "nothing to correct" not in told


async def test_readers_are_compared_name_by_name(
    folder: Path, settings: Settings, qdrant_index: QdrantIndex, capsys: pytest.CaptureFixture[str]
):
    """Whoever is of a workspace's channel is of the workspace."""
    await fill(qdrant_index, passages(PARTS, "/docs/team.md", "workspace:slack/T1"))
    head = 'title = "T"\nwho = ["channel:slack/T1/C1", "channel:telegram//-1", "person:slack/T1/U1"]'
    assert await courses_view.check(settings, [write(folder / "t.toml", 'document = "team.md"', head=head)]) == 0
    assert "so channel:telegram//-1 may not see it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "title = 'A'\nsteps = [{ document = 'a.md', documnt = 'b' }]",
            "step 1, documnt is no key. Did you mean document?",
        ),
        ("title = 'A'\ntitel = 'A'\nsteps = [{ document = 'a.md' }]", "titel is no key. Did you mean title?"),
        ("steps = [{ document = 'a.md' }]", 'title is missing. Write it, such as title = "Starting here".'),
        ("title = 'A'", "steps is missing. Write it, such as [[steps]]."),
        ("title = 'A'\nsteps = []", "steps is empty. Write it, such as [[steps]]."),
        ("title = 'A'\nsteps = ['a.md']", "step 1: "),
        ("title = 'A'\nsteps = [{ heading = 'x' }]", "step 1, document is missing."),
        ("title = 'A'\nsteps = [{ document = 'a' }, { document = 'a' }]", "steps: step 2 is there before."),
        ("title = 'A'\nwho = ['all']\nsteps = [{ document = 'a' }]", "who: 'all' is not a valid reader."),
        (
            "title = 'A'\nid = 'Not so'\nsteps = [{ document = 'a' }]",
            "id 'Not so' is none: write up to 32 small letters",
        ),
        ("title = 7\nsteps = [{ document = 'a' }]", "title: Input should be a valid string. It is '7'."),
        ("title = ' '\nsteps = [{ document = 'a' }]", "title is empty."),
        ("title = A", "cannot be read: Invalid value (at line 1, column 9). Correct or remove it."),
    ],
)
async def test_a_file_that_is_broken_is_named_with_the_key(
    folder: Path, settings: Settings, capsys: pytest.CaptureFixture[str], text: str, said: str
):
    """The others are listed as ever."""
    write(folder / "first.toml", 'document = "leave.md"')
    broken = folder / "broken.toml"
    broken.write_text(text, encoding="utf-8")
    assert await courses_view.courses(settings, as_json=False) == 2
    shown = capsys.readouterr().out
    assert "First week" in shown
    assert str(broken) in shown
    assert said in shown
    assert await courses_view.check(settings, [broken]) == 2
    assert [said in line for line in capsys.readouterr().out.splitlines()] == [True]


async def test_two_courses_have_two_names(folder: Path, settings: Settings, capsys: pytest.CaptureFixture[str]):
    """Of two that are called the same, the second is refused."""
    for name in ("a", "b"):
        write(folder / f"{name}.toml", 'document = "leave.md"')
    assert await courses_view.courses(settings, as_json=False) == 2
    assert f"title 'First week' is that of {folder / 'a.toml'}, too." in capsys.readouterr().out


def test_a_step_is_counted_wherever_it_stands():
    """Steps may be moved; whoever names another document has another step."""
    course = TeamCourse.model_validate({"id": "a", "title": "A", "steps": [{"document": "a"}, {"document": "b"}]})
    moved = TeamStep(document="a", title="Under a name")
    assert moved.stage == course.steps[0].stage != course.steps[1].stage
