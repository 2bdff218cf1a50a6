from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

import pytest

from core.documents.archives import members
from core.documents.blocks import BlockKind, ParsedDocument
from core.documents.parsing import parse_with
from core.errors import DocumentError
from tests.core.test_documents import body
from tests.files import zipped

NOON = 1717416000  # 2024-06-03, 12:00 UTC


def documents(data: bytes, name: str) -> dict[str, ParsedDocument]:
    return {
        member.name: parse_with(member.parse, member.read(), PurePath(name) / member.name)
        for member in members(data, PurePath(name))
        if member.parse
    }


def message(ts: float, user: str, text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "ts": f"{ts:.6f}", "user": user, "text": text, **more}


def export(days: dict[str, Any], **parts: Any) -> bytes:
    people = [
        {"id": "U1", "name": "ada", "profile": {"real_name": "Ada L."}},
        {"id": "U2", "name": "ben", "real_name": "Ben"},
    ]
    channels = [{"id": "C1", "name": "help", "purpose": {"value": "Ask here"}}, {"id": "C2", "name": "empty"}]
    whole = {"users.json": people, "channels.json": channels, **parts, **days}
    return zipped({name: json.dumps(content) for name, content in whole.items()})


def test_a_slack_export_is_one_document_a_channel_and_day() -> None:
    """Ids are names, markup is Markdown, and what nobody wrote is left out."""
    made = documents(
        export(
            {
                "help/2024-06-03.json": [
                    message(NOON, "U1", "Ask <@U2> in <#C1|help> &amp; read <https://a.b|this> &lt;soon&gt; <!here>"),
                    message(NOON + 60, "U2", "<@U2> has joined", subtype="channel_join"),
                    message(
                        NOON + 120, "", "", subtype="bot_message", username="Bot", attachments=[{"text": "Built."}]
                    ),
                ],
                "help/2024-06-04.json": [message(NOON + 86400, "U2", "See", files=[{"name": "plan.pdf"}])],
            }
        ),
        "slack.zip",
    )
    assert set(made) == {"help/2024-06-03", "help/2024-06-04"}
    first, second = made.values()
    assert (first.title, first.date, second.author) == ("#help, 2024-06-03", "2024-06-03", "Ben")
    assert [text for _, text in body(first)] == [
        "Ask here",
        "**Ada L.**, 12:00: Ask @Ben in #help & read [this](https://a.b) <soon> @here",
        "**Bot**, 12:02: Built.",
    ]
    assert body(second)[1][1] == "**Ben**, 12:00: See\n(file: plan.pdf)"


def test_a_thread_stays_together_over_days() -> None:
    """Replies stand under the message they answer, on its day; a reply without its beginning stands alone."""
    made = documents(
        export(
            {
                "help/2024-06-03.json": [
                    message(NOON, "U1", "Which form?", thread_ts=f"{NOON:.6f}"),
                    message(NOON + 60, "U2", "Lunch?"),
                    message(NOON + 90, "U2", "late reply", thread_ts="100.000000"),
                ],
                "help/2024-06-04.json": [message(NOON + 86400, "U2", "Form 7.\nIt is new.", thread_ts=f"{NOON:.6f}")],
            }
        ),
        "slack.zip",
    )
    (document,) = made.values()
    assert body(document)[1:] == [
        (BlockKind.LIST, "- **Ada L.**, 12:00: Which form?\n- **Ben**, 2024-06-04 12:00: Form 7.\n  It is new."),
        (BlockKind.PARAGRAPH, "**Ben**, 12:01: Lunch?"),
        (BlockKind.PARAGRAPH, "**Ben**, 12:01: late reply"),
    ]


def test_private_conversations_of_slack_are_left_out() -> None:
    """Only channels that everybody could read are read, and that is said."""
    data = export(
        {
            "help/2024-06-03.json": [message(NOON, "U1", "open")],
            "D1/2024-06-03.json": [message(NOON, "U1", "secret")],
            "board/2024-06-03.json": [message(NOON, "U1", "secret")],
        },
        **{"dms.json": [{"id": "D1"}], "groups.json": [{"id": "G1", "name": "board"}]},
    )
    assert set(documents(data, "slack.zip")) == {"help/2024-06-03"}
    assert "dms.json, groups.json" in next(members(data, PurePath("slack.zip"))).note


def test_a_broken_slack_export_says_which_part() -> None:
    """The part is named."""
    with pytest.raises(DocumentError, match=r"slack\.zip cannot be read\. Its part channels\.json is not"):
        documents(export({}, **{"channels.json": {"a": 1}}), "slack.zip")


def chat(**more: Any) -> dict[str, Any]:
    said = [
        {"id": 1, "type": "message", "date": "2024-06-03T12:00:00", "from": "Ada", "text": "Which form?"},
        {"id": 2, "type": "service", "date": "2024-06-03T12:01:00", "action": "invite_members", "text": ""},
        {
            "id": 3,
            "type": "message",
            "date": "2024-06-04T09:00:00",
            "from": "Ben",
            "reply_to_message_id": 1,
            "text": [
                "Form ",
                {"type": "bold", "text": "7"},
                ", ",
                {"type": "text_link", "text": "here", "href": "https://a.b"},
            ],
        },
    ]
    return {"name": "Help/all", "type": "private_group", "id": 5, "messages": said, **more}


def test_a_telegram_export_is_one_document_a_day() -> None:
    """Who answers whom is said, formatting is Markdown, and service messages are left out."""
    made = documents(json.dumps(chat()).encode(), "result.json")
    assert {name: [text for _, text in body(document)] for name, document in made.items()} == {
        "Help-all/2024-06-03": ["**Ada**, 12:00: Which form?"],
        "Help-all/2024-06-04": ["**Ben** to Ada, 09:00: Form **7**, [here](https://a.b)"],
    }
    assert made["Help-all/2024-06-03"].title == "Help/all, 2024-06-03"


def test_a_telegram_export_in_an_archive_is_read_as_one() -> None:
    """Other JSON beside it is code."""
    data = zipped({"chat/result.json": json.dumps(chat()), "chat/a.json": '{"a": 1}'})
    assert set(documents(data, "all.zip")) == {
        "chat/result.json/Help-all/2024-06-03",
        "chat/result.json/Help-all/2024-06-04",
        "chat/a.json",
    }


def test_private_chats_of_telegram_are_left_out() -> None:
    """An export of everything gives its groups and channels; two of one name do not collide."""
    chats = [chat(), chat(id=6), chat(id=7, type="personal_chat", name="Secret")]
    data = json.dumps({"chats": {"list": chats}}).encode()
    assert set(documents(b'{"messages": 1}', "a.json")) == {""}
    found = list(members(b'{"about": "messages", ' + data[1:], PurePath("result.json")))
    assert [member.name for member in found] == [
        "Help-all/2024-06-03",
        "Help-all/2024-06-04",
        "Help-all/2024-06-03 (2)",
        "Help-all/2024-06-04 (2)",
    ]
    assert "Private chats" in found[0].note
