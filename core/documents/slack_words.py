"""What a Slack message says: its text, its blocks, what is attached to it or forwarded in it, and its files' names.

All of it in the markup of Slack's own texts (`<@U1>`, `<https://…|label>`, `&lt;`), so that whoever reads a text reads
the rest alike: live messages and exports. What text and blocks both say stands once; of what is unknown here the
strings are kept. Knows nothing of exports or of events, and takes whatever shape comes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import unescape
from typing import Any

from core.documents.blocks import pipe_table
from core.text.words import words_of

Json = Mapping[str, Any]

DEEPEST = 12  # blocks within attachments within forwarded messages; below it strings are collected
_TELLING = 3  # words of blocks from which they are left out where they stand in the text
_TOKEN = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
# What texts and blocks write differently, and what it is compared as. A sign that may mean something is left.
_MARKUP = [
    (re.compile(r"^[ \t]+(?:[0-9]{1,4}|[a-z]{1,6})\.[ \t]", re.MULTILINE), "# "),  # texts count inner lists by letters
    (re.compile(r"^[ \t]*[•◦▪‣-][ \t]", re.MULTILINE), "• "),
    (re.compile(r"^[ \t]*>[ \t]*", re.MULTILINE), ">"),
    (re.compile(r"```"), " ``` "),
    (re.compile(r"(?<![\w*])[*_]++(?=\S)|(?<=[^\s*_])[*_]++(?!\w)"), ""),  # bold and italics
]
_FILLED_LINE = re.compile(r"\S(?:[^\n]*\S)?")
_NO_PREVIEW = "[no preview available]"
# Keys whose strings nobody reads.
_NO_WORDS = words_of(
    "type style url image_url thumb_url title_link title_url from_url original_url action_id block_id id color ts "
    "emoji external_id source channel_id channel_team team_id user_id author_link author_icon author_id call_id level "
    "author_subname footer_icon service_icon fallback callback_id provider_icon_url video_url thumbnail_url icon_url "
    "slack_file status task_id plan_id mrkdwn_in bot_id app_id"
)
# What can be pressed or filled in; of buttons only those that are links are read.
_PRESSED = words_of(
    "static_select external_select users_select conversations_select channels_select multi_static_select overflow "
    "multi_external_select multi_users_select multi_conversations_select multi_channels_select datepicker timepicker "
    "datetimepicker checkboxes radio_buttons plain_text_input workflow_button feedback_buttons icon_button button "
    "select"
)


def _once(text: str, parts: Sequence[str]) -> list[str]:
    """`text` and the `parts` that are shown with it, or only one of them where it says all that the other does.

    Parts are not compared with each other: hours stand under two days. Where they are a word or two, that these stand
    in the text is chance.
    """
    said, shown = _plain(text), _plain("\n".join(parts))
    if not said.strip() or said in shown:
        return [*parts]
    return [text] if shown.count(" ") > _TELLING and shown in said else [text, *parts]


def whole_message(message: Json) -> str:
    """All that a message says, with what is attached to it and the names of its files."""
    file, comment = message.get("file"), message.get("comment")  # of one file, as exports of old have it
    return _lines(
        *_with_attachments(own_words(message), message, 0),
        *map(_file, _each(message.get("files") or [file])),
        _text(comment.get("comment")) if isinstance(comment, dict) else "",
    )


def own_words(message: Json) -> str:
    """What its author wrote, in its text and in its blocks."""
    return _lines(*_once(_text(message.get("text")), _blocks(message, 0)))


def forwarded(message: Json) -> Iterator[Json]:
    """The messages that are forwarded or quoted in a message, as its attachments have them."""
    return filter(_is_forward, _each(message.get("attachments")))


def forwarded_words(message: Json) -> str:
    """What the forwarded messages say, without who wrote them."""
    return "\n\n".join(filter(None, (_quoted(one, 0) for one in forwarded(message))))


def _plain(text: str) -> str:
    """The words of `text` between spaces, to compare: without the markup that texts have and blocks have not."""
    shown = unescape(_TOKEN.sub(_shown, text))
    for written, compared in _MARKUP:
        shown = written.sub(compared, shown)
    return f" {' '.join(shown.split())} "


def _shown(token: re.Match[str]) -> str:
    """What a token names; of a link also its label, if that is another."""
    kind, target, label = token[1], token[2].rstrip("/"), token[3]
    if kind:
        return label if target.startswith("date^") and label else target
    return f"{label} {target}" if label and not target.endswith(label.rstrip("/")) else target


def _each(value: Any) -> Iterator[Json]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())


def _text(value: Any) -> str:
    """A text, or the object around one; what is there as plain text gets no tokens."""
    if isinstance(value, dict):
        inner = value.get("text")
        text = inner if isinstance(inner, str) else ""
        return _escaped(text) if value.get("type") == "plain_text" else text
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part.strip())


def _link(url: Any, label: str) -> str:
    target = _escaped(_text(url)).replace("|", "%7C")
    return f"<{target}|{label}>" if target and label else f"<{target}>" if target else label


def _quote(text: str) -> str:
    return "\n".join(f"&gt; {line}" for line in text.splitlines())


# Attachments


def _with_attachments(text: str, message: Json, depth: int) -> list[str]:
    """`text` and what is attached to its message. Only what a program shows may repeat it; a forward is another's."""
    attachments = [*_each(message.get("attachments"))]
    own = [_attached(one, depth) for one in attachments if not _is_forward(one)]
    return [*_once(text, own), *(_attached(one, depth) for one in attachments if _is_forward(one))]


