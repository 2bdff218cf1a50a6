"""Whether a message wants a text written, and of what: "draft a slack message about the new leave rules".

A text is wanted where a message says so in the words that people use for it; a question stays a question ("how do I
write an e-mail to all?"), and what only points at an answer ("turn it into a list") is a re-wording of it
(`core.answering.rewording`). English and German. Pure; no model, and nothing of what documents there are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.answering.rewording import wish_of
from core.people.preferences import Language
from core.text.words import content_words, words_of
from core.writing.limits import COUNT, ENDS, Limits, limits_in, without_limits

LONGEST = 4000  # characters of a request …
MATCHED = 500  # … and those that say what it is of: the patterns would take their time over more
MOST_SIDES = 4  # that are searched for one by one; of more, those behind are one

_POLITE = (
    r"(?:(?:(?:please|pls|ok|okay|now|hi|hey|hello|hallo|bitte|can you|could you|would you|will you|can i (?:have|get)"
    r"|could i (?:have|get)|i(?:['’]?d| would) like(?: you to)?|i (?:need|want)(?: you to)?|help me(?: to)?|let['’]?s"
    r"|(?:kannst|könntest|würdest) du|(?:können|könnten|würden) sie|ich (?:brauche|möchte|hätte gerne?)"
    r"|hilf mir)\b[ ,:]*(?:me |us |mir |uns )?)*)"
)
_WRITING = (
    r"(?:write|draft|compose|prepare|create|make|produce|generate|give|put together|craft|come up with"
    r"|do|build|provide|show"
    r"|schreibe?|verfasse?|entwirf|entwerfe|erstelle?|formuliere?|mache?|generiere?|gib)"
)
_WRITTEN = r"(?:schreiben|verfassen|entwerfen|erstellen|formulieren|machen|zusammenstellen|geben)"
_FOR = r"(?: (?:me|us|mir|uns|up|bitte|please|mal|einmal|doch))*"
_LETTER = (
    r"e-?mails?|mails?|(?:(?:slack|telegram|teams|chat|whatsapp)[ -])?(?:message|nachricht|post|dm)s?|messages?|posts?"
    r"|announcements?|notes?|memos?|letters?|newsletters?|tweets?|reminders?|invitations?|invites?|reply|replies|texts?"
    r"|responses?|blurbs?|paragraphs?|introductions?|welcome|ankündigung(?:en)?|notiz|brief|rundmail|erinnerung"
    r"|einladung|absatz|absage|zusage|job (?:ads?|posts?)|press releases?|stellenanzeige|pressemitteilung"
)
_SURVEY = (
    r"summar(?:y|ies)|overviews?|recaps?|tl;?dr|check-?lists?|to-?do lists?|faqs?|timelines?|agendas?|cheat ?sheets?"
    r"|handouts?|briefings?|one-?pagers?|outlines?|comparisons?|tables?|scripts?|quick guides?|bullets?(?: ?points)?"
    r"|bullet lists?|reports?|onboarding notes?|zusammenfassung|überblick|übersicht|checkliste|tabelle|zeitleiste"
    r"|tagesordnung|spickzettel|stichpunkte|vergleich|bericht|leitfaden|merkblatt"
)
_NO_KIND = r"(?! (?:address|adresse|account|alias|client|signature|group|policy|provider|server|list\b))"
_KIND = rf"(?:{_LETTER}|{_SURVEY}){_NO_KIND}"
_BEFORE = r"(?:(?!(?:the|der|die|das|den|to|for|about|of|our|unsere?n?) )[\w'’+&/-]+,? ){0,6}?"
_PLAIN = (  # what stands before a kind of text where nothing says that it is to be written
    rf"(?:(?:{COUNT}(?:-\w+)?|an|another|some|short|brief|quick|simple|friendly|formal|casual|polite|nice|numbered|bulleted"
    r"|side-by-side|welcome|team|eine[rs]|kurze?[nrs]?|einfache?[nrs]?|freundliche?[nrs]?) )*"
)
_ABOUT = re.compile(
    r"\b(?:about|on the (?:subject|topic) of|regarding|concerning|on how|explaining|announcing|summari[sz]ing"
    r"|comparing|listing|(?:telling|reminding|saying)(?: [\w-]+){1,3} that|dass|über|bezüglich|betreffend|zum thema"
    r"|wegen)\b:? *(?P<topic>.+)",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"(?:(?:to|for|of|on(?!-)|from|out of|with|that|telling|saying|asking|von|für|aus|zu[mr]?|an|der|des|mit|dass)\b"
    r"[ :]*)+",
    re.IGNORECASE,
)
_TELLS = r"(?:about|telling|announcing|explaining|reminding|inviting|welcoming|über|wegen|zum thema)"
_TURNING = (
    r"(?:turn|convert|transform|make|put|rewrite|rework|reformat|condense|distil|boil|mache?|verwandle|wandle"
    r"|packe?|bringe?)"
)
_TELLING = r"(?:list|explain|describe|outline|present|erkläre?|beschreibe?|skizziere)"
_SOME = r"(?:something |a few (?:words|lines|sentences) |etwas |was )?"
_A_THING = rf"(?:{COUNT}|an|the|our|my|some|de[nr]|die|das|unsere?[nr]?|meine?[nr]?)"
_OF_WHAT = r"(?:of|for|on|about|from|comparing|with|von|für|über|zu[mr]?|der|des)"
_JOINED = (  # what stands between a kind of text and what it is of: "make message retention shorter" wants none
    r"(?:[ ,:;–-]+(?:to|for|about|on|of|from|with|that|\w+ing|remind\w*|explain\w*|invit\w*"
    r"|welcom\w*|compar\w+|summari\w+|which|how|what|when|why|regarding|concerning|in|as|out|max\w*|ans?|am|ins|fürs?|über"
    r"|von|zu[mr]?|der|des|mit|dass|aus|wegen)\b.*)"
)
_SAYING = (  # one a line: how a text is asked for, with its topic, or the rest that has it
    rf"{_POLITE}(?:summari[sz]e|sum up|recap|tl;?dr(?: of| on|:)?|fasse? zusammen,?)\b{_FOR}[ :]*(?P<topic>.+)",
    rf"{_POLITE}(?:fasse? )(?P<topic>.+?) zusammen\b(?P<tail>.*)",
    rf"{_POLITE}(?P<topic>.+?) (?:zusammenfassen|vergleichen|gegenüberstellen)(?P<tail>.*)",
    rf"{_POLITE}(?:compare|contrast|vergleiche?)\b{_FOR} (?P<topic>.+)",
    rf"{_POLITE}stelle? (?P<topic>.+?) gegenüber\b(?P<tail>.*)",
    rf"{_POLITE}{_TURNING} (?P<topic>.+?) (?:down )?(?:into|in|as|to|zu|als) (?P<tail>{_BEFORE}{_KIND}\b.*)",
    rf"{_POLITE}{_WRITING}\b{_FOR} aus (?P<topic>.+?) (?P<tail>eine?n? {_BEFORE}{_KIND}\b.*)",
    rf"{_POLITE}(?:make|turn) (?P<topic>(?:the|our|my|this) .+?) (?P<tail>an? {_BEFORE}(?:{_SURVEY}))",
    rf"{_POLITE}(?!create tables? ){_WRITING}\b{_FOR} {_BEFORE}{_KIND}\b(?P<rest>{_JOINED})",
    rf"{_POLITE}(?:write|draft|compose|schreibe?|verfasse|entwirf){_FOR} {_SOME}(?P<rest>(?:about|on|über|zu[mr]?) .+)",
    rf"{_POLITE}(?:draft|compose|write up|verfasse|entwirf){_FOR} (?P<rest>{_A_THING} .+)",
    rf"{_POLITE}{_BEFORE}{_KIND} (?P<rest>.+?) {_WRITTEN}\b(?P<tail>.*)",
    rf"{_POLITE}{_TELLING}{_FOR} (?P<topic>.+?) (?:as|in|als) (?P<tail>{_BEFORE}{_KIND}\b.*)",
)
_NO_VERB = r"(?!(?:please|bitte) (?:post|reply|text)\b)"
_BARE = (  # and where nothing says that it is to be written: such a message is no question
    rf"{_NO_VERB}{_POLITE}{_PLAIN}(?:{_LETTER}){_NO_KIND} (?P<rest>(?:(?:to|for|an|für) .+? )?{_TELLS}\b.*)",
    rf"{_POLITE}(?!(?:reports?|bericht)\b){_PLAIN}(?:{_SURVEY}) (?P<rest>{_OF_WHAT}\b.+)",
    rf"(?P<topic>.+?) (?:in|as|als) (?P<tail>{_PLAIN}(?:{_SURVEY}))",
)
_STATES = re.compile(  # a message that tells something: who "got an email about laptops" wants none
    r"(?:(?:i|we|he|she|they|you|ich|wir|er|sie|du|ihr)\b"
    r"|(?:(?!\b(?:that|who|what|when|where|which|why|how|if|telling|announcing|explaining|reminding|dass|wer|was|wann|wo"
    r"|warum|wie|ob)\b)[^,])*\b(?:is|are|was|were|has|have|had|does|did|got|go|goes|went|comes?|came|ist|sind|war|waren"
    r"|hat|haben|hatten?|wurden?|wird|werden|kam|kamen|kommt|kommen|ging|gehen|geht)\b)",
    re.IGNORECASE,
)
_PLEASE = re.compile(_POLITE, re.IGNORECASE)
_PATTERNS = [re.compile(pattern, re.IGNORECASE | re.DOTALL) for pattern in (*_SAYING, *_BARE)]
_ASKS = re.compile(
    r"(?:(?:hi|hey|hello|hallo|please|bitte|and|und|so|ok|okay)[ ,]+)*(?:what|whats|who|whom|whose|where|when|why|which"
    r"|how|is|are|was|were|do(?! (?:me|us|a|an)\b)|does|did|should|shall|must|may|might|has|have|am"
    r"|can (?:i|we|someone|people|they)(?! (?:have|get) a)|could (?:we|they)|wie|wer|wo|wann|warum|wieso|weshalb"
    r"|welche[mnrs]?|ist|sind|darf|dürfen|muss|müssen|soll|sollen|gibt|kann (?:ich|man|jemand)|können wir|hat|haben"
    r"|wird|werden)\b",
    re.IGNORECASE,
)
_ASKS_BEHIND = re.compile(  # "create a post in which channel?", "I need a report, where do I find it"
    r"\b(?:in|to|on|for|with|from|at) (?:which|whom)\b.*\?$"
    r"|, (?:wo|wer|wen|wie|where|who|how) (?:do|can|is|finde|bekomme|frage|kann|muss|ist)\b",
    re.IGNORECASE,
)
_MAY_ASK = re.compile(r"\b(?:can|could|kannst|könntest|können|könnten)\b", re.IGNORECASE)
_LIST = re.compile(
    r"\b(?:bullets?|points|check-?list|list|steps|stichpunkten?|punkten?|schritten?|checkliste|liste)\b",
    re.IGNORECASE,
)
_IS_LETTER = re.compile(rf"\b(?:{_LETTER}){_NO_KIND}\b", re.IGNORECASE)
_SORT = (
    r"(?:(?:short|simple|small|brief|friendly|formal|casual|numbered|side[- ]by[- ]side|bulleted|plain|the|kurzen?"
    r"|einfachen?) )*"
)
_FORM = (
    r"(?:table|checklist|list|bullets?(?: points)?|faq|steps|prose|tone|style|words|language|summary|tabelle"
    r"|checkliste|liste|stichpunkten?|form|ton|english|german|french|spanish|deutsch|englisch|französisch|spanisch"
    r"|\w+ (?:questions|fragen))"
)
_TAIL = re.compile(
    rf"[\s,;.–-]*\b(?:(?:in|as|into|als|auf|with|mit|using) (?:an? |eine[nmr]? )?{_SORT}{_FORM}"
    r"|please|bitte|thanks|danke|for (?:me|us)"
    r"|(?:keep it |very |make it )?(?:short|brief|casual|formal|friendly|kurz|formell|locker))\s*$",
    re.IGNORECASE,
)
_SIDES = re.compile(r"\s+(?:and|with|to|versus|vs\.?|und|mit)\s+|,\s+", re.IGNORECASE)
_COMPARES = re.compile(r"\b(?:compar\w+|contrast|vergleich\w*|gegenüber\w*|versus|vs)\b", re.IGNORECASE)
_POINTING = words_of(
    "it this that these those them thread discussion conversation chat above answer last text message das dies diese "
    "dieses den die der es thread unterhaltung gespräch antwort obige"
)
_LANGUAGES = re.compile(r"\b(?P<by>in|auf) (?P<name>[^\W\d_]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TextRequest:
    """A text that is wanted: as it was `asked` for, what it is of (sides, where it compares) and how long it may be.

    `is_list` where sentences are to be items, `is_survey` where it tells what a document says, as a summary or a
    checklist does, and a message to somebody does not. `language` is the one that it names.
    """

    asked: str
    topics: tuple[str, ...]
    limits: Limits
    is_list: bool = False
    is_survey: bool = False
    language: Language | None = None

    @property
    def topic(self) -> str:
        """What it is of, in a few words."""
        return " ".join(self.topics)


def request_of(message: str) -> TextRequest | None:
    """The text that `message` wants; None for a question, and for what only points at something said before."""
    text = " ".join(message.split())
    if len(text) > LONGEST or _ASKS.match(text) or _ASKS_BEHIND.search(text):
        return None
    patterns, asked = _PATTERNS, text
    if len(text) > MATCHED:  # who only tells something takes as long
        patterns, asked = _PATTERNS[: len(_SAYING)], text[:MATCHED].rpartition(" ")[0]
    for place, pattern in enumerate(patterns):
        found = pattern.fullmatch(asked.rstrip(" .!?…"))
        if found is None or (place >= len(_SAYING) and (_is_question(text) or _states(text))):
            continue
        topic = _topic(found.groupdict())
        return _request(text, topic) if topic else None
    return None


def _request(text: str, topic: str) -> TextRequest:
    parts = _SIDES.split(topic, maxsplit=MOST_SIDES - 1) if _COMPARES.search(text) else [topic]
    sides = [side for side in parts if side.strip()]
    is_survey = _IS_LETTER.search(text) is None
    is_list = is_survey and _LIST.search(text) is not None
    return TextRequest(text, tuple(sides), limits_in(text), is_list, is_survey, _language(text))


def _is_question(text: str) -> bool:
    """Whether it asks for no text: "can I get a summary of leave?" does."""
    polite = _PLEASE.match(text)
    return text.endswith("?") and not (polite and _MAY_ASK.search(polite[0]))


def _states(text: str) -> bool:
    """Whether it tells something, though it begins as a text is asked for."""
    asked = _PLEASE.match(text)
    return _STATES.match(text, asked.end() if asked else 0) is not None


def _language(text: str) -> Language | None:
    for found in _LANGUAGES.finditer(text):
        wish = wish_of(f"in {found['name']}")
        ends = found["by"].lower() == "auf" or ENDS.match(text, found.end())  # none in "in Polish cities"
        if ends and wish and "language" in wish.form:
            return Language(wish.form["language"])
    return None


def _topic(found: dict[str, str | None]) -> str:
    """What a text is of: nothing where a message only points at it."""
    said = found.get("topic") or found.get("rest") or ""
    about = _ABOUT.search(said)
    said = without_limits(about["topic"] if about else said).strip(' ,;:.–-?!"“”')
    while (shorter := _TAIL.sub("", said)) != said:
        said = shorter.strip(" ,;:.–-?!")
    said = said if about else _LEAD.sub("", said, count=1) if _LEAD.match(said) else said
    said = re.sub(r"^(?:me|us|mir|uns|bitte)\b ?", "", said.strip(" ,;:.–-"), flags=re.IGNORECASE)
    return said if content_words(said) - _POINTING else ""
