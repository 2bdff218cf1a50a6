"""The web console over HTTP: who gets in, what every answer forbids, and what each page does."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from bots.web.console.desk import Desk
from bots.web.console.gate import HEADERS, known_hosts
from bots.web.console.session import Entrance, OneTimeLinks, Sessions, WrongTries, entrance_of
from bots.web.console.site import ConsoleSite
from bots.web.console.view import markdown
from core.adapters.index.shared_index import SharedIndex
from core.domain import Person
from core.errors import ConfigurationError
from core.settings import Settings
from tests.bots.console_world import LEADS, open_desk

ADDRESS = "127.0.0.1:8084"
ORIGIN = f"http://{ADDRESS}"
PASSWORD = "a long enough password"  # noqa: S105


@pytest.fixture
def home(tmp_path: Path, shared_data: Path, redis: Redis, shared_index: SharedIndex) -> Path:  # noqa: ARG001
    """A home over the servers that tests share, with nothing in it."""
    for name in ("folders.json", "sources.json"):
        (shared_data / name).unlink(missing_ok=True)
    for name in ("learned", "links"):
        shutil.rmtree(shared_data / name, ignore_errors=True)
    (tmp_path / "data").symlink_to(shared_data)
    return tmp_path


@pytest.fixture
async def desk(home: Path) -> AsyncIterator[Desk]:
    async with open_desk(home) as desk:
        yield desk


@pytest.fixture
async def handbook(desk: Desk, home: Path) -> None:
    """The handbook is read."""
    await desk.attune.library.ingester.ingest([home / "handbook"])


@asynccontextmanager
async def browser(desk: Desk, *, password: str = "", hosts: frozenset[str] | None = None):
    """A client that is not signed in, and the links that open the console."""
    links = OneTimeLinks(desk.settings.data_folder / "links")
    site = ConsoleSite(desk, Entrance(links, password), hosts or known_hosts(ADDRESS, None))
    transport = httpx.ASGITransport(site.app, client=("127.0.0.1", 5000))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client, links, site
    await site.close()


@pytest.fixture
async def signed_in(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(desk) as (client, links, _):
        page = await client.get("/enter", params={"key": links.new()})
        done = await client.post("/enter", data=fields(page.text))
        assert done.headers["location"] == "/ask"
        yield client


def fields(page: str) -> dict[str, str]:
    """The hidden fields of the forms of a page."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


async def token(client: httpx.AsyncClient) -> str:
    return fields((await client.get("/settings")).text)["csrf"]


async def post(client: httpx.AsyncClient, path: str, **data: str) -> httpx.Response:
    return await client.post(path, data={"csrf": await token(client), **data})


async def until_done(client: httpx.AsyncClient, path: str) -> str:
    """A part of a page that is asked for until it asks for itself no more."""
    for _ in range(400):
        part = (await client.get(path, headers={"HX-Request": "true"})).text
        if 'hx-trigger="every' not in part:
            return part
        await asyncio.sleep(0.02)
    raise AssertionError(part)


async def answered(client: httpx.AsyncClient, question: str, seen_as: str = "") -> tuple[str, str]:
    """The id and the shown answer to a question."""
    data = {"csrf": await token(client), "question": question, "as": seen_as}
    begun = await client.post("/ask", data=data, headers={"HX-Request": "true"})
    found = re.search(r'id="answer-([\w-]+)"', begun.text)
    assert found, begun.text
    return found[1], await until_done(client, f"/ask/{found[1]}")


async def test_a_link_opens_the_console_once(desk: Desk):
    """Whoever is second has no use of a link, and a look at it does not use it up."""
    async with browser(desk) as (client, links, _):
        key = links.new()
        await client.get("/enter", params={"key": key})
        page = await client.get("/enter", params={"key": key})
        first = await client.post("/enter", data=fields(page.text))
        second = await client.post("/enter", data=fields(page.text))
        assert (first.status_code, second.status_code) == (303, 403)
        assert "used before" in second.text


async def test_a_link_ends_after_ten_minutes(desk: Desk):
    """An old link opens nothing."""
    async with browser(desk) as (client, links, _):
        page = await client.get("/enter", params={"key": links.new()})
        (file,) = (desk.settings.data_folder / "links").iterdir()
        os.utime(file, (0, 0))
        assert (await client.post("/enter", data=fields(page.text))).status_code == 403


async def test_every_page_is_behind_the_door(desk: Desk):
    """Without a session no route but the door's shows anything or does anything."""
    async with browser(desk) as (client, _, site):
        for route in site.routes:
            path = re.sub(r"{\w+(:int)?}", "1", route.path)
            if path in {"/enter", "/sign-in"}:
                continue
            for method in route.methods:
                answer = await client.request(method, path)
                assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), (method, path)


