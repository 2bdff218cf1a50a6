"""What asks for a course, a quiz or one's progress: behind a command, or in words, in English and German.

Only whole messages count, and only those that name the form: "teach me about expenses" is one, "how do I learn of
expenses?" is a question like any other. Pure; knows nothing of courses.
"""

from __future__ import annotations

import re

from bots.command_table import PERSONAL
from bots.replies import StudyRequest

LONGEST = 300  # characters of a message that asks for no more than this
STUDIES = frozenset({"teach", "quiz", "progress"})

# What stands behind a command, as a button says it or as somebody types it.
ANSWER = re.compile(r"(?:answer (?P<id>[0-9a-f]{1,16})\.(?P<round>\d{1,6}) )?(?P<letter>[a-d])[.)]?", re.IGNORECASE)
STEP = re.compile(r"step (?P<id>[0-9a-f]{1,16}) (?P<number>\d{1,3})", re.IGNORECASE)
NEXT = frozenset({"next", "go on", "weiter", "continue"})
STOP = frozenset({"stop", "end", "off", "ende", "aus"})
FORGET = frozenset({"forget", "reset", "vergessen"})

_POLITELY = r"(?:(?:please|can you|could you|would you|bitte|kannst du|könntest du)[ ,]+)*"
_ABOUT = r"(?:about|on|in|over|über|zu|zum|zur|von|vom|in)"
_TEACH = re.compile(
    rf"{_POLITELY}(?:teach me(?: {_ABOUT})?"
    rf"|(?:give me |i want |i'd like |start )?(?:an? )?(?:short |little )?course {_ABOUT}"
    rf"|(?:gib mir |mach mit mir |ich möchte |starte )?(?:einen )?(?:kurzen )?kurs {_ABOUT}) (?P<topic>.+)"
    rf"|{_POLITELY}bring(?:e)? mir (?:etwas )?(?P<german>.+) bei",
    re.IGNORECASE,
)
_HOW = re.compile(r"(?:how|what|why|when|where|wie|was|warum)\b", re.IGNORECASE)  # "teach me how to …" wants an answer
_QUIZ = re.compile(
    rf"{_POLITELY}(?:(?:quiz|test) me|(?:give me |ask me )?a quiz(?: question)?|quiz time)(?: {_ABOUT} (?P<topic>.+))?"
    rf"|{_POLITELY}(?:frage? mich(?: {_ABOUT} (?P<german>.+?))? ab"
    rf"|(?:gib mir |stell mir )?(?:ein quiz|eine quizfrage)(?: {_ABOUT} (?P<frage>.+))?)",
    re.IGNORECASE,
)
_PROGRESS = re.compile(
    r"(?:show (?:me )?)?my (?:learning |quiz )?progress|(?:zeige? (?:mir )?)?mein(?:en)? (?:lern)?fortschritt",
    re.IGNORECASE,
)


def study_request(text: str) -> StudyRequest | None:
    """What of a course or a quiz a message asks for; None where it asks for none."""
    if len(text) > LONGEST:
        return None
    said = " ".join(text.split()).strip(" .!?…")
    if found := _TEACH.fullmatch(said):
        topic = found["topic"] or found["german"] or ""
        return None if _HOW.match(topic) else StudyRequest("teach", topic)
    if found := _QUIZ.fullmatch(said):
        return StudyRequest("quiz", found["topic"] or found["german"] or found["frage"] or "")
    return StudyRequest("progress") if _PROGRESS.fullmatch(said) else None


def is_personal(text: str) -> bool:
    """Whether it asks in words for what is for one person's eyes, as the command is."""
    asked = study_request(text)
    return asked is not None and asked.name in PERSONAL
