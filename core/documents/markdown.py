"""Markdown text → blocks, kept as the Markdown that its author wrote.

Front matter gives title, author, date and language. Template tags (Liquid, Nunjucks, Hugo), attribute lists and
inline HTML are read as a reader of the rendered page would see them. Knows nothing of bytes, files or passages.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

from core.documents.blocks import BlockKind, Outline, ParsedDocument, fenced
from core.documents.html import add_html
from core.documents.properties import iso_date, language_tag

_KINDS = {
    "paragraph_open": BlockKind.PARAGRAPH,
    "bullet_list_open": BlockKind.LIST,
    "ordered_list_open": BlockKind.LIST,
    "blockquote_open": BlockKind.QUOTE,
    "table_open": BlockKind.TABLE,
    "fence": BlockKind.CODE,
}
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = r"^(?:{})[ \t]*:[ \t]*(.*(?:\n[ \t]+\S.*)*)"
_TEMPLATE_COMMENT = re.compile(r"\{%-?\s*+comment\b|\{#[^{}]*?#\}")
_END_COMMENT = re.compile(r"\{%-?\s*+endcomment\s*+-?%\}")
_COMMENT_CHARACTERS = 5_000
_TEMPLATE_TAG = re.compile(r"(?P<into>\(\s*+)?(?:\{%-?\s*+(?P<name>\w*+)(?P<rest>[^{}]*?)%\}|\{\{[<%][^{}]*[>%]\}\})")
_CONTROL = {"assign", "block", "capture", "case", "elif", "elsif", "extends", "for", "if", "set", "unless", "when"}
_ARGUMENT = re.compile(r"""["']([^"']*)["']""")
_FILE_NAME = re.compile(r"/|\.\w{1,5}$")
_ATTRIBUTES = re.compile(r"(?<=[\w)\]*_`.?! ])\{:?[ ]*[.#][\w.#=\"' -]*\}|^[ \t]*\{:[^}\n]*\}[ \t]*$", re.MULTILINE)
_ANCHOR = re.compile(r"<a\s(?P<attributes>[^<>]*+)>")
_HREF = re.compile(r"""\bhref\s*+=\s*+["']([^"'<>]*+)["']""")
_END_ANCHOR = re.compile(r"</a\s*+>")
_SPAN_CHARACTERS = 1_000  # of a link's text, or of a code span
_INLINE_HTML = re.compile(r"</?(?:a|abbr|b|button|em|i|mark|small|span|strong|sub|sup|u|wbr)(?:\s[^<>]*)?/?>|<br\s*/?>")
_BROKEN_TARGET = re.compile(r"(\]\([^()\s]++)\s++\)")
_VARIABLE_IN_TARGET = re.compile(r"\]\(\{\{[^{}]*\}\}(?=/)")
_PADDING = re.compile(r"(?<=\S)[ \t]{2,}|-{4,}")
_HTML_TABLE, _END_TABLE = re.compile(r"<table\b", re.IGNORECASE), re.compile(r"</table>", re.IGNORECASE)
_REFERENCE = re.compile(r"(?<![!\]\\])\[(?P<text>[^\[\]]+)\](?:\[(?P<label>[^\[\]]*)\])?(?![(:\[])")
_HEADING_CHARACTERS = 2_000  # whose markup is read: its parser slows down on longer ones
_TARGET_CHARACTERS = 300  # of a link that is named once and used often

Change = Callable[[re.Match[str]], tuple[str, int] | None]
"""What takes the place of the text from the match to a place; None where it stays."""


def parse_markdown(text: str) -> ParsedDocument:
    """Parse `text`, whose lines end in a newline character alone."""
    front = _FRONT_MATTER.match(text)
    fields = (front.group(1) or "") if front else ""
    outline = Outline(_field(fields, "title"))
    if front:
        text = "\n" * front.group().count("\n") + text[front.end() :]
    markdown = MarkdownIt("commonmark").enable("table").disable("inline")  # which only headings are read for
    text = _outside_code_blocks(text, markdown.parse(text), _as_rendered)
    environment: dict[str, Any] = {}
    tokens = markdown.parse(text, environment)
    lines = text.split("\n")
    for index, token in enumerate(tokens):
        if token.level == 0 and token.map:
            _add(outline, token, tokens[index + 1 : index + 2], lines, environment)
    return replace(
        outline.document(),
        author=_field(fields, "author"),
        date=iso_date(_field(fields, "updated", "last_modified_at", "lastmod", "date")),
        language=language_tag(_field(fields, "lang", "language", "locale")),
    )


def _add(outline: Outline, token: Token, inside: list[Token], lines: list[str], environment: dict[str, Any]) -> None:
    start, end = token.map or (0, 0)
    source = "\n".join(lines[start:end])
    if token.type == "heading_open":
        words = _inline(inside[0].content, environment)
        outline.heading(int(token.tag[1]), _plain(words), start + 1)
        outline.add(BlockKind.PARAGRAPH, _links(words), start + 1)
    elif token.type == "html_block":
        add_html(outline, source, first_line=start + 1)
    elif token.type == "code_block":
        outline.add(BlockKind.CODE, fenced(token.content), start + 1)
    elif token.type in _KINDS:
        kind = _KINDS[token.type]
        references = environment.get("references", {})
        outline.add(kind, source if kind is BlockKind.CODE else _tidy(source, kind, references), start + 1)


def _inline(text: str, environment: dict[str, Any]) -> list[Token]:
    """The words and the markup of a heading."""
    if len(text) > _HEADING_CHARACTERS:
        return [Token("text", "", 0, content=text)]
    return MarkdownIt("commonmark").parseInline(text, environment)[0].children or []


def _tidy(source: str, kind: BlockKind, references: Mapping[str, Any]) -> str:
    source = _BROKEN_TARGET.sub(
        r"\1)", _VARIABLE_IN_TARGET.sub("](", re.sub(r"(?<! ) $", "", source, flags=re.MULTILINE))
    )
    if kind is BlockKind.TABLE:
        source = _PADDING.sub(lambda run: "---" if run.group().startswith("-") else " ", source)
    if references:
        source = _outside_code_spans(source, _REFERENCE, _simply(lambda match: _link(match, references)))
    return source


def _link(match: re.Match[str], references: Mapping[str, Mapping[str, Any]]) -> str:
    target = str(references.get(normalizeReference(match["label"] or match["text"]), {}).get("href", ""))
    return f"[{match['text']}]({target})" if 0 < len(target) <= _TARGET_CHARACTERS else match.group()


def _plain(words: list[Token]) -> str:
    """A heading's words, without its markup."""
    return "".join(word.content or (" " if word.type in {"softbreak", "hardbreak"} else "") for word in words)


