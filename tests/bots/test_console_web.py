"""The web console over HTTP: who gets in, what every answer forbids, and what each page does."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from unittest.mock import AsyncMock
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
from redis.asyncio import Redis

from bots.cli.web_console import link_to
from bots.web.console import reading, view
from bots.web.console.desk import Desk
from bots.web.console.gate import HEADERS, known_hosts
from bots.web.console.session import Entrance, OneTimeLinks, Sessions, WrongTries, entrance_of
from bots.web.console.site import ConsoleSite, open_console
from bots.web.console.view import markdown
from core.adapters.index.shared_index import SharedIndex
from core.documents.remote import network
from core.domain import Passage, Person
from core.errors import ConfigurationError
from core.settings import Settings
from tests.bots.console_world import LEADS, open_desk
from tests.doubles.website import served_site

ADDRESS = "127.0.0.1:8084"
ORIGIN = f"http://{ADDRESS}"
PASSWORD = "a long enough password"  # noqa: S105
PASSAGE = Passage("00000000-0000-0000-0000-000000000001", "/srv/long.md", "Long", (), "Long.", 1, 0, 1, "v")


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
        assert (await enter(client, links.new())).headers["location"] == "/ask"
        yield client


async def enter(client: httpx.AsyncClient, key: str) -> httpx.Response:
    """What the page behind a link does, whose script puts the key into its form."""
    page = await client.get("/enter")
    return await client.post("/enter", data={**fields(page.text), "key": key})


def fields(page: str) -> dict[str, str]:
    """The hidden fields of the forms of a page."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


async def token(client: httpx.AsyncClient) -> str:
    return fields((await client.get("/settings")).text)["csrf"]


async def post(client: httpx.AsyncClient, path: str, **data: str) -> httpx.Response:
    return await client.post(path, data={"csrf": await token(client), **data})


async def until_done(client: httpx.AsyncClient, path: str) -> str:
    """A part of a page that is asked for until it asks for itself no more."""
    for _ in range(3000):  # what clears away after a removal waits for the disk
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
        await client.get("/enter")
        first, second = await enter(client, key), await enter(client, key)
        assert (first.status_code, second.status_code) == (303, 403)
        assert "used before" in second.text


async def test_a_link_ends_after_ten_minutes(desk: Desk):
    """An old link opens nothing."""
    async with browser(desk) as (client, links, _):
        key = links.new()
        (file,) = (desk.settings.data_folder / "links").iterdir()
        os.utime(file, (0, 0))
        assert (await enter(client, key)).status_code == 403


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
        for host in (
            *("evil.example", "evil.example:8084", "127.0.0.1.evil.example", "evil.example:999999", "[::1", "a b", ""),
            *("127.0.0.1:x", "evil.example#@127.0.0.1", "127.0.0.1/evil"),
        ):
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


async def test_two_consoles_of_a_machine_keep_their_sessions_apart(desk: Desk):
    """Browsers send a cookie to every port of its host: each console looks for one of its own name."""
    async with browser(desk) as (client, links, _):
        await enter(client, links.new())
        there = {"Host": "127.0.0.1:8090"}
        page = await client.get("/enter", headers=there)
        assert (await client.get("/ask", headers=there)).status_code == 303
        data, key = fields(page.text), links.new()
        await client.post("/enter", data={**data, "key": key}, headers={**there, "Origin": "http://127.0.0.1:8090"})
        for headers in (there, {}):
            assert (await client.get("/ask", headers=headers)).status_code == 200
        await post(client, "/sign-out")
        assert (await client.get("/ask", headers=there)).status_code == 200


