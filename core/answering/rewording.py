"""Messages that want the last answer once more, in another form: shorter, as a list, in Spanish, or more of it.

A message is a re-wording when it says nothing else: every other word of it only asks ("could you make that … please").
What it wishes for overrides what the person set, for this one answer. English and German; each language that Attune
answers in by its English, its German and its own name. Pure; knows nothing of turns, people or models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

from core.people.preferences import Format, Language, Length, Level, Tone
from core.text.asking import KIND, LETTER, LIST, MAY, NO_KIND, POLITE, SURVEY, TABLE, mended
from core.text.words import words, words_of
from core.writing.limits import ENDS, limits_in, without_limits

LIMITED = 200  # characters of a message that may be no more than a limit

_WISHES: Mapping[StrEnum, frozenset[str]] = {
    Length.SHORT: words_of(
        "short shorter shorten brief briefer briefly concise concisely sentence sentences summarise summarize summary "
        "tl dr tldr condense condensed tighter crisper terse kurz kurze kürzer kürzere kürze kürzen verkürze verkürzen "
        "gekürzt knapp knapper kompakter prägnanter satz zusammen zusammenfassen zusammengefasst zusammenfassung "
        "短く もっと短く 短くして もっと短くして 简短 简短一点 简短些 短一点 더짧게 짧게"
    ),
    Length.DETAILED: words_of(
        "detail details detailed long longer depth elaborate expand lang länger ausführlich ausführlicher "
        "genauer detailliert detaillierter 詳しく もっと詳しく 詳しくして 详细 更详细 详细一点 详细些 자세히"
    ),
    Format.PROSE: words_of("prose paragraph paragraphs fließtext"),
    Format.BULLETS: words_of(
        "list bullet bullets bulleted points bulletpoints liste aufzählung stichpunkte stichpunkten stichworte "
        "stichworten"
    ),
    Format.STEPS: words_of(
        "step steps step-by-step numbered schritt schritte schritten schrittweise schritt-für-schritt "
        "nummeriert nummerierte"
    ),
    Level.BEGINNER: words_of(
        "simple simpler simply simplify simplified easier plain plainer clearer understandable beginner beginners "
        "layman layperson newcomer eli5 einfach einfache einfachen einfacher vereinfache vereinfachen leichter leichte "
        "verständlich verständlicher anfänger laien"
    ),
    Level.EXPERT: words_of("technical technisch expert experts professionals technischer fachlicher experten"),
    Tone.FORMAL: words_of(
        "formal formally professional professionally businesslike business-like official polite politer formell "
        "formeller förmlich förmlicher professionell professioneller offiziell offizieller höflich höflicher "
        "seriös seriöser sachlich sachlicher"
    ),
    Tone.FRIENDLY: words_of(
        "friendly friendlier warmer casual informal relaxed personable freundlich freundlicher locker lockerer "
        "informell informeller persönlicher herzlicher netter"
    ),
    Language.ARABIC: words_of("arabic arabisch العربية بالعربية"),
    Language.CHINESE: words_of("chinese mandarin chinesisch 中文 用中文 请用中文 中文回答"),
    Language.DUTCH: words_of("dutch niederländisch holländisch nederlands"),
    Language.ENGLISH: words_of(
        "english englisch 英語で 英語で答えて 英語でお願いします 用英语 用英文 请用英语 用英语回答 请用英语回答 영어로"
    ),
    Language.FRENCH: words_of("french französisch français francais"),
    Language.GERMAN: words_of("german deutsch"),
    Language.ITALIAN: words_of("italian italienisch italiano"),
    Language.JAPANESE: words_of("japanese japanisch 日本語 日本語で 日本語で答えて 日本語でお願いします"),
    Language.KOREAN: words_of("korean koreanisch 한국어 한국어로"),
    Language.POLISH: words_of("polish polnisch polski polsku"),
    Language.PORTUGUESE: words_of("portuguese portugiesisch português portugues"),
    Language.RUSSIAN: words_of("russian russisch русский русском по-русски"),
    Language.SPANISH: words_of("spanish spanisch español espanol castellano"),
    Language.THAI: words_of("thai thailändisch ไทย ภาษาไทย"),
    Language.TURKISH: words_of("turkish türkisch türkçe turkce"),
    Language.VIETNAMESE: words_of("vietnamese vietnamesisch việt"),
}
_WISHED_BY = {word: wish for wish, said in _WISHES.items() for word in said}
_WISHED_BY |= {  # "ins Deutsche", "in der englischen Fassung"
    f"{word}{ending}": wish
    for word, wish in _WISHED_BY.items()
    if isinstance(wish, Language) and word.endswith(("isch", "deutsch"))
    for ending in ("e", "en", "er", "es")
}
_INSTEAD: Mapping[StrEnum, StrEnum] = {  # what is wished for by less of something, or by none of it
    Length.SHORT: Length.DETAILED,
    Length.DETAILED: Length.SHORT,
    Format.BULLETS: Format.PROSE,
    Format.STEPS: Format.PROSE,
    Level.BEGINNER: Level.EXPERT,
    Level.EXPERT: Level.BEGINNER,
    Tone.FORMAL: Tone.FRIENDLY,
    Tone.FRIENDLY: Tone.FORMAL,
}
# Words that turn a wish round, and those that want more, or the same again.
_LESS = words_of("less no not without fewer weniger nicht ohne kein keine keinen")
_TOO = words_of("too zu")  # "too long" wishes for less of it
_MORE = words_of("more mehr further continue continued rest weiter weitermachen fortfahren")
_AGAIN = words_of("again repeat nochmal nochmals wiederhole wiederholen")
# Words that only ask: none of them says what is to be told.
_ASKING = words_of(
    "fasst doch eben gerade rasch schnell "
    "a about all also an and answer answers as be bit but by can could do even everything explain explanation "
    "for form format get give go going have i'd in info information into it just keep language little make me "
    "much my now of ok okay on one only or phrase please pls put rather reply rephrase response reword rewrite "
    "said same say see show so still style talk tell than text that that's the them then these this those three "
    "to translate translated translation try turn two u up us version way with word words would write you your "
    "it's main key alles also als am an ans antwort antworte auf aus bisschen bitte da das davon dazu dein "
    "deine deiner dem den der die dies diese drei du ein eine einen einer einmal erklär erkläre erklären erzähl "
    "erzähle es etwas fass fasse fassen form formulier formuliere für ganze gib im in ins infos informationen jetzt "
    "kannst könntest lieber mach mache mal mir noch nun sag sage sagen sätzen schreib schreibe schreiben text "
    "uns und übersetz übersetze übersetzen übersetzt übersetzung viel von worten zeig zeige zum zwei ins sie würdest "
    "würden können könnten möchte hätte gern gerne ich machen schreibt formulieren wenig deutlich wesentlich klingt "
    "klingen sound sounds sounding wording draft version fassung ton tone stil sprache slightly significantly cut "
    "reduce favor por en el las los al svp plaît s'il vous le per na em po proszę lütfen "
    "bằng tiếng op het nederlandse alstublieft alsjeblieft на пожалуйста"
)
# What stands before a wish, or says one in other words.
_ASIDE = re.compile(
    r"^(?:(?:no|nein)[,.:;]|(?:how|what) about|(?:would|do) you mind|(?:can|could|may) i (?:have|get|see)"
    r"|i(?:['’]d| would) like|i want|i need|(?:that|this|it)(?:['’]s| is| was)(?= (?:(?:still|way|much|a bit) )*too\b)"
    r"|use(?= (?:\w+er language|bullet))|das (?:ist|war)(?= (?:\w+ )?zu\b)|wie wäre es)(?= |$)"
)
_AS_CAN_BE = re.compile(r" (?:as|wie) (?:possible|you can|möglich)\b|\b(?:as|so) (?=(?:short|kurz|simple|einfach)\b)")
_AS_TO_A_CHILD = re.compile(r"\blike i['’]?m (?:five|5)\b")
_HALF = re.compile(
    r"\b(?:half (?:as long|the (?:length|size|words)|of (?:it|that))|in half|by (?:half|50 ?%)|halve (?:it|that)"
    r"|halb so (?:lang|viel)|(?:auf|um) die hälfte|halbier\w*)"
)
_TWICE = re.compile(r"\b(?:twice (?:as long|the length)|double (?:it|that|the length)|doppelt so lang|verdopp\w+)")
_GO_ON = re.compile(
    r"(?:(?:and|und|yes|ja|please|bitte)[ ,]+)?(?:go on|keep going|carry on|mache? weiter|fahre? fort)"
    r"(?: please| bitte)?"
)
# Verbs that are spelled like a language or a form.
_VERB = re.compile(r"\b(?:polish(?= (?:it|that|this|your|the)\b)|list(?= (?:them|all|these|those)\b))")

# A wish that no preference has a word for: it points at the answer, or names what is to be made of it.
_MAKING = (
    r"(?:put|write|rewrite|turn|make|format|convert|draft|present|show|polish|summari[sz]e|explain|reword|rephrase"
    r"|paraphrase|phrase|translate|repeat|shorten"
    r"|(?:schreib|mach|formulier|formatier|erklär|übersetz|stell|pack|fass|verwandl|bring|kürz)(?:e|t|e?n sie)?)"
)
_ANSWER = (
    r"(?:it|that|this|(?:the|your|this|that) (?:last )?answer|das|es|dies|(?:die|deine|diese) (?:letzte )?antwort)"
)
_BEHIND = (
    r"(?:again|also|up|down|out|in|into|as|for|to|like|with|without|so|a bit|sound|nochmal|als|für|an|wie|mit|ohne|um"
    r"|ins|zu|zur)"
)
_FORM = rf"(?:{KIND}|list|steps|poem|ticket|json|csv|markdown|quiz|gedicht|liste)"
_THE_TEXT = re.compile(
    rf"\b(?:(?:the|this|that|your|die|den|das|diese[ns]?|deine[ns]?) {_FORM}|the above|das obige"
    r"|(?:the|your|die|deine) (?:last|letzte) (?:answer|antwort))\b"
)
_THIS_TEXT = re.compile(rf"\b(?:this|that|diese[ns]?) {_FORM}\b")
_SHAPE = (  # of any answer
    r"(?:text|reply|response|antwort|messages?|nachricht|paragraphs?|absatz|intro(?:duction)?|summary|overview|recap"
    r"|tl;?dr|bullets?|bullet lists?|tables?|comparisons?|key|main|most|takeaways|highlights|gist|pros|zusammenfassung"
    r"|kurzfassung|überblick|übersicht|tabelle|stichpunkte|vergleich|gegenüberstellung|punkte|wichtigsten|kern\w+|vor)\b"
)
_A_TEXT = re.compile(rf"\b(?:the|de[nrm]|die|das) (?!{_SHAPE})(?:{KIND})\b")
_SUMS_UP = re.compile(rf"\b(?:summari[sz]e|sum up|fass(?:e|t|en)?)\b.*\b(?:the|den|die|das) (?:{SURVEY}){NO_KIND}\b")
_IT = re.compile(r"(?<![A-Z] )\bIT\b(?! [A-Z]{2})")  # the department, where not all is in capitals
_FEW = r"(?:[\w-]+ ){0,2}"
_AS_A_FORM = (
    rf"(?:(?:as|into|als) (?:(?:an?|eine?[nmrs]?) )?|(?:for|in|für) (?:an?|eine?[nmrs]?) ){_FEW}{_FORM}"
    rf"(?: (?:to|for|an|für) .*)?|(?:in|mit) {_FEW}(?:{TABLE}|{LIST})"
)
_WRITE = (
    r"(?:write|draft|compose|make|create|send|(?:schreib|verfass|mach|erstell)(?:e|t|en sie)?)"
    r"(?: (?:me|us|mir|uns|mal|bitte))*"
)
_WHOM = r"(?:(?!(?:about|regarding|on|that|telling|saying|for|with|über|wegen|dass|zu[mr]?|für|mit)\b)[\w'’-]+)"
_OF_IT = (  # what it is of is not said, or pointed at
    rf"{_WRITE} (?:daraus|draus) .+|(?!send|create){_WRITE} (?:an?|eine?n?) {_FEW}(?:{LETTER}){NO_KIND}"
    rf" (?:to|an) {_WHOM}(?: {_WHOM}){{0,2}}"
    rf"|{_WRITE} (?:an?|eine?n?) {_FEW}{_FORM}(?: out)? (?:of|from|about|with|for) (?:it|that|this)"
)
_NAMED = rf"(?:the|your|die|den|das|deine[ns]?) {_FORM}"  # it may be a document: "show me the agenda for tomorrow"
_REWORD = (
    r"(?:rewrite|reword|rephrase|paraphrase|phrase|format|polish|shorten"
    r"|(?:formulier|formatier|kürz)(?:e|t|e?n sie)?)"
)
_FOR_WHOM = r"(?:for|für) (?:(?:new|all|neue|alle) )?(?:\w+s|kids|children|people|staff|\w+(?:er|en|innen))"
_OF_A_NAMED = (
    rf"{_MAKING} (?:me |mir |us |uns |mal |bitte )*{_NAMED} (?:again|nochmals?|shorter|kürzer|{_AS_A_FORM}|sound .+)"
    rf"|{_REWORD} (?:me |mir |us |uns |mal |bitte )*{_NAMED}(?: (?:a bit|up|um|{_FOR_WHOM}|(?:without|ohne) .+))?"
)
_OF_THE_ANSWER = re.compile(
    rf"{POLITE}(?:{_MAKING} (?:me |mir |us |uns |mal |bitte )*{_ANSWER}(?: {_BEHIND}\b.*)?|{_AS_A_FORM}|{_OF_IT}"
    rf"|{_OF_A_NAMED}|{_ANSWER} (?:bitte |mal |noch )*(?:auf|ins?) \w+ übersetzen)[\s.!?]*"
)
# What nothing can be made of before there is an answer: it points there, compares with it, or tells how to word it.
_POINTS = re.compile(
    r"\b(?:it|this|that|these|those|them|das|es|dies|diese[ns]?|davon|daraus|draus"
    r"|(?:the|your|last|die|deine|letzte) (?:answer|reply|response|antwort))\b"
)
_COMPARES = words_of(
    "shorter briefer tighter crisper longer simpler easier plainer clearer politer friendlier warmer kürzer kürzere "
    "knapper kompakter prägnanter länger ausführlicher genauer detaillierter einfacher leichter verständlicher "
    "technischer fachlicher formeller förmlicher professioneller offizieller höflicher seriöser sachlicher "
    "freundlicher lockerer informeller persönlicher herzlicher netter more mehr weiter less fewer weniger without ohne "
    "again nochmal nochmals continue weitermachen fortfahren tl tldr"
)
_TELLS_HOW = re.compile(
    rf"{POLITE}(?:(?:(?!show|present|stell){_MAKING}|simplify|condense|expand|elaborate|cut|reduce|say|tell|keep|repeat"
    r"|answer|reply|respond|use|wiederhole?|vereinfache?|verkürze?|antworte|sage?|erzähle?|as|into|in|im|als|auf|mit|with"
    r"|not|nicht|at most|max\w*|höchstens|no more than)\b.*|.*\b(?:kürzen|zusammenfassen|übersetzen|formulieren|fassen"
    r"|machen|vereinfachen|verkürzen|wiederholen))|.*[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af].*"
)
_A_FORM = re.compile(
    rf"{POLITE}(?:(?:as|into|als) (?:(?:an?|eine?[nmrs]?) )?{_FEW}{_FORM}|(?:in|mit) {_FEW}(?:{TABLE}|{LIST}))[\s.!?]*"
)
_IS_NAMED = re.compile(rf"\b{_NAMED}\b")
_SPOKEN = re.compile(
    rf"{POLITE}(?:(?:do you |can you |also )*(?:speak|understand|know)|(?:always )?(?:answer|reply|respond)(?: me)? in"
    r"|(?:sprichst du|sprechen sie|verstehst du|verstehen sie|kannst du|können sie)(?: auch)?"
    r"|antworte(?:n sie)?(?: mir| bitte| immer)* auf|(?:immer )?auf(?= \w+ antworten))"
    r" (?P<name>[^\W\d_]+)(?: (?:antworten|sprechen|verstehen|please|bitte))*"
)
_IN_A_LANGUAGE = re.compile(
    rf"(?!.*(?:translat|übersetz))(?:.*\b(?:in|auf|en|po|em|please|bitte)\b|{MAY}).*|.*[\u3040-\uffff].*"
)
_LANGUAGES = re.compile(r"[\s,]*\b(?P<by>into|in|to|auf|ins) (?P<name>[^\W\d_]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rewording:
    """What is to be otherwise: fields of `Preferences` by name. `more` where the answer is to go on.

    `times` is how many times as long it is to be; 0 where that is not said.
    """

    form: Mapping[str, Any]
    more: bool = False
    times: float = 0.0


def wish_of(message: str) -> Rewording | None:
    """What a message wants the last answer to be like; None where it says anything else."""
    text = _lowered(message).strip(" .!?…")
    if _GO_ON.fullmatch(text):
        return Rewording({"length": Length.DETAILED}, more=True)
    text = text if _SUMS_UP.search(text) else _THE_TEXT.sub("it", text)
    text = _ASIDE.sub("", _VERB.sub("do so", _AS_TO_A_CHILD.sub("eli5", _AS_CAN_BE.sub("", text))))
    text, halves = _HALF.subn("shorter", text)
    text, doubles = _TWICE.subn("longer", text)
    wishes = [_WISHED_BY[word] for word in words(text) if word in _WISHED_BY]
    limited = len(text) <= LIMITED and bool(limits_in(text))
    said = words(without_limits(text) if limited else text)
    asking = _ASKING | _LESS | _TOO | _MORE | _AGAIN | _WISHED_BY.keys()
    if not (said or limited) or not asking.issuperset(said):
        return None
    if not _LESS.isdisjoint(said) or _is_too_much(said):
        turned = [_INSTEAD[wish] for wish in wishes if wish in _INSTEAD]
        return Rewording(_form(turned)) if turned and len(turned) == len(wishes) else None
    if wishes or limited:
        return Rewording(_form(wishes or [Length.SHORT]), times=0.5 if halves else 2.0 if doubles else 0.0)
    if not _MORE.isdisjoint(said):
        return Rewording({"length": Length.DETAILED}, more=True)
    return None if _AGAIN.isdisjoint(said) else Rewording({})


def language_in(text: str) -> Language | None:
    """The language that `text` wants something in: none of a place, as in "travel in Polish cities"."""
    return next((_WISHED_BY[found["name"].lower()] for found in _languages(text)), None)  # type: ignore[return-value]


def without_language(text: str) -> str:
    """`text` without the language that it wants something in."""
    for found in reversed([*_languages(text)]):
        text = f"{text[: found.start()]}{text[found.end() :]}"
    return text


def _languages(text: str) -> Iterator[re.Match[str]]:
    for found in _LANGUAGES.finditer(text):
        ends = found["by"].lower() in {"auf", "ins"} or ENDS.match(text, found.end())
        if ends and isinstance(_WISHED_BY.get(found["name"].lower()), Language):
            yield found


def is_of_the_answer(message: str) -> bool:
    """Whether a message wants something made of the last answer, in words of its own: "put it in a table"."""
    return _OF_THE_ANSWER.fullmatch(_THIS_TEXT.sub("it", _lowered(message))) is not None


def is_rewording(message: str) -> bool:
    """Whether a message, behind an answer, is about that answer and asks nothing else."""
    return wish_of(message) is not None or is_of_the_answer(message)


def names_a_text(message: str) -> bool:
    """Whether a message names one that people have, too: "the newsletter" is an answer only where one was written."""
    return _A_TEXT.search(_lowered(message)) is not None


def wants_an_answer(message: str) -> bool:
    """Whether a message is about an answer even where there is none: "the experts" may be what somebody looks for."""
    text = _IS_NAMED.sub("", _lowered(message)).strip(" .!?…")
    is_named = _IS_NAMED.search(_lowered(message)) is not None
    if is_of_the_answer(message):
        return _POINTS.search(text) is not None or _A_FORM.fullmatch(text) is not None
    if wish_of(message) is None:
        return False
    text = _TWICE.sub("longer", _HALF.sub("shorter", text))
    said = words(text)
    compares = not _COMPARES.isdisjoint(said) or _is_too_much(said) or _GO_ON.fullmatch(text) is not None
    return compares or bool(_POINTS.search(text)) or (not is_named and _TELLS_HOW.fullmatch(text) is not None)


def language_asked(message: str) -> Language | None:
    """The language that somebody wants answers in, or asks for: "please answer in German", "Kannst du Deutsch?"."""
    text = _lowered(message).strip(" .!?…")
    if spoken := _SPOKEN.fullmatch(text):
        named = _WISHED_BY.get(spoken["name"])
        return named if isinstance(named, Language) else None
    wish = wish_of(message)
    if wish is None or wish.form.keys() != {"language"} or _POINTS.search(text) or _IS_NAMED.search(text):
        return None
    return wish.form["language"] if _IN_A_LANGUAGE.fullmatch(text) else None


def _lowered(message: str) -> str:
    """A message as it is matched: in small letters, with what is mistyped put right, and IT no "it"."""
    return mended(" ".join(_IT.sub("the-it", message).lower().split()))


def _is_too_much(said: list[str]) -> bool:
    """Whether something is said to be "too long"; "zu" is often another word ("mehr dazu", "zu Ende")."""
    return any(word in _TOO and behind in _WISHED_BY for word, behind in pairwise(said))


def _form(wishes: list[StrEnum]) -> dict[str, StrEnum]:
    """By the names of the fields of `Preferences`, as the choices are called; of two formats the later in the table."""
    order = list(_WISHES)
    return {type(wish).__name__.lower(): wish for wish in sorted(wishes, key=order.index)}