def _links(words: list[Token]) -> str:
    """The links of a heading, which its section begins with: the heading itself is words alone."""
    links: list[str] = []
    target, label = "", ""
    for word in words:
        if word.type == "link_open":
            target, label = str(word.attrs.get("href", "")), ""
        elif word.type == "link_close":
            links += [f"[{label}]({target})"] if target and not target.startswith("#") else []
        label += word.content
    return " ".join(links)


def _field(front: str, *names: str) -> str:
    """The value of the first field of these names, read tolerantly: quoted or not, on one line, folded or as a block.

    A list or a mapping is no value.
    """
    matches = (re.search(_FIELD.format(name), front, re.MULTILINE) for name in names)
    found = next((match for match in matches if match), None)
    if not found or found.group(1).lstrip().startswith(("- ", "[", "{")):
        return ""
    value = " ".join(found.group(1).split())
    value = re.sub(r"^[>|][+-]?(?:\s|$)", "", value)
    quoted = re.match(r"""(["'])(.*)\1\s*(?:#.*)?$""", value)
    return quoted.group(2) if quoted else re.sub(r"(?:^|\s)#.*", "", value).strip()


def _outside_code_blocks(text: str, tokens: list[Token], change: Callable[[str], str]) -> str:
    """Apply `change`, which keeps the number of lines, to all that is not a code block."""
    lines = text.split("\n")
    ranges = [token.map for token in tokens if token.type in {"fence", "code_block"} and token.map]
    done, position = [], 0
    for start, end in ranges:
        if start > position:
            done.append(change("\n".join(lines[position:start])))
        done.extend(lines[start:end])
        position = end
    return "\n".join([*done, change("\n".join(lines[position:]))])