def test_the_key_of_a_link_goes_to_no_server_by_itself(tmp_path: Path):
    """It stands behind a #, which is in no request, no log of a proxy and no referrer."""
    settings = Settings.from_env({"ATTUNE_HOME": str(tmp_path)})
    for address in ("http://127.0.0.1:8084", "https://attune.example.com/"):
        parts = urlsplit(link_to(settings, address))
        assert (parts.path, parts.query) == ("/enter", "")
        assert len(parts.fragment) > 30


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
        # whoever tries passwords locks nobody out
        assert (await enter(client, links.new())).headers["location"] == "/ask"


def test_a_wide_console_needs_a_password(tmp_path: Path):
    """Nobody opens it to others by accident, or with a password that can be guessed."""
    bare = Settings.from_env({"ATTUNE_HOME": str(tmp_path)})
    short = Settings.from_env({"ATTUNE_HOME": str(tmp_path), "ATTUNE_CONSOLE_PASSWORD": "short"})
    entrance_of(bare, wide=False)
    for settings, wide in ((bare, True), (short, True), (short, False)):
        with pytest.raises(ConfigurationError):
            entrance_of(settings, wide=wide)


def test_sessions_and_tries_end():
    """A session ends after half a day without a request, or a week; wrong tries are forgotten after five minutes."""
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
    name = sessions.begin()
    for _ in range(15):  # a page that asks again and again keeps nobody signed in for ever
        assert sessions.find(name)
        now += 11 * 3600
    now += 11 * 3600
    assert sessions.find(name) is None


async def test_signing_out_ends_the_session(signed_in: httpx.AsyncClient):
    """The cookie is of no use afterwards."""
    cookie = signed_in.cookies["attune_console_8084"]
    await post(signed_in, "/sign-out")
    signed_in.cookies.set("attune_console_8084", cookie)
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


@pytest.mark.parametrize(
    "target", ["/documents/remove?name=/srv", "//evil.example", "people", "?q=x", "#main", "javascript:x", "ftp://a/b"]
)
def test_no_link_of_a_document_leads_to_a_page_of_the_console(target: str):
    """What looks like a way on is none; it is shown as it is written."""
    assert "<a " not in markdown(f"[Read on]({target}) <{target}>")
    assert '<a href="https://a.example/b"' in markdown("[Read on](https://a.example/b)")


@pytest.mark.parametrize("text", ["<http://a/%1b]0> x <http://b/%07>", "[a](http://a/%1b[) <http://b/%1b[c>"])
def test_what_is_shown_of_an_address_takes_nothing_else_away(text: str):
    """Every link that begins ends, whatever its address is decoded to."""
    made = markdown(text)
    assert made.count("<a ") == made.count("</a>") == 2


async def test_no_path_leads_back_to_another_site(signed_in: httpx.AsyncClient):
    """Two slashes at the beginning of a link would be another host."""
    for path in ("//evil.example/x", "/%5Cevil.example", "//%5C/evil.example"):
        page = (await signed_in.get(f"{ORIGIN}{path}")).text
        assert 'href="/' in page
        assert not re.search(r'href="/[/\\]', page)


def test_markdown_without_end_is_shown_as_it_is_written():
    """What would take long to lay out is not laid out."""
    made = markdown("*a* <b>" * 20_000)
    assert made.startswith("<pre>*a* &lt;b&gt;")
    assert markdown("*a*") == "<p><em>a</em></p>\n"


