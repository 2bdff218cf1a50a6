"""Every message, modal and tab that Slack is given: within its limits, whatever people and documents wrote."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots import texts
from bots.lessons import LessonReply, ReaderChoice
from bots.on_slack import blocks as slack_blocks
from bots.on_slack import home as slack_home
from bots.replies import Final
from core.documents.teaching import Lesson
from core.domain import Passage, Person, Source, Sources
from core.people.interests import Action
from core.people.preferences import (
    Format,
    Language,
    Length,
    Level,
    Polarity,
    PreferenceKind,
    PreferenceOrigin,
    Preferences,
    PreferenceSet,
    StatedPreference,
    Tone,
)
from core.people.profile import InterestInWords, Profile
from tests.bots.test_slack_render import HOSTILE
from tests.doubles.slack_limits import message_complaints, view_complaints

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANN = Person("slack", "T1", "UANN")
TEXT = st.one_of(st.sampled_from([*HOSTILE, "", " ", "x" * 500]), st.text(max_size=60))
PASSAGES = st.builds(
    Passage,
    id=st.just("p"),
    source=st.one_of(TEXT, st.just("/docs/" + "long/" * 100 + "page.md")),
    title=TEXT,
    headings=st.lists(TEXT, max_size=4).map(tuple),
    text=st.lists(TEXT, max_size=20).map("\n".join),
    line=st.integers(0, 9),
    ordinal=st.just(0),
    total=st.just(1),
    version=st.just("v"),
    page=st.integers(0, 9),
)
SOURCES = st.lists(PASSAGES, max_size=16).map(
    lambda found: tuple(Source(number, passage) for number, passage in enumerate(found, start=1))
)
FINALS = st.builds(
    Final,
    markdown=TEXT,
    sources=SOURCES,
    nearest=SOURCES,
    note=st.sampled_from(["", texts.LEFT_OUT]),
    answer=st.sampled_from(["", "0123456789abcdef"]),
    listing=st.sampled_from(Sources),
)
PREFERENCES = st.builds(
    Preferences,
    st.sampled_from(Length),
    st.sampled_from(Tone),
    st.sampled_from(Format),
    st.sampled_from(Level),
    st.sampled_from(Language),
    st.sampled_from(Sources),
)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """A person who set nothing, or more than anybody would: 500 preferences, all of them hostile."""
    count = draw(st.sampled_from([0, 1, 3, 30, 500]))
    texts = draw(st.lists(TEXT, min_size=1, max_size=5))
    stated = tuple(
        StatedPreference(
            n + 1, texts[n % len(texts)], list(Polarity)[n % 3], PreferenceKind.TOPIC, (), PreferenceOrigin.SAID, NOW
        )
        for n in range(count)
    )
    interests = tuple(
        InterestInWords(n + 1, tuple(texts), tuple(texts), 0.5, NOW, ((Action.UP, 3), (Action.OPENED, 1)))
        for n in range(draw(st.sampled_from([0, 1, 4, 50])))
    )
    wishes = PreferenceSet(
        draw(PREFERENCES), stated, draw(st.integers(0, 100)), draw(st.booleans()), draw(st.booleans())
    )
    return Profile(ANN, wishes, interests, 7)


@settings(max_examples=100, deadline=None)
@given(final=FINALS, question=TEXT, asker=st.sampled_from(["", "UANN"]))
def test_what_stands_under_an_answer(final: Final, question: str, asker: str) -> None:
    """Sources, buttons and feedback are taken by Slack, with feedback buttons and without."""
    blocks = slack_blocks.under_answer(final, question=question, asker=asker)
    assert message_complaints(blocks) == []
    assert message_complaints(slack_blocks.plain_feedback(blocks)) == []


@settings(max_examples=100, deadline=None)
@given(profiles(), TEXT, TEXT, st.lists(TEXT, max_size=20))
def test_the_home_tab(profile: Profile, said: str, recommended: str, asked: list[str]) -> None:
    """From nothing set to five hundred preferences and lessons, the tab is one that Slack takes."""
    lessons = [Lesson(f"{n:032x}", text, ANN, ("channel:slack/T1/C1",), NOW) for n, text in enumerate(asked * 25)]
    told = LessonReply(said * 20, returnable=next(iter(lessons), None))
    shown = slack_home.HomeView(recommended * 200, asked, lessons, told)
    assert view_complaints(slack_home.home(profile, shown)) == []
    assert message_complaints(slack_blocks.lesson_rows(lessons)) == []


@settings(max_examples=60, deadline=None)
@given(profiles())
def test_the_form(profile: Profile) -> None:
    """The form shows what is set, and submitted as it is it changes nothing."""
    view = slack_home.prefs_modal(profile)
    assert view_complaints(view) == []
    shown = {
        block["block_id"]: block["element"].get("initial_option", {}).get("value", "")
        for block in view["blocks"]
        if block["type"] == "input"
    }
    assert slack_home.commands_of(shown, profile) == []


@settings(max_examples=60, deadline=None)
@given(passage=PASSAGES, text=TEXT, private=st.booleans())
def test_the_small_modals(passage: Passage, text: str, *, private: bool) -> None:
    """Passages, sentences, reasons and lessons stand in modals that Slack takes."""
    views = [
        slack_blocks.passage_modal(passage),
        slack_blocks.text_modal(text, text * 50),
        slack_blocks.reasons_modal("0123456789abcdef"),
        slack_blocks.teach_modal("C1", "1.0", "1.0", text, private=private),
        slack_blocks.loading(text, "name"),
        slack_home.closed(text),
    ]
    assert [view_complaints(view) for view in views] == [[]] * len(views)
    assert message_complaints(slack_blocks.teach_offer("F1", text, list(ReaderChoice))) == []


def test_everybody_is_for_operators_to_choose() -> None:
    """Whoever teaches a thread reads beside "Everyone" that only operators may choose it."""
    view = slack_blocks.teach_modal("C1", "1.0", "1.0", "Pumps", private=False)
    options = view["blocks"][2]["element"]["options"]
    assert [each["text"]["text"] for each in options] == [
        "Everyone in this chat",
        "Only me",
        "Everyone (operators only)",
    ]


@pytest.mark.parametrize(
    ("reader", "who"),
    [
        ("person:slack/T1/UANN", "only you"),
        ("channel:slack/T1/C1", "the members of a channel"),
        ("everyone", "everyone"),
    ],
)
def test_a_lesson_says_whom_it_is_for(reader: str, who: str) -> None:
    """A list of lessons may be read anywhere, so a channel's is not for "this chat"."""
    lesson = Lesson("0" * 32, "pumps.md", ANN, (reader,), NOW)
    (row,) = slack_blocks.lesson_rows([lesson])
    assert row["text"]["text"].endswith(f"for {who}")


@given(st.lists(TEXT, max_size=9), st.lists(TEXT, max_size=9))
def test_prompts(asked: list[str], titles: list[str]) -> None:
    """Between one and four prompts, none of them empty."""
    prompts = slack_home.prompts(asked, titles)
    assert 1 <= len(prompts) <= 4
    assert all(prompt["title"].strip() and prompt["message"].strip() for prompt in prompts)


@pytest.mark.parametrize(
    ("chosen", "commands"),
    [
        ({}, []),
        ({"length": "short"}, ["/prefs length short"]),
        ({"learning": "paused", "share": "on"}, ["/prefs pause", "/prefs share on"]),
        ({"strength": "0", "avoid": "  long\nwalks "}, ["/prefs strength 0", "/prefs avoid long walks"]),
    ],
)
def test_the_form_says_what_somebody_would_have_typed(chosen: dict[str, str], commands: list[str]) -> None:
    """Only what was changed becomes a command."""
    assert slack_home.commands_of(chosen, Profile(ANN, PreferenceSet())) == commands
