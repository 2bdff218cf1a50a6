from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.answering.grounding import Grounding

PAGES = Path(__file__).parent.parent / "data" / "handbook"
TRAVEL = """### Travel › Booking
Book at [Concur](https://travel.gsa.gov/book) within 5 business days, or write to Travel@gsa.gov or #travel-help.
Ask @ana. The deadline is November 3, 2023 at 5pm; the office is open 9:00–17:30 on weekdays. Flights cost up to $1,200,
hotels 3.5 % less; per diem is $59 for a GS-14 and three meals. Room 410, phone +1 202-555-0100. PTO: 2 weeks a year.
Run `attune ingest PATH --watch` with Python 3.11.2 and set `ATTUNE_MODEL_URL`. The file is `config.yaml`, type /prefs.

| City | Rate | Contact |
|---|---|---|
| Berlin | $210 | Jo Weiss |
| Oslo | $250 | Kari Dahl |
"""
QUESTION = "how do i book 3 trips at $45 each in room 12 by 1 May?"


def told(answer: str, asked: str = "how do i book?", read: str = TRAVEL, size: int = 3) -> tuple[str, Grounding]:
    grounding = Grounding([read], asked)
    shown = [grounding.feed(answer[at : at + size]) for at in range(0, len(answer), size)]
    return "".join(shown) + grounding.finish(), grounding


@pytest.mark.parametrize(
    "answer",
    [
        "Book at travel.gsa.gov/book within five business days.",
        "Book at <https://www.travel.gsa.gov/book/>. It costs 1200 dollars, i.e. 1.200 $, or $1.2k.",
        "Write to travel@GSA.gov (mailto:travel@gsa.gov) or ask in #travel-help, e.g. @ana's team.",
        "Due 2023-11-03, 11/03/2023, 3.11.2023, 3 November 2023, Nov. 3rd or the 3rd of November, at 17:00 or 5 p.m.",
        "Am 3. November 2023 um 17 Uhr, spätestens in fünf Arbeitstagen. Flüge kosten höchstens 1.200 $.",
        "Buscas en tres días: el 3 de noviembre, en Concur. Le 3 novembre, trois repas.",
        "There are four ways, and 6 things to know:\n\n1. Book.\n2. Wait 3 days.\n10. Go.\n\nStep 7, see point 12.",
        "**Deadline: November 3.** You get 14 days (2 weeks) off in 12 months.",
        "3 trips x $45 = $135, with $59 that is 194; 3.5% of 1200 = 42.",
        "Run `attune ingest <folder> --watch` or `attune ingest your-folder`, on Python 3.11.",
        "```sh\nattune ingest PATH\n# 5 days later\nattune ingest PATH --watch\n```",
        "Set `ATTUNE_MODEL_URL` in config.yaml; type /prefs and/or call 202-555-0100. A GS 14 gets 59.00 USD.",
        "| # | City | Price |\n|---|---|---|\n| 1 | Oslo | 250 |\n| 2 | Berlin | 210 $ |",
        "| Stadt | Preis |\n|---|---|\n| Oslo (Norwegen) | 250 $ |",
        "Die Preise je Stadt in einer kleinen Tabelle:\n\n| Stadt | Preis |\n|---|---|\n| Die teuerste | 250 |",
        "It is open Monday to Friday, 24/7 by phone. Trip to room 12 on May 1st or 1. Mai :tada:",
        "[x] done, [1] and [ ] not; the [Concur](https://travel.gsa.gov/book) page, he/she, U.S. rules, etc. Done.",
        "Fehlt ein Leerzeichen.Dann geht es weiter.",
        "您可以在 https://travel.gsa.gov/book 预订，5 天之内。",
    ],
)
def test_a_right_answer_stands_however_it_is_written(answer: str):
    """Facts of the passages and of the question may be said in any way of writing, and structure is no fact."""
    shown, grounding = told(answer, QUESTION)
    assert (shown, grounding.left_out) == (answer, [])


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("Log in at https://login.gsa.gov/book. Then ask #travel-help.", "Log in at … Then ask #travel-help."),
        ("Write to anna@gsa.gov (Ana). Or to #general!", "Write to … Or to …"),
        ("Write to avel@gsa.gov.", "Write to …"),
        ("The host is gsa.gov.example.com, which is new.", "The host is …"),
        ("Ask @anabel for it.", "Ask …"),
        ("**You get 23 days** off. Book first.", "**You get …** Book first."),
        ("You get up to (about $61) a day.", "You get up to (about …)"),
        ("**Deadline: November 5.** OK.", "**Deadline: …** OK."),
        ("Bis zum 4. November geht es, z. B. so. Danach nicht.", "Bis zum … Danach nicht."),
        ("It ends 2023-11-04. It begins in August. It is over.", "It ends … It begins in … It is over."),
        ("Within 7 days. In seven weeks. About 8% of it. In room 6.", "Within … In … About … In room …"),
        ("It opens at 8:15 and at 6pm.", "It opens at …"),
        ("$500 is the limit. Flights cost $1,200.", "Flights cost $1,200."),
        ("- $500 a day\n- $59 a day\n  - 77 more\n- ok", "- $59 a day\n- ok"),
        ("Run `attune remove PATH` now. Ok.", "Run … Ok."),
        ("Run `attune ingest PATH --force`.", "Run …"),
        ("Type /delete to end. Or open ~/.attunerc and set MY_KEY.", "Type … Or open …"),
        ("See [the guide](https://evil.example/x) first. Then go.", "See the guide first. Then go."),
        ("It needs Python 3.12.1 or a GS-15.", "It needs Python …"),
        ("```sh\nattune ingest PATH\nrm -rf /\n```\nDone.", "```sh\nattune ingest PATH\n```\nDone."),
        ("```sh\nrm -rf /\n```\nDone.", "Done."),
        (
            "| City | Rate |\n|---|---|\n| Oslo | $250 |\n| Rome | $333 |\n| Somebody else entirely | new |\n\nOk.",
            "| City | Rate |\n|---|---|\n| Oslo | $250 |\n\nOk.",
        ),
        ("So:\n\n| City | Year |\n|---|---|\n| Paris | 1999 |", "So:\n\n"),
        ("您需要支付 777 元。然后等 5 天。", "您需要支付 …然后等 5 天。"),
    ],
)
def test_what_stands_nowhere_is_not_shown(answer: str, shown: str):
    """The sentence ends where the invented fact would stand; a row, a line of code, an item with nothing else goes."""
    said, grounding = told(answer)
    assert said == shown
    assert grounding.left_out


