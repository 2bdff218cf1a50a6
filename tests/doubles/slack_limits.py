"""What Slack takes: a check of messages, modals and home tabs against its documented limits.

Written from Slack's reference pages, not from what `bots` sends. `complaints` returns one sentence a fault.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
PAYLOAD_CHARS = 13_000  # bolt-js#2509: about 13,200 of all blocks together is too long
MARKDOWN_CHARS = 12_000  # of all markdown blocks of a message together
_SURFACES = {
    "markdown": {"message"},
    "table": {"message"},
    "context_actions": {"message"},
    "input": {"modal", "home"},
    "section": {"message", "modal", "home"},
    "context": {"message", "modal", "home"},
    "actions": {"message", "modal", "home"},
    "header": {"message", "modal", "home"},
    "divider": {"message", "modal", "home"},
    "rich_text": {"message", "modal", "home"},
}
_FIELDS = {
    "markdown": {"text"},
    "table": {"rows", "column_settings"},
    "context_actions": {"elements"},
    "input": {"label", "element", "hint", "optional", "dispatch_action"},
    "section": {"text", "fields", "accessory", "expand"},
    "context": {"elements"},
    "actions": {"elements"},
    "header": {"text"},
    "divider": set(),
}
TOKENS = re.compile(r"<[@#!][^>]*>")
"""What names people, channels and groups."""
BARE = re.compile(r"@(?:here|channel|everyone)\b")


def message_complaints(blocks: list[Json], *, mentions: bool = False) -> list[str]:
    """What Slack would refuse of a message's blocks; `mentions` where it may name people."""
    found = list(_blocks(blocks, "message", MESSAGE_BLOCKS))
    markdown = sum(len(block.get("text", "")) for block in blocks if block.get("type") == "markdown")
    if markdown > MARKDOWN_CHARS:
        found.append(f"markdown blocks have {markdown} characters together")
    if len(json.dumps(blocks, ensure_ascii=False)) > PAYLOAD_CHARS + 2_000:  # quotes and names of fields
        found.append("msg_blocks_too_long")
    if sum(block.get("type") == "table" for block in blocks) > 1:
        found.append("only_one_table_allowed")
    if not mentions:
        found += [f"names somebody: {token}" for token in live_tokens(blocks)]
    return found


def view_complaints(view: Json) -> list[str]:
    """What Slack would refuse of a modal or a home tab."""
    kind = view.get("type")
    if kind not in {"modal", "home"}:
        return [f"no such view: {kind}"]
    found = list(_blocks(view.get("blocks", []), kind, VIEW_BLOCKS))
    allowed = {"type", "blocks", "callback_id", "private_metadata", "external_id"}
    if kind == "modal":
        allowed |= {"title", "submit", "close", "clear_on_close", "notify_on_close", "submit_disabled"}
        found += _plain(view.get("title"), 24, "title")
        for name in ("submit", "close"):
            found += _plain(view[name], 24, name) if name in view else []
        if any(block.get("type") == "input" for block in view.get("blocks", [])) and "submit" not in view:
            found.append("inputs without a submit button")
    found += [f"view has {name}" for name in view if name not in allowed]
    found += _long(view.get("private_metadata", ""), 3000, "private_metadata")
    found += _long(view.get("callback_id", ""), 255, "callback_id")
    if len(json.dumps(view)) > 250_000:
        found.append("view_too_large")
    return found + [f"names somebody: {token}" for token in live_tokens(view.get("blocks", []))]


def live_tokens(value: Any) -> list[str]:
    """Everything in any text that Slack would turn into a mention."""
    if isinstance(value, str):
        return TOKENS.findall(value) + BARE.findall(value)
    if isinstance(value, dict):
        return [
            token
            for name, each in value.items()
            if name not in {"value", "private_metadata"}
            for token in live_tokens(each)
        ]
    return [token for each in value for token in live_tokens(each)] if isinstance(value, list) else []


def _blocks(blocks: list[Json], surface: str, limit: int) -> Iterator[str]:
    if len(blocks) > limit:
        yield f"{len(blocks)} blocks, {limit} at most"
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)):
        yield "a block_id stands twice"
    actions = [element.get("action_id") for block in blocks for element in _elements(block)]
    named = [action for action in actions if action is not None]
    for block in blocks:
        kind = block.get("type")
        if surface not in _SURFACES.get(str(kind), set()):
            yield f"{kind} cannot stand in a {surface}"
            continue
        yield from _long(block.get("block_id", ""), 255, "block_id")
        if kind in _FIELDS:
            yield from (f"{kind} has {name}" for name in set(block) - _FIELDS[kind] - {"type", "block_id"})
        yield from globals()[f"_{kind}"](block) if f"_{kind}" in globals() else ()
        within = [element.get("action_id") for element in _elements(block)]
        if len(within) != len(set(within)):
            yield f"an action_id stands twice in one {kind}"
    yield from (f"action_id {action!r} is too long" for action in named if len(action) > 255)


def _elements(block: Json) -> list[Json]:
    found = [*block.get("elements", []), block.get("element"), block.get("accessory")]
    return [element for element in found if isinstance(element, dict) and "action_id" in element]


