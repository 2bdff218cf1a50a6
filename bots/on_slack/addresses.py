"""Which addresses are Slack's own, and a file fetched from one of them: the bot's token goes nowhere else.

Slack names addresses in what it sends (a file's, where a reply goes); one that is not Slack's gets neither the token
nor a word, also at the end of a redirect. Knows nothing of what a file is for.
"""

from __future__ import annotations

import aiohttp
import structlog
from yarl import URL

log = structlog.get_logger(__name__)

API = "https://slack.com/api/"
HOSTS = ("slack.com", "slack-files.com")  # and what is below them
REDIRECTS = 5
_REDIRECTED = {301, 302, 303, 307, 308}


def is_slacks(url: str | URL, api: str = API) -> bool:
    """Whether an address is Slack's, by https and its usual port, or of the very server whose Web API is at `api`."""
    try:
        address, home = URL(url), URL(api)
        host, origin = address.host or "", address.origin()
    except (ValueError, TypeError):
        return False
    if address.user or address.password:
        return False
    if origin == home.origin():
        return True
    inside = any(host == own or host.endswith(f".{own}") for own in HOSTS)
    return inside and address.scheme == "https" and address.port == 443  # noqa: PLR2004


async def download(url: str, token: str, api: str = API, *, most: int) -> bytes | None:
    """A file of at most `most` bytes; None where it is larger, elsewhere, or Slack shows its sign-in page instead."""
    try:
        async with aiohttp.ClientSession() as session:
            return await _fetched(session, url, token, api, most=most)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        log.warning("download_failed", error=type(error).__name__)
        return None


async def _fetched(session: aiohttp.ClientSession, url: str, token: str, api: str, *, most: int) -> bytes | None:
    address, headers = url, {"Authorization": f"Bearer {token}"}
    for _ in range(REDIRECTS):
        if not is_slacks(address, api):
            log.warning("download_host_rejected", host=_host(address))
            return None
        async with session.get(address, headers=headers, allow_redirects=False) as reply:
            if reply.status in _REDIRECTED:
                address = str(reply.url.join(URL(reply.headers.get("Location", ""))))
                continue
            if not reply.ok or reply.content_type == "text/html":
                return None
            return await _within(reply, most)
    return None


async def _within(reply: aiohttp.ClientResponse, most: int) -> bytes | None:
    data = bytearray()
    async for chunk in reply.content.iter_chunked(2**16):
        data += chunk
        if len(data) > most:
            return None
    return bytes(data)


def _host(url: str) -> str:
    """What a log may say of an address: no path, which could carry a secret."""
    try:
        return URL(url).host or ""
    except ValueError:
        return ""
