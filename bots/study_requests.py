"""What asks for a course, a quiz or one's progress: behind a command, or in words, in English and German.

Only whole messages count, and only those that tell Attune to do it: "teach me about expenses" is one, "teach me the
password" and "a course on fire safety?" are questions like any other. Pure; knows nothing of courses.
"""

from __future__ import annotations

import re

from bots.command_table import PERSONAL
from bots.replies import StudyRequest
from core.answering.rewording import wish_of
from core.text.asking import MAY, mended
from core.text.words import content_words

LONGEST = 300  # characters of a message that asks for no more than this
STUDIES = frozenset({"teach", "quiz", "progress"})

# What stands behind a command, as a button says it or as somebody types it.
ANSWER = re.compile(r"(?:answer (?P<id>[0-9a-f]{1,16})\.(?P<round>\d{1,6}) )?(?P<letter>[a-d])[.)]?", re.IGNORECASE)
MORE = re.compile(r"more (?P<id>[0-9a-f]{8})", re.IGNORECASE)
STEP = re.compile(r"step (?P<id>[0-9a-f]{1,16}) (?P<number>\d{1,3})", re.IGNORECASE)
COUNT = re.compile(r"count (?:me )?(?P<on>on|off)|zähle?n? (?:mich )?(?P<an>an|aus)", re.IGNORECASE)
NEXT = frozenset({"next", "next step", "go on", "weiter", "nächster schritt", "continue", "resume", "fortsetzen"})
BACK = frozenset({"back", "zurück"})
STOP = frozenset({"stop", "end", "off", "cancel", "quit", "exit", "stopp", "ende", "aus", "beenden", "abbrechen"})
FORGET = frozenset({"forget", "reset", "vergessen", "vergiss"})