def _is_forward(attachment: Json) -> bool:
    return bool(attachment.get("is_share") or attachment.get("is_msg_unfurl"))


def _attached(attachment: Json, depth: int) -> str:
    """What is attached: a forwarded message with who wrote it, or what a program or an address shows of itself."""
    if _is_forward(attachment):
        who = _text(attachment.get("author_name") or attachment.get("author_subname")) or "somebody"
        said = _lines(_quoted(attachment, depth), *(map(_file, _each(attachment.get("files")))))
        return f"Forwarded from {who}:\n{_quote(said)}" if said else ""
    return _shown_of(attachment, depth) or _strings(attachment)


def _quoted(attachment: Json, depth: int) -> str:
    """What a forwarded message says, without its files."""
    if depth > DEEPEST:
        return _strings(attachment)
    inside = (inner.get("message") for inner in _each(attachment.get("message_blocks")))
    blocks = [shown for message in inside if isinstance(message, dict) for shown in _blocks(message, depth + 1)]
    said = _lines(*_once(_text(attachment.get("text")), [*blocks, *_blocks(attachment, depth + 1)]))
    around = ("text", "blocks", "author_name", "footer", *(("fallback",) if said else ()))
    return _lines(said, _shown_of({name: value for name, value in attachment.items() if name not in around}, depth))


def _shown_of(attachment: Json, depth: int) -> str:
    if depth > DEEPEST:
        return _strings(attachment)
    title = _text(attachment.get("title"))
    fields = ([_text(field.get(key)) for key in ("title", "value")] for field in _each(attachment.get("fields")))
    said = [*_once(_text(attachment.get("text")), _blocks(attachment, depth + 1)), *map(": ".join, _filled(fields))]
    shown = _lines(
        _text(attachment.get("pretext")),
        _text(attachment.get("author_name")),
        _link(attachment.get("title_link"), title) if title else "",
        *_with_attachments(_lines(*said), attachment, depth + 1),
        *(_element(action, depth) for action in _each(attachment.get("actions")) if action.get("url")),
        _text(attachment.get("footer")),
    )
    fallback = _text(attachment.get("fallback"))
    return shown or ("" if fallback == _NO_PREVIEW else fallback)


def _filled(rows: Iterable[Iterable[str]]) -> Iterator[list[str]]:
    return ([part for part in row if part] for row in rows)