async def test_pages_are_made_beside_what_else_is_done(
    desk: Desk, signed_in: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    """A long text that is laid out holds nobody up."""
    made = list[threading.Thread]()

    def clean(text: str) -> str:
        made.append(threading.current_thread())
        return text

    monkeypatch.setattr(view, "clean", clean)
    await desk.attune.library.index.upsert([PASSAGE], await desk.attune.library.embedder.embed([PASSAGE.text]))
    assert "<p>Long.</p>" in (await signed_in.get("/documents/one", params={"source": PASSAGE.source})).text
    assert made
    assert threading.main_thread() not in made


async def test_a_long_document_is_shown_in_parts(desk: Desk, signed_in: httpx.AsyncClient):
    """Two hundred passages a page, numbered on."""
    await desk.attune.library.index.upsert(
        [
            replace(PASSAGE, id=f"00000000-0000-0000-0000-{n:012}", text=f"Part {n} of it.", ordinal=n, total=250)
            for n in range(250)
        ],
        await desk.attune.library.embedder.embed([f"Part {n}" for n in range(250)]),
    )
    first = (await signed_in.get("/documents/one", params={"source": PASSAGE.source})).text
    assert "Part 199 of it." in first
    assert "Part 200 of it." not in first
    more = re.search(r'href="([^"]+)">More passages', first)
    assert more
    second = (await signed_in.get(unescape(more[1]))).text
    assert 'start="201"' in second
    assert "Part 249 of it." in second
    assert "More passages" not in second


@pytest.mark.usefixtures("handbook")
async def test_removing_tells_how_far_it_is(desk: Desk, signed_in: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    """What takes long goes on behind the page; nothing else is read or removed meanwhile."""
    monkeypatch.setattr(reading, "AT_ONCE", 0.05)
    may, index = asyncio.Event(), desk.attune.library.index
    remove = index.remove

    async def slowly(source: str) -> None:
        await remove(source)
        await may.wait()

    monkeypatch.setattr(index, "remove", slowly)
    await post(signed_in, "/documents/remove", name=str(desk.settings.home / "handbook"))  # type: ignore[operator]
    part = (await signed_in.get("/documents/reading")).text
    assert "0 of 4 documents gone" in part
    assert "read or removed already" in (await post(signed_in, "/documents/add", name="/usr", every="")).text
    may.set()
    assert "Removed 4 documents" in await until_done(signed_in, "/documents/reading")
    assert "Removed 4 documents" in (await signed_in.get("/documents")).text
    assert "Removed 4 documents" not in (await signed_in.get("/documents")).text


ELSEWHERE = [
    ("http://127.0.0.1:9/x", "to the machine where Attune runs"),
    ("http://localhost:9/x", "to the machine where Attune runs"),
    ("http://[::1]:9/x", "to the machine where Attune runs"),
    ("http://0.0.0.0:9/x", "to the machine where Attune runs"),
    ("http://2130706433:9/x", "to the machine where Attune runs"),
    ("http://[::ffff:127.0.0.1]:9/x", "to the machine where Attune runs"),
    ("git+http://127.0.0.1:9/x", "to the machine where Attune runs"),
    ("sftp://me@localhost/x", "to the machine where Attune runs"),
    ("http://169.254.169.254/latest/meta-data/", "keep the secrets of their machines"),
    ("http://[fd00:ec2::254]/latest/", "keep the secrets of their machines"),
    ("webdav://169.254.169.254/x", "keep the secrets of their machines"),
    ("http://10.255.255.1:9/x", "lies on your own network"),
    ("git+ssh://git@192.168.255.1/x", "lies on your own network"),
    ("file:///etc/passwd", "by their path"),
]


@pytest.mark.parametrize(("address", "sentence"), ELSEWHERE)
@pytest.mark.parametrize("form", ["add", "readers"])
async def test_the_console_asks_no_machine_that_it_should_not(
    signed_in: httpx.AsyncClient, address: str, sentence: str, form: str
):
    """By no form, no scheme and no spelling; nothing is asked, and the page says why."""
    await post(signed_in, f"/documents/{form}", name=address, readers="everyone", every="")
    assert sentence in unescape(await until_done(signed_in, "/documents/reading"))


async def test_a_private_address_is_read_where_the_settings_say_so(home: Path, monkeypatch: pytest.MonkeyPatch):
    """And this machine is not, even if the name of that address leads here by the time that it is asked."""
    monkeypatch.setattr(network, "_hosts", AsyncMock(return_value=["10.0.0.7"]))
    async with served_site() as site, open_desk(home, ATTUNE_CONSOLE_PRIVATE="yes") as desk:
        site.write("/wiki", "<h1>Wiki</h1><p>The wiki of the house.")
        port = int(site.url.rpartition(":")[2])
        here = {"hostname": "", "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
        monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", AsyncMock(return_value=[here]))
        async with browser(desk) as (client, links, _):
            await enter(client, links.new())
            await post(client, "/documents/add", name=f"http://wiki.example:{port}/wiki", every="")
            assert "has moved to the machine" in unescape(await until_done(client, "/documents/reading"))
            assert site.asked == []
            monkeypatch.setattr(network, "_is_here", lambda _: False)  # as if it were another machine of the house
            await post(client, "/documents/add", name=f"http://wiki.example:{port}/wiki", every="")
            assert "was read" in await until_done(client, "/documents/reading")


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
    assert "Removed 1 document" in await until_done(signed_in, "/documents/reading")
    assert "Removed 1 document" in (await signed_in.get("/documents")).text
    gone = (await signed_in.get("/documents")).text
    assert "Removed 1 document" not in gone
    assert "Canteen.md" not in gone
    assert (more / "Canteen.md").exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "/no/such/folder", "every": ""}, "There is no file or folder /no/such/folder"),
        ({"name": "/a\0b", "every": ""}, "There is no file or folder /a"),
        ({"name": "~nobody-of-that-name/x", "every": ""}, "There is no file or folder ~nobody"),
        ({"name": f"/{'x' * 5000}", "every": ""}, "There is no file or folder /xxx"),
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


@pytest.mark.parametrize("name", ["/a\0b", "~nobody-of-that-name/x", f"/{'x' * 5000}", "", "http://[::1", "x://"])
async def test_what_is_no_name_is_a_sentence_everywhere(signed_in: httpx.AsyncClient, name: str):
    """On no page is it a mistake of ours."""
    for page in (
        await signed_in.get("/documents/remove", params={"name": name}),
        await signed_in.get("/documents/one", params={"source": name}),
        await post(signed_in, "/documents/remove", name=name),
        await post(signed_in, "/documents/add", name=name, every=""),
        await post(signed_in, "/documents/readers", name=name, readers="everyone"),
        await post(signed_in, "/quality/run", file=name or "/", limit=""),
    ):
        assert page.status_code in {303, 400}
        assert "Error id" not in page.text
    assert "Error id" not in await until_done(signed_in, "/documents/reading")


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
        await enter(client, links.new())
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
    assert re.search(rf"{week}</th>(<td[^>]*>1</td>){{2}}(<td[^>]*>0</td>){{3}}</tr>", page)


async def test_warnings_are_counted_by_week(home: Path):
    """An answer that says that a part of it was left out is counted once more, as such."""
    said = "Every parent may take twenty weeks of paid parental leave. The code for it is 98765, says the office."
    async with open_desk(home, script=lambda _: said) as desk, browser(desk) as (client, links, _):
        await desk.attune.library.ingester.ingest([home / "handbook"])
        await enter(client, links.new())
        _, answer = await answered(client, "How long is parental leave?")
        assert "98765" not in answer
        assert "left out part of this answer" in answer
        page = (await client.get("/quality")).text
    week = f"{datetime.now(UTC):%G-W%V}"
    assert re.search(rf"{week}</th><td[^>]*>1</td>(<td[^>]*>0</td>){{3}}<td[^>]*>1</td></tr>", page)


async def test_what_the_console_is_asked_is_counted(desk: Desk):
    """By its status, without a path or a name."""
    async with open_console(desk, "127.0.0.1:0") as url, httpx.AsyncClient() as client:
        await client.get(f"{url}/sign-in")
        await client.get(f"{url}/people")
    figures = desk.metrics.page(None, {}).decode()
    assert 'attune_requests_total{door="console",status="200"} 1.0' in figures
    assert 'attune_requests_total{door="console",status="303"} 1.0' in figures
    assert "people" not in figures
