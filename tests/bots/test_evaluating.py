"""`attune eval` from the file to the table and the report, over real stores; only the models are fakes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bots.cli import evaluating
from bots.cli.evaluating import EvaluationOptions, evaluate
from core.adapters.index.shared_index import SharedIndex
from core.adapters.redis.chats import RedisChats
from core.adapters.redis.clients import RedisClients
from core.adapters.redis.histories import RedisHistories
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.pairings import RedisPairings
from core.adapters.redis.usage import NoUsage
from core.answering.prompt import NOT_FOUND
from core.bootstrap import Attune, Library, Stores
from core.documents.ingest import Ingester
from core.documents.teaching import Teacher
from core.domain import Prompt
from core.engine import AnswerLimits, Engine
from core.errors import OperatorError, QuestionFileError
from core.people.access import Access, AccessLists
from core.people.clients import ApiClients
from core.settings import Settings
from tests.fakes import HashingEmbedder, ScriptedGenerator

NASTY = "<script>alert('x')</script> & \"leave\" \x1b[31m\u202e"
PAGES = {
    "leave.md": "# Leave & more < less\n\n## Parents\n\nParental leave is twenty weeks. "
    "`<script>alert('x')</script> [31m`\n",
    "wifi.md": "# Wifi\n\nThe password of the guest wifi is tulip.\n",
}
QUESTIONS = [
    {"question": "How long is parental leave?", "page": "docs/leave.md", "answer": "twenty weeks"},
    {"question": f"password of the guest wifi? {NASTY}", "page": "docs/elsewhere.md", "answer": NASTY},
    {"question": "What is the guest wifi like?", "answerable": False},
]


class Reader(HTMLParser):
    """What a browser would make of a page: its tags, its text, and whatever it would fetch. Tags have to be closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.text = ""
        self.metas: list[dict[str, str | None]] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in {"meta", "br"}:
            self.open.append(tag)
        self.fetched += [f"{tag} {name}" for name, _ in attrs if name in {"src", "href", "action", "data", "srcset"}]
        if tag == "meta":
            self.metas.append(dict(attrs))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


async def _forget_nothing(_: object) -> None:
    pass