# Files


def _file(file: Json) -> str:
    """A file by its name, and what is shown of it: the beginning of a snippet, a mail's text, what was spoken."""
    name, title = _text(file.get("name")), _text(file.get("title"))
    named = f"{title}: {name}" if title and name and title not in {name, name.rpartition(".")[0]} else name or title
    spoken = file.get("transcription")
    transcript = spoken.get("preview") if isinstance(spoken, dict) else None
    heard = transcript if isinstance(transcript, dict) else {}
    text = next(filter(None, (_text(file.get(key)) for key in ("plain_text", "preview_plain_text", "preview"))), "")
    text = text or _text(heard.get("content"))
    cut = file.get("preview_is_truncated") or file.get("lines_more") or heard.get("has_more")
    begins = ", only its beginning" if text and cut and not file.get("plain_text") else ""
    fenced = f"```\n{text.strip()}\n```" if file.get("mode") == "snippet" and text.strip() else text
    return _lines(
        f"(file: {named}{begins})" if named else "",
        _text(file.get("subject")),
        _escaped(_text(file.get("alt_txt"))),
        _escaped(fenced),
    )


# Blocks


def _blocks(message: Json, depth: int) -> list[str]:
    return [_block(block, depth) for block in _each(message.get("blocks"))]


def _block(block: Json, depth: int) -> str:
    """What a block shows, in one or more lines."""
    if depth > DEEPEST:
        return _strings(block)
    kind = _text(block.get("type"))
    if kind in _SHOWN:
        return _SHOWN[kind](block, depth)
    return _strings(block)


def _section(block: Json, depth: int) -> str:
    fields = [_text(field) for field in _each(block.get("fields"))]
    accessory = block.get("accessory")
    return _lines(_text(block.get("text")), *fields, _element(accessory, depth) if isinstance(accessory, dict) else "")


def _elements(block: Json, depth: int) -> str:
    return _lines(*(_element(element, depth) for element in _each(block.get("elements"))))


def _element(element: Json, depth: int) -> str:
    """A part of a block: text, a picture's description, a button that is a link."""
    kind = _text(element.get("type"))
    if kind == "image":
        return _escaped(_text(element.get("alt_text")))
    if kind == "button":
        return _link(element["url"], _text(element.get("text"))) if element.get("url") else ""
    if kind in {"mrkdwn", "plain_text"}:
        return _text(element)
    return "" if kind in _PRESSED else _block(element, depth + 1)


def _image(block: Json, _depth: int) -> str:
    return _lines(_text(block.get("title")), _escaped(_text(block.get("alt_text"))))


def _video(block: Json, _depth: int) -> str:
    title = _link(block.get("title_url"), _text(block.get("title")))
    about = [_text(block.get(name)) for name in ("description", "alt_text", "author_name", "provider_name")]
    return _lines(title, *dict.fromkeys(about))


def _markdown(block: Json, _depth: int) -> str:
    return _escaped(_text(block.get("text")))


def _table(block: Json, depth: int) -> str:
    rows = block.get("rows")
    filled = [row if isinstance(row, list) else [] for row in (rows if isinstance(rows, list) else ())]
    return pipe_table([[_cell(cell, depth) for cell in row] for row in filled])


def _cell(cell: Any, depth: int) -> str:
    """What stands in a cell, which may be nothing; a link is Markdown's, since `|` ends a cell."""
    if not isinstance(cell, dict):
        return _text(cell)
    text = _text(cell.get("text") or cell.get("value")) if "raw" in _text(cell.get("type")) else _block(cell, depth + 1)
    return _TOKEN.sub(lambda token: f"[{token[3]}]({token[2]})" if token[3] else token[0], text)


# Rich text


def _rich_text(block: Json, depth: int) -> str:
    return _lines(*(_rich_part(part, depth + 1) for part in _each(block.get("elements"))))


