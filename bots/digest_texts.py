"""The sentences of a digest, and of `/digest`; `texts.py` has the others.

Replies are Markdown. Days are those of the person's own time zone. Knows nothing of platforms, of how a sentence is
laid out, or of what is new.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from bots.language import counted, translated
from bots.personal_texts import MONTHS, document_name
from bots.study_texts import NOW_DUE
from bots.texts import escaped
from core.documents.gaps import GapGroup
from core.domain import Passage
from core.notices.digests import AnsweredGap, Digest, DocumentNews
from core.notices.schedule import DigestSchedule, Frequency, zone_of
from core.text.growing import LINK

DAILY_TITLE, WEEKLY_TITLE = "Your daily digest", "Your weekly digest"
NEW_IN_DOCUMENTS = "**New in your documents**"
ANSWERED_NOW = "**You asked, and now there is an answer**"
GAPS = "**Questions I couldn't answer** (for operators)"
STOP_HINT = "`{cmd}digest off` ends these messages."
NOTHING_NEW = "There is nothing new for you in your documents."
NO_DIGEST = (
    "You get no digest. `{cmd}digest daily 8:30` or `{cmd}digest weekly monday 9:00` sends you what is new in your "
    "documents, and answers to what you asked in vain, when there is any."
)
PREFS_ROW = "What is new in your documents: `{cmd}digest`. Sent to you at your hour: `{cmd}digest daily 8:30`."
DIGEST_OFF = "Done. You get no digest any more."
DIGEST_WAS_OFF = "You get no digest."
NOT_SCHEDULED_HERE = "Here nothing can be sent to you: `/digest` shows what is new whenever you ask for it."
WHICH_ZONE = (
    "In which time zone? Write it behind the hour, as your city or as a difference: `{cmd}digest daily 8:30 berlin`, "
    "`{cmd}digest daily 8:30 utc+2`."
)
DIGEST_HOW = (
    "I don't understand “{given}”. A digest comes every day or on one day of the week, at one hour: write "
    "`{cmd}digest daily 8:30`, `{cmd}digest weekly monday 9:00` or `{cmd}digest off`, "
    "with your city behind the hour if you are in another time zone."
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TOLD = 5  # documents and questions of others that a digest quotes; it names the rest of the documents
_ANSWERS = 3  # answers in full; of the others the documents alone are named
_SHOWN = 240  # characters of what is quoted
_LONGEST = 600  # characters of an answer in a digest
_END = re.compile(r"[.!?](?=\s)|[。！？]|(?<=\S)(?=\n)")  # of a sentence or a block
_ITEM = re.compile(r"^\s*(?:[-*+•]|#{1,6})\s+", re.MULTILINE)
_NEAR = timedelta(days=6)  # in which a day is named by its name


def subscribed(schedule: DigestSchedule, zone: str) -> str:
    """A digest was asked for."""
    return translated("Done. {when}", when=_when(schedule, zone)) + " " + translated(STOP_HINT)


def subscription(schedule: DigestSchedule) -> str:
    """Which digest somebody gets."""
    return f"{_when(schedule, schedule.zone)} {translated(STOP_HINT)}"


def no_such_time(given: str) -> str:
    """Something behind `/digest` was not understood."""
    return translated(DIGEST_HOW, given=escaped(given))


def _when(schedule: DigestSchedule, zone: str) -> str:
    hour = f"{schedule.hour}:{schedule.minute:02}"
    if schedule.frequency is Frequency.DAILY:
        return translated(
            "When there is something new, you get a digest every day at {hour} ({zone}), in private.",
            hour=hour,
            zone=zone,
        )
    return translated(
        "When there is something new, you get a digest every {day} at {hour} ({zone}), in private.",
        day=translated(WEEKDAYS[schedule.weekday]),
        hour=hour,
        zone=zone,
    )


def title(schedule: DigestSchedule) -> str:
    """What stands above a digest."""
    return translated(DAILY_TITLE if schedule.frequency is Frequency.DAILY else WEEKLY_TITLE)


def digest(told: Digest, zone: str) -> str:
    """What there is to tell, without a title."""
    parts = []
    if told.answered:
        lines = [
            _answered(one, told.until, zone, in_full=number < _ANSWERS) for number, one in enumerate(told.answered)
        ]
        parts.append(_listed(ANSWERED_NOW, lines))
    if told.news:
        others = ", ".join(_document(one.passage) for one in told.news[_TOLD:])
        more = [translated("Also new: {documents}", documents=others)] if others else []
        parts.append(_listed(NEW_IN_DOCUMENTS, [*map(_news, told.news[:_TOLD]), *more]))
    if told.due:
        due = counted(told.due, "{count} review is due.", "{count} reviews are due.")
        parts.append(f"{due} {translated(NOW_DUE)}")
    if told.gaps:
        over = len(told.gaps) - _TOLD
        more = [counted(over, "and {count} more: `attune gaps`", "and {count} more: `attune gaps`")] if over > 0 else []
        parts.append(_listed(GAPS, [*map(_gap, told.gaps[:_TOLD]), *more]))
    return "\n\n".join(parts)


def _listed(heading: str, lines: Sequence[str]) -> str:
    return "\n".join([translated(heading), "", *(f"- {line}" for line in lines)])


def _news(news: DocumentNews) -> str:
    document = _document(news.passage)
    said = _quoted(_plain(news.said[0]))
    more = len(news.said) - 1
    rest = " " + counted(more, "(and {count} more sentence)", "(and {count} more sentences)") if more else ""
    return (translated("New: {document}", document=document) if news.is_new else document) + f": {said}{rest}"


def _gap(group: GapGroup) -> str:
    return f"{_quoted(group.gaps[0].question)} ({_people(group.people)})"


def _quoted(said: str) -> str:
    return translated("“{words}”", words=escaped(_short(" ".join(said.split()), _SHOWN)))


def _answered(one: AnsweredGap, now: datetime, zone: str, *, in_full: bool) -> str:
    question = escaped(_short(" ".join(one.gap.question.split()), _SHOWN))
    asked = translated("{day} you asked: “{question}”", day=day(one.gap.asked_at, now, zone), question=question)
    answer = f" {_opening(one.answer.text)}" if in_full else ""
    sources = dict.fromkeys(_document(source.passage) for source in one.answer.sources)
    return f"{asked}{answer} → {', '.join(sources)}"


def _opening(answer: str) -> str:
    """An answer in one line; of a long one the blocks and sentences that come first, with no mark left open."""
    if len(answer) > _LONGEST:
        ends = [found.end() for found in _END.finditer(answer[:_LONGEST])]
        whole = [answer[:end] for end in ends if not any(answer.count(mark, 0, end) % 2 for mark in ("**", "`"))]
        answer = f"{whole[-1]} …" if whole else escaped(_short(_plain(answer), _LONGEST))
    return " ".join(_ITEM.sub("· ", answer).split())


def day(at: datetime, now: datetime, zone: str) -> str:
    """A day of somebody's calendar, as the beginning of a sentence."""
    there, today = at.astimezone(zone_of(zone)), now.astimezone(zone_of(zone))
    if there.date() == today.date():
        return translated("Today")
    if today - there <= _NEAR:
        return translated("On {weekday}", weekday=translated(WEEKDAYS[there.weekday()]))
    return translated("On {day} {month}", day=there.day, month=translated(MONTHS[there.month - 1]))


def _document(passage: Passage) -> str:
    return f"**{escaped(passage.title)}** ({escaped(document_name(passage.source))})"


def _people(count: int) -> str:
    return counted(count, "{count} person", "{count} people")


def _plain(said: str) -> str:
    """A sentence or table row of a document without the marks of its layout."""
    cells = [cell.strip() for cell in LINK.sub(r"\1", said).split("|")]
    return re.sub(r"[*`]+|\b_+|_+\b", "", " · ".join(filter(None, cells)))


def _short(text: str, most: int) -> str:
    """`text`, cut behind a word where it is too long."""
    return text if len(text) <= most else text[:most].rpartition(" ")[0].rstrip(",;:") + " …"
