"""A page of the web, or a site: fetched politely, and only again what has changed.

A site is what begins with the address of its first page and is found by links or in its sitemap: as its robots.txt
allows, one page at a time, with a pause. Knows nothing of requests, or of what a page says.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit

from protego import Protego

from core.documents.remote.addresses import folder_of, within
from core.documents.remote.links import addresses_in, as_utf8, links_in, may_be_page, suffix_of
from core.documents.remote.mirror import FetchResult, Mirror
from core.documents.remote.web_client import AGENT, FINE, GONE, WebFetcher, WebReply, status_in_words, web_fetcher
from core.documents.walk import Refusal
from core.errors import DocumentError

PAUSE = 0.5  # seconds between two requests, unless robots.txt asks for more
LONGEST_PAUSE = 30.0
PAGES = 5000  # of one site
SITEMAPS = 100
ROBOTS_BYTES = 500_000
FAILURES = 8  # one after the other: the host is down
WAITING = 50_000  # addresses that are kept in mind

_CLOSED = (401, 403)
_ANSWERS = range(200, 500)  # RFC 9309: where robots.txt is unavailable to us, all is allowed


class Website:
    """One page, or with `site` all that lies below it.

    `private`: it is on the operator's own network, and named so; `here`: it may be this machine.
    """

    def __init__(
        self,
        address: str,
        *,
        site: bool,
        private: bool,
        here: bool = True,
        pause: float = PAUSE,
        pages: int = PAGES,
    ) -> None:
        self._address = address
        self._site = site
        self._private = private
        self._here = here
        self._pause = pause
        self._pages = pages

    async def fetch(self, mirror: Mirror) -> FetchResult:
        """As the port says."""
        async with web_fetcher(self._address, private=self._private, here=self._here) as fetcher:
            visit = _Visit(fetcher, mirror, self._address)
            if self._site:
                await visit.site(self._pause, self._pages)
            else:
                await visit.page()
        mirror.save()
        return visit.result

    async def located(self) -> str:
        """The address that a site's first page has in the end.

        Raises:
            DocumentError: it leads to another host, or nothing is there.
        """
        if not self._site:
            return self._address
        async with web_fetcher(self._address, private=self._private, here=self._here) as fetcher:
            reply = await fetcher.get(self._address)
        if reply.status in GONE:
            raise DocumentError(status_in_words(self._address, reply.status))
        return reply.url


@dataclass(slots=True)
class _Visit:
    """One fetching of a page or a site."""

    fetcher: WebFetcher
    mirror: Mirror
    start: str
    result: FetchResult = field(default_factory=FetchResult)
    kept: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)  # by robots.txt
    failures: int = 0  # one after the other
    visited: int = 0
    pause: float = 0
    queried: int = 0  # links with a query
    waiting: deque[str] = field(default_factory=deque)
    seen: set[str] = field(default_factory=set)

    async def page(self) -> None:
        """The one page."""
        reply = await self.fetcher.get(self.start, self.mirror)
        if reply.status in GONE:
            raise DocumentError(status_in_words(self.start, reply.status))
        self.result.moved = reply.url if reply.url != self.start else ""
        await self._keep(self.start, reply)
        self.mirror.keep_only({self.start})

    async def site(self, pause: float, most: int) -> None:
        """All pages that are found; those that are not any more go, unless one could not be asked."""
        robots = await self._robots()
        self.pause = min(max(pause, robots.crawl_delay(AGENT) or 0), LONGEST_PAUSE)
        self._note([self.start], queries=True)
        await self._sitemaps(robots, most)
        await self._crawl(robots, most)
        if self.failed or self.waiting:  # what nothing led to now may be there still
            await self._crawl_again(robots, most)
        self._say_what_is_left_out(most)
        away = self.mirror.pages.keys() - self.gone if self.waiting and self.failures >= FAILURES else set()
        self.mirror.keep_only(self.kept | self.failed | away)

    async def _crawl(self, robots: Protego, most: int) -> None:
        while self.waiting and self.visited < most and self.failures < FAILURES:
            url = self.waiting.popleft()
            if not robots.can_fetch(url, AGENT):
                self.closed.add(url)
                continue
            if self.visited:
                await asyncio.sleep(self.pause)
            self.visited += 1
            await self._visit(url)

    async def _crawl_again(self, robots: Protego, most: int) -> None:
        """Ask for the pages that were there before and have not been asked for."""
        before = self.mirror.pages.keys() - self.kept - self.gone - self.failed
        rest = [url for url in self.waiting if url not in before]
        self.waiting = deque(sorted(before))
        await self._crawl(robots, max(most, self.visited + len(before)))
        self.waiting.extend(rest)

    def _say_what_is_left_out(self, most: int) -> None:
        say = self.result.notes.append
        if self.closed:
            say(f"{self.start}: robots.txt closes {len(self.closed):,} of the pages; they were left out.")
        if self.queried:
            say(f"{self.start}: {self.queried:,} links with a ? in them were not followed.")
        if self.waiting:
            why = "its host stopped answering" if self.failures >= FAILURES else f"it has over {most:,} pages"
            say(f"{self.start}: {len(self.waiting):,} pages were left out, since {why}.")

    async def _visit(self, url: str) -> None:
        try:
            reply = await self.fetcher.get(url, self.mirror, fine=FINE if url == self.start else (*FINE, *_CLOSED))
        except DocumentError as error:
            if url == self.start:
                raise
            self.failures += 1
            self._refuse(url, str(error))
            return
        self.failures = 0
        if not self._is_inside(reply.url):
            why = f"It leads to {reply.url}, which is outside of the site."
            if url == self.start:
                raise DocumentError(why)
            self._refuse(url, why)
            return
        if reply.status in GONE and url == self.start:
            raise DocumentError(status_in_words(url, reply.status))
        if reply.status in _CLOSED:
            self.result.refused.append(Refusal(url, status_in_words(url, reply.status)))
        if reply.status in (*GONE, *_CLOSED):
            self.gone.add(url)
            return
        self.seen.add(reply.url)
        await self._keep(reply.url, reply)
        if reply.url in self.mirror.pages and self.mirror.pages[reply.url].file.endswith(".html"):
            html = await asyncio.to_thread(self.mirror.data, reply.url)
            links = links_in(html.decode(errors="replace"), reply.url)
            await asyncio.to_thread(self._note, links, queries=bool(urlsplit(self.start).query))

    def _refuse(self, url: str, why: str) -> None:
        """Leave out a page that may be there; what was read of it before stays."""
        self.failed.add(url)
        self.result.refused.append(Refusal(url, why))

    async def _keep(self, url: str, reply: WebReply) -> None:
        """Put a page into the mirror, unless it is there as it is."""
        if reply.status != 304:  # noqa: PLR2004 - not modified
            suffix = suffix_of(reply.kind, url)
            if not suffix:
                self.result.skipped.append(url)
                return
            path = PurePosixPath(f"/{urlsplit(url).netloc}{urlsplit(url).path}")
            name = path if path.suffix.lower() == suffix else path.with_name(f"{path.name}{suffix}")
            data = await asyncio.to_thread(as_utf8, reply.data, reply.kind, reply.charset)
            named = unquote(name.as_posix())
            self.mirror.put(url, named, data, mark=reply.mark, modified=reply.modified, place=reply.url)
        self.kept.add(url)

    def _note(self, urls: Iterable[str], *, queries: bool) -> None:
        """Have those visited that are of the site and were not seen yet; with a query only where these are meant."""
        for url in urls:
            here = url.replace("http:", "https:", 1) if self.start.startswith("https:") else url
            if len(self.waiting) >= WAITING or here in self.seen or not self._is_inside(here) or not may_be_page(here):
                continue
            self.seen.add(here)
            if urlsplit(here).query and not queries:
                self.queried += 1
            else:
                self.waiting.append(here)

    def _is_inside(self, url: str) -> bool:
        return url == self.start or within(url, folder_of(self.start))

    async def _robots(self) -> Protego:
        """What robots.txt allows: all where there is none, nothing where it cannot be asked."""
        reply = await self.fetcher.get(urljoin(self.start, "/robots.txt"), fine=_ANSWERS, abroad=True)
        return Protego.parse(reply.data[:ROBOTS_BYTES].decode(errors="replace"))

    async def _sitemaps(self, robots: Protego, most: int) -> None:
        """Have the addresses in all sitemaps of the site visited, as long as more pages may be."""
        named = [url for url in robots.sitemaps if self.fetcher.is_same_host(url)]
        sitemaps = dict.fromkeys(named or [urljoin(self.start, "/sitemap.xml")])
        asked = failures = 0
        while asked < min(len(sitemaps), SITEMAPS) and failures < FAILURES and len(self.waiting) <= most:
            if asked:
                await asyncio.sleep(self.pause)
            url, asked = list(sitemaps)[asked], asked + 1
            try:
                reply = await self.fetcher.get(url, fine=_ANSWERS)
            except DocumentError as error:
                failures += 1
                self._refuse(url, str(error))
                continue
            failures = 0
            found, are_sitemaps = await asyncio.to_thread(addresses_in, reply.data, url)
            if are_sitemaps:
                sitemaps |= dict.fromkeys(one for one in found[: 10 * SITEMAPS] if self.fetcher.is_same_host(one))
            else:
                await asyncio.to_thread(self._note, found, queries=True)
        if left := len(sitemaps) - asked:
            self.result.notes.append(f"{self.start}: {left:,} sitemaps were left out.")