def test_a_word_is_held_back_and_not_the_stream():
    """Ordinary words come out as soon as they end, a number when two words more have told what it counts."""
    grounding = Grounding([TRAVEL])
    assert [grounding.feed(word) for word in ("You ", "have ", "5 ", "business ", "days ", "for ")] == [
        "You",
        " have",
        "",
        "",
        " 5 business days",
        " for",
    ]
    assert grounding.finish() == " "


def test_what_is_left_out_is_told_by_sentence():
    """`left_out` has each sentence, row, line of code and address that was cut, as the model said it."""
    _, grounding = told("Pay $500 now. See [it](https://a.example). Book.\n| Rome | $333 |\n```\nrm -rf x\n```")
    assert grounding.left_out == ["Pay $500 now.", "https://a.example", "| Rome | $333 |", "rm -rf x"]


@pytest.mark.parametrize(
    ("answer", "whole"),
    [("Log in at https://no.example now.", 0), ("How to:\n\n# Login\n- At no.example.", 0), ("Yes. At no.example.", 1)],
)
def test_whether_anything_was_said_in_full(answer: str, whole: int):
    """A beginning, a heading or what only leads to a list is no answer."""
    assert told(answer)[1].whole == whole


def test_numbers_are_worked_out_of_what_is_at_hand_only():
    """A sum of two numbers that happen to stand somewhere in the passages is as unknown as any other number."""
    assert told("It is 1,259 in all.")[0] == "It is …"
    assert told("It is 3 x $45 = $147.", QUESTION)[0] == "It is 3 x $45 = …"
    assert told("It is 3 x $45 = $135.", QUESTION)[1].left_out == []
    assert told("With $1,200 and $59 it is 1,259 in all.")[1].left_out == []


