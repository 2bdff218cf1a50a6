"""What somebody wants of a thread: its summary, its decisions, what is to be done; or of a group what they missed.

Only whole messages count: "summarise how we do code review" is no such request. English and German. Pure; knows
nothing of platforms, of who wrote the thread, or of models.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from core.answering.rewording import language_in, without_language
from core.people.preferences import Language
from core.text.asking import AS, KIND, LAYOUT, MAY, SORT, TABLE, mended
from core.writing.limits import Limits, limits_in, without_limits

LONGEST = 120  # characters of a message that asks for no more than this


class MinutesKind(StrEnum):
    """What is to be made of a thread."""

    SUMMARY = "summary"
    DECISIONS = "decisions"
    ACTIONS = "actions"


@dataclass(frozen=True, slots=True)
class ThreadRequest:
    """What is wanted; `missed`: of what its asker has not seen yet; `dated`: of a day, or of several.

    `also` is what is wanted besides; `language`, `limits` and whether it is a `table` are the form in which.
    """

    kind: MinutesKind
    missed: bool = False
    also: MinutesKind | None = None
    dated: bool = False
    language: Language | None = None
    limits: Limits = field(default_factory=Limits)
    table: bool = False

    @property
    def each(self) -> list[ThreadRequest]:
        """One after the other."""
        return [replace(self, kind=kind, also=None) for kind in (self.kind, self.also) if kind]


_PLACE = r"(?:thread|discussion|conversation|chat|channel|group|messages|topic|all|everything)"
_ORT = r"(?:thread|faden|diskussion|unterhaltung|gespräch|chat|kanal|gruppe|nachrichten|thema|alles)"
_POLITE = re.compile(
    rf"^(?:(?:hey|hi|hello|hallo|moin|attune|please|pls|plz|bitte|ok|so|and|und|also|mal|kurz|{MAY}|i(?:'d| would) like"
    r"|i (?:need|want)|ich (?:brauche|möchte|hätte gerne?)|könnte ich|kann ich)\b[\s,]*(?:(?:mir|uns)\b ?)*)+"
)
_TAIL = re.compile(
    r"[\s,]+(?:please|pls|bitte|thanks?|thx|danke|haben|bekommen|geben|for (?:me|us)|so far|until now|here|above"
    rf"|up to now|yet|briefly|in short|quickly|bisher|hier|bis jetzt|oben|denn|eigentlich|für (?:mich|uns)"
    rf"|(?:in|of|from) (?:this|the|that)(?: whole)? {_PLACE}"
    rf"|(?:in|aus|von) (?:diese[mnrs]?|de[mnr])(?: ganzen)? {_ORT}"
    r"|(?P<day>today|yesterday|(?:this|last) (?:morning|afternoon|week|month)|heute|gestern"
    r"|(?:diese|letzte) woche|(?:diesen|letzten) monat))$"
)
_LAYOUT = re.compile(  # anywhere: "fass das als Tabelle zusammen"
    rf"[\s,]+{AS} (?:an? |eine?[rnm]? |ein paar |a few )?{SORT}(?:(?P<table>{TABLE})|{LAYOUT})(?![\w-])"
)
_MINUTES = r"(?:summary|recap|tl;?dr|overview|gist|key|main|takeaways|highlights|zusammenf|kurzfassung|kern)"
_A_KIND = rf"(?:an? |the |eine? )?{SORT}(?!{_MINUTES})(?:(?P<NAME>{TABLE})|list|liste|update|{KIND})"
_AS_A_TEXT = re.compile(  # the minutes are what such a text would be made of
    r"^(?:write up |(?:write|draft|compose|prepare|make|create|schreibe?|mache?|erstelle?)(?: me| us)? "
    rf"{_A_KIND.replace('NAME', 'first')}(?: (?:to|for|an|für) [^,]{{1,40}}?)? (?:about|on|of|with|über|mit|von) "
    r"|(?:summari[sz]e|sum up) (?=what\b))"
    rf"|[\s,]+(?:as|into|in|als) {_A_KIND.replace('NAME', 'then')}(?: (?:to|for|an|für) [^,]{{1,40}})?"
    r"(?=$| zusammen ?(?:fassen)?$)"
    r"|[\s,]+(?:for|für) (?:the|my|das) team$"
)
_AND = re.compile(r",? (?:and|und|&) ")
_ENDS = " ,:.!?…"
_THIS = rf"(?:(?: (?:this|it|the|that|whole|entire|of))* {_PLACE}| this| it)?"
_DIES = rf"(?:(?: (?:diese[nmrs]?|de[nmr]|die|das|ganze[nmrs]?))* {_ORT}| das| dies| es| alles)?"
_SUMMARY = re.compile(
    rf"(?:summari[sz]e|summari[sz]ing|sum up|recap|digest|condense){_THIS}(?: up)?|sum{_THIS} up"
    rf"|(?:(?:give|get|make|write|show|send|do)(?: me| us)? )?(?:an? |the )?(?:short |brief |quick |little )?"
    rf"(?:summary|recap|tl ?;? ?dr|overview)(?: of{_THIS})?"
    r"|(?:(?:give|get|show|send)(?: me| us)? )?(?:the )?(?:gist|key points|main points|key takeaways|takeaways"
    rf"|highlights|short version)(?: of{_THIS})?|what(?:'s| is| are| were) the "
    r"(?:gist|upshot|key points|main points|takeaways)"
    r"|(?:catch (?:me|us) up|bring (?:me|us) up to speed"
    r"|what(?:'s| is| was)(?: this| it| the)?(?: thread)?(?: all)? about"
    r"|what(?: has| was|'s)?(?: been)? (?:discussed|happen(?:ed|ing))|what happened)"
)
_DEUTSCH_SUMMARY = re.compile(
    rf"fass(?:e|t|en sie)?(?: bitte| mal| mir| uns| kurz)*{_DIES}(?: bitte| mal| kurz)* zusammen"
    rf"|(?:(?:diese[nmrs]?|de[nmr]|die|das|dies|es|ganze[nmrs]?|mal|bitte|kurz|{_ORT}) )*zusammen ?(?:fassen|gefasst)"
    rf"|(?:(?:gib|gebt|geben sie|mach|schreib)(?: mir| uns)? )?(?:eine |die )?"
    rf"(?:kurze |knappe )?(?:zusammenfassung|kurzfassung|kern(?:punkte|aussagen)|wichtigsten punkte)"
    rf"(?: (?:de[rs]|von){_DIES})?"
    r"|worum (?:geht|ging) es|was (?:ist|war)(?: denn)? (?:passiert|los)|was wurde (?:besprochen|diskutiert)"
)
_DECISIONS = re.compile(
    r"what(?: was| were| has been| have been| got| is| did we| have we| did they| did you)?(?: all)? "
    r"(?:decided|decide|agreed|agree)(?: up)?(?:on)?(?: on)?"
    r"|(?:(?:list|show|give|what(?:'s| is| are| were| was)?|which|any|were there|are there)(?: me| us)? )*"
    r"(?:all )?(?:the )?"
    r"(?:decisions?|agreements?|conclusions?|outcomes?)(?: (?:made|taken|were made|have been made|did we make))?"
    r"|did (?:we|they|you) (?:decide|agree)(?: on)?(?: anything| something)?|(?:was|were) anything decided"
)
_DEUTSCH_DECISIONS = re.compile(
    r"was (?:wurde|ist|haben wir|habt ihr|haben sie|hat man)(?: denn| jetzt| nun| hier| alles)* "
    r"(?:entschieden|beschlossen|vereinbart|ausgemacht|abgemacht|festgelegt)(?: worden)?"
    r"|(?:(?:welche|liste|zeig|alle|die|gab es|gibt es)(?: mir| uns)? )*"
    r"(?:entscheidungen|entscheidung|beschlüsse|beschluss|ergebnisse?)"
    r"(?: wurden(?: hier)? getroffen| gibt es| gab es| haben wir getroffen)?"
    r"|wurde (?:etwas|was) (?:entschieden|beschlossen)|haben wir (?:etwas|was) (?:entschieden|beschlossen)"
)
_ACTIONS = re.compile(
    r"(?:(?:list|show|give|extract|pull out|what(?:'s| is| are| were)?|which|any|are there)(?: me| us)? )*(?:all )?"
    r"(?:the |our |my )?(?:open )?(?:action (?:items?|points?)|actions|to[- ]?dos?|to-?do list|next steps?"
    r"|tasks|follow-?ups?|open (?:items|points))(?: (?:are|do) (?:there|we have))?"
    r"|what (?:do|should|must|can) (?:we|i|you|they)(?: still)?(?: have to| need to)? do(?: now| next)?"
    r"|what(?:'s| is| are| has| have| needs| need)?(?: still)?(?: left)? ?to (?:be done|do)"
    r"|who(?: does| is doing| has to do| needs to do| should do| will do| did)? what(?: by when| and when| until when)?"
    r"|what(?:'s| is) next"
)
_DEUTSCH_ACTIONS = re.compile(
    r"was ist(?: denn| jetzt| nun| noch| alles)* zu (?:tun|erledigen|machen)"
    r"|was (?:müssen|sollen|sollten|muss|soll) (?:wir|ich|man)(?: denn| jetzt| nun| noch| alles)*"
    r" (?:tun|machen|erledigen)|(?:(?:liste|zeig|welche|alle|die|was sind)(?: mir| uns)? )*"
    r"(?:aufgaben|offenen? (?:aufgaben|punkte)|nächsten? schritte|to-?dos?|todo-liste)"
    r"(?: (?:gibt es|haben wir|sind offen))?"
    r"|wer (?:macht|muss|soll|erledigt|tut)(?: jetzt| nun| noch)? was"
    r"(?: (?:machen|tun|erledigen))?(?:,? (?:und )?bis wann)?"
    r"|was steht an|wie geht es weiter"
)
_MISSED = re.compile(
    r"(?:what (?:did|have|had) (?:i|we) miss(?:ed)?(?: out on)?|what have i been missing"
    r"|did i miss (?:anything|something)"
    r"|anything (?:i missed|new)|what(?:'s| is| was) new|what's happened since(?: i was gone)?|/?catch ?up)"
)
_VERPASST = re.compile(
    r"(?:was (?:hab|habe|haben|hatte) (?:ich|wir)(?: denn| alles| hier)* verpasst|hab(?:e)? ich (?:etwas|was) verpasst"
    r"|was (?:gibt es|gibt's) neues|was ist neu)"
)
_FORMS: tuple[tuple[re.Pattern[str], ThreadRequest], ...] = (
    (_DECISIONS, ThreadRequest(MinutesKind.DECISIONS)),
    (_DEUTSCH_DECISIONS, ThreadRequest(MinutesKind.DECISIONS)),
    (_ACTIONS, ThreadRequest(MinutesKind.ACTIONS)),
    (_DEUTSCH_ACTIONS, ThreadRequest(MinutesKind.ACTIONS)),
    (_MISSED, ThreadRequest(MinutesKind.SUMMARY, missed=True)),
    (_VERPASST, ThreadRequest(MinutesKind.SUMMARY, missed=True)),
    (_SUMMARY, ThreadRequest(MinutesKind.SUMMARY)),
    (_DEUTSCH_SUMMARY, ThreadRequest(MinutesKind.SUMMARY)),
)


def thread_request(text: str) -> ThreadRequest | None:
    """What `text` wants of the thread it stands in; None where it is another message."""
    if len(text) > LONGEST:  # first: patterns take their time
        return None
    said = " ".join(mended(text).replace("’", "'").lower().split()).strip(_ENDS)
    limits, said = limits_in(said), without_limits(said).strip(_ENDS)
    said, language, table = _without_form(said)
    while said != (bare := _POLITE.sub("", said).strip(_ENDS)):
        said = bare
    if found := _AS_A_TEXT.search(said):
        table = table or bool(found["first"] or found["then"])
    said = _AS_A_TEXT.sub("", said).strip(_ENDS)
    dated = False
    while tail := _TAIL.search(said):
        dated = dated or tail["day"] is not None
        said = said[: tail.start()].strip(_ENDS)
    request = next((request for form, request in _FORMS if form.fullmatch(said)), None) or _both(said)
    if request is None:
        return None
    return replace(
        request,
        dated=request.dated or dated,
        language=language or request.language,
        limits=limits or request.limits,
        table=table or request.table,
    )


def _without_form(said: str) -> tuple[str, Language | None, bool]:
    """`said` without the form that it wishes for: its language, and whether that is a table."""
    plain = without_language(said)
    found = _LAYOUT.search(plain)
    return _LAYOUT.sub("", plain).strip(_ENDS), language_in(said), bool(found and found["table"])


def _both(said: str) -> ThreadRequest | None:
    """Two things at once, as "summarise this and list the action items"."""
    wanted = [thread_request(part) for part in _AND.split(said, maxsplit=1)] if _AND.search(said) else []
    match wanted:
        case [ThreadRequest() as first, ThreadRequest() as then] if first.kind is not then.kind:
            return replace(first, also=then.kind, dated=first.dated or then.dated)
    return None
