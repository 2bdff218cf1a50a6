"""Hostile Markdown, and what a person would see and could press of it on each platform, by parsers of its own."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bots.on_telegram.pages import MessagePage

PIECES = (
    "@", "@@", "alice", "alice_smith", "@alice", "@here", "here", "channel", "@channel", "<!here>", "<@U1>",
    "<#C1>", "<!", "&lt;!here&gt;", "&#60;!here>", "&#64;alice", "&commat;alice", "@&#x333;alice",
    "@\u0333alice", "@\u200balice", "@\u200dhere", "\u2060", "\u0301", "/start", "/start@bot", "/", "start",
    "#tag", "#", "tag", "$", "USD", "tg://resolve?domain=x", "tg:", "slack://channel?id=C1",
    "t.me/evil?start=x", "https://t.me/evil", "https://", "http://", "www.", "good.org", "GOOD.ORG",
    "good\u200b.org", "g\u0332ood.org", "gооd.org", "ｇｏｏｄ.org", "good。org", "https://good.org",
    "https://good.org@evil.com/x", "https://good.org\\@evil.com", "https://xn--pple-43d.com/",
    "https://good.org&#64;evil.com", "https://evil.com", "https://evil.com/?q=good.org", "evil.com",
    "аpple.com", "[https://good.org](https://evil.com)", "[good.org](https://evil.com 'x')",
    "[good.org](<https://evil.com>)", "[click](https://good.org@evil.com)", "[click](https://evil.com)",
    "[go](https://evil.com)od.org", "good.[org][1]", "[alice](https://evil.com)", "[1]: https://evil.com",
    "[good.org][1]", "[1]", "![good.org](https://evil.com/p.png)", "!", "[", "]", "](https://evil.com)", "](",
    ")", "(", "https://evil.com)", "[**good**.org](https://evil.com)", "[good\\.org](https://evil.com)",
    "[good&#46;org](https://evil.com)", "[@alice](tg://user?id=1)", "<https://evil.com>",
    "[x](mailto:boss@evil.com)", "[boss@good.org](mailto:boss@evil.com)", "**", "*", "_", "~~", "`", "``",
    "```", "~~~", "```a`b", "\\", "\n", "\n\n", " ", " ", "> ", "- ", "    ", "# ", "| a | b |\n|---|---|\n| ",
    " | ", " |\n", "x", "。",
)  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=14).map("".join)

_HOST = re.compile(r"(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,}")
_WEB = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.(?=\w))[^\s<>`/?#]+(?:[/?#][^\s<>`()\\]*)?", re.IGNORECASE)
_REMOVED = re.compile("[\u0333\u033f\u030a\u202a-\u202e\r]")  # by Telegram's server, before it looks for mentions


@dataclass(frozen=True)
class Link:
    """Something that can be pressed: what is read there, with what touches it, and where it leads."""

    read: str
    target: str

    @property
    def is_plain(self) -> bool:
        """Whether it leads to where it says, and where that is can be seen."""
        try:
            parts = urlsplit(self.target)
        except ValueError:
            return False
        host = (parts.hostname or "").lower()
        if parts.scheme not in {"http", "https"} or "@" in parts.netloc or not host.isascii() or "\\" in self.target:
            return False
        return self.read in {self.target, self.target.removeprefix("https://")} or hosts_in(self.read) <= {host}


def hosts_in(text: str) -> set[str]:
    """The hosts that a person would read in a text."""
    plain = unicodedata.normalize("NFKD", text).replace("。", ".")
    kept = "".join(one for one in plain if unicodedata.category(one) not in {"Mn", "Me", "Cf"}).lower()
    beginnings = [re.split(r"[/?#]", re.sub(r"^.*?://", "", word))[0] for word in kept.split()]
    return {found[0] for word in beginnings for found in _HOST.finditer(word)}


def touching(text: str, start: int, end: int) -> str:
    """A stretch of `text` with what stands right before and behind it."""
    return re.split(r"\s", text[:start])[-1] + text[start:end] + re.split(r"\s", text[end:])[0]


# Telegram


def acting(page: MessagePage) -> list[str]:
    """What Telegram would find by itself in a message outside of code: mentions, commands, tags and the like."""
    units = _units(page.text)
    code = [False] * len(units)
    for entity in page.entities:
        if entity.kind in {"code", "pre"}:
            code[entity.offset : entity.offset + entity.length] = [True] * entity.length
    kept = [(one, within) for one, within in zip(units, code, strict=True) if one and not _REMOVED.match(one)]
    text, within = "".join(one for one, _ in kept), [coded for _, coded in kept]
    rules = (
        r"(?<![A-Za-z0-9_])@\w{2,}",
        r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?![\w/<>])",
        r"(?<!\w)#\w*[^\W\d]",
        r"(?<!\w)\$[A-Z]{1,8}(?!\w)",
        r"\b(?:tg|ton|tonsite)://\w",
        r"(?:^|(?<=[\s(\[\u2060]))(?:https?://)?(?:[\w-]+\.)*(?:t\.me|telegram\.me|telegram\.dog)(?![\w.])",
    )
    found = [match for rule in rules for match in re.finditer(rule, text, re.ASCII if "A-Z" in rule else 0)]
    return [match[0] for match in found if not any(within[match.start() : match.end()])]


def _units(text: str) -> list[str]:
    """One string a UTF-16 unit; the second half of a character is empty."""
    return [unit for one in text for unit in ([one] if ord(one) < 0x10000 else [one, ""])]


def telegram_links(page: MessagePage) -> list[Link]:
    """The links of a message: those that were made, and those that Telegram would make of addresses."""
    units = _units(page.text)
    made = [entity for entity in page.entities if entity.kind == "text_link"]
    found = []
    for entity in made:
        before, inside, behind = (
            "".join(units[: entity.offset]),
            "".join(units[entity.offset : entity.offset + entity.length]),
            "".join(units[entity.offset + entity.length :]),
        )
        read = touching(before + inside + behind, len(before), len(before) + len(inside))
        found.append(Link(read, entity.url))
    blank = list(units)
    for entity in page.entities:
        if entity.kind in {"code", "pre", "text_link"}:
            blank[entity.offset : entity.offset + entity.length] = ["\x00"] * entity.length
    return found + [Link(address, address) for address in addresses("".join(blank))]


def addresses(text: str) -> list[str]:
    """Addresses that a client would make links of: with a scheme or `www.`."""
    found = [re.sub(r"[.,;:!?)\]'\"*_~\x00\u2060…]+$", "", one[0]) for one in _WEB.finditer(text.replace("\x00", " "))]
    whole = [one if "://" in one else f"https://{one}" for one in found]
    return [one for one in whole if re.search(r"://\w", one)]


# Slack


def markdown_links(markdown: str) -> tuple[list[Link], str]:
    """The links and images of a markdown block, and the text outside of code, as CommonMark reads them."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    links: list[Link] = []
    prose = []
    for token in parser.parse(markdown):
        if token.type != "inline" or not token.children:
            continue
        said, opened = "", []
        for child in token.children:
            if child.type == "link_open":
                opened.append((len(said), str(child.attrs["href"])))
            elif child.type == "link_close":
                start, href = opened.pop()
                links.append((start, len(said), href, len(prose)))
            elif child.type == "image":
                links.append((len(said), len(said), f"image {child.attrs['src']}", len(prose)))
            elif child.type == "code_inline":
                said += "\x00" * len(child.content)
            else:
                said += " " if child.type in {"softbreak", "hardbreak"} else child.content
        prose.append(said)
    read = [Link(touching(prose[line], start, end), href) for start, end, href, line in links]
    return read, "\n".join(prose)
