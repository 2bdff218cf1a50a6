"""What is said of 👍 and 👎. Markdown, in the language of whoever rates. Knows nothing of what is learned from them."""

from __future__ import annotations

from collections.abc import Mapping

from bots.language import translated
from core.people.feedback import Verdict
from core.people.interests import Reason
from core.people.people import FeedbackOutcome

NOT_YOURS = "Only the person who asked can rate an answer, and I don't remember giving you that one."
HEARD_WHILE_PAUSED = "Thanks, noted. Learning is paused, so your answers won't change."

_HEARD: Mapping[Verdict, str] = {
    Verdict.UP: "Thanks, I'll remember that this helped.",
    Verdict.DOWN: (
        "Thanks. What was wrong with it? Send 👎 with one of these: wrong, too long, too short, not my topic, "
        "outdated, not in the documents."
    ),
    Verdict.OPENED: "Opened.",
    Verdict.NONE: "Done. I've taken that back.",
}
_REASONS: Mapping[Reason, str] = {
    Reason.WRONG: "Thanks. I've noted that it's wrong, and your operator will see it.",
    Reason.TOO_LONG: "Noted: too long. If you tell me a few more times, I'll keep my answers shorter.",
    Reason.TOO_SHORT: "Noted: too short. If you tell me a few more times, I'll go into more detail.",
    Reason.NOT_MY_TOPIC: "Noted: this isn't your topic, so it'll count less from now on.",
    Reason.OUTDATED: "Thanks. I've noted that it's outdated, and your operator will see it.",
    Reason.NOT_IN_DOCUMENTS: "Thanks. I've noted that it's missing from the documents, and your operator will see it.",
}


def bad_reason(given: str, near: str) -> str:
    """A 👎 with a reason that there is not."""
    return translated("`{given}` isn't a reason I know. Did you mean `👎 {near}`?", given=given, near=near)


def heard(heard: FeedbackOutcome, verdict: Verdict, reason: Reason | None) -> str:
    """What follows from a verdict."""
    if heard is FeedbackOutcome.UNKNOWN:
        return translated(NOT_YOURS)
    if heard is FeedbackOutcome.NOTED:
        return translated(HEARD_WHILE_PAUSED)
    return translated(_REASONS[reason] if verdict is Verdict.DOWN and reason else _HEARD[verdict])