@pytest.fixture
def generator() -> ScriptedGenerator:
    def script(prompt: Prompt) -> str:
        return f"Twenty weeks {NASTY}" if "parental" in prompt.question else NOT_FOUND

    return ScriptedGenerator(script)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the person stands, with documents and questions."""
    (tmp_path / "docs").mkdir()
    for name, text in PAGES.items():
        (tmp_path / "docs" / name).write_text(text, encoding="utf-8")
    lines = "".join(json.dumps(question) + "\n" for question in QUESTIONS)
    (tmp_path / "own.jsonl").write_text(lines, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
async def library(
    place: Path, shared_index: SharedIndex, redis: Redis, generator: ScriptedGenerator, monkeypatch: pytest.MonkeyPatch
) -> Library:
    """The real stores with the documents in them, put where the product opens its own."""
    embedder = HashingEmbedder()
    ingester = Ingester(embedder, shared_index, passage_tokens=100)
    await ingester.ingest([place / "docs"])
    library = Library(embedder, shared_index, ingester)
    memory = RedisMemory(redis)
    limits = AnswerLimits(passages=2, relevance=0.15)
    engine = Engine(
        embedder=embedder,
        index=shared_index,
        memory=memory,
        usage=NoUsage(),
        generator=generator,
        limits=limits,
    )

    @asynccontextmanager
    async def library_of(*_: object) -> AsyncIterator[Library]:
        yield library

    @asynccontextmanager
    async def attune_of(*_: object) -> AsyncIterator[Attune]:
        access, clients = Access(RedisPairings(redis), AccessLists()), ApiClients(RedisClients(redis))
        records = Stores(memory, NoUsage(), access, RedisHistories(redis), RedisChats(redis), clients)
        teacher = Teacher(place / "learned", ingester, shared_index)
        yield Attune(engine, library, records, teacher, engine, _forget_nothing, dict)

    monkeypatch.setattr(evaluating, "open_library", library_of)
    monkeypatch.setattr(evaluating, "open_attune", attune_of)
    return library


SETTINGS = Settings.model_validate({"ATTUNE_RELEVANCE": 0.15})


@pytest.mark.usefixtures("library")
async def test_the_table_tells_how_well_pages_are_found(place: Path, capsys: pytest.CaptureFixture[str]):
    """Figures and misses on stdout; what is wrong with the file, and where the report is, on stderr."""
    assert await evaluate(SETTINGS, EvaluationOptions(place / "own.jsonl")) == 0
    shown = capsys.readouterr()
    figures = dict(line.split()[:2] for line in shown.out.splitlines() if line.startswith(("recall", "MRR")))
    assert figures == {"recall@1": ".50", "recall@5": ".50", "recall@10": ".50", "MRR": ".50"}
    assert "right page not found" in shown.out
    assert "docs/elsewhere.md" in shown.err
    assert "attune-eval.html" in shown.err
    assert "\x1b" not in shown.out + shown.err
    assert "\u202e" not in shown.out + shown.err
    assert (place / "attune-eval.html").is_file()


@pytest.mark.usefixtures("library")
async def test_the_report_is_one_page_that_fetches_nothing(place: Path):
    """No script, no link, no image, no style from elsewhere: what documents hold is text and nothing else."""
    await evaluate(SETTINGS, EvaluationOptions(place / "own.jsonl", report=place / "r.html", answers=True))
    page = (place / "r.html").read_text(encoding="utf-8")
    read = Reader(page)
    assert read.fetched == []
    assert {"script", "link", "img", "iframe"} & set(read.tags) == set()
    assert "url(" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "<script>alert('x')</script> & \"leave\"" in read.text
    assert "Leave &amp; more &lt; less › Parents" in page
    policy = next(meta["content"] for meta in read.metas if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert any(meta.get("name") == "viewport" for meta in read.metas)
    assert "prefers-color-scheme: dark" in page


@pytest.mark.usefixtures("library")
async def test_a_miss_shows_what_was_expected_found_and_said(place: Path):
    """Side by side: the page and answer of the file, the passages with their scores, the words of the model."""
    await evaluate(SETTINGS, EvaluationOptions(place / "own.jsonl", report=place / "r.html", answers=True))
    text = Reader((place / "r.html").read_text(encoding="utf-8")).text
    misses = text.partition("Misses (1)")[2].partition("All questions")[0]
    assert "right page not found; refused" in misses
    assert "docs/elsewhere.md" in misses
    assert "cosine" in misses
    assert "docs/wifi.md:" in misses
    assert NOT_FOUND in misses
    assert "1 page in the file is not in the index" in text


@pytest.mark.usefixtures("library")
async def test_json_has_everything(place: Path, capsys: pytest.CaptureFixture[str]):
    """What a program needs is on stdout alone; the report is written all the same."""
    await evaluate(SETTINGS, EvaluationOptions(place / "own.jsonl", answers=True, json=True))
    record = json.loads(capsys.readouterr().out)
    assert record["figures"]["recall@5"] == 0.5
    assert (record["figures"]["answered"], record["figures"]["cited"]) == (1, 1)
    assert (record["figures"]["refused_wrongly"], record["figures"]["refused_rightly"]) == (1, 1)
    first, second, third = record["questions"]
    assert (first["rank"], first["line"], first["found"][0]["right"]) == (1, 1, True)
    assert first["said"]["cited"][0]["source"].endswith("docs/leave.md")
    assert (second["rank"], second["missed"], second["refused"]) == (None, True, True)
    assert (third["answerable"], third["missed"], third["refused"]) == (False, False, True)
    assert (place / "attune-eval.html").is_file()


@pytest.mark.usefixtures("library")
async def test_a_limit_asks_fewer(place: Path, capsys: pytest.CaptureFixture[str]):
    """One question of three."""
    await evaluate(SETTINGS, EvaluationOptions(place / "own.jsonl", limit=1, json=True))
    assert len(json.loads(capsys.readouterr().out)["questions"]) == 1


async def test_without_documents_nothing_is_asked(place: Path, library: Library, capsys: pytest.CaptureFixture[str]):
    """An empty index says how to fill it, and no report of noughts is written."""
    for document in await library.index.documents():
        await library.index.remove(document.source)
    assert await evaluate(SETTINGS, EvaluationOptions(place / "own.jsonl")) == 1
    assert "attune ingest FOLDER" in capsys.readouterr().err
    assert not (place / "attune-eval.html").exists()


@pytest.mark.usefixtures("library")
async def test_a_report_that_has_nowhere_to_go_is_refused_first(place: Path, generator: ScriptedGenerator):
    """An hour of answers is not made for a file that cannot be written."""
    with pytest.raises(OperatorError, match="there is no folder"):
        await evaluate(SETTINGS, EvaluationOptions(place / "own.jsonl", report=place / "no" / "r.html", answers=True))
    with pytest.raises(OperatorError, match="cannot be written to"):
        await evaluate(SETTINGS, EvaluationOptions(place / "own.jsonl", report=place / "docs"))
    assert generator.prompts == []


async def test_a_bad_file_opens_nothing(place: Path, monkeypatch: pytest.MonkeyPatch):
    """Mistakes in the file are said before models are loaded."""
    monkeypatch.setattr(evaluating, "open_library", None)
    (place / "own.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(QuestionFileError, match="line 1"):
        await evaluate(SETTINGS, EvaluationOptions(place / "own.jsonl"))
