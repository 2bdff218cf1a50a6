"""Whether a message wants a text written, and of what: "draft a slack message about the new leave rules".

A text is wanted where a message says so in the words that people use for it; a question stays a question ("how do I
write an e-mail to all?"), and what only points at an answer ("turn it into a list") is a re-wording of it
(`core.answering.rewording`). English and German. Pure; no model, and nothing of what documents there are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.answering.rewording import language_in, without_language
from core.people.preferences import Language
from core.text.asking import (
    AS,
    KIND,
    LAYOUT,
    LETTER,
    LIST,
    MAY,
    NO_KIND,
    PIECE,
    POLITE,
    SORT,
    SURVEY,
    mended,
)
from core.text.words import content_words, words_of
from core.writing.limits import COUNT, Limits, limits_in, without_limits

LONGEST = 4000  # characters of a request …
MATCHED = 500  # … and those that say what it is of: the patterns would take their time over more
MOST_SIDES = 4  # that are searched for one by one; of more, those behind are one


def _verb(*stems: str) -> str:
    """German verbs that tell somebody to do it: "schreib", "schreibe", "schreibt", "schreiben Sie"."""
    return rf"(?:{'|'.join(stems)})(?:e|s?t (?:du|ihr)|t|e?n sie)?"


_WRITING = (
    r"(?:write|draft|compose|prepare|create|make|produce|generate|give|put together|craft|come up with"
    r"|do|build|provide|show|formulate|(?:send|get)(?= (?:me|us)\b(?! (?:an? )?(?:reminders?|tables? for)\b))"
    r"|entwirf|gib|gebt|geben sie"
    rf"|{_verb('schreib', 'verfass', 'erstell', 'formulier', 'mach', 'generier', 'entwerf')})"
)
_WRITTEN = (
    r"(?:zu )?(?:schreiben|verfassen|entwerfen|erstellen|formulieren|machen|zusammenstellen|geben|aufsetzen|vorbereiten"
    r"|aufzusetzen|vorzubereiten|zusammenzustellen)"
)
_BY_THE_WAY = r"(?:bitte|please|mal|einmal|eben|gerade|rasch|doch|kurz|schnell|quickly)"
_FOR = rf"(?: (?:me|us|mir|uns|up|{_BY_THE_WAY}))*"
_TO_WHOM = r"(?: (?:de[mnr]|unsere[mnr]|meine[mnr]|the|my|our)(?: [\w'’-]+){1,2}?(?= eine?n? | an? ))?"
_ANY_KIND = rf"(?:{LETTER}|{SURVEY}|{PIECE}){NO_KIND}"
_GIST = (
    r"summary|overview|recap|gist|highlights|takeaways|key (?:points|takeaways|facts)|(?:main|most important) points"
    r"|(?:kurze )?zusammenfassung|kurzfassung|kern(?:punkte|aussagen)|wichtigsten punkte"
)
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
    r"(?:(?:to|for|of|on(?!-)|from|out of|with|that|telling|saying|asking|von|für|aus|zu[mr]?|an|der|des|mit|dass"
    r"|(?:die|das|der) (?:erklärt|sagt|zeigt|beschreibt)|in de[rm] steht)\b[ :,]*)+",
    re.IGNORECASE,
)
_TELLS = r"(?:about|telling|announcing|explaining|reminding|inviting|welcoming|über|wegen|zum thema)"
_TURNING = (
    r"(?:turn|convert|transform|make|put|rewrite|rework|reformat|condense|distil|boil"
    rf"|{_verb('mach', 'verwandl', 'wandl', 'pack', 'bring')})"
)
_TELLING = rf"(?:list|explain|describe|outline|present|{_verb('erklär', 'beschreib', 'skizzier', 'list')})"
_SOME = r"(?:something |a few (?:words|lines|sentences) |etwas |was )?"
_A_THING = rf"(?:{COUNT}|an|the|our|my|some|de[nr]|die|das|unsere?[nr]?|meine?[nr]?)"
_OF_WHAT = r"(?:of|for|on|about|from|comparing|with|von|für|über|zu[mr]?|der|des)"
_JOINED = (  # what stands between a kind of text and what it is of: "make message retention shorter" wants none
    r"(?:[ ,:;–-]+(?:to|for|about|on|of|from|with|that|\w+ing|remind\w*|explain\w*|invit\w*"
    r"|welcom\w*|compar\w+|summari\w+|which|how|what|when|why|regarding|concerning|in|as|out|max\w*|ans?|am|ins|fürs?|über"
    r"|von|zu[mr]?|der|des|mit|dass|aus|wegen|(?<=, )(?:die|das))\b.*)"
)
_CUTTING = rf"(?:shorten|condense|cut|trim|distil|boil|{_verb('kürz', 'verkürz')})"
_GIVING = rf"(?:give|show|send|get|tell|gib|{_verb('zeig', 'nenn')})"
_PENNING = rf"(?:write|draft|compose|entwirf|{_verb('schreib', 'verfass')})"
_INTO = r"(?P<into>(?:into|in|to|ins|auf) [^\W\d_]+\b.*)"
_SUMMING_UP = rf"summari[sz]e|sum up|recap|tl;?dr(?: of| on|:)?|{_verb('fass')}{_FOR} zusammen"
_SAYING = (  # one a line: how a text is asked for, with its topic, or the rest that has it
    rf"{POLITE}(?:{_SUMMING_UP})\b,?{_FOR}[ :]*(?P<topic>.+)",
    rf"{POLITE}{_verb('fass')}{_FOR} (?P<topic>.+?) zusammen\b(?P<tail>.*)",
    rf"{POLITE}(?P<topic>.+?) (?:zusammen ?fassen|vergleichen|gegenüber ?stellen)(?P<tail>.*)",
    rf"{POLITE}(?:compare|contrast|{_verb('vergleich')})\b{_FOR} (?P<topic>.+)",
    rf"{POLITE}{_verb('stell')}{_FOR} (?P<topic>.+?) gegenüber\b(?P<tail>.*)",
    rf"{POLITE}(?:translate|{_verb('übersetz')}){_FOR} (?P<topic>.+?) {_INTO}",
    rf"{POLITE}(?P<topic>.+?) (?P<into>(?:in|ins|auf) [^\W\d_]+) übersetzen",
    rf"{POLITE}{_CUTTING}{_FOR} (?P<topic>.+?) (?:down )?(?:to|into|in|auf) (?P<limit>.+)",
    rf"{POLITE}{_TURNING} (?P<topic>.+?) (?:down )?(?:into|in|as|to|zu|als) (?P<tail>{_BEFORE}{KIND}\b.*)",
    rf"{POLITE}{_WRITING}\b{_FOR} aus (?P<topic>.+?) (?P<tail>eine?n? {_BEFORE}{KIND}\b.*)",
    rf"{POLITE}(?:make|turn) (?P<topic>(?:the|our|my|this) .+?) (?P<tail>an? {_BEFORE}(?:{SURVEY}))",
    rf"{POLITE}(?!create tables? ){_WRITING}\b{_FOR}{_TO_WHOM} {_BEFORE}{_ANY_KIND}\b(?P<rest>{_JOINED})",
    rf"{POLITE}{_GIVING}{_FOR} (?:the|die) (?:{_GIST}) (?P<rest>{_OF_WHAT}\b.+)",
    rf"{POLITE}{_verb('setz', 'bereit')}{_FOR}{_TO_WHOM} {_BEFORE}{KIND} (?P<rest>.+?) (?:auf|vor)\b(?P<tail>.*)",
    rf"{POLITE}{_verb('setz', 'bereit')}{_FOR}{_TO_WHOM} {_BEFORE}{KIND} (?:auf|vor)\b,?(?P<rest> .+)",
    rf"{POLITE}{_PENNING}{_FOR} {_SOME}(?P<rest>(?:about|on|über|zu[mr]?) .+)",
    rf"{POLITE}(?:draft|compose|write up|entwirf|{_verb('verfass')}){_FOR} (?P<rest>{_A_THING} .+)",
    rf"{POLITE}{_BEFORE}{KIND} (?P<rest>.+?) {_WRITTEN}\b(?P<tail>.*)",
    rf"(?={MAY}|bitte|please|hilf){POLITE}{_BEFORE}{KIND} {_WRITTEN}\b,?(?P<rest> .+)",
    rf"(?:kann|könnte) ich(?: bitte)? {_BEFORE}(?:{SURVEY}) (?P<rest>.+?) (?:haben|bekommen)",
    rf"{POLITE}{_TELLING}{_FOR} (?P<topic>.+?) (?:as|in|als) (?P<tail>{_BEFORE}{KIND}\b.*)",
)
_NO_FILE = r"(?!(?:reports?|bericht|slides?|slide decks?|presentations?|folien|präsentation|punkte)\b)"
_NO_VERB = r"(?!(?:please|bitte) (?:post|reply|text)\b)"
_BARE = (  # and where nothing says that it is to be written: such a message is no question
    rf"{_NO_VERB}{POLITE}{_PLAIN}(?:{LETTER}){NO_KIND} (?P<rest>(?:(?:to|for|an|für) .+? )?{_TELLS}\b.*)",
    rf"{POLITE}{_NO_FILE}{_PLAIN}(?:{SURVEY}) (?P<rest>{_OF_WHAT}\b.+)",
    rf"{POLITE}(?:the |die )?(?:{_GIST}) (?P<rest>{_OF_WHAT}\b.+)",
    rf"(?P<topic>.+?) (?:in|as|als) (?P<tail>{_PLAIN}(?:{SURVEY}))",
)
_STATES = re.compile(  # a message that tells something: who "got an email about laptops" wants none
    r"(?:(?:i|we|he|she|they|you|ich|wir|er|sie|du|ihr)\b"
    r"|(?:(?!\b(?:that|who|what|when|where|which|why|how|if|telling|announcing|explaining|reminding|dass|wer|was|wann|wo"
    r"|warum|wie|ob)\b)[^,])*\b(?:is|are|was|were|has|have|had|does|did|got|go|goes|went|comes?|came|ist|sind|war|waren"
    r"|hat|haben|hatten?|wurden?|wird|werden|kam|kamen|kommt|kommen|ging|gehen|geht|steht|fehlt|fehlen|nervt|liegt|klingt|looks?|seems?|sounds?|appears?"
    r"|bounces|fails?|disappears|never \w+ed)\b)",
    re.IGNORECASE,
)
_ASKS_ASIDE = re.compile(  # "an email about phishing from the CEO, is it real"
    r", *(?:is|are|was|were|do|does|did|can|should|must|ist|sind|war|kann|soll|muss|darf|stimmt)\b",
    re.IGNORECASE,
)
_HAS_HAPPENED = re.compile(  # "an email about phishing received"
    r"(?!.*\b(?:that|who|what|when|where|which|why|how|if|being|been|be|get|gets|getting)\b)"
    r".* (?:received|arrived|deleted|reported|opened|sent|missing|lost|failed|passed|rejected|blocked)$",
    re.IGNORECASE,
)
_DOES = re.compile(  # "Erinnerung wegen Zeiterfassung abschalten"
    r"(?!.*\b(?:dass|wer|was|wann|wo|warum|wie|ob)\b).* "
    r"(?:bekommen|erhalten|(?:ab|ein|aus|um)schalten|abgeben|abbestellen|einreichen|(?:ver)?schicken|(?:ver)?senden"
    r"|finden|suchen|(?:hoch|herunter|runter)laden|löschen|teilen|einsehen|ansehen|abrufen|öffnen|weiterleiten|ändern"
    r"|(?:de)?aktivieren|ignorieren|beantworten|lesen|melden|abholen|anfordern|beantragen|verloren|verschwunden"
    r"|gelesen|gelöscht|angekommen|abgelehnt)$",
    re.IGNORECASE,
)
_IN_A_PLACE = re.compile(  # "build a table in Confluence", not "in German" or "in Slack style"
    r" ?in (?:the |der |dem |our )?(?:(?-i:[A-ZÄÖÜ])|(?:jira|confluence|workday|looker|sap|power ?bi|excel|word|outlook"
    r"|notion|salesforce|sharepoint|moodle|kafka|google|intranet|wiki|database|datenbank)\b)"
    r"(?!\w*(?:ish|ese|isch)\b)(?!.*\b(?:style|stil|tone|ton|words|wörtern|language|sprache|form|sentences|sätzen)\b)",
    re.IGNORECASE,
)
_PLEASE = re.compile(POLITE, re.IGNORECASE)
_PATTERNS = [re.compile(pattern, re.IGNORECASE | re.DOTALL) for pattern in (*_SAYING, *_BARE)]
_ASKS = re.compile(
    r"(?:(?:hi|hey|hello|hallo|please|bitte|and|und|so|ok|okay)[ ,]+)*(?:what|whats|who|whom|whose|where|when|why|which"
    r"|how|is|are|was|were|do(?! (?:me|us|a|an)\b)|does|did|should|shall|must|may|might|has|have|am"
    r"|can (?:i|we|someone|people|they)(?! (?:have|get) a)|could (?:they|we(?! (?:have|get) a))|wie|wer|wo|wann|warum"
    r"|wieso|weshalb|welche[mnrs]?|ist|sind|darf|dürfen|muss|müssen|soll|sollen|gibt|kann (?:man|jemand)"
    r"|will you send|(?:ich|wir|er|sie|man|du|ihr) (?:muss|müssen|soll|sollen|sollte|sollten|darf|dürfen|kann|können"
    r"|habe|haben|hatte|hatten)"
    r"|kann ich(?!.* (?:haben|bekommen))|können wir|hat|haben|wird|werden)\b",
    re.IGNORECASE,
)
_ASKS_BEHIND = re.compile(  # "create a post in which channel?", "I need a report, where do I find it"
    r"^(?:schreib|verfass|erstell|fass|vergleich|übersetz|kürz|erklär)t (?!(?:du|ihr|mir|uns|bitte|mal)\b)[^?]*\?$"
    r"|\b(?:in|to|on|for|with|from|at) (?:which|whom)\b.*\?$"
    r"|, (?:wo|wer|wen|wie|where|who|how) (?:do|can|is|finde|bekomme|frage|kann|muss|ist)\b",
    re.IGNORECASE,
)
_MAY_ASK = re.compile(rf"{MAY}\b", re.IGNORECASE)
_LIST = re.compile(rf"\b(?:{LIST}|steps|schritten?|(?:stich|kern)?punkten?)\b", re.IGNORECASE)
_IS_LETTER = re.compile(rf"\b(?:{LETTER}){NO_KIND}\b", re.IGNORECASE)
_TAIL = re.compile(
    rf"[\s,;.–-]*\b(?:(?:{AS}|auf|ins) (?:an? |eine[nmr]? )?{SORT}(?:{LAYOUT}|prose|tone|style|words|language"
    r"|summary|form|ton|\w+ (?:questions|fragen))"
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
    text = mended(" ".join(message.split()))
    if len(text) > LONGEST or _ASKS.match(text) or _ASKS_BEHIND.search(text):
        return None
    patterns, asked = _PATTERNS, text
    if len(text) > MATCHED:  # who only tells something takes as long
        patterns, asked = _PATTERNS[: len(_SAYING)], text[:MATCHED].rpartition(" ")[0]
    for place, pattern in enumerate(patterns):
        found = pattern.fullmatch(asked.rstrip(" .!?…"))
        if found is None or (place >= len(_SAYING) and (_is_question(text) or _states(text))):
            continue
        if _is_of_something_else(found.groupdict()):
            continue
        topic = _topic(found.groupdict())
        return _request(text, topic) if topic else None
    return None


def _is_of_something_else(found: dict[str, str | None]) -> bool:
    """Whether what it becomes is no language or no length, or where it is made is said."""
    into, limit, rest = found.get("into"), found.get("limit"), found.get("rest") or ""
    if _IN_A_PLACE.match(rest) and language_in(rest) is None:
        return True
    return (into is not None and language_in(into) is None) or (limit is not None and not limits_in(limit))


def _request(text: str, topic: str) -> TextRequest:
    parts = _SIDES.split(topic, maxsplit=MOST_SIDES - 1) if _COMPARES.search(text) else [topic]
    sides = [side for side in parts if side.strip()]
    is_survey = _IS_LETTER.search(text) is None
    is_list = is_survey and _LIST.search(text) is not None
    return TextRequest(text, tuple(sides), limits_in(text), is_list, is_survey, language_in(text))


def _is_question(text: str) -> bool:
    """Whether it asks for no text: "can I get a summary of leave?" does."""
    polite = _PLEASE.match(text)
    return text.endswith("?") and not (polite and _MAY_ASK.search(polite[0]))


def _states(text: str) -> bool:
    """Whether it tells, asks or does something, though it begins as a text is asked for."""
    asked, said = _PLEASE.match(text), text.rstrip(" .!?…")
    states = _STATES.match(text, asked.end() if asked else 0) or _ASKS_ASIDE.search(text)
    return bool(states or _HAS_HAPPENED.fullmatch(said) or _DOES.fullmatch(said))


def _topic(found: dict[str, str | None]) -> str:
    """What a text is of: nothing where a message only points at it."""
    said = found.get("topic") or found.get("rest") or ""
    behind = found.get("tail") or "" if found.get("rest") else ""  # "an HR schreiben, dass ich krank bin"
    about = _ABOUT.search(said) or _ABOUT.search(behind)
    said = without_limits(without_language(about["topic"] if about else said)).strip(' ,;:.–-?!"“”')
    while (shorter := _TAIL.sub("", said)) != said:
        said = shorter.strip(" ,;:.–-?!")
    said = re.sub(rf"(?: {_BY_THE_WAY})+$", "", said, flags=re.IGNORECASE)
    said = said if about else _LEAD.sub("", said, count=1) if _LEAD.match(said) else said
    said = re.sub(r"^(?:me|us|mir|uns|bitte)\b ?", "", said.strip(" ,;:.–-"), flags=re.IGNORECASE)
    return said if content_words(said) - _POINTING else ""
