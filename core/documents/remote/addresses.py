"""Addresses of documents: which source a page is of, and the link that leads to it.

A page of a website goes by its own address. What lies in a Git repository goes by the repository's address with its
branch, `#` and the path; what lies in an archive by the archive's, `!/` and the name inside. Does no I/O.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from core.errors import DocumentError

WEB = ("http", "https")
GIT = ("git+https", "git+http", "git+ssh", "git+file")
INSIDE = "!/"  # between an archive and what lies in it, where the archive has an address

_KEPT = "%/:=&?~#+!$,;'@()*[]"  # signs that stand in an address as themselves
_INDEX_PAGE = re.compile(r"/index\.(?:html?|php)$")
_NOTION = re.compile(r"/[^/]+ ([0-9a-f]{32})\.(?:md|html)$")  # a page of an export, with its id
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PAGE = re.compile(r"\.[a-z]{3,5}", re.IGNORECASE)
_FORGES = (  # what a host's name begins with or has in it, and where its pages of files are
    (re.compile(r"(?:^|\.)(?:github|gitee)\."), "/blob/{branch}/{path}"),
    (re.compile(r"(?:^|\.)gitlab\b|(?:^|\.)salsa\.debian\.org$|\.gnome\.org$"), "/-/blob/{branch}/{path}"),
    (re.compile(r"(?:^|\.)bitbucket\.org$"), "/src/{branch}/{path}"),
    (re.compile(r"(?:^|\.)(?:codeberg\.org$|gitea\b|forgejo\b)"), "/src/branch/{branch}/{path}"),
    (re.compile(r"^git\.sr\.ht$"), "/tree/{branch}/item/{path}"),
    (re.compile(r"^huggingface\.co$"), "/blob/{branch}/{path}"),
)


class Reach(Enum):
    """How far a source that somebody names may lie from the open network; of each, what was named before, too."""

    OPEN = "open"
    PRIVATE = "private"  # the operator's own network
    MACHINE = "machine"  # the machine that asks


def is_address(name: str) -> bool:
    """Whether this names documents elsewhere, rather than a file or folder here."""
    return _ADDRESS.match(name) is not None


def scheme_of(address: str) -> str:
    """What stands before `://`, in small letters."""
    return address.partition("://")[0].lower()


def checked_address(address: str) -> str:
    """An address as it is kept: scheme and host in small letters, on the web without a fragment.

    Raises:
        DocumentError: it has a password in it, or no host.
    """
    scheme, rest = scheme_of(address), address.partition("://")[2].strip()
    if scheme == "file":
        raise DocumentError(f"Name the files here by their path: {unquote(rest)}")
    host, slash, path = rest.partition("/")
    user, at, name = host.rpartition("@")
    if ":" in user or (at and scheme in (*WEB, *GIT[:2])):
        raise DocumentError(
            f"An address with a user or password would show it to people: leave out {_hidden(user)}@. "
            "docs/documents.md says how to sign in."
        )
    if not name and scheme != "git+file":
        raise DocumentError(f"{address} names no host, or what else it begins with. Correct it.")
    if any(ord(sign) <= ord(" ") for sign in rest):
        raise DocumentError("An address has no spaces. Write %20 for each.")
    whole = f"{scheme}://{user}{at}{_host(name) if scheme in (*WEB, *GIT) else name}{slash}{path}"
    try:
        if scheme in WEB:
            return plain_address(whole)
        parts = urlsplit(whole)
        _ = scheme in GIT and parts.port  # of what is no number it says so
    except ValueError as error:
        raise DocumentError(f"{address} is no address ({error}). Correct it.") from None
    return whole if scheme in GIT else whole.rstrip("/")


def _host(name: str) -> str:
    try:
        return name.lower() if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        raise DocumentError(f"{name} is no name of a host. Correct it.") from None


def _hidden(user: str) -> str:
    return f"{user.partition(':')[0]}:…" if ":" in user else user


@lru_cache(maxsize=2**14)
def page_key(address: str) -> str:
    """What the addresses of one page have in common: of the web neither http nor https, nor a `/` at its end."""
    if scheme_of(address) not in WEB:
        return address
    parts = urlsplit(address)
    path = _INDEX_PAGE.sub("", parts.path).rstrip("/")
    return urlunsplit(parts._replace(scheme="http", netloc=parts.netloc.lower(), path=path, fragment=""))


def plain_address(address: str) -> str:
    """An address of the web as it is asked for, and told apart by: one spelling for all of a page, without a fragment.

    Raises:
        ValueError: it is none.
    """
    from yarl import URL  # noqa: PLC0415 - only who meets such an address waits for it

    parts = urlsplit(str(URL(address).with_fragment(None)))
    return urlunsplit(parts._replace(path=parts.path or "/"))


def within(source: str, address: str, *, below: bool = True) -> bool:
    """Whether a document is of the source at `address`: that page itself, or with `below` what lies under it."""
    if source == address or source.startswith(f"{address}{INSIDE}"):
        return True
    return below and source.startswith(address if address.endswith("/") else (f"{address}/", f"{address}#"))


def folder_of(page: str) -> str:
    """What a site begins with whose first page this is: `…/guide/` of `…/guide/start.html`, `…/guide` of itself."""
    parts = urlsplit(page)
    name = PurePosixPath(parts.path).name
    path = parts.path[: -len(name)] if name and _PAGE.fullmatch(PurePosixPath(name).suffix) else parts.path
    return urlunsplit(parts._replace(path=path, query="", fragment=""))


def name_of(source: str) -> str:
    """The last part of a document's name, as people know it."""
    if page := _NOTION.search(source):
        return PurePosixPath(source).name.replace(f" {page[1]}", "")
    if not is_address(source):
        return PurePosixPath(source).name or source
    last = re.split(r"[/#]", source.rstrip("/#"))[-1]
    return unquote(last) or source


