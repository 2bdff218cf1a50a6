"""Pages of the web and whole sites, from a real server to the index."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.documents.ingest import Ingester
from core.documents.remote import web, web_client
from core.documents.remote.keeper import SourceKeeper, SourceWishes, due
from core.documents.remote.links import addresses_in
from core.documents.remote.mirror import DocumentSource
from core.documents.remote.records import SourceRecord, SourceRecords
from core.documents.remote.web import Website
from core.documents.removing import Remover
from core.documents.tally import IngestReport
from core.documents.teaching import Teacher
from core.errors import DocumentError
from tests.doubles.website import Site, page, served_site
from tests.fakes import HashingEmbedder

# Qdrant's local mode, which stands in for a server, scans instead; it says so each time.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

HR = ("channel:slack/T1/HR",)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with served_site() as site:
        yield site


def hurried(record: SourceRecord, *, pages: int = 100) -> DocumentSource:
    return Website(record.address, site=record.site, private=record.private, pause=0, pages=pages)


@pytest.fixture
def records(tmp_path: Path) -> SourceRecords:
    return SourceRecords(tmp_path / "data")


@pytest.fixture
def keeper(records: SourceRecords, ingester: Ingester, index: QdrantIndex) -> SourceKeeper:
    return SourceKeeper(records, ingester, index, connect=hurried)


@pytest.fixture
def read(keeper: SourceKeeper) -> Callable[..., object]:
    return partial(read_by, keeper)


async def read_by(keeper: SourceKeeper, address: str, **wishes: object) -> IngestReport:
    return await keeper.read(await keeper.add(address, SourceWishes(**wishes)))  # type: ignore[arg-type]


async def held(index: QdrantIndex) -> dict[str, str]:
    return {document.source: document.title for document in await index.documents()}


async def test_a_page_is_read_and_goes_by_its_address(site: Site, read: Callable, index: QdrantIndex) -> None:
    """One page becomes a document whose source is the address; its links are not followed."""
    site.write("/handbook/leave", page("Leave", "Thirty days a year.", links=("/handbook/pay",)))
    address = f"{site.url}/handbook/leave"
    report = await read(address)
    assert report.new == (address,)
    assert await held(index) == {address: "Leave"}
    assert site.asked == [("/handbook/leave", 200)]


async def test_what_did_not_change_is_not_fetched_again(site: Site, read: Callable, index: QdrantIndex) -> None:
    """The second time the server says 304 and nothing is embedded; after an edit the new text is there."""
    site.write("/leave", page("Leave", "Thirty days."))
    await read(f"{site.url}/leave")
    report = await read(f"{site.url}/leave")
    assert (report.unchanged, site.asked[-1]) == ((f"{site.url}/leave",), ("/leave", 304))
    site.write("/leave", page("Holidays", "Thirty-one days."))
    report = await read(f"{site.url}/leave")
    assert report.changed == (f"{site.url}/leave",)
    assert await held(index) == {f"{site.url}/leave": "Holidays"}


async def test_a_page_that_fails_keeps_what_it_had(
    site: Site, read: Callable, index: QdrantIndex, records: SourceRecords
) -> None:
    """Trouble at the server removes nothing; the record says since when and why, until it goes well again."""
    address = f"{site.url}/leave"
    site.write("/leave", page("Leave", "Thirty days."))
    await read(address)
    site.write("/leave", "", status=500)
    for _ in range(2):
        with pytest.raises(DocumentError, match="answers 500"):
            await read(address)
    assert await held(index) == {address: "Leave"}
    record = records.find(address)
    assert record is not None
    assert record.failing is not None
    assert record.tried is not None
    assert record.failing < record.tried
    assert "answers 500" in record.failure
    site.write("/leave", page("Leave", "Thirty days."))
    await read(address)
    now = records.find(address)
    assert now is not None
    assert (now.failing, now.failure, now.read == now.tried) == (None, "", True)


async def test_a_site_is_what_links_and_the_sitemap_lead_to(site: Site, read: Callable, index: QdrantIndex) -> None:
    """All below the first page's address is read, by links and by the sitemap, and nothing beside it."""
    site.write("/docs/", page("Docs", "Welcome.", links=("a", "b.html", "/other", "https://example.invalid/x", "#top")))
    site.write("/docs/a", page("A", "Alpha.", links=("./deep/c?x=1", "/docs/deep/d", "pic.png")))
    site.write("/docs/b.html", page("B", "Beta.", links=("/docs/",)))
    site.write("/docs/deep/d", page("D", "Delta."))
    site.write("/docs/lonely", page("Lonely", "In the sitemap only."))
    site.write("/other", page("Other", "Elsewhere."))
    site.write(
        "/sitemap.xml",
        f"<urlset><url><loc>{site.url}/docs/lonely</loc></url><url><loc>{site.url}/other</loc></url></urlset>",
        kind="application/xml",
    )
    report = await read(f"{site.url}/docs/", site=True)
    assert set(await held(index)) == {f"{site.url}/docs/{name}" for name in ("", "a", "b.html", "deep/d", "lonely")}
    assert not report.refused
    assert report.notes == (f"{site.url}/docs/: 1 links with a ? in them were not followed.",)