_ABOUT = r"(?:about|on|in|of|over|über|zu|zum|zur|von|vom)"
_MAKE = (
    r"(?:(?:(?:give|make|create) me|give|make|create|start|take|do|let['’]?s (?:do|have|start|take)|i want|i['’]?d like"
    r"|i would like|(?:gib|gebt|geben sie) mir|mach(?:e|t|en sie)?(?: mit mir| mir)?|erstell(?:e|en sie)?(?: mir)?"
    r"|stell(?:e|en sie)? mir|ich (?:möchte|hätte gerne?|will)|starte?)(?: bitte)?)"
)
_SOME = r"(?:an? |eine?n? |some |ein paar )?(?:(?:short|little|quick|kurze[ns]?|kleine[ns]?) )?"
_GERMAN = r"(?:bitte |mal |etwas |was |alles )*(?:(?:über|zu[mr]?|von) )?"
_COURSE = r"(?:(?:crash|mini)[ -]?(?:course|kurs)|course|lesson|tutorial|kurs|lektion|lerneinheit)"
_TEACH = re.compile(
    rf"(?:teach|tutor|train) me {_ABOUT} (?P<topic>.+)"
    rf"|(?:i (?:want|need|wanna)(?: to)?|i(?:['’]?d| would) (?:like|love) to|help me(?: to)?|let['’]?s) "
    r"(?:learn|study)(?: (?:all|everything|something))? about (?P<learn>.+)"
    rf"|{_MAKE} {_SOME}{_COURSE} {_ABOUT} (?P<course>.+)"
    rf"|(?:bring(?:e|t|en sie)?) mir {_GERMAN}(?P<german>(?:(?! bei ).)+) bei"  # of two, which is the verb's?
    rf"|mir {_GERMAN}(?P<wish>.+) beibringen"
    r"|(?:ich (?:möchte|will|würde gerne?)|lass uns|hilf mir,?) (?:mal |gerne? |bitte )*(?:etwas |was |alles )?"
    r"(?:über|zu[mr]?) (?P<own>.+?) (?:zu )?lernen",
    re.IGNORECASE,
)
_TESTING = r"(?:quizz?|test|examine|drill|teste?|testen sie|prüf(?:e|en sie)?)"
_KNOWLEDGE = r"(?:(?:test|check|quiz|teste?|prüf(?:e|en sie)?|testen sie) (?:my|mein) (?:knowledge|wissen))"
_QUESTIONS = r"(?:(?:an?|eine|some|ein paar|a few|three|five|drei|fünf|\d) )?(?:questions?|fragen?)"
_QUIZ = re.compile(
    rf"(?:{_TESTING} (?:me|mich)(?: bitte| mal)*|{_KNOWLEDGE}|i(?: want|['’]d like) to be (?:quizzed|tested)"
    rf"|(?:ask me|{_MAKE}) {_SOME}quiz(?: ?questions?|fragen?)?(?: with me| mit mir)?"
    r"|(?:another|next|noch eine|die nächste) quiz ?(?:question|frage)|quizz?(?= (?:on|about|zu[mr]?|über) ))"
    rf"(?: {_ABOUT} (?P<topic>.+))?"
    rf"|(?:ask me|stell(?:e|en sie)? mir) (?:bitte |mal )*{_QUESTIONS}(?: {_ABOUT} (?P<asked>.+))?"
    rf"|(?:ask me|frag(?:e|en sie)? mich) (?:bitte |mal )*(?:something|anything|etwas|was) {_ABOUT} (?P<some>.+)"
    rf"|frag(?:e|en sie)? mich(?: bitte| mal)*(?: {_ABOUT} (?P<german>.+?))? ab"
    rf"|mich(?: bitte| mal)*(?: {_ABOUT} (?P<wish>.+?))? (?:abfragen|testen|prüfen)",
    re.IGNORECASE,
)
_POLITELY = re.compile(
    rf"(?:(?:please|pls|hi|hey|hello|hallo|attune|bitte|now|und jetzt|and now|{MAY})[ ,]+)+", re.IGNORECASE
)
_MAY_ASK = re.compile(MAY, re.IGNORECASE)
_ASKS_TOO = re.compile(  # behind a comma: then it is that question
    r"[,;] ?(?:and |und |an |von |mit )?(?:who|whom|what|when|where|which|how|why|is|are|do|does|can|wer|we[nm]|was"
    r"|wann|wo|welche[mnrs]?|wie|warum|ist|sind|gibt|kann)\b",
    re.IGNORECASE,
)
_PLEASE = re.compile(r"[ ,]+(?:please|bitte)$", re.IGNORECASE)
_PROGRESS = re.compile(
    r"(?:show (?:me )?)?my (?:learning |quiz )?progress|(?:zeige? (?:mir )?)?mein(?:en)? (?:lern)?fortschritt",
    re.IGNORECASE,
)


def study_request(text: str) -> StudyRequest | None:
    """What of a course or a quiz a message asks for; None where it asks for none."""
    if len(text) > LONGEST:
        return None
    said = mended(" ".join(text.split()))
    polite = _POLITELY.match(said)
    if said.endswith("?") and not (polite and _MAY_ASK.search(polite[0])):
        return None
    said = _PLEASE.sub("", said[polite.end() if polite else 0 :].strip(" .!?…"))
    if _ASKS_TOO.search(said):
        return None
    if (found := _TEACH.fullmatch(said)) and (topic := _topic(found)):
        return StudyRequest("teach", topic)
    if found := _QUIZ.fullmatch(said):
        return StudyRequest("quiz", _topic(found))
    return StudyRequest("progress") if _PROGRESS.fullmatch(said) else None


def is_word_of_a_course(text: str) -> bool:
    """Whether it says something else behind `/teach` than what to teach."""
    return text.lower() in NEXT | BACK | STOP or STEP.fullmatch(text) is not None or COUNT.fullmatch(text) is not None


def _topic(found: re.Match[str]) -> str:
    """What it names; empty where that is "it", or a language to speak."""
    topic = next(filter(None, found.groups()), "")
    wish = wish_of(topic)
    return "" if not content_words(topic) or (wish and "language" in wish.form) else topic


def is_personal(text: str) -> bool:
    """Whether it asks in words for what is for one person's eyes, as the command is."""
    asked = study_request(text)
    return asked is not None and asked.name in PERSONAL