async def test_every_form_needs_its_token(signed_in: httpx.AsyncClient, desk: Desk):
    """A POST without the token of the session, or from another site, is refused by every route."""
    async with browser(desk) as (_, _, site):
        paths = [re.sub(r"{\w+(:int)?}", "1", route.path) for route in site.routes if "POST" in route.methods]
    right = await token(signed_in)
    for path in paths:
        assert (await signed_in.post(path, data={"csrf": "wrong"})).status_code == 403, path
        assert (await signed_in.post(path)).status_code == 403, path
        elsewhere = {"Origin": "https://evil.example"}
        assert (await signed_in.post(path, data={"csrf": right}, headers=elsewhere)).status_code == 403, path


async def test_every_answer_forbids_what_the_console_does_not_need(signed_in: httpx.AsyncClient):
    """Pages, parts, problems and files carry the headers, and no page has a script or a style of its own."""
    for path in (
        "/ask",
        "/documents",
        "/unanswered",
        "/people",
        "/health",
        "/settings",
        "/nowhere",
        "/static/console.css",
    ):
        answer = await signed_in.get(path)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path
        if path.startswith("/static"):
            continue
        scripts = re.findall(r"<script[^>]*>", answer.text)
        assert scripts == ['<script src="/static/htmx.min.js" defer>'], path
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|(src|href|action)=.(https?:)?//", answer.text), path


async def test_no_other_name_leads_here(desk: Desk):
    """A page elsewhere whose name leads here all of a sudden gets nothing, and neither does a request without one."""
    async with browser(desk) as (client, _, _):
        for host in ("evil.example", "evil.example:8084", "127.0.0.1.evil.example"):
            answer = await client.get("/sign-in", headers={"Host": host})
            assert answer.status_code == 421
            assert "Attune" not in answer.headers.get("set-cookie", "")
        for host in ("localhost:8084", "127.0.0.1", "[::1]:8084"):
            assert (await client.get("/sign-in", headers={"Host": host})).status_code == 200


async def test_cookies_are_shut_in(desk: Desk):
    """No script reads them and no site sends them; elsewhere than on this machine they go over TLS alone."""
    hosts = known_hosts(ADDRESS, "https://console.example.com")
    async with browser(desk, hosts=hosts) as (client, _, _):
        here = (await client.get("/sign-in")).headers["set-cookie"]
        there = (await client.get("/sign-in", headers={"Host": "console.example.com"})).headers["set-cookie"]
    assert "HttpOnly" in here
    assert "SameSite=strict" in here
    assert "Secure" not in here
    assert "Secure" in there


async def test_a_password_cannot_be_guessed_by_trying(desk: Desk):
    """The right one opens; after five wrong ones even that one waits."""
    async with browser(desk, password=PASSWORD) as (client, links, _):
        form = fields((await client.get("/sign-in")).text)
        for _ in range(4):
            assert (await client.post("/sign-in", data={**form, "password": "wrong"})).status_code == 403
        right = await client.post("/sign-in", data={**form, "password": PASSWORD})
        assert right.headers["location"] == "/ask"
        await client.post("/sign-in", data={**form, "password": "wrong"})
        assert (await client.post("/sign-in", data={**form, "password": PASSWORD})).status_code == 429
        page = await client.get("/enter", params={"key": links.new()})  # whoever tries passwords locks nobody out
        assert (await client.post("/enter", data=fields(page.text))).headers["location"] == "/ask"


def test_a_wide_console_needs_a_password(tmp_path: Path):
    """Nobody opens it to others by accident, or with a password that can be guessed."""
    bare = Settings.from_env({"ATTUNE_HOME": str(tmp_path)})
    short = Settings.from_env({"ATTUNE_HOME": str(tmp_path), "ATTUNE_CONSOLE_PASSWORD": "short"})
    entrance_of(bare, wide=False)
    for settings, wide in ((bare, True), (short, True), (short, False)):
        with pytest.raises(ConfigurationError):
            entrance_of(settings, wide=wide)


def test_sessions_and_tries_end():
    """A session ends after half a day without a request, and wrong tries are forgotten after five minutes."""
    now = 0.0
    sessions, tries = Sessions(lambda: now), WrongTries(lambda: now)
    name = sessions.begin()
    for _ in range(5):
        tries.count("here")
    assert not tries.allows("here")
    assert tries.allows("there")
    now = 301.0
    assert tries.allows("here")
    assert sessions.find(name)
    now += 12 * 3600 + 1
    assert sessions.find(name) is None


async def test_signing_out_ends_the_session(signed_in: httpx.AsyncClient):
    """The cookie is of no use afterwards."""
    cookie = signed_in.cookies["attune_console"]
    await post(signed_in, "/sign-out")
    signed_in.cookies.set("attune_console", cookie)
    assert (await signed_in.get("/ask")).status_code == 303


