"""What a page of the web says of others: its links, a sitemap's addresses, and the format that a file is kept in.

Whatever a server sends is read by patterns that take linear time. Does no I/O.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator
from html import unescape
from itertools import islice
from pathlib import PurePosixPath
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit

from core.documents.archives import is_readable

SITEMAP_ADDRESSES = 50_000  # as sitemaps.org has it
SITEMAP_BYTES = 50 * 1024**2  # what sitemaps may have at most, unpacked
HTML = ("text/html", "application/xhtml+xml")

_LINK = re.compile(
    r"<a\s[^<>]{0,2000}?\bhref\s*=\s*(?:\"([^\"<>]{1,2000})\"|'([^'<>]{1,2000})'|([^\s\"'<>]{1,2000}))", re.IGNORECASE
)
_BASE = re.compile(r"<base\s[^<>]{0,500}?\bhref\s*=\s*[\"']?([^\s\"'<>]{1,2000})", re.IGNORECASE)
_LOCATION = re.compile(r"<(?:(?:ns\d*|sm|sitemap):)?loc>(?:\s{0,50}<!\[CDATA\[)?([^<>\]]{1,4000})", re.IGNORECASE)
_LINE = re.compile(r"^http[^\s<>]{1,4000}", re.MULTILINE)
_INDEX = re.compile(r"<(?:\w{1,20}:)?sitemapindex\b", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^<>]{0,500}?charset\s*=\s*[\"']?([\w.:-]{2,40})", re.IGNORECASE)
_WORDY = re.compile(r"\w+/(?:[\w.-]+\+)?(?:xml|json|html|xhtml\+xml|javascript)|text/.*")
_SUFFIXES = {
    **dict.fromkeys(HTML, ".html"),
    "text/markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "text/x-rst": ".rst",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
    "application/epub+zip": ".epub",
    "message/rfc822": ".eml",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
}


def links_in(html: str, page: str) -> Iterator[str]:
    """The addresses that a page links to, without fragments; the page's own `<base>` counts."""
    base = _BASE.search(html, 0, 20_000)
    start = _joined(page, base[1]) if base else page
    for match in _LINK.finditer(html):
        if address := _joined(start or page, match[1] or match[2] or match[3]):
            yield address


def addresses_in(sitemap: bytes, place: str) -> tuple[list[str], bool]:
    """The addresses in a sitemap, and whether they are sitemaps themselves. A plain list of lines is one, too.

    Each once, and no more than a sitemap may have.
    """
    text = unpacked(sitemap)
    found: Iterator[str] = (match[1] for match in _LOCATION.finditer(text))
    if "<" not in text[:1000]:
        found = (line[0] for line in _LINE.finditer(text))
    joined = dict.fromkeys(_joined(place, one) for one in islice(found, SITEMAP_ADDRESSES))
    return [one for one in joined if one], bool(_INDEX.search(text, 0, 5000))


def unpacked(sitemap: bytes) -> str:
    """A sitemap's text, also of one that is packed."""
    if sitemap.startswith(b"\x1f\x8b"):
        try:
            sitemap = zlib.decompressobj(31).decompress(sitemap, SITEMAP_BYTES)
        except zlib.error:
            return ""
    return sitemap.decode(errors="replace")


def plainly(address: str) -> str:
    """An address as pages are told apart by: without a fragment, the host in small letters, `/` where no path is."""
    parts = urlsplit(urldefrag(address).url)
    port = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return urlunsplit(parts._replace(netloc=parts.netloc.lower().removesuffix(port), path=parts.path or "/"))


def suffix_of(kind: str, address: str) -> str:
    """The ending by which a file of this content type and address is read; nothing where it cannot be."""
    path = PurePosixPath(unquote(urlsplit(address).path))
    own = path.suffix if is_readable(path) else ""
    if kind in _SUFFIXES:
        suffix = _SUFFIXES[kind]
        return suffix if is_readable(PurePosixPath(f"page{suffix}")) else ""
    if kind.startswith("text/"):
        return own or (".txt" if kind == "text/plain" else "")
    return own if kind.startswith("application/") or not kind else ""


def may_be_page(address: str) -> bool:
    """Whether what lies there may be a document, by its name: pictures, fonts and programs are none."""
    path = PurePosixPath(unquote(urlsplit(address).path))
    web = {"", ".html", ".htm", ".xhtml", ".php", ".asp", ".aspx", ".jsp", ".action", ".do", ".cgi"}
    number = path.suffix[1:].isalnum() and not path.suffix[1:].isalpha()  # `/release-1.2`
    return path.suffix.lower() in web or number or is_readable(path) or len(path.suffix) > len(".webmanifest")


def as_utf8(data: bytes, kind: str, charset: str) -> bytes:
    """Text in UTF-8, whatever its server or the page itself says that it is in; anything else as it is."""
    if not _WORDY.fullmatch(kind):
        return data
    declared = _CHARSET.search(data, 0, 4096) if kind in HTML else None
    name = charset or (declared[1].decode() if declared else "")
    try:
        if name and codecs.lookup(name).name not in {"utf-8", "ascii"}:
            return data.decode(name).encode()
    except (LookupError, UnicodeError):
        pass
    return data


def _joined(page: str, link: str) -> str:
    try:
        address = plainly(urljoin(page, unescape(link).strip()))
        return address if urlsplit(address).scheme in {"http", "https"} and urlsplit(address).hostname else ""
    except ValueError:  # such as brackets that are no IPv6
        return ""
