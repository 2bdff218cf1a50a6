"""Attune's own guides in a search: they answer questions about Attune, and otherwise stay out of a team's way.

Their passages have the reader `GUIDES`, to which nobody answers, so that a search finds them only where this module
puts that name into its audience. Which questions are about Attune is told from their words. Pure; knows nothing of
which files the guides are.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from core.readers import GUIDES

COMMANDS = (
    "catchup",
    "digest",
    "forget",
    "help",
    "learn",
    "new",
    "open",
    "pair",
    "plain",
    "prefs",
    "private",
    "progress",
    "quit",
    "quiz",
    "recommend",
    "start",
    "stop",
    "teach",
    "unlearn",
    "why",
)
"""The slash commands of all platforms."""

# What a bot has of its own, what may be done with it, and what it may be thought to do with what people write.
_OWN = (
    "tone|style|voice|language|answers?|reply|replies|sources?|memory|settings?|preferences?|commands?|model|buttons?"
    "|abilities|capabilities|features|training"
)
_EIGEN = "ton|stil|sprache|antwort|antworten|quellen?|einstellungen|befehle|modell|name"
_BOT = "bot|chatbot|robot|ai|human|person|machine|language model|real|private|confidential"
_FILES = "files?|documents?|pdfs?|word|excel|html|markdown|e-?mails?|images?|pictures?|scans?|tables?"
_WHO = "i|we|they|people|anyone|anybody|someone|somebody|everyone|everybody|colleagues?|to"
_TREATED = "ask|teach|train|invite|correct|rate|install|configure|mute|message|write to|talk to|chat with"
_KEPT = "know|learn|learned|remember|keep|kept|store|stored|save|saved|log|logged|record|see|read|forget|delete|share"
_WRITTEN = "questions?|messages?|conversations?|chats?|history"

# "You" alone is little evidence, since people also write "do you need a visa?" of anybody: what counts is said of bots.
_ABOUT_ATTUNE = (
    r"\battune(?![a-z])",  # also attune's, ATTUNE_MODEL, @Attune
    rf"(?<![\w/.])/(?:{'|'.join(COMMANDS)})\b(?![/.])",
    r"\b(?:the|this|that|der|den|dem|dieser|diesen|diesem) (?:chat)?bot\b",
    rf"\byour (?:own )?(?:{_OWN})\b",
    r"\bwhat(?:['’]?s| is) your name\b",
    rf"\bdein(?:e[nmrs]?)? (?:{_EIGEN})\b",
    r"\b(?:who|what) are you\W*$",
    r"\b(?:how|what) do you (?:work|do)\W*$",
    r"\bwho (?:made|built|wrote|trained|created) you\b",
    r"\bwhat (?:else |all )?can you (?:do|read|answer|help)(?: (?:for|with) (?:me|us))?\W*$",
    r"\bhow can you help\b",
    rf"\bcan you (?:also )?(?:read|open|handle|import|understand) (?:\w+ )?(?:{_FILES})\b",
    r"\b(?:do|can|will|could) you (?:speak|answer in|reply in|write in|talk)\b",
    rf"\bare you (?:an? )?(?:{_BOT})\b",
    r"\b(?:was kannst du(?: alles)?(?: für (?:mich|uns) tun)?|(?:wer|was) bist du|wie funktionierst du)\W*$",
    r"\b(?:kannst|könntest|sprichst) du (?:auch )?(?:deutsch|englisch|französisch|spanisch)\b",
    rf"\b(?:{_WHO}) (?:can |could |should |must |may )?(?:{_TREATED}) you\b",
    rf"\byou(?:['’]ve| have)? (?:\w+ )?(?:{_KEPT}) (?:(?:\w+thing|all) )?(?:about|of|on) (?:me|us)\b",
    rf"\byou (?:\w+ )?(?:{_KEPT}) what (?:i|we) (?:ask|asked|say|said|write|wrote)\b",
    rf"\byou (?:\w+ )?(?:{_KEPT}) (?:my|our|these|this|all) (?:{_WRITTEN})\b",
    r"\b(?:speicherst|merkst|lernst|behältst|vergisst|weißt) du (?:dir )?(?:etwas |alles )?(?:über mich|was ich)\b",
)
_IS_ABOUT_ATTUNE = re.compile("|".join(_ABOUT_ATTUNE), re.IGNORECASE)


def is_about_attune(question: str) -> bool:
    """Whether a question names Attune or one of its commands, or asks the bot about itself."""
    return any(_IS_ABOUT_ATTUNE.search(line) for line in question.splitlines())


def searched(question: str, audience: Collection[str]) -> frozenset[str]:
    """The readers among whose passages an answer to `question` is looked for: the guides', too, where it is theirs."""
    return frozenset(audience) | {GUIDES} if is_about_attune(question) else frozenset(audience)