def link_of(source: str) -> str:
    """Where a click on a document leads: an address of the web, or nothing where it has none."""
    if page := _NOTION.search(source):
        return f"https://www.notion.so/{page[1]}"
    place = source.partition(INSIDE)[0]
    match scheme_of(place) if is_address(place) else "":
        case "http" | "https" | "webdav" | "webdavs":
            return quote(re.sub(r"^webdav", "http", place), safe=_KEPT)
        case "github":
            owner, _, rest = place.removeprefix("github://").partition("@")
            branch, _, path = rest.partition("/")
            return f"https://github.com/{owner.replace(':', '/')}/blob/{quote(branch)}/{quote(path)}" if rest else ""
        case "gs" | "gcs":
            return f"https://storage.cloud.google.com/{quote(place.partition('://')[2])}"
        case "git+https" | "git+http" | "git+ssh":
            return _forge_page(place)
        case _:
            return ""


def _forge_page(place: str) -> str:
    """The page of a file at its forge; of an unknown forge the repository's."""
    repository, _, path = place.partition("#")
    address, branch = split_branch(repository)
    parts = urlsplit(address.removeprefix("git+"))
    host = (parts.hostname or "").lower()
    port = f":{parts.port}" if parts.port and parts.scheme != "ssh" else ""
    scheme = "http" if parts.scheme == "http" else "https"
    home = f"{scheme}://{host}{port}/{quote(unquote(parts.path).strip('/').removesuffix('.git'))}"
    page = next((page for pattern, page in _FORGES if pattern.search(host)), "")
    return home + page.format(branch=quote(branch), path=quote(path)) if branch and path else home


def split_branch(repository: str) -> tuple[str, str]:
    """A repository's address without its branch, and the branch; the `@` of a user is none."""
    start, slash, path = repository.partition("://")[2].partition("/")
    before, at, branch = path.rpartition("@")
    if not at or before.endswith("/") or not before:  # such as `/@somebody/repository`
        before, branch = path, ""
    return f"{scheme_of(repository)}://{start}{slash}{before}", branch