@pytest.mark.usefixtures("handbook")
async def test_an_answer_has_its_sources_and_its_reasons(signed_in: httpx.AsyncClient):
    """The answer, the cited passage, where it stands, and what each passage was worth."""
    id_, answer = await answered(signed_in, "How long is parental leave?")
    assert "twenty weeks" in answer
    assert 'role="mark"' in answer
    assert "Parental leave › How long it is" in answer
    why = (await signed_in.get(f"/ask/{id_}/why", headers={"HX-Request": "true"})).text
    assert why.count('class="bar search"') >= 1
    assert "The model is" in why
    around = (await signed_in.get(f"/ask/{id_}/source/1", headers={"HX-Request": "true"})).text
    assert 'role="mark"' in around
    assert "eight weeks before" in around


@pytest.mark.usefixtures("handbook")
async def test_a_question_is_answered_from_what_somebody_may_see(signed_in: httpx.AsyncClient):
    """What is for leads answers only who asks as one, and nothing else does then that they may not see."""
    _, mine = await answered(signed_in, "When are the salary bands reviewed?")
    _, theirs = await answered(signed_in, "When are the salary bands reviewed?", LEADS)
    assert "every March" not in mine
    assert "every March" in theirs
    wrong = await signed_in.post("/ask", data={"csrf": await token(signed_in), "question": "?", "as": "root"})
    assert wrong.status_code == 400


async def test_what_documents_say_is_data(signed_in: httpx.AsyncClient, desk: Desk, home: Path):
    """Markup, scripts and control characters of a document or a question are shown as they are, or not at all."""
    nasty = (
        "# <script>alert(1)</script>\n\nThe zebra rule <img src=x onerror=alert(2)> [x](javascript:alert(3)) \x1b[31m."
    )
    (home / "nasty.md").write_text(nasty, encoding="utf-8")
    await desk.attune.library.ingester.ingest([home / "nasty.md"])
    _, answer = await answered(signed_in, "What is the zebra rule? <b>bold</b>")
    listed = (await signed_in.get("/documents")).text
    for page in (answer, listed):
        assert not re.search(r"<script>|<img|<b>|href=\"javascript|\x1b", page)
    assert "&lt;script&gt;" in listed


@pytest.mark.parametrize("text", ["<http://a/%1b]0> x <http://b/%07>", "[a](http://a/%1b[) <http://b/%1b[c>"])
def test_what_is_shown_of_an_address_takes_nothing_else_away(text: str):
    """Every link that begins ends, whatever its address is decoded to."""
    made = markdown(text)
    assert made.count("<a ") == made.count("</a>") == 2


async def test_documents_are_added_shown_and_removed(signed_in: httpx.AsyncClient, home: Path):
    """A folder is read while the page tells how far; other readers hold; what is removed goes, and its file stays."""
    more = home / "more"
    more.mkdir()
    (more / "Canteen.md").write_text("# Canteen\n\nThe canteen opens at noon.\n", encoding="utf-8")
    begun = await post(signed_in, "/documents/add", name=str(more), readers="", every="", site="")
    assert begun.headers["location"] == "/documents#reading"
    assert "was read" in await until_done(signed_in, "/documents/reading")
    source = str(more / "Canteen.md")
    assert "Canteen" in (await signed_in.get("/documents")).text
    await post(signed_in, "/documents/readers", name=source, readers=LEADS)
    await until_done(signed_in, "/documents/reading")
    assert LEADS in (await signed_in.get("/documents/one", params={"source": source})).text
    asked = await signed_in.get("/documents/remove", params={"name": source})
    assert "Remove 1 document?" in asked.text
    await post(signed_in, "/documents/remove", name=source)
    gone = (await signed_in.get("/documents")).text
    assert "Removed 1 document" in gone
    assert "Canteen.md" not in (await signed_in.get("/documents")).text
    assert (more / "Canteen.md").exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "/no/such/folder", "every": ""}, "There is no file or folder /no/such/folder"),
        ({"name": "", "every": ""}, "Name a file"),
        ({"name": "/usr", "every": "", "readers": "all of us"}, "is not a valid reader"),
        ({"name": "/usr", "every": "5s"}, "Choose one of the schedules"),
    ],
)
async def test_what_cannot_be_added_is_said(signed_in: httpx.AsyncClient, fields: dict[str, str], sentence: str):
    """A mistake is a sentence, and nothing is read."""
    answer = await post(signed_in, "/documents/add", **fields)
    assert answer.status_code == 400
    assert sentence in answer.text