async def test_a_site_keeps_to_its_robots(site: Site, read: Callable, index: QdrantIndex) -> None:
    """What robots.txt closes is not asked for, and a note counts it."""
    site.write("/robots.txt", "User-agent: *\nDisallow: /docs/private\n", kind="text/plain")
    site.write("/docs/", page("Docs", "Welcome.", links=("private/x", "open")))
    site.write("/docs/open", page("Open", "For all."))
    site.write("/docs/private/x", page("Closed", "Not for robots."))
    report = await read(f"{site.url}/docs/", site=True)
    assert set(await held(index)) == {f"{site.url}/docs/", f"{site.url}/docs/open"}
    assert "/docs/private/x" not in site.statuses()
    assert "closes 1 of the pages" in report.notes[0]


async def test_what_a_site_no_longer_has_goes(site: Site, read: Callable, index: QdrantIndex) -> None:
    """A page that is gone or no longer linked is removed; while one cannot be asked, the rest stays."""
    site.write("/docs/", page("Docs", "Welcome.", links=("a", "b", "c")))
    for name in "abc":
        site.write(f"/docs/{name}", page(name.upper(), f"Words of {name}."))
    await read(f"{site.url}/docs/", site=True)
    site.write("/docs/", page("Docs", "Welcome.", links=("b", "c")))
    site.write("/docs/b", "", status=503)
    del site.pages["/docs/c"]
    report = await read(f"{site.url}/docs/", site=True)
    assert report.removed == (f"{site.url}/docs/c",)
    assert [(one.path, "answers 503" in one.reason) for one in report.refused] == [(f"{site.url}/docs/b", True)]
    assert set(await held(index)) == {f"{site.url}/docs/{name}" for name in ("", "a", "b")}
    site.write("/docs/b", page("B", "Words of b."))
    report = await read(f"{site.url}/docs/", site=True)
    assert report.removed == (f"{site.url}/docs/a",)


async def test_a_redirect_leads_nowhere_else(site: Site, read: Callable, index: QdrantIndex) -> None:
    """A redirect to another host or port is refused and says how to name it; one on the host is followed."""
    site.redirect("/away", "http://169.254.169.254/latest/meta-data/")
    site.redirect("/door", "http://127.0.0.1:9/secret")
    site.redirect("/docs", "/docs/")
    site.write("/docs/", page("Docs", "Welcome."))
    for name in ("away", "door"):
        with pytest.raises(DocumentError, match="lies on another host"):
            await read(f"{site.url}/{name}")
    await read(f"{site.url}/docs", site=True)
    assert await held(index) == {f"{site.url}/docs/": "Docs"}


async def test_a_name_that_moves_into_a_private_network_is_refused(site: Site) -> None:
    """A host that was on the open network may not become one of the operator's own."""
    site.write("/leave", page("Leave", "Thirty days."))
    address = site.url.replace("127.0.0.1", "localhost") + "/leave"
    async with web_client.web_fetcher(address, private=False) as fetcher:
        with pytest.raises(DocumentError, match="private network"):
            await fetcher.get(address)
    assert site.asked == []
    assert await web_client.lies_in_private(address)


