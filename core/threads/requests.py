"""What somebody wants of a thread: its summary, its decisions, what is to be done; or of a group what they missed.

Only whole messages count: "summarise how we do code review" is no such request. English and German. Pure; knows
nothing of platforms, of who wrote the thread, or of models.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from core.text.languages import ENGLISH

LONGEST = 120  # characters of a message that asks for no more than this


class MinutesKind(StrEnum):
    """What is to be made of a thread."""

    SUMMARY = "summary"
    DECISIONS = "decisions"
    ACTIONS = "actions"


@dataclass(frozen=True, slots=True)
class ThreadRequest:
    """What is wanted; `missed`: of what its asker has not seen yet; `dated`: of a day, or of several.

    `also` is what is wanted besides, `language` the one in which.
    """

    kind: MinutesKind
    missed: bool = False
    also: MinutesKind | None = None
    dated: bool = False
    language: str = ""

    @property
    def each(self) -> list[ThreadRequest]:
        """One after the other."""
        return [replace(self, kind=kind, also=None) for kind in (self.kind, self.also) if kind]


_PLACE = r"(?:thread|discussion|conversation|chat|channel|group|messages|topic|all|everything)"
_ORT = r"(?:thread|faden|diskussion|unterhaltung|gespräch|chat|kanal|gruppe|nachrichten|thema|alles)"
_NUMBER = r"(?:\d{1,2}|two|three|four|five|zwei|drei|vier|fünf)"
_FORM = (
    rf"(?:in|als|mit) (?:(?:eine[rnm]?|höchstens|maximal|{_NUMBER}|ein paar|kurze[rn]?) )*"
    r"(?:stichpunkten?|punkten|liste|s[aä]tz(?:en)?)"
)
_POLITE = re.compile(
    r"^(?:(?:hey|hi|hello|hallo|attune|please|pls|bitte|ok|so|and|und|also|mal|kurz)[\s,]+)+"
    r"|^(?:(?:can|could|would|will) you(?: please)?|kannst du(?: bitte)?(?: mal| mir| uns)*"
    r"|könntest du(?: bitte)?(?: mal| mir| uns)*|können sie(?: bitte)?(?: mal| mir| uns)*)\s+"
)
_TAIL = re.compile(
    rf"[\s,]+(?:please|pls|bitte|thanks?|danke|for (?:me|us)|so far|until now|here|above|up to now|yet"
    rf"|bisher|hier|bis jetzt|oben|denn|eigentlich|für (?:mich|uns)"
    rf"|(?:in|of|from) (?:this|the|that)(?: whole)? {_PLACE}"
    rf"|(?:in|aus|von) (?:diese[mnrs]?|de[mnr])(?: ganzen)? {_ORT}"
    rf"|(?:in|as|with) (?:(?:an?|up to|at most|{_NUMBER}|few|short|bulleted) )*"
    r"(?:bullets?(?: points?)?|bullet list|list|points|sentences?|lines?)"
    rf"|{_FORM}|(?P<german>in german|auf deutsch)|(?P<english>in english|auf englisch)"
    r"|(?P<day>today|yesterday|(?:this|last) (?:morning|afternoon|week|month)|heute|gestern"
    r"|(?:diese|letzte) woche|(?:diesen|letzten) monat))$"
)
_KIND = (
    r"(?:an? |the |eine? )?(?:short |brief |quick |bulleted )?(?:slack )?(?:e-?mail|mail|message|memo|note|post|update"
    r"|report|check-?list|list|table|bullets|bullet points|nachricht|notiz|liste|tabelle|checkliste)"
)
_AS_A_TEXT = re.compile(  # the minutes are what such a text would be made of
    r"^(?:write up |(?:write|draft|compose|prepare|make|create|schreibe?|mache?|erstelle?)(?: me| us| mir| uns)? "
    rf"{_KIND}(?: (?:to|for|an|für) [^,]{{1,40}}?)? (?:about|on|of|with|über|mit|von) "
    r"|(?:summari[sz]e|sum up) (?=what\b))"
    rf"|[\s,]+(?:as|into|in|als) {_KIND}(?: (?:to|for|an|für) [^,]{{1,40}})?(?=$| zusammen$)"
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
    r"|(?:catch (?:me|us) up|bring (?:me|us) up to speed"
    r"|what(?:'s| is| was)(?: this| it| the)?(?: thread)?(?: all)? about"
    r"|what(?: has| was|'s)?(?: been)? (?:discussed|happen(?:ed|ing))|what happened)"
)
_DEUTSCH_SUMMARY = re.compile(
    rf"fass(?:e|t|en sie)?(?: bitte| mal| mir| uns| kurz)*{_DIES}(?: bitte| mal| kurz)*(?: {_FORM})? zusammen"
    rf"|(?:(?:diese[nmrs]?|de[nmr]|die|das|dies|es|ganze[nmrs]?|mal|bitte|kurz|{_ORT}) )*zusammen(?:fassen|gefasst)"
    rf"|(?:(?:gib|mach|schreib)(?: mir| uns)? )?(?:eine |die )?"
    rf"(?:kurze )?zusammenfassung(?: (?:de[rs]|von){_DIES})?"
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
    said = " ".join(text.replace("’", "'").lower().split()).strip(_ENDS)
    while said != (bare := _POLITE.sub("", said).strip(_ENDS)):
        said = bare
    said = _AS_A_TEXT.sub("", said).strip(_ENDS)
    wishes = set[str | None]()
    while tail := _TAIL.search(said):
        wishes.add(tail.lastgroup)
        said = said[: tail.start()].strip(_ENDS)
    request = next((request for form, request in _FORMS if form.fullmatch(said)), None) or _both(said)
    if request is None:
        return None
    language = next((name for name in (ENGLISH, "german") if name in wishes), request.language)
    return replace(request, dated=request.dated or "day" in wishes, language=language)


def _both(said: str) -> ThreadRequest | None:
    """Two things at once, as "summarise this and list the action items"."""
    wanted = [thread_request(part) for part in _AND.split(said, maxsplit=1)] if _AND.search(said) else []
    match wanted:
        case [ThreadRequest() as first, ThreadRequest() as then] if first.kind is not then.kind:
            return replace(first, also=then.kind, dated=first.dated or then.dated)
    return None
