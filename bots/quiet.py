"""Text of documents and models that calls nobody, and addresses that are what they seem.

An address can seem another by what stands before an `@` in it, by letters that look like others, and by a label that
names another host. What is doubtful is no address here, and is shown without being a link. Pure; knows no platform.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

JOINER = "\N{WORD JOINER}"  # invisible; behind an @ nobody is called, and between two brackets there is no link
FILES = {  # endings of files that are no domains
    *("pdf", "doc", "docx", "ppt", "pptx", "xls", "xlsx", "csv", "tsv", "txt", "rst", "html", "htm", "json", "jsonl"),
    *("yaml", "yml", "toml", "xml", "log", "epub", "eml", "ipynb", "png", "jpg", "jpeg", "gif", "svg", "js", "ts"),
    *("css", "sql", "ini", "cfg", "conf", "lock", "bak", "java", "kt", "swift", "cpp", "hpp"),
}

_CALLING = re.compile(r"(?<![A-Za-z0-9])@(?!\s|\N{WORD JOINER})")  # not in the middle of a mail address
_GROUPS = re.compile(
    r"@(?=[\u0300-\u036f\u200b-\u200f\ufe00-\ufe0f]*(?:here|channel|everyone|group)(?![^\W_]))", re.IGNORECASE
)
_ADDRESS = re.compile(
    r"https?://(?P<host>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f]*:[0-9a-f:.]*:[0-9a-f.]*\])"
    r"(?::\d{1,5})?(?:[/?#][^\s\\<>|`]*)?",
    re.IGNORECASE,
)
_MAIL = re.compile(r"mailto:(?P<who>[\w.+-]+@(?P<host>[a-z0-9.-]+))", re.IGNORECASE | re.ASCII)
_ENTITY = re.compile(r"&(?:#\w+|\w+);")
_SCHEME = re.compile(r"(?<![A-Za-z0-9+.-])[a-z0-9+.-]+:[/\\]{2,}(?P<host>[^\s/\\?#]*)\S*", re.IGNORECASE)
_BARE = re.compile(
    r"(?<![^\W_])(?P<host>(?:[^\W_](?:[\w-]*[^\W_])?\.)+(?P<end>[^\W\d_]{2,})|\d{1,3}(?:\.\d{1,3}){3}(?!\d))"
    r"(?:[/?#]\S*)?"
)
_PORT = re.compile(r":\d{1,5}$")
_UNSEEN = {"Cf", "Mn", "Me", "Cc"}  # categories of characters that are hardly seen, or stand on others
_STOPS = str.maketrans(
    {"\u3002": ".", "\uff61": ".", "\u00b7": ".", "\u2215": "/", "\u2044": "/", "\u29f8": "/", "\ua789": ":"}
)


def calling_nobody(text: str) -> str:
    """`text` without a mention; addresses of mail stay as they are, since none begins behind a letter or a digit."""
    return calling_no_group(_CALLING.sub(f"@{JOINER}", text))


def calling_no_group(text: str) -> str:
    """`text` that is code, without a mention of all people at once."""
    return _GROUPS.sub(f"@{JOINER}", text)


def host_of(address: str) -> str:
    """The host that an address of the web leads to, in small letters; empty where that is not plain to see."""
    found = _ADDRESS.fullmatch(address)
    doubtful = found is None or _ENTITY.search(address) or any(map(_unseen, address))
    return "" if doubtful or found is None else found["host"].lower()


def named(text: str) -> set[str]:
    """The hosts that somebody would read in `text`, small, with whatever stands before an `@` in one."""
    read = seen(text)
    found = {_PORT.sub("", match["host"]) for match in _SCHEME.finditer(read)}
    bare = _BARE.finditer(_SCHEME.sub(" ", read))
    return found | {match["host"] for match in bare if match["end"] not in FILES}


def seen(text: str) -> str:
    """`text` as somebody reads it: small letters, without what is hardly seen, dots and slashes as themselves."""
    decomposed = unicodedata.normalize("NFKD", html.unescape(text).translate(_STOPS))
    plain = "".join(character for character in decomposed if not _unseen(character))
    return unicodedata.normalize("NFKC", plain).translate(_STOPS).lower()


@dataclass(frozen=True, slots=True)
class Label:
    """The text of a link, and what stands before and behind it."""

    text: str
    before: str = ""
    behind: str = ""

    def hosts(self) -> set[str]:
        """The hosts that somebody would read in it, alone and in one word with what touches it.

        Without what stands before, too: an address there would swallow what is read in the rest.
        """
        before, behind = re.split(r"\s", self.before)[-1], re.split(r"\s", self.behind)[0]
        return named(self.text) | named(self.text + behind) | named(before + self.text + behind)


def is_mail_to(label: Label, address: str) -> bool:
    """Whether a link may lead to a mail address: its label is that one, or none, and no other host is read there."""
    found = _MAIL.fullmatch(address)
    if found is None:
        return False
    return ("@" not in label.text or label.text == found["who"]) and label.hosts() <= {found["host"].lower()}


def is_truthful(label: Label, address: str, *, never: Collection[str] = ()) -> bool:
    """Whether a link of that label may lead to `address`: it is plain where to, and no other host is read in the label.

    Hosts in `never`, and those below them, are not linked.
    """
    host = host_of(address)
    if not host or any(host == one or host.endswith(f".{one}") for one in never):
        return False
    return label.hosts() <= {host}


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN
