"""What Slack's deliveries mean."""

from __future__ import annotations

import pytest

from bots.on_slack.events import as_command, ask_event, is_courtesy, is_stop, plain_text, question, said, said_in


def body(text: str, **more: object) -> dict:
    event = {"type": "message", "channel": "C1", "channel_type": "channel", "ts": "17.5", "user": "UANN", "text": text}
    return {"team_id": "T1", "event": {**event, **more}}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("<@U1|ann> and <@U2>", "@ann and @U2"),
        ("<#C1|general> <#C2>", "#general #C2"),
        ("<!here> <!channel> <!subteam^S1|@team> <!date^1^{date}|today>", "@here @channel @team today"),
        ("<https://a.example>", "https://a.example"),
        ("<https://a.example|a.example>", "a.example (https://a.example)"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("1 < 2", "1 < 2"),
    ],
)
def test_text_is_read_as_people_see_it(text: str, plain: str) -> None:
    """Slack's tokens and entities become the words that stand on the screen."""
    assert plain_text(text) == plain


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("<@UBOT> how long?", "how long?"),
        ("hey <@UBOT|attune>: how long?", "hey how long?"),
        ("<@UBOT> prefs length short", "/prefs length short"),
        ("!why", "/why"),
        ("help", "/help"),
        ("help me with my laptop", "help me with my laptop"),
        ("forget everything", "/forget everything"),
        ("forget about it", "forget about it"),
        ("! what now", "! what now"),
        ("<@UBOT> Hello!", "/help"),
        ("hi, how long does it take?", "hi, how long does it take?"),
        (":+1:", "👍"),
    ],
)
def test_a_question_is_what_is_left_without_the_bots_name(text: str, asked: str) -> None:
    """What reads like a command is one; what only begins like one is a question."""
    assert question(text, "UBOT") == asked


@pytest.mark.parametrize(
    ("text", "courtesy"),
    [
        ("Thanks a lot!", True),
        ("<@UBOT> great, thank you :tada: 🎉", True),
        ("ok?", False),
        ("ok, and how long?", False),
        ("<@UBOT>", False),
        ("ありがとう 休暇", False),
    ],
)
def test_thanks_are_no_question(text: str, *, courtesy: bool) -> None:
    """What says thanks or yes and asks nothing is told from a question."""
    assert is_courtesy(text) is courtesy


@pytest.mark.parametrize(("text", "stops"), [("stop", True), ("<@UBOT> Stop!", True), ("stop the pump?", False)])
def test_stop(text: str, *, stops: bool) -> None:
    """`stop` alone stops."""
    heard = said(body(text), "UBOT")
    assert heard is not None
    assert is_stop(heard) is stops


def test_a_message_and_a_mention_are_one_event() -> None:
    """Both have the same key, which names workspace, channel and message; an edit has another."""
    keys = [
        ask_event(heard).key for kind in ("message", "app_mention") if (heard := said(body("x", type=kind), "UBOT"))
    ]
    assert keys == ["slack:T1:C1:17.5"] * 2
    edit = {
        "message": {"user": "UANN", "text": "y", "ts": "17.5", "edited": {"ts": "18.1"}},
        "previous_message": {"text": "x"},
    }
    changed = said(body("", subtype="message_changed", **edit), "UBOT")
    assert changed is not None
    assert ask_event(changed).key == "slack:T1:C1:17.5:18.1"


def test_a_message_travels_whole() -> None:
    """What the receiver heard is what the sender gets."""
    heard = said(body("<@UBOT> x", thread_ts="16.1", files=[{"id": "F1", "name": "a.md"}], user_team="T2"), "UBOT")
    assert heard is not None
    assert said_in(ask_event(heard)) == heard
    assert (heard.root, heard.in_thread, heard.mentioned, heard.home, heard.files) == (
        "16.1",
        True,
        True,
        "T2",
        (("F1", "a.md"),),
    )


def test_commands_keep_their_words() -> None:
    """Only the first word is looked at."""
    assert as_command("Prefs say Use Metric Units") == "/Prefs say Use Metric Units"
