"""Messages that ask nothing of the documents: a greeting, thanks, a question about the bot or about the conversation.

Only whole messages count: "hi, how long is parental leave?" is a question like any other. English, German and a few
greetings beside them; what is not known here is searched for, and found or not. Knows nothing of platforms.
"""

from __future__ import annotations

import re

_THANKS = re.compile(
    r"ok|okay|thanks?|thx|ty|you|a|lot|so|much|very|cheers|great|perfect|nice|cool|awesome|got|it|will|do|done|yes|yep"
    r"|no|nope|sure|lol|haha|same|me|too|danke(?:schön)?|vielen|dank|dir|super|prima|toll|klasse|alles|klar|ja|nein"
    r"|merci|gracias|[+-]1|:[\w+-]+:"
)
_THUMBS = ("👍", "👎")
_WORD = re.compile(r":[\w+-]+:|[\w+'-]+")
_GREETING = re.compile(
    r"(?:hi|hiya|hello|hey|hallo|hola|moin|servus|bonjour|salut|ciao|good (?:morning|afternoon|evening|day)"
    r"|guten (?:morgen|tag|abend))(?:,? (?:there|all|attune|bot))?[\s.!,]*",
    re.IGNORECASE,
)
_ABOUT_THE_BOT = re.compile(
    r"(?:help|help me|what can you do(?: for me)?|what do you do|(?:who|what) are you|how do you work"
    r"|how can you help(?: me)?|what can i ask(?: you)?"
    r"|hilfe|was kannst du(?: alles| für mich tun)?|(?:wer|was) bist du|wie funktionierst du)[\s.!?]*",
    re.IGNORECASE,
)
_RECALL = re.compile(
    r"(?:what (?:did|have) i (?:just )?(?:ask(?:ed)?|sa(?:y|id))(?: you)?(?: about)?"
    r"|what (?:was|were|is|are) (?:my|the) (?:last|previous|earlier|first|recent)(?: \w+)? questions?"
    r"|(?:show|list|repeat|tell me)(?: me)? (?:all )?my (?:last |previous |earlier )?questions?"
    r"|(?:was|wonach) habe? ich (?:dich |sie )?(?:alles )?(?:eben |vorhin |zuletzt |vorher |bisher |gerade )?gefragt"
    r"|(?:was|wie) (?:war|waren|lautete) meine (?:letzte|letzten|vorige|vorigen|erste|bisherigen) fragen?)"
    r"(?: (?:before|earlier|so far|just now|last|previously|again|today|vorhin|bisher|zuletzt|eben))*[\s.!?]*",
    re.IGNORECASE,
)


def is_thanks(text: str) -> bool:
    """Whether a message only says thanks or yes, be it by emoji. A thumb is none: that is a verdict."""
    said = text.strip().lower()
    found = _WORD.findall(said)
    if "?" in said or said.startswith(_THUMBS):
        return False
    return all(map(_THANKS.fullmatch, found)) if found else not said.isascii()


def is_about_the_bot(text: str) -> bool:
    """Whether a message only greets, or asks who the bot is or what it can do."""
    said = text.strip()
    return bool(_GREETING.fullmatch(said) or _ABOUT_THE_BOT.fullmatch(said))


def is_recall(text: str) -> bool:
    """Whether a message asks what its author asked before."""
    return bool(_RECALL.fullmatch(" ".join(text.split())))