def _as_rendered(text: str) -> str:
    """What a template engine and a browser would leave of `text`; as many lines as before."""
    text = _changed(text, _TEMPLATE_COMMENT, _without_comment, [])
    text = _outside_code_spans(text, _TEMPLATE_TAG, _simply(_argument))
    text = _outside_code_spans(text, _ATTRIBUTES, _simply(lambda _: ""))
    text = _outside_code_spans(text, _ANCHOR, _anchor)
    text = _outside_code_spans(text, _INLINE_HTML, _simply(lambda tag: " " if "br" in tag.group().lower() else ""))
    return _with_whole_tables(text)


def _simply(change: Callable[[re.Match[str]], str]) -> Change:
    """What takes the place of the match alone."""
    return lambda match: (change(match), match.end())


def _outside_code_spans(text: str, pattern: re.Pattern[str], change: Change) -> str:
    return _changed(text, pattern, change, _code_spans(text))


def _changed(text: str, pattern: re.Pattern[str], change: Change, kept: Sequence[tuple[int, int]]) -> str:
    """`text` with what `change` makes of the matches that do not begin in one of the spans `kept`."""
    done, place, searched, spans = [], 0, 0, iter(kept)
    span = next(spans, None)
    while match := pattern.search(text, searched):
        while span and (span[1] <= match.start() or span[0] < searched):
            span = next(spans, None)
        changed = None if span and span[0] <= match.start() else change(match)
        if changed:
            done += [text[place : match.start()], changed[0]]
            place = searched = max(changed[1], match.start() + 1)
        else:
            searched = span[1] if span and span[0] <= match.start() else match.end()
    return "".join([*done, text[place:]])


def _code_spans(text: str) -> list[tuple[int, int]]:
    """Where code spans begin and end: between runs of as many backticks, not too far from each other."""
    runs = [run.span() for run in re.finditer("`+", text)]
    alike: dict[int, list[int]] = {}
    for start, end in runs:
        alike.setdefault(end - start, []).append(start)
    spans: list[tuple[int, int]] = []
    for start, end in runs:
        if spans and start < spans[-1][1]:
            continue
        closing = alike[end - start]
        following = bisect_right(closing, start)
        if following < len(closing) and closing[following] - end <= _SPAN_CHARACTERS:
            spans.append((start, closing[following] + end - start))
    return spans


def _anchor(match: re.Match[str]) -> tuple[str, int] | None:
    href = _HREF.search(match["attributes"])
    end = _END_ANCHOR.search(match.string, match.end(), match.end() + _SPAN_CHARACTERS) if href else None
    return (f"[{match.string[match.end() : end.start()]}]({href[1]})", end.end()) if href and end else None


def _without_comment(match: re.Match[str]) -> tuple[str, int] | None:
    end = (
        match
        if match.group().endswith("}")
        else _END_COMMENT.search(match.string, match.end(), match.end() + _COMMENT_CHARACTERS)
    )
    return ("\n" * match.string.count("\n", match.start(), end.end()), end.end()) if end else None


def _argument(match: re.Match[str]) -> str:
    """What a tag names is what a reader would see of it: a link's target, a channel, a box's heading."""
    into = match["into"] or ""
    named = _ARGUMENT.search(match["rest"] or "")
    shown = named.group(1) if named and match["name"] not in _CONTROL else ""
    if not into and _FILE_NAME.search(shown):  # an image or an included file
        shown = ""
    return into + shown + "\n" * (match.group().count("\n") - into.count("\n"))


def _with_whole_tables(text: str) -> str:
    """Without blank lines in HTML tables: one would end the HTML block in the middle of its table."""
    done, place = [], 0
    while (start := _HTML_TABLE.search(text, place)) and (end := _END_TABLE.search(text, start.end())):
        table = re.sub(r"(?<=\n)[ \t]*(?=\n)", "<!-- -->", text[start.start() : end.end()])
        done += [text[place : start.start()], table]
        place = end.end()
    return "".join([*done, text[place:]])
