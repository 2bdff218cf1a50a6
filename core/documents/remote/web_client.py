"""Asking one host of the web for pages: what changed only, within limits of size and time, and nobody else.

No redirect leads to another host, and no name that was found on the open network may move into the operator's own.
Knows nothing of what a page is for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urljoin, urlsplit

import aiohttp

from core.documents.archives import MAX_ARCHIVE_BYTES, is_archive
from core.documents.parsing import MAX_BYTES
from core.documents.remote.addresses import plain_address
from core.documents.remote.links import suffix_of
from core.documents.remote.mirror import Mirror
from core.documents.remote.network import GuardedNetwork, holds_secrets, is_open, leads_away, proxies
from core.errors import DocumentError

AGENT = "Attune"
SECONDS = 60.0  # for one page
REDIRECTS = 10
GONE = (404, 410)
FINE = (200, 304, *GONE)

_MOVED = {301, 302, 303, 307, 308}
_LATER = {429, 503}


@dataclass(frozen=True, slots=True)
class WebReply:
    """What a server sent: of 304 and 404 no data."""

    url: str
    status: int
    data: bytes = b""
    kind: str = ""
    charset: str = ""
    mark: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class WebFetcher:
    """Asks one host for pages."""

    client: aiohttp.ClientSession
    start: str

    async def get(
        self, url: str, mirror: Mirror | None = None, *, fine: Container[int] = FINE, abroad: bool = False
    ) -> WebReply:
        """A page, in the end of its redirects; of one that `mirror` has as it is, that it is.

        `abroad`: redirects may lead to any host of the open network; where they lead elsewhere, the answer is 404.

        Raises:
            DocumentError: it cannot be had now; it may be there.
        """
        try:
            for attempt in (1, 2):
                reply, pause = await self._followed(url, mirror, abroad=abroad)
                if pause is None or attempt > 1:
                    break
                await asyncio.sleep(pause)
        except TimeoutError:
            raise DocumentError(f"{url} does not answer within {SECONDS:.0f} seconds.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise DocumentError(f"{url} cannot be reached ({_reason(error)}).") from None
        if reply.status not in fine:
            raise DocumentError(status_in_words(url, reply.status))
        return reply

    async def _followed(self, url: str, mirror: Mirror | None, *, abroad: bool) -> tuple[WebReply, float | None]:
        """A reply, and for how many seconds the server asks to wait, where it asks for a short time."""
        at = url
        if holds_secrets(urlsplit(url).hostname or ""):  # by its number, which nothing looks up
            raise DocumentError(f"{url} is where clouds keep the secrets of their machines. That is never read.")
        for _ in range(REDIRECTS):
            async with self.client.get(at, headers=_conditions(url, at, mirror), allow_redirects=False) as reply:
                if reply.status in _MOVED:
                    at, before = plain_address(urljoin(at, reply.headers.get("Location", ""))), at
                    if not self.is_same_host(at):
                        if abroad and await is_open(at):
                            continue
                        if abroad:
                            return WebReply(before, 404), None
                        raise await leads_away(before, at)
                    continue
                wait = reply.headers.get("Retry-After", "") if reply.status in _LATER else ""
                short = float(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 3 else None  # noqa: PLR2004
                return WebReply(
                    at,
                    reply.status,
                    await _within(reply, at) if reply.status == 200 else b"",  # noqa: PLR2004
                    reply.content_type if "Content-Type" in reply.headers else "",
                    reply.charset or "",
                    reply.headers.get("ETag", ""),
                    reply.headers.get("Last-Modified", ""),
                ), short
        raise DocumentError(f"{url} is redirected over {REDIRECTS} times.")

    def is_same_host(self, url: str) -> bool:
        """Whether an address is on the host that was named, or on it by https where http was."""
        try:
            named, other = urlsplit(self.start), urlsplit(url)
            ports = named.port, other.port
        except ValueError:
            return False
        if named.hostname != other.hostname:
            return False
        same = named.scheme == other.scheme and _port(named.scheme, ports[0]) == _port(other.scheme, ports[1])
        return same or (other.scheme == "https" and ports == (None, None))


@asynccontextmanager
async def web_fetcher(start: str, *, private: bool, here: bool = True) -> AsyncIterator[WebFetcher]:
    """What asks the host of `start`; `private`: it may be on the operator's own network, `here`: this machine."""
    connector = aiohttp.TCPConnector(resolver=GuardedNetwork(private=private, here=here, proxies=proxies()))
    timeout = aiohttp.ClientTimeout(total=SECONDS, connect=20)
    headers = {"User-Agent": AGENT, "Accept": "text/html, text/markdown;q=0.9, */*;q=0.8"}
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers, trust_env=True) as client:
        yield WebFetcher(client, start)


def _conditions(url: str, at: str, mirror: Mirror | None) -> dict[str, str]:
    """What asks for a page only if it has changed: one that led to `at` before, or lies there."""
    pages = [mirror.pages[each] for each in (url, at) if each in mirror.pages] if mirror else []
    page = next((each for each in pages if (each.place or each.address) == at), None)
    marks = {"If-None-Match": page.mark, "If-Modified-Since": page.modified} if page else {}
    return {name: mark for name, mark in marks.items() if mark}


async def _within(reply: aiohttp.ClientResponse, url: str) -> bytes:
    most = MAX_ARCHIVE_BYTES if is_archive(PurePosixPath(f"page{suffix_of(reply.content_type, url)}")) else MAX_BYTES
    data = bytearray()
    async for chunk in reply.content.iter_chunked(2**16):
        data += chunk
        if len(data) > most:
            raise DocumentError(f"{url} has over {most // 1024**2} MB, which is the limit.")
    return bytes(data)


def _port(scheme: str, port: int | None) -> int:
    return port or {"http": 80}.get(scheme, 443)


def status_in_words(url: str, status: int) -> str:
    """What a server that does not give a page says."""
    meaning = {
        401: "It asks for a password: docs/documents.md says how to sign in.",
        403: "It may not be seen.",
        404: "There is no such page.",
        410: "The page is gone.",
        429: "It was asked too often.",
    }
    more = meaning.get(status, "Its server has trouble." if status >= 500 else "")  # noqa: PLR2004
    return f"{url} answers {status}. {more}".rstrip()


def _reason(error: Exception) -> str:
    inner = getattr(error, "os_error", None) or error
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
