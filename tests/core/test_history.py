"""x: what is asked, given what was said before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answering.history import (
    LEANS,
    MAY_LEAN,
    Query,
    before,
    leaning,
    questions,
    standalone_question,
    understand,
    waiting,
)
from core.answering.prompt import NOT_FOUND
from core.domain import Person, Turn
from core.people.preferences import Language, Length

ANN, BEN = Person("test", "w", "ann"), Person("test", "w", "ben")
TAXI = "How do I call a taxi?"
CONTRACTORS = "and for contractors?"


def turn(question: str, answer: str = "An answer.", person: Person = ANN) -> Turn:
    return Turn(person, question, answer, datetime(2026, 1, 1, tzinfo=UTC))


def talk(*questions: str) -> list[Turn]:
    return [turn(question, f"Answer {number}.") for number, question in enumerate(questions, start=1)]


@pytest.mark.parametrize(
    "message",
    [
        "and how long does it take?",
        "Who approves them?",
        "why?",
        "how long?",
        "And for contractors?",
        "what about contractors?",
        "how do I cancel it",
        "Wie lange dauert das?",
        "und für Werkstudenten?",
        "Gilt das auch für Externe?",
        "et pour les externes ?",
        "¿y para externos?",
        "e per gli esterni?",
        "それは契約社員も同じですか？",
        "这个也适用于外包员工吗？",
    ],
)
def test_a_message_that_points_back_leans_on_what_was_said(message: str) -> None:
    assert leaning(message) == LEANS


@pytest.mark.parametrize(
    "message", ["what is Tock", "Where is the Chicago office?", "maximum amount?", "Was ist Tock?", "契約社員は？"]
)
def test_a_short_message_that_points_nowhere_may_lean(message: str) -> None:
    """It is searched for both ways, first of all by itself."""
    assert leaning(message) == MAY_LEAN < 0.5


@pytest.mark.parametrize(
    "message",
    [
        "How do I enroll in the transit benefit?",
        "What is the maximum travel reimbursement for contractors working abroad, and who approves it?",
        "reset VPN password",
        "出張費の精算に必要な書類と提出期限を教えてください",
        "I forgot my password, what now?",
    ],
)
def test_a_message_with_a_topic_of_its_own_stands_alone(message: str) -> None:
    assert leaning(message) == 0
    assert understand(message, talk(TAXI)).searches == {message: 1.0}


def test_a_follow_up_is_searched_for_with_the_last_question_that_stood_by_itself_and_without() -> None:
    turns = talk("What is a purchase card?", "How do I enroll in transit benefits?", "and who approves it?")
    message = "how long does it take?"
    known = understand(message, turns)
    assert list(known.searches.items()) == [
        (f"How do I enroll in transit benefits?\n{message}", LEANS),
        (message, pytest.approx(1 - LEANS)),
    ]
    assert (known.question, known.turns, known.form, known.begun) == (message, tuple(turns), {}, "")
    assert standalone_question(message, turns) == known.likeliest


def test_a_question_about_something_else_is_searched_for_by_itself_first() -> None:
    assert list(understand("what is Tock", talk(TAXI)).searches) == ["what is Tock", f"{TAXI}\nwhat is Tock"]
    assert standalone_question("what is Tock", talk(TAXI)) == "what is Tock"


def test_what_follows_such_a_question_leans_on_it() -> None:
    assert understand("who uses it?", talk(TAXI, "what is Tock")).likeliest == "what is Tock\nwho uses it?"


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=30), max_size=4))
def test_the_readings_of_any_message_are_a_distribution(message: str, said: list[str]) -> None:
    known = understand(message, talk(*said))
    shares = list(known.searches.values())
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    assert len(shares) in {1, 2}
    assert known.said == message


@pytest.mark.parametrize("message", ["and how long does it take?", "shorter please", "put it in a table", "go on"])
def test_a_first_message_is_a_question_as_it_is(message: str) -> None:
    assert understand(message, []) == Query(message, message, {message: 1.0})


@pytest.mark.parametrize(
    ("message", "form"),
    [
        ("make that shorter", {"length": Length.SHORT}),
        ("in Spanish please", {"language": Language.SPANISH}),
        ("tell me more", {"length": Length.DETAILED}),
    ],
)
def test_a_wish_for_another_form_asks_the_last_question_again(message: str, form: dict[str, str]) -> None:
    """With the turns before it, so that all but the form is as it was."""
    turns = talk(TAXI, CONTRACTORS)
    first = understand(CONTRACTORS, turns[:1])
    again = understand(message, turns)
    assert again == Query(message, CONTRACTORS, first.searches, first.turns, form)


def test_wishes_add_up_and_the_later_one_counts() -> None:
    turns = talk(TAXI, "shorter", "in German")
    assert understand("more formal", turns).form == {"length": "short", "language": "german", "tone": "formal"}
    assert understand("tell me more", turns).form == {"length": "detailed", "language": "german"}
    assert understand("tell me more", turns).question == TAXI


def test_behind_any_number_of_rewordings_a_follow_up_leans_on_the_question() -> None:
    """The model hears the question with its last answer, as one turn."""
    turns = talk(TAXI, "shorter", "auf Deutsch bitte", "put it in a table")
    known = understand(CONTRACTORS, turns)
    assert known.likeliest == f"{TAXI}\n{CONTRACTORS}"
    assert [(told.question, told.answer) for told in known.turns] == [(TAXI, "Answer 4.")]


def test_what_no_preference_has_a_word_for_is_shown_to_the_model_with_the_passages_of_the_question() -> None:
    turns = talk("What is a purchase card?", TAXI, "in German")
    known = understand("put it in a table", turns)
    assert known.searches == understand(TAXI, turns[:1]).searches
    assert known.question == "put it in a table"
    assert [(told.question, told.answer) for told in known.turns][-1] == (TAXI, "Answer 3.")
    assert known.form == {"language": "german"}


def test_an_answer_that_was_cut_goes_on_as_it_began() -> None:
    turns = [turn(TAXI, "One. Two. …"), turn("in German", "Eins. Zwei. …")]
    known = understand("tell me more", turns)
    assert (known.question, known.begun, known.form) == (TAXI, "Eins. Zwei.", {"language": Language.GERMAN})
    turns.append(turn("tell me more", "Drei. …"))
    assert understand("weiter", turns).begun == "Eins. Zwei. Drei."
    assert understand("weiter", turns).form == {"language": Language.GERMAN}
    turns.append(turn("weiter", "Vier."))
    assert understand("go on", turns).begun == ""
    assert understand(CONTRACTORS, turns).turns[0].answer == "Eins. Zwei. Drei. Vier."
    assert understand("shorter", turns).begun == ""


def test_a_rewording_that_found_nothing_leaves_the_answer_as_it_was() -> None:
    known = understand(CONTRACTORS, [turn(TAXI, "Dial 5."), turn("shorter", NOT_FOUND)])
    assert known.turns[0].answer == "Dial 5."


@pytest.mark.parametrize("wish", ["in Spanish please", "shorter", "tell me more"])
def test_a_refusal_in_another_form_is_a_refusal(wish: str) -> None:
    assert understand(wish, [turn(TAXI, "Dial 5."), turn(CONTRACTORS, NOT_FOUND)]).refused
    assert not understand(wish, [turn(CONTRACTORS, NOT_FOUND), turn(TAXI, "Dial 5.")]).refused
    assert not understand(CONTRACTORS, [turn(CONTRACTORS, NOT_FOUND)]).refused


def test_what_somebody_asked_is_known_without_rewordings_and_without_others() -> None:
    turns = [turn(TAXI), turn("shorter"), turn("Where is the Chicago office?", person=BEN), turn(CONTRACTORS)]
    assert questions(turns, ANN) == [TAXI, CONTRACTORS]


FORWARD = "Trips abroad need no approval"


def forward(said: str = FORWARD, *, at: int = 0, gone: bool = False) -> Turn:
    moment = datetime(2026, 1, 1, 0, at, tzinfo=UTC)
    return Turn(ANN, said, "", moment, None if gone else (), said)


@pytest.mark.parametrize(
    "message",
    [
        "Does this match the current travel policy for contractors in Germany?",
        "Is it right according to the travel policy of our company?",
        "Stimmt das laut unserer aktuellen Reiserichtlinie für Auslandsreisen?",
        "Passt dies zur aktuellen Reiserichtlinie für externe Mitarbeiter in Spanien?",
    ],
)
def test_a_long_question_that_points_is_about_what_was_just_forwarded(message: str) -> None:
    """However many words of its own it has."""
    asked = understand(message, [forward()])
    assert asked.quoted == FORWARD
    assert any(FORWARD in search for search in asked.searches)


@pytest.mark.parametrize(
    "message",
    [
        "How many weeks is parental leave for both parents?",
        "Welche Unterlagen braucht die Personalabteilung für Elternzeit und Mutterschutz?",
    ],
)
def test_a_long_question_that_points_nowhere_stands_by_itself(message: str) -> None:
    asked = understand(message, [forward()])
    assert (asked.quoted, [*asked.searches]) == ("", [message])


def test_what_was_forwarded_waits_for_a_while() -> None:
    """Ten minutes, or until it is let go; forwarded again, it waits again."""
    soon, late = (datetime(2026, 1, 1, 0, minute, tzinfo=UTC) for minute in (10, 11))
    talked = [turn(TAXI), forward()]
    assert (waiting(talked, soon), waiting(talked, late)) == (talked, talked[:1])
    gone = [*talked, forward("Other"), forward(at=1, gone=True)]
    assert waiting(gone, soon) == [talked[0], gone[2]]
    assert waiting([*gone, forward(at=2)], soon) == [talked[0], gone[2], forward(at=2)]


def test_what_was_said_before_a_new_beginning_counts_no_more() -> None:
    """After an empty turn, which marks a new beginning, only what follows it is the conversation."""
    turns = [turn("What is a purchase card?"), turn("", ""), turn("How do I enroll in transit benefits?")]
    assert before("and who approves it?", turns, again=False) == turns[2:]
    assert before("hello", turns[:2], again=False) == []


@pytest.mark.parametrize(
    "message",
    [
        "draft a slack message: how to ask for software, max 80 words",
        "write an e-mail about laptops",
        "Schreib eine Mail über Tock",
        "summarise telework in three bullets",
    ],
)
def test_a_new_text_with_a_short_topic_hears_nothing_of_what_was_said(message: str) -> None:
    """Or the addresses of the last text would stand in it."""
    query = understand(message, talk("turn the travel page into a checklist"))
    assert query.text is not None
    assert query.turns == ()
    assert all("travel" not in text for text in query.searches)


@pytest.mark.parametrize(
    "message", ["draft a slack message about those numbers", "Write an e-mail to the team about those rules"]
)
def test_a_text_about_what_was_said_hears_it(message: str) -> None:
    query = understand(message, talk(TAXI))
    assert query.text is not None
    assert query.turns
    assert query.likeliest.startswith(TAXI)


@pytest.mark.parametrize(
    "message", ["summarise the email", "draft a reply", "draft a reply saying we agree", "write a reply to Anna"]
)
def test_a_text_of_what_is_quoted_searches_it(message: str) -> None:
    query = understand(message, (), "The office in Berlin moves to another street on 3 March.")
    assert query.likeliest.startswith("The office in Berlin")


@pytest.mark.parametrize(
    "message",
    [
        "Translate the newsletter into German",
        "translate the newsletter to German please",
        "Could you translate the newsletter into German?",
        "can u translate the newsletter into german",
        "tranlsate the newsletter into german",
        "Translate our newsletter into German",
        "Translate the March newsletter into German",
        "Please translate the onboarding guide into German",
        "Translate the page on travel into German",
        "translate the travel policy into Spanish",
        "Translate the announcement into French",
        "translate the checklist into German",
        "Translate the report to English",
        "translate the job ad into German",
        "translate the e-mail about laptops into German",
        "summarise the newsletter",
        "Put the agenda into a table",
        "Übersetze den Newsletter ins Deutsche",
        "Übersetze bitte das Rundschreiben ins Englische",
        "Kannst du das Rundschreiben ins Englische übersetzen?",
        "Könnten Sie den Leitfaden auf Englisch übersetzen?",
        "uebersetz die Checkliste ins englische",
        "Übersetze die Seite über Reisen ins Englische",
    ],
)
def test_a_text_that_is_no_answer_is_looked_for_in_the_documents(message: str) -> None:
    """Nobody wrote one here, so what is named is theirs; its language is the one that is asked for."""
    query = understand(message, talk(TAXI))
    assert query.text is not None
    assert all(TAXI not in search for search in query.searches)
    assert query.form == ({"language": query.text.language} if query.text.language else {})
    assert ("german" in message.lower() or "deutsch" in message.lower()) == (query.form.get("language") == "german")
    assert not query.rewords
    assert (query.goes_on, query.reworks) == (None, "")


@pytest.mark.parametrize(
    "message",
    [
        "Translate it into German",
        "translate that into German please",
        "Translate this to German",
        "Translate your answer into German",
        "translate your last answer into German",
        "Translate the answer into German",
        "translate the above into German",
        "transalte it into german",
        "can u translate it into german",
        "would you mind translating that to German?",
        "Translate the summary into German",
        "translate the text into German",
        "translate the table into German",
        "in German please",
        "Übersetze das ins Deutsche",
        "Übersetz es bitte ins Deutsche",
        "Übersetze deine letzte Antwort ins Deutsche",
        "Kannst du die Antwort ins Deutsche übersetzen?",
        "übersezte das ins deutsche",
        "Die Zusammenfassung bitte auf Deutsch",
    ],
)
@pytest.mark.parametrize("before", [TAXI, "Write a newsletter about taxis"])
def test_what_points_at_the_answer_is_about_it(before: str, message: str) -> None:
    query = understand(message, talk(before))
    assert (query.question, query.form, query.rewords) == (before, {"language": "german"}, True)


@pytest.mark.parametrize(
    "message",
    ["Translate the newsletter into German", "make the newsletter shorter", "Übersetze den Newsletter ins Deutsche"],
)
def test_a_text_that_was_written_here_is_the_answer(message: str) -> None:
    """Also once it was worked over; behind another question it is one of the documents again."""
    written = talk("Write a newsletter about taxis")
    for turns in (written, [*written, turn("more formal")], [*written, turn(message)]):
        query = understand(message, turns)
        assert (query.question, query.rewords) == ("Write a newsletter about taxis", True)
        assert query.reworks == turns[-1].answer
    assert not understand(message, [*written, *talk(TAXI)]).rewords