def _markdown(block: Json) -> Iterator[str]:
    yield from _long(block.get("text", ""), 12_000, "markdown", least=1)


def _section(block: Json) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield "a section without text"
    if "text" in block:
        yield from _text(block["text"], 3000, "section")
    if len(block.get("fields", [])) > 10:
        yield "more than 10 fields"
    for field in block.get("fields", []):
        yield from _text(field, 2000, "field")
    if "accessory" in block:
        yield from _element(block["accessory"])


def _header(block: Json) -> Iterator[str]:
    yield from _plain(block.get("text"), 150, "header")


def _context(block: Json) -> Iterator[str]:
    yield from _count(block.get("elements", []), 10, "context")
    for element in block.get("elements", []):
        yield from _text(element, 3000, "context")


def _actions(block: Json) -> Iterator[str]:
    yield from _count(block.get("elements", []), 25, "actions")
    for element in block.get("elements", []):
        yield from _element(element)


def _context_actions(block: Json) -> Iterator[str]:
    yield from _count(block.get("elements", []), 5, "context_actions")
    for element in block.get("elements", []):
        if element.get("type") not in {"feedback_buttons", "icon_button"}:
            yield f"{element.get('type')} in context_actions"
            continue
        for name in ("positive_button", "negative_button") if element["type"] == "feedback_buttons" else ():
            button = element.get(name, {})
            yield from _plain(button.get("text"), 75, name)
            yield from _long(button.get("value", ""), 2000, f"{name} value", least=1)
            yield from _long(button.get("accessibility_label", ""), 75, f"{name} label")


def _input(block: Json) -> Iterator[str]:
    yield from _plain(block.get("label"), 2000, "label")
    if "hint" in block:
        yield from _plain(block["hint"], 2000, "hint")
    yield from _element(block.get("element", {}))


def _table(block: Json) -> Iterator[str]:
    rows = block.get("rows", [])
    yield from _count(rows, 100, "table")
    yield from _count(block.get("column_settings", [{}]), 20, "column_settings")
    for row in rows:
        yield from _count(row, 20, "row")
        for cell in row:
            if cell.get("type") not in {"raw_text", "rich_text"}:
                yield f"a cell of type {cell.get('type')}"
            yield from _long(cell.get("text", ""), 10_000, "cell", least=1)
    if sum(len(cell.get("text", "")) for row in rows for cell in row) > 10_000:
        yield "a table's cells have more than 10,000 characters"


def _element(element: Json) -> Iterator[str]:
    kind = element.get("type")
    if "confirm" in element:
        confirm = element["confirm"]
        yield from _plain(confirm.get("title"), 100, "confirm title")
        yield from _text(confirm.get("text", {}), 300, "confirm text")
        yield from _plain(confirm.get("confirm"), 30, "confirm")
        yield from _plain(confirm.get("deny"), 30, "deny")
    if "placeholder" in element:
        yield from _plain(element["placeholder"], 150, "placeholder")
    match kind:
        case "button":
            yield from _plain(element.get("text"), 75, "button")
            yield from _long(element.get("value", ""), 2000, "button value")
            yield from _long(element.get("url", ""), 3000, "button url")
            if element.get("style") not in {None, "primary", "danger"}:
                yield f"a button of style {element['style']}"
        case "static_select" | "radio_buttons" | "checkboxes" | "overflow" | "multi_static_select":
            limits = {"static_select": 100, "multi_static_select": 100, "overflow": 5}
            yield from _options(element, limits.get(str(kind), 10))
        case "plain_text_input":
            yield from _long(element.get("initial_value", ""), element.get("max_length", 3000), "initial_value")
            if element.get("max_length", 1) > 3000:
                yield "max_length over 3000"
        case _:
            yield f"no such element: {kind}"


def _options(element: Json, limit: int) -> Iterator[str]:
    options = element.get("options", [])
    yield from _count(options, limit, str(element["type"]))
    values = [option.get("value") for option in options]
    if len(values) != len(set(values)):
        yield "two options with one value"
    for option in options:
        yield from _text(option.get("text", {}), 75, "option")
        yield from _long(option.get("value", ""), 150, "option value", least=1)
    chosen = element.get("initial_option")
    if chosen is not None and chosen not in options:
        yield "initial_option is not among the options"
    if any(each not in options for each in element.get("initial_options", [])):
        yield "initial_options are not among the options"


def _text(text: Json, limit: int, name: str) -> Iterator[str]:
    if text.get("type") == "plain_text":
        yield from _plain(text, limit, name)
    elif text.get("type") == "mrkdwn":
        yield from _long(text.get("text", ""), limit, name, least=1)
    else:
        yield f"{name}: no text object"


def _plain(text: Any, limit: int, name: str) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") != "plain_text":
        yield f"{name} is no plain_text"
        return
    yield from _long(text.get("text", ""), limit, name, least=1)


def _long(text: str, limit: int, name: str, least: int = 0) -> Iterator[str]:
    if not least <= len(text) <= limit or (least and not text.strip(" \n")):
        yield f"{name} has {len(text)} characters, {limit} at most"


def _count(items: list[Any], limit: int, name: str) -> Iterator[str]:
    if not 1 <= len(items) <= limit:
        yield f"{name} has {len(items)} items, {limit} at most"