async def test_a_large_site_says_what_was_left_out(
    site: Site, records: SourceRecords, ingester: Ingester, index: QdrantIndex
) -> None:
    """Over the limit of pages the rest is left out and counted, and what was there before stays."""
    site.write("/docs/", page("Docs", "Welcome.", links=tuple("abcdef")))
    for name in "abcdef":
        site.write(f"/docs/{name}", page(name.upper(), f"Words of {name}."))
    keeper = SourceKeeper(records, ingester, index, connect=partial(hurried, pages=4))
    report = await keeper.read(await keeper.add(f"{site.url}/docs/", SourceWishes(site=True)))
    assert len(report.new) == 4
    assert report.notes == (f"{site.url}/docs/: 3 pages were left out, since it has over 4 pages.",)


async def test_files_are_read_by_their_type(site: Site, read: Callable, index: QdrantIndex) -> None:
    """Markdown, text in an old encoding and tables are read by what the server says of them; pictures are skipped."""
    site.write("/docs/", page("Docs", "Welcome.", links=("guide", "old", "table.csv", "picture", "data.bin")))
    site.write("/docs/guide", "# The guide\n\nWords.\n", kind="text/markdown")
    site.write("/docs/old", page("Grüße", "Schöne Grüße.").encode("latin-1"), kind="text/html; charset=iso-8859-1")
    site.write("/docs/table.csv", "name,days\nLeave,30\n", kind="text/csv")
    site.write("/docs/picture", b"\x89PNG", kind="image/png")
    report = await read(f"{site.url}/docs/", site=True)
    assert await held(index) == {
        f"{site.url}/docs/": "Docs",
        f"{site.url}/docs/guide": "The guide",
        f"{site.url}/docs/old": "Grüße",
        f"{site.url}/docs/table.csv": "table",
    }
    assert report.skipped == (f"{site.url}/docs/picture",)


async def test_the_nearest_source_has_a_page(site: Site, read: Callable, index: QdrantIndex) -> None:
    """A page that was named by itself keeps its readers, also when the whole site is read for everyone."""
    site.write("/docs/", page("Docs", "Welcome.", links=("pay", "leave")))
    site.write("/docs/pay", page("Pay", "Secret."))
    site.write("/docs/leave", page("Leave", "Thirty days."))
    await read(f"{site.url}/docs/pay", readers=HR)
    await read(f"{site.url}/docs/", site=True)
    await read(f"{site.url}/docs/pay")
    readers = {document.source: document.readers for document in await index.documents()}
    assert readers == {
        f"{site.url}/docs/": ("everyone",),
        f"{site.url}/docs/leave": ("everyone",),
        f"{site.url}/docs/pay": HR,
    }


async def test_a_source_is_removed_by_its_address(
    site: Site, index: QdrantIndex, keeper: SourceKeeper, records: SourceRecords, redis: Redis
) -> None:
    """With the site go its pages, its record and what was fetched; a page of it alone goes until the next reading."""
    site.write("/docs/", page("Docs", "Welcome.", links=("pay",)))
    site.write("/docs/pay", page("Pay", "Monthly."))
    site.write("/docsother", page("Other", "Stays."))
    await read_by(keeper, f"{site.url}/docs/", site=True, every=3600)
    await read_by(keeper, f"{site.url}/docsother")
    memory, usage = RedisMemory(redis), RedisUsage(redis)

    async def forget(_: object) -> None:
        pass

    ingester = Ingester(HashingEmbedder(), index, passage_tokens=80)
    teacher = Teacher(records.mirror("x"), ingester, index)
    remover = Remover(index, usage, memory, teacher, forget, sources=records)
    removal = await remover.find([f"{site.url}/docs/pay"])
    assert (list(removal.sources), removal.addresses) == ([f"{site.url}/docs/pay"], ())
    removal = await remover.find([f"{site.url}/docs/"])
    assert set(removal.sources) == {f"{site.url}/docs/", f"{site.url}/docs/pay"}
    await remover.remove(removal)
    assert await held(index) == {f"{site.url}/docsother": "Other"}
    assert [record.address for record in await keeper.records()] == [f"{site.url}/docsother"]
    assert not records.mirror(f"{site.url}/docs/").exists()
    with pytest.raises(DocumentError, match="no document"):
        await remover.find([f"{site.url}/nowhere"])


