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


def said_in(slack: dict[str, Any], *more: dict[str, Any]) -> list[str]:
    """What the messages of one day say, without who and when."""
    made = documents(export({"help/2024-06-03.json": [{**message(NOON, "U1", ""), **slack}, *more]}), "slack.zip")
    return [text.partition(": ")[2] for document in made.values() for _, text in body(document)[1:]]


def test_what_stands_in_blocks_and_fields_is_read() -> None:
    """Programs write in blocks, in attachments' fields, and in blocks of attachments; ids in them are names, too."""
    inner = [
        {"type": "user", "user_id": "U2"},
        {"type": "text", "text": " & "},
        {"type": "channel", "channel_id": "C1"},
    ]
    block = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": inner}]}
    field = {"title": "Host", "value": "<https://a.b|db-3>", "short": True}
    assert said_in({"blocks": [block]}) == ["@Ben & #help"]
    assert said_in({"attachments": [{"title": "Disk full", "fields": [field], "fallback": "Disk full"}]}) == [
        "Disk full\nHost: [db-3](https://a.b)"
    ]
    assert said_in({"attachments": [{"blocks": [block], "fallback": "[no preview available]"}]}) == ["@Ben & #help"]


def test_what_was_changed_or_deleted_is_read_as_it_stands() -> None:
    """An export may note changes down; whoever came and went is left out, what programs wrote is not."""
    changes = [
        message(NOON + 8, "", "", subtype="message_changed", message=message(NOON, "U1", "new")),
        message(NOON + 1, "U2", "gone"),
        message(NOON + 9, "", "", subtype="message_deleted", deleted_ts=f"{NOON + 1:.6f}"),
        message(NOON + 2, "U2", "left", subtype="channel_leave"),
        message(NOON + 3, "U2", "of tomorrow", subtype="some_new_kind"),
    ]
    assert said_in({"text": "old"}, *changes) == ["new", "of tomorrow"]


def test_a_date_in_a_message_is_a_date() -> None:
    """It is nobody who is called."""
    assert said_in({"text": "due <!date^1717416000^{date}|3 June> for <!subteam^S1|@hr>"}) == ["due 3 June for @hr"]


def test_canvases_and_files_in_an_export_are_read() -> None:
    """What lies with the messages is a document, where it is everybody's; what is left out is named."""
    canvas = "<html><body><h1>Runbook</h1><p>Close the gate.</p></body></html>"
    parts = {"help/2024-06-03.json": [message(NOON, "U1", "see canvas")]}
    whole = {name: json.dumps(content) for name, content in parts.items()}
    lists = {"users.json": "[]", "channels.json": json.dumps([{"id": "C1", "name": "help"}]), "canvases.json": "[]"}
    data = zipped({**lists, **whole, "help/canvas.html": canvas, "board/canvas.html": canvas})
    assert {*documents(data, "slack.zip")} == {"help/2024-06-03", "help/canvas.html", "board/canvas.html"}
    assert "canvases.json" in next(members(data, PurePath("slack.zip"))).note
    closed = zipped({**lists, **whole, "help/canvas.html": canvas, "board/canvas.html": canvas, "groups.json": "[]"})
    assert {*documents(closed, "slack.zip")} == {"help/2024-06-03", "help/canvas.html"}
    assert "board/canvas.html" in next(members(closed, PurePath("slack.zip"))).note


def test_a_slack_export_in_a_folder_of_an_archive_is_one() -> None:
    """Packed again with its folder, by an organisation of several workspaces, it still keeps private what was."""
    day, lists = (
        json.dumps([message(NOON, "U1", "open")]),
        {"channels.json": json.dumps([{"id": "C1", "name": "help"}])},
    )
    people = json.dumps([{"id": "U1", "profile": {"real_name": "Ada L."}}])
    whole = {
        **lists,
        "org_users.json": people,
        "dms.json": "[]",
        "help/2024-06-03.json": day,
        "D1/2024-06-03.json": day,
    }
    data = zipped({f"export/{name}": content for name, content in whole.items()} | {"README.txt": "Hello."})
    made = documents(data, "slack.zip")
    assert {*made} == {"export/help/2024-06-03", "README.txt"}
    assert body(made["export/help/2024-06-03"])[0][1] == "**Ada L.**, 12:00: open"


def test_telegram_forwards_of_the_gone_and_answers_to_other_chats() -> None:
    """A deleted account's words are not the forwarder's; what was said elsewhere is not what has its number here."""
    base = {"type": "message", "date": "2024-06-03T12:00:00", "from": "Ada"}
    first = {**base, "id": 1, "from": "Ben", "text": "Where?"}
    gone = {**base, "id": 2, "text": "Take form 7", "forwarded_from": None}
    there = {**base, "id": 3, "text": "Yes", "reply_to_message_id": 1, "reply_to_peer_id": "channel77"}
    data = json.dumps(chat(messages=[first, gone, there])).encode()
    [document] = documents(data, "result.json").values()
    assert [text for _, text in body(document)][1:] == [
        "**Ada**, 12:00: Forwarded from somebody:\nTake form 7",
        "**Ada**, 12:00: Yes",
    ]


def test_what_telegram_shows_besides_text_is_read() -> None:
    """Polls, checklists, contacts, places and what is unknown; who said it first, and in which topic."""
    shown = [
        {
            "poll": {
                "question": "Which gate?",
                "total_voters": 3,
                "answers": [{"text": "Two", "voters": 3, "chosen": True}],
            }
        },
        {
            "todo_list": {
                "title": "Move in",
                "answers": [{"id": 1, "text": ["Get a ", {"type": "bold", "text": "badge"}]}],
            }
        },
        {"contact_information": {"first_name": "Zoe", "last_name": "", "phone_number": "+49 30 1"}},
        {"location_information": {"latitude": 1.5, "longitude": 2}, "place_name": "Depot", "address": "Quay 3"},
        {"text": "Take form 7", "forwarded_from": "HR news"},
        {
            "text": [
                {"type": "blockquote", "text": "a\nb"},
                {"type": "pre", "text": "x", "language": "sh"},
                {"type": "odd"},
            ]
        },
        {"invoice_information": {"title": "Badge", "description": "A new one", "amount": 5}},
        {"reply_to_message_id": 90, "text": "in the topic"},
        {"media_type": "voice_message", "file": "(File not included)"},
    ]
    base = {"type": "message", "date": "2024-06-03T12:00:00", "from": "Ada", "text": ""}
    topic = {"id": 90, "type": "service", "action": "topic_created", "title": "HR", "date": "2024-06-03T12:00:00"}
    messages = [topic, *({**base, "id": 100 + n, **one} for n, one in enumerate(shown))]
    data = json.dumps(chat(messages=messages)).encode()
    [document] = documents(data, "result.json").values()
    assert [text.partition(": ")[2] for _, text in body(document)] == [
        "Poll: Which gate?\n- Two (3 votes)",
        "Move in\n- Get a **badge**",
        "Contact: Zoe, +49 30 1",
        "Place: Depot, Quay 3, 1.5, 2",
        "Forwarded from HR news:\nTake form 7",
        "> a\n> b\n\n```sh\nx\n```",
        "Badge\nA new one",
        "in the topic",
    ]
    assert body(document)[-1][1].startswith("**Ada** in HR, 12:00")
    assert "1 × voice message" in next(members(data, PurePath("result.json"))).note
