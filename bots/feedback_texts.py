"""What is said of 👍 and 👎. Markdown, in the language of whoever rates. Knows nothing of what is learned from them."""

from __future__ import annotations

from collections.abc import Mapping

from bots.language import translated
from core.people.feedback import Verdict
from core.people.interests import Reason
from core.people.people import FeedbackOutcome

NOT_YOURS = "Only whoever asked can rate an answer, and I do not remember giving you that one."
HEARD_WHILE_PAUSED = "Thanks, noted. Learning is paused, so it changes nothing for you."

_HEARD: Mapping[Verdict, str] = {
    Verdict.UP: "Thanks, I will remember that this helped.",
    Verdict.DOWN: "Thanks. Why? Wrong, too long, too short, not my topic, outdated, or not in the documents?",
    Verdict.OPENED: "Opened.",
    Verdict.NONE: "Done: I take that back.",
}
_REASONS: Mapping[Reason, str] = {
    Reason.WRONG: "Thanks: noted as wrong, for your operator to look at.",
    Reason.TOO_LONG: "Noted: too long. Say it a few times, and I answer shorter.",
    Reason.TOO_SHORT: "Noted: too short. Say it a few times, and I answer in more detail.",
    Reason.NOT_MY_TOPIC: "Noted: this is not your topic, so it counts less from now on.",
    Reason.OUTDATED: "Thanks: noted as outdated, for your operator to look at.",
    Reason.NOT_IN_DOCUMENTS: "Thanks: noted as missing in the documents, for your operator to look at.",
}


def bad_reason(given: str, near: str) -> str:
    """A 👎 with a reason that there is not."""
    return translated("`{given}` is no reason that I know. Did you mean `👎 {near}`?", given=given, near=near)


def heard(heard: FeedbackOutcome, verdict: Verdict, reason: Reason | None) -> str:
    """What follows from a verdict."""
    if heard is FeedbackOutcome.UNKNOWN:
        return NOT_YOURS
    if heard is FeedbackOutcome.NOTED:
        return HEARD_WHILE_PAUSED
    return _REASONS[reason] if verdict is Verdict.DOWN and reason else _HEARD[verdict]