async def test_sources_are_read_by_their_schedule(
    site: Site, index: QdrantIndex, keeper: SourceKeeper, records: SourceRecords, tmp_path: Path
) -> None:
    """In the background what is due is read again, addresses and folders, while another process does not read it."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A\n\nAlpha.\n", encoding="utf-8")
    await keeper.add(str(tmp_path / "docs"), SourceWishes(every=600))
    site.write("/leave", page("Leave", "Thirty days."))
    site.write("/once", page("Once", "Read once."))
    await read_by(keeper, f"{site.url}/leave", every=600)
    await read_by(keeper, f"{site.url}/once")
    site.write("/leave", page("Holidays", "Forty days."))
    site.write("/once", page("Twice", "Not read again."))
    now = datetime.now(UTC)
    assert [record.address for record in due(records.read(), now)] == [str(tmp_path / "docs")]
    records.change(f"{site.url}/leave", lambda one: replace(one, tried=now - timedelta(seconds=601)))
    with records.alone(f"{site.url}/leave"):
        async with keeper.kept(look=0.01):
            await wait_for(lambda: records.find(str(tmp_path / "docs")).read is not None)  # type: ignore[union-attr]
    assert (await held(index))[f"{site.url}/leave"] == "Leave"
    async with keeper.kept(look=0.01):
        await wait_for(lambda: records.find(f"{site.url}/leave").tried > now)  # type: ignore[union-attr, operator]
    found = await held(index)
    assert (found[f"{site.url}/leave"], found[f"{site.url}/once"]) == ("Holidays", "Once")
    assert found[(tmp_path / "docs" / "a.md").as_posix()] == "A"


async def wait_for(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - what is waited for is in a file
            await asyncio.sleep(0.01)


def test_what_fails_is_tried_again_sooner_than_its_schedule() -> None:
    """After a failure in five minutes, then later and later, never later than the schedule says."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    record = SourceRecord("https://wiki.example/", every=86_400).failed(now, "Away.")
    assert record.next == now + timedelta(minutes=5)
    later = record.failed(now + timedelta(hours=2), "Away.")
    assert (later.next, later.failing) == (now + timedelta(hours=4), now)
    assert later.failed(now + timedelta(days=9), "Away.").next == now + timedelta(days=10)
    assert later.succeeded(now + timedelta(days=9)).next == now + timedelta(days=10)


async def test_lost_records_open_nothing(
    site: Site, read: Callable, index: QdrantIndex, records: SourceRecords
) -> None:
    """Where the records are lost, a page keeps the readers that the index has; damaged ones stop the reading."""
    address = f"{site.url}/pay"
    site.write("/pay", page("Pay", "Monthly."))
    await read(address, readers=HR)
    records.forget(address)
    await read(address)
    assert [document.readers for document in await index.documents()] == [HR]
    (records.mirror(address).parent.parent / "sources.json").write_text("[{]", encoding="utf-8")
    with pytest.raises(DocumentError, match="is damaged"):
        await read(address)


def test_a_pause_lies_between_requests() -> None:
    """By default nobody is asked twice within half a second."""
    assert web.PAUSE >= 0.5


@pytest.mark.parametrize(
    ("page_of", "site_of", "source"),
    [
        ("https://h/docs/hr", "https://h/docs/start-of-the-handbook.html", "https://h/docs/hr"),
        ("https://h/docs/hr", "https://h/docs/hr/and/much/further/below.html", "https://h/docs/hr"),
        ("http://h/docs/hr", "https://h/docs/", "https://h/docs/hr"),
        ("https://h/docs/hr", "http://h/docs/", "http://h/docs/hr/"),
        ("https://h/docs/hr/", "https://h/docs/", "https://h/docs/hr/index.html"),
        ("https://h/a.zip", "https://h/", "https://h/a.zip!/in/pay.md"),
    ],
)
def test_a_page_that_was_named_belongs_to_no_site(
    records: SourceRecords, page_of: str, site_of: str, source: str
) -> None:
    """However long a site's first address is, and whether by http or https, with a slash at the end or none."""
    records.keep(SourceRecord(page_of, HR))
    records.keep(SourceRecord(site_of, ("everyone",), site=True))
    assert records.owner(page_of)(source)
    assert not records.owner(site_of)(source)


def test_the_nearer_of_two_sites_has_a_page(records: SourceRecords) -> None:
    """What counts is the folder that a site is of, not how its first page is called."""
    wide, near = "https://h/docs/start-of-the-whole-handbook.html", "http://h/docs/hr/"
    records.keep(SourceRecord(wide, ("everyone",), site=True))
    records.keep(SourceRecord(near, HR, site=True))
    assert records.owner(near)("https://h/docs/hr/pay")
    assert not records.owner(wide)("https://h/docs/hr/pay")
    assert records.owner(wide)("https://h/docs/leave")