def _rich_part(part: Json, depth: int) -> str:
    if depth > DEEPEST:
        return _strings(part)
    match part.get("type"):
        case "rich_text_list":
            return _rich_list(part, depth)
        case "rich_text_quote":
            return _quote(_inline(part))
        case "rich_text_preformatted":
            return f"```\n{_inline(part)}\n```"
        case "rich_text_section":
            return _inline(part).strip("\n")
        case _:
            return _rich_inline(part)


def _rich_list(part: Json, depth: int) -> str:
    indent, first = part.get("indent"), part.get("offset")
    pad = "  " * min(indent, DEEPEST) if isinstance(indent, int) else ""
    number = (first if isinstance(first, int) else 0) + 1
    lines = []
    for place, item in enumerate(_each(part.get("elements"))):
        mark = f"{number + place}." if part.get("style") == "ordered" else "-"
        lines.append(f"{pad}{mark} {_rich_part(item, depth + 1)}".replace("\n", f"\n{pad}  "))
    return "\n".join(lines)


def _inline(part: Json) -> str:
    return "".join(_rich_inline(element) for element in _each(part.get("elements")))


def _rich_inline(element: Json) -> str:
    """What is struck through is marked: it does not hold any more."""
    kind, style = _text(element.get("type")), element.get("style")
    shown = _INLINE[kind](element) if kind in _INLINE else _strings(element)
    return _FILLED_LINE.sub(r"~\g<0>~", shown) if isinstance(style, dict) and style.get("strike") else shown


def _rich_text_piece(element: Json) -> str:
    style = element.get("style")
    mark = "`" if isinstance(style, dict) and style.get("code") else ""
    return f"{mark}{_escaped(_text(element.get('text')))}{mark}"


def _emoji(element: Json) -> str:
    tone = element.get("skin_tone")
    return f":{_text(element.get('name'))}:{f':skin-tone-{tone}:' if isinstance(tone, int) else ''}"


def _moment(timestamp: Any) -> str:
    try:
        return f"{datetime.fromtimestamp(float(timestamp), UTC):%Y-%m-%d %H:%M}"
    except (TypeError, ValueError, OverflowError, OSError):
        return ""


def _strings(value: Any) -> str:
    """Everything that somebody can read in a value of unknown shape, in order."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            found.append(_escaped(each) if "<" in each and not _TOKEN.search(each) else each)
        elif isinstance(each, dict) and each.get("type") == "button":
            found.append(_element(each, DEEPEST))
        elif isinstance(each, dict) and _text(each.get("type")) not in _PRESSED:
            waiting += [inner for name, inner in reversed(each.items()) if name not in _NO_WORDS]
        elif isinstance(each, list):
            waiting += reversed(each)
    return _lines(*found)


def _nothing(_block: Json, _depth: int) -> str:
    return ""


_INLINE: Mapping[str, Callable[[Json], str]] = {
    "text": _rich_text_piece,
    "link": lambda element: _link(element.get("url"), _escaped(_text(element.get("text")))),
    "emoji": _emoji,
    "date": lambda element: _escaped(_text(element.get("fallback"))) or _moment(element.get("timestamp")),
    "broadcast": lambda element: f"<!{_text(element.get('range'))}>",
    "usergroup": lambda element: f"<!subteam^{_text(element.get('usergroup_id'))}>",
    "user": lambda element: f"<@{_text(element.get('user_id'))}>",
    "channel": lambda element: f"<#{_text(element.get('channel_id'))}>",
    "color": lambda element: _text(element.get("value")),
}
_SHOWN: Mapping[str, Callable[[Json, int], str]] = {
    "section": _section,
    "header": lambda block, _: _text(block.get("text")),
    "context": _elements,
    "actions": _elements,
    "context_actions": _nothing,
    "divider": _nothing,
    "file": _nothing,  # its name stands among the message's files
    "image": _image,
    "video": _video,
    "markdown": _markdown,
    "table": _table,
    "rich_text": _rich_text,
}