def pieces(text: str, cuts: list[int]) -> list[str]:
    ends = sorted({min(cut, len(text)) for cut in cuts} | {len(text)})
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


PARTS = st.sampled_from(
    [
        *re.findall(r"\S+", TRAVEL),
        *[
            "77",
            "#no",
            "[a",
            "[a](b.example)",
            "[a](b(c)d)",
            "`x y`",
            "`",
            "**",
            "(",
            "no.example",
            "4 November.",
            "3.",
        ],
        *["e.g.", "five", "days", "。", "天", "\n", "\n\n", "\n- ", "\n12. ", "\n```\n", "\n| a | 9 |\n"],
    ]
)
ANSWERS = st.lists(PARTS, max_size=30).map(" ".join) | st.lists(PARTS, max_size=30).map("".join) | st.text(max_size=80)


@settings(max_examples=150, deadline=None)
@given(ANSWERS, st.lists(st.integers(0, 400), max_size=40))
@example("[a](b(c)d) e", [8])
@example("12. x", [2])
@example("`a`` b", [3])
@example("``` x", [1, 2])
@example("½²", [])
def test_how_an_answer_is_cut_into_pieces_changes_nothing(answer: str, cuts: list[int]):
    """What is shown in the end, and what is left out, is the same for any pieces."""
    whole, grounding = Grounding([TRAVEL], QUESTION), Grounding([TRAVEL], QUESTION)
    expected = whole.feed(answer) + whole.finish()
    shown = [grounding.feed(piece) for piece in pieces(answer, cuts)]
    assert "".join(shown) + grounding.finish() == expected
    assert (grounding.left_out, grounding.whole) == (whole.left_out, whole.whole)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_was_read_may_be_quoted(data: st.DataObject):
    """Any line of a passage, and any of its words, passes unchanged, however it comes."""
    page = data.draw(st.sampled_from(sorted(PAGES.rglob("*.md")))).read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if not line.lstrip().startswith(("```", "~~~", "|"))]
    quoted = data.draw(st.lists(st.sampled_from(lines or [""]), max_size=5).map("\n".join))
    grounding = Grounding([page])
    cuts = data.draw(st.lists(st.integers(0, 2000), max_size=20))
    assert "".join([grounding.feed(piece) for piece in pieces(quoted, cuts)]) + grounding.finish() == quoted


INVENTED = st.one_of(
    st.from_regex(r"https?://[a-z]{3,9}\.(com|org|gov)/[a-z]{4,9}", fullmatch=True),
    st.from_regex(r"[a-z]{4,9}@[a-z]{3,9}\.(com|org)", fullmatch=True),
    st.from_regex(r"[#@][a-z]{6,12}", fullmatch=True),
    st.integers(10_000, 10**9).map(str),
    st.integers(10_000, 10**9).map("{:,}".format),
    st.from_regex(r"`[a-z]{6,9} --[a-z]{6,9}`", fullmatch=True),
)


@given(
    st.lists(st.sampled_from(["you", "may", "ask", "Book.", "- then", "**so**", "Why?"]), max_size=12),
    INVENTED,
    st.data(),
)
def test_what_is_invented_never_reaches_anybody(words: list[str], invented: str, data: st.DataObject):
    """An address, handle, command or number that stands nowhere is not shown, wherever it stands in the answer."""
    place = data.draw(st.integers(0, len(words)))
    answer = " ".join([*words[:place], invented, *words[place:]])
    shown, grounding = told(answer, size=data.draw(st.integers(1, 9)))
    assert invented not in shown
    assert len(grounding.left_out) == 1