async def test_a_page_that_moved_keeps_its_readers(site: Site, read: Callable, index: QdrantIndex) -> None:
    """Where a restricted page leads elsewhere, that address is restricted, too, whenever it began to lead there."""
    site.write("/docs/", page("Docs", "Welcome.", links=("pay", "bonus", "leave")))
    site.write("/docs/leave", page("Leave", "Thirty days."))
    site.redirect("/docs/pay", "/docs/paid/")
    site.write("/docs/paid/", page("Pay", "Secret."))
    site.write("/docs/bonus", page("Bonus", "Secret."))
    for name in ("pay", "bonus"):
        await read(f"{site.url}/docs/{name}", readers=HR)
    site.redirect("/docs/bonus", "/docs/extra")
    site.write("/docs/extra", page("Extra", "Secret."))
    await read(f"{site.url}/docs/bonus")
    await read(f"{site.url}/docs/", site=True)
    await read(f"{site.url}/docs/paid/")
    readers = {document.source: document.readers for document in await index.documents()}
    assert readers == {
        f"{site.url}/docs/": ("everyone",),
        f"{site.url}/docs/leave": ("everyone",),
        f"{site.url}/docs/pay": HR,
        f"{site.url}/docs/bonus": HR,
    }
    assert site.asked[-2:] == [("/docs/pay", 302), ("/docs/paid/", 304)]


async def test_a_page_of_a_site_that_is_renamed_stays(site: Site, read: Callable, index: QdrantIndex) -> None:
    """A server that gives the new address the old one's ETag does not make the page disappear."""
    site.write("/docs/", page("Docs", "Welcome.", links=("a",)))
    site.write("/docs/a", page("A", "Alpha."))
    await read(f"{site.url}/docs/", site=True)
    site.pages["/docs/b"] = site.pages["/docs/a"]
    site.redirect("/docs/a", "/docs/b")
    report = await read(f"{site.url}/docs/", site=True)
    assert (report.new, report.removed) == ((f"{site.url}/docs/b",), (f"{site.url}/docs/a",))
    await read(f"{site.url}/docs/", site=True)
    assert set(await held(index)) == {f"{site.url}/docs/", f"{site.url}/docs/b"}
    assert site.asked[-1] == ("/docs/b", 304)


async def test_a_bad_address_in_a_sitemap_stops_nothing(site: Site, read: Callable, index: QdrantIndex) -> None:
    """What is no address is passed over; the rest of the sitemap counts, each address once."""
    bad = "".join(f"<loc>{one}</loc>" for one in ("http://[bad/", "https://h:99999/", "", "javascript:x", "//["))
    good = f"<loc>{site.url}/docs/a</loc>" * 3
    site.write("/sitemap.xml", f"<urlset>{bad}{good}</urlset>", kind="text/xml")
    site.write("/docs/", page("Docs", "Welcome.", links=("http://[bad/", "b")))
    site.write("/docs/a", page("A", "Alpha."))
    site.write("/docs/b", page("B", "Beta."))
    await read(f"{site.url}/docs/", site=True)
    assert set(await held(index)) == {f"{site.url}/docs/", f"{site.url}/docs/a", f"{site.url}/docs/b"}


async def test_a_fault_of_one_source_does_not_stop_the_others(
    site: Site, records: SourceRecords, ingester: Ingester, index: QdrantIndex
) -> None:
    """Whatever goes wrong with a source in the background is recorded, and the next one is read."""

    def connect(record: SourceRecord) -> DocumentSource:
        if record.address.endswith("/bad"):
            raise RuntimeError("unforeseen")
        return hurried(record)

    good, bad = f"{site.url}/good", f"{site.url}/bad"
    site.write("/good", page("Good", "Words."))
    long_ago = datetime.now(UTC) - timedelta(days=2)
    for address in (bad, good):
        records.keep(SourceRecord(address, ("everyone",), every=600, private=True).succeeded(long_ago))
    keeper = SourceKeeper(records, ingester, index, connect=connect)
    async with keeper.kept(look=0.01):
        await wait_for(lambda: records.find(good).read > long_ago)  # type: ignore[union-attr, operator]
        await wait_for(lambda: records.find(bad).failing is not None)  # type: ignore[union-attr]
    assert "RuntimeError" in records.find(bad).failure  # type: ignore[union-attr]


