"""How people ask for a text: what they say around it, the kinds and the layouts of texts, and what they mistype.

One vocabulary for whoever writes from documents, sums up a thread, re-words an answer or teaches. English and German.
Pure; knows nothing of what is asked for, or of what it is about.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

LONGEST = 500  # characters of a message whose spelling is looked at …
_LOOKED_AT = 12  # … in so many of its words: what is behind them is a topic
_LEAST, _ALIKE = 7, 0.86  # letters of a word that may be mistyped, and how like the right one it is

MAY = (
    r"(?:(?:would|do) you mind|(?:can|could|would|will) (?:you|u)|(?:can|could|may) (?:i|we) (?:have|get)"
    r"|(?:kannst|könntest|würdest) du|(?:können|könnten|würden) sie)"
)
"""What makes a request of a question: "could you …?"."""

POLITE = (
    rf"(?:(?:(?:please|pls|plz|ok|okay|now|hi|hey|hello|hallo|attune|bitte|{MAY}"
    r"|(?:i|we)(?:['’]?d| would) (?:like|love)(?: you to)?|(?:i|we) (?:need|want)(?: you to)?|help me(?: to)?|let['’]?s"
    r"|(?:ich|wir) (?:brauchen?|möchten?|will|wollen|(?:hätten?|würden?) gerne?)|hilf mir)\b[ ,:]*"
    r"(?:(?:me|us|mir|uns|mal|doch)\b ?)*)*)"
)
LETTER = (
    r"e-? ?mails?|mails?|(?:(?:slack|telegram|teams|chat|whatsapp|linkedin|blog|intranet|wiki)[ -])?"
    r"(?:message|nachricht|post|dm)s?|messages?|posts?|announcements?|notes?|memos?|letters?|newsletters?|tweets?"
    r"|reminders?|invitations?|invites?|reply|replies|texts?|responses?|blurbs?|paragraphs?|intro(?:duction)?s?|welcome"
    r"|ankündigung(?:en)?|notiz|brief|rundmail|erinnerung|einladung|absatz|absage|zusage|antwort|job (?:ads?|posts?)"
    r"|press releases?|stellenanzeige|pressemitteilung|rundschreiben|beitrag|mitteilung|begrüßung"
    r"|[^\W\d_]{4,}(?:mail|nachricht|beitrag|brief)"
)
SURVEY = (
    r"summar(?:y|ies)|overviews?|recaps?|tl;?dr|check-?lists?|to-?do lists?|faqs?|timelines?|agendas?|cheat ?sheets?"
    r"|handouts?|briefings?|one-?pagers?|outlines?|comparisons?|tables?|scripts?|quick guides?|bullets?(?: ?points)?"
    r"|bullet lists?|reports?|onboarding notes?|slides?|slide decks?|presentations?|key (?:points|takeaways|facts)"
    r"|(?:main|most important) points|takeaways|highlights|gist|pros and cons|zusammenfassung|kurzfassung|überblick"
    r"|übersicht|checkliste|tabelle|zeitleiste|tagesordnung|spickzettel|stichpunkte|vergleich|gegenüberstellung|bericht"
    r"|leitfaden|merkblatt|präsentation|folien|(?:wichtigsten )?punkte|kern(?:punkte|aussagen)|vor- und nachteile"
)
PIECE = (
    r"articles?|essays?|guides?|how-?tos?|instructions|speech|proposal|explainers?|artikel|anleitung|rede|entwurf|text"
)
"""Kinds of text that are one only where somebody says "write": else these are names of documents."""

NO_KIND = (
    r"(?![ -](?:address(?:es)?|adress\w*|accounts?|konto|alias|clients?|programm|signatur\w*|groups?|verteiler|policy"
    r"|provider|server|list\b|of the (?:day|week|month)))"
)
KIND = rf"(?:{LETTER}|{SURVEY}){NO_KIND}"
SORT = (
    r"(?:(?:short|simple|small|brief|friendly|formal|casual|numbered|side[- ]by[- ]side|bulleted|plain|the|quick|nice"
    r"|kurze?[nrs]?|einfache?[nrs]?|übersichtliche?[nrs]?|nummerierte?[nrs]?) )*"
)
TABLE = r"(?:tables?|spreadsheet|tabelle)"
LIST = r"(?:check-?list|to-?do list|bullet(?:ed)? ?list|list|bullets?(?: ?points?)?|points|checkliste|liste|aufzählung)"
LAYOUT = (
    rf"(?:{TABLE}|{LIST}|(?:stich|kern)?punkten?|stichworten?|faq|steps|schritten?|sentences?|s[aä]tz(?:en)?|lines?)"
)
AS = r"(?:in|as|into|als|mit|with|using)"

_RIGHT = (
    "summarise summarize summarising summary translate professional professionally friendlier shorten shorter "
    "detailed checklist overview presentation announcement compare paraphrase rephrase rewrite bullets "
    "explain message e-mail progress quizze "
    "zusammenfassen zusammenfassung übersetze übersetzen übersetz ausführlicher formuliere formulieren verfasse "
    "schreibe erstelle erstellen checkliste übersicht überblick nachricht präsentation vergleiche stichpunkten "
    "stichpunkte professioneller freundlicher förmlicher fasse deutsche englische "
    "kürzer kürze länger über für förmlich könntest könnten würdest würden möchte hätte prüfe sätzen höflicher"
)
_PLAIN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_WITHOUT = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss"})
_GERUNDS: Mapping[str, str] = {
    "writing": "write",
    "drafting": "draft",
    "summarising": "summarise",
    "summarizing": "summarize",
    "translating": "translate",
    "making": "make",
    "shortening": "shorten",
    "comparing": "compare",
    "putting": "put",
    "turning": "turn",
    "creating": "create",
    "preparing": "prepare",
    "giving": "give",
}
_MIND = re.compile(r"\b(?P<mind>(?:would|do) you mind) (?P<doing>\w+ing)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")
_ARTICLE = re.compile(r"(?<!\w)['’](?=ne[mnr]?\b)", re.IGNORECASE)


def _umlauts(right: Iterable[str]) -> dict[str, str]:
    """Words by how they are written without a German keyboard: "ueber" and "uber"; short ones only the first way."""
    written = {word.translate(_PLAIN): word for word in right if word.translate(_PLAIN) != word}
    bare = {word.translate(_WITHOUT): word for word in written.values() if len(word) >= _LEAST}
    return {**bare, **written}


_WORDS = frozenset(_RIGHT.split())
_AS_TYPED = _umlauts(_WORDS)


def mended(text: str) -> str:
    """`text` with the words that ask as they are spelled: "summerise", "uebersetze", "would you mind writing"."""
    if len(text) > LONGEST:
        return text
    said = _MIND.sub(lambda found: f"{found['mind']} {_GERUNDS.get(found['doing'].lower(), found['doing'])}", text)
    said, looked_at = _ARTICLE.sub("ei", said), 0

    def right(found: re.Match[str]) -> str:
        nonlocal looked_at
        looked_at += 1
        return _mended(found[0]) if looked_at <= _LOOKED_AT else found[0]

    return _WORD.sub(right, said)


@lru_cache(maxsize=4096)
def _mended(word: str) -> str:
    lower = word.lower()
    if lower in _WORDS:
        return word
    if lower in _AS_TYPED:
        return _AS_TYPED[lower]
    if len(lower) < _LEAST:
        return word
    near = [right for right in _WORDS if right[0] == lower[0] and len(right) >= _LEAST]
    if any(lower.startswith(right) or right.startswith(lower) for right in near):  # "translated", "summaris"
        return word
    return next(iter(difflib.get_close_matches(lower, near, n=1, cutoff=_ALIKE)), word)