async def test_a_gap_is_answered_by_what_is_taught(signed_in: httpx.AsyncClient):
    """A question that found nothing is listed; its answer is a document then, and the question leaves the list."""
    await answered(signed_in, "Where is bicycle storage?")
    listed = (await signed_in.get("/unanswered")).text
    assert "Where is bicycle storage?" in listed
    group = fields(listed)["group"]
    text = "Bicycle storage is in the cellar, behind the blue door."
    await post(signed_in, "/unanswered/answer", group=group, title="Bicycle storage", answer=text, readers="everyone")
    after = (await signed_in.get("/unanswered")).text
    assert "Learned “Bicycle storage”" in after
    assert "There are no unanswered questions." in after
    _, answer = await answered(signed_in, "Where is bicycle storage?")
    assert "behind the blue door" in answer


async def test_a_gap_can_be_taken_off_the_list(signed_in: httpx.AsyncClient):
    """What is nobody's business to answer goes."""
    await answered(signed_in, "Who wins the football?")
    group = fields((await signed_in.get("/unanswered")).text)["group"]
    await post(signed_in, "/unanswered/dismiss", group=group)
    assert "There are no unanswered questions." in (await signed_in.get("/unanswered")).text
    assert (await post(signed_in, "/unanswered/dismiss", group=group)).status_code == 400


async def test_people_are_let_in_by_codes_and_out_again(signed_in: httpx.AsyncClient, desk: Desk):
    """A code works as one of `attune pair` does, and access can be revoked."""
    page = (await post(signed_in, "/people/code", operator="yes")).text
    code = re.search(r"<code>([A-Z0-9]{4}-[A-Z0-9]{4})</code>", page)
    assert code
    ann, access = Person("telegram", "", "1234"), desk.attune.records.access
    await access.pair(ann, code[1], datetime.now(UTC))
    listed = (await signed_in.get("/people")).text
    assert "person:telegram//1234" in listed
    assert code[1] not in listed
    await post(signed_in, "/people/revoke", person="person:telegram//1234")
    assert not await access.admits(ann, ())


async def test_health_tells_how_it_goes(signed_in: httpx.AsyncClient):
    """Queue, memory, disks, versions; the doctor's lines with what to do."""
    page = (await signed_in.get("/health")).text
    for word in ("waiting", "GB", "Python", "attune-reader-1.5b", "Data folder"):
        assert word in page
    checks = (await signed_in.get("/health/checks", headers={"HX-Request": "true"})).text
    assert "It is fetched on first use." in checks
    assert "No check failed." in checks


async def test_settings_are_shown_without_secrets(home: Path):
    """Each setting with its value, its origin and its meaning; of a secret only that it is set."""
    secret = "xoxb-very-secret"  # noqa: S105
    qdrant = "https://ann:hunter2@qdrant.example.com:6333/?key=opensesame"
    async with (
        open_desk(home, ATTUNE_SLACK_BOT_TOKEN=secret, ATTUNE_WORKERS=3, QDRANT_URL=qdrant) as desk,
        browser(desk) as (client, links, _),
    ):
        page = await client.get("/enter", params={"key": links.new()})
        await client.post("/enter", data=fields(page.text))
        shown = (await client.get("/settings")).text
    assert secret not in shown
    assert "set, not shown" in shown
    assert "hunter2" not in shown
    assert "opensesame" not in shown
    assert "https://ann:…@qdrant.example.com:6333/?key=…" in shown
    for name, field in Settings.model_fields.items():
        assert (field.alias or name) in shown
    assert re.search(r"ATTUNE_WORKERS</code>.*?<code>3</code>.*?environment", shown, flags=re.DOTALL)


@pytest.mark.usefixtures("handbook")
async def test_own_questions_are_asked_and_their_misses_shown(signed_in: httpx.AsyncClient, desk: Desk):
    """The figures of `attune eval`, and what was expected beside what was found; nobody is counted as having asked."""
    lines = (
        '{"question": "How long is parental leave?", "page": "Parental leave.md", "answer": "twenty weeks"}\n'
        '{"question": "Where is the swimming pool?", "page": "Pools.md"}\n'
    )
    begun = await post(signed_in, "/quality/run", lines=lines, answers="yes", limit="")
    assert begun.headers["location"] == "/quality#evaluation"
    shown = await until_done(signed_in, "/quality/run")
    assert "recall@1" in shown
    assert "Misses (1)" in shown
    assert "1 page in the file is not in the index" in shown
    assert await desk.attune.records.usage.weeks() == {}
    wrong = await post(signed_in, "/quality/run", lines="no question", limit="")
    assert (wrong.status_code, "it is not JSON" in wrong.text) == (400, True)


@pytest.mark.usefixtures("handbook")
async def test_what_became_of_questions_is_shown_by_week(signed_in: httpx.AsyncClient):
    """Answers and refusals of the week, as a chart and as a table."""
    await answered(signed_in, "How long is parental leave?")
    await answered(signed_in, "Who wins the football?")
    page = (await signed_in.get("/quality")).text
    week = f"{datetime.now(UTC):%G-W%V}"
    assert re.search(rf"{week}</th><td[^>]*>1</td><td[^>]*>1</td>", page)