async def test_a_sitemap_index_is_asked_once(site: Site, read: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that names itself does not go round; where sitemaps fail one after the other, no more are asked for."""
    monkeypatch.setattr(web, "FAILURES", 3)
    names = "".join(f"<loc>{site.url}/{name}</loc>" for name in ("sitemap.xml", *(f"map{n}.xml" for n in range(9))))
    site.write("/sitemap.xml", f"<sitemapindex>{names}{names}</sitemapindex>", kind="text/xml")
    for number in range(9):
        site.write(f"/map{number}.xml", "", status=500)
    site.write("/docs/", page("Docs", "Welcome."))
    report = await read(f"{site.url}/docs/", site=True)
    assert [path for path, _ in site.asked if path.endswith(".xml")] == [
        "/sitemap.xml",
        "/map0.xml",
        "/map1.xml",
        "/map2.xml",
    ]
    assert report.notes == (f"{site.url}/docs/: 6 sitemaps were left out.",)


def test_a_huge_sitemap_is_cut() -> None:
    """A small packed file that holds millions of addresses gives each once, and no more than the standard's limit."""
    same = gzip.compress(b"<urlset>" + b"<loc>http://h/docs/a</loc>" * 600_000)
    assert addresses_in(same, "http://h/sitemap.xml") == (["http://h/docs/a"], False)
    other = "\n".join(f"http://h/docs/{number}" for number in range(60_000)).encode()
    assert len(addresses_in(other, "http://h/sitemap.txt")[0]) == 50_000


async def test_a_page_that_always_fails_keeps_no_other(site: Site, read: Callable, index: QdrantIndex) -> None:
    """While one page fails or leads away, the deleted ones go; what may not be seen any more goes, and is named."""
    names = ("broken", "login", "closed", "deleted", "lonely")
    site.write("/docs/", page("Docs", "Welcome.", links=names))
    for name in names:
        site.write(f"/docs/{name}", page(name, f"Words of {name}."))
    await read(f"{site.url}/docs/", site=True)
    site.write("/docs/", page("Docs", "Welcome.", links=("broken", "login", "closed")))
    site.write("/docs/broken", "", status=500)
    site.redirect("/docs/login", "/login")
    site.write("/docs/closed", "", status=403)
    del site.pages["/docs/deleted"]
    report = await read(f"{site.url}/docs/", site=True)
    assert set(await held(index)) == {f"{site.url}/docs/{name}" for name in ("", "broken", "login", "lonely")}
    assert {one.path.rpartition("/")[2] for one in report.refused} == {"broken", "login", "closed"}
    site.redirect("/docs/closed", "https://login.example/")
    for status in (401, 404, 500):
        site.write("/docs/", "", status=status)
        with pytest.raises(DocumentError, match=str(status)):
            await read(f"{site.url}/docs/", site=True)
    assert len(await held(index)) == 4


async def test_pages_beyond_the_limit_that_are_deleted_go(
    site: Site, records: SourceRecords, ingester: Ingester, index: QdrantIndex
) -> None:
    """Also of a site with too many pages nothing stays that is deleted, and nothing goes that is there."""
    site.write("/docs/", page("Docs", "Welcome.", links=tuple("abcdef")))
    for name in "abcdefgh":
        site.write(f"/docs/{name}", page(name.upper(), f"Words of {name}."))
    keeper = SourceKeeper(records, ingester, index, connect=partial(hurried, pages=4))
    await read_by(keeper, f"{site.url}/docs/", site=True)
    site.write("/docs/", page("Docs", "Welcome.", links=tuple("ghdefabc")))
    del site.pages["/docs/b"]
    await read_by(keeper, f"{site.url}/docs/", site=True)
    assert {source.rpartition("/")[2] for source in await held(index)} == {"", "a", "c", "g", "h", "d"}


async def test_a_source_that_never_was_read_leaves_nothing(site: Site, read: Callable, records: SourceRecords) -> None:
    """A mistyped address is not read again and again; one that was read before is."""
    for wishes in ({}, {"site": True, "every": 600}):
        with pytest.raises(DocumentError, match="answers 404"):
            await read(f"{site.url}/leaev", **wishes)
    assert records.read() == []
