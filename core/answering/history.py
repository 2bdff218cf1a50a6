"""x: what is asked, given what was said before.

A message is a question, or it is about the last answer (`rewording.py`): then the last question is asked again. A
question may lean on the conversation; how likely it does is p(r|x), and it is searched for both ways (`retrieval.py`).
Pure functions over turns. Knows nothing of search, models or where turns are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from core.answering.cutting import begun, is_cut, joined
from core.answering.prompt import NOT_FOUND, says_not_found
from core.answering.rewording import Rewording, is_rewording, names_a_text, wish_of
from core.domain import Person, Turn
from core.text.languages import UNDIVIDED
from core.text.words import content_words, words, words_of
from core.writing.requests import TextRequest, request_of

LEANS = 0.8  # p(a message leans on what was said) where its words point back; people say "it" of other things, too
MAY_LEAN = 0.3  # … where it has few words of its own and none that points: "what is Tock", "maximum amount?"
WAITS = timedelta(minutes=10)  # that what was forwarded may be asked about without a reply to it
SEARCHED = 1500  # characters of what is quoted that are searched for
_FEW_WORDS = 3  # with so many words of its own and none that points, a message is a question by itself …
_OWN_TOPIC = 5  # … and with so many it is one, whatever pronouns it has

_PAIRS = 3  # neighbouring characters, two by two, that a word has which is written without spaces

_POINTS_BACK = words_of(
    "it its they them their theirs he him his she her hers this that these those same one ones es ihn ihm ihnen "
    "dies diese diesem diesen dieser dieses denen dabei dafür dagegen damit daran darauf daraus darin darüber "
    "davon dazu dort"
)
_POINTS_BACK_UNDIVIDED = re.compile(
    "それ|これ(?!から)|その|この|あれ|这个|那个|這個|那個|他们|她们|它|그것|그건|이것|그거"
)
_ENDS_BACK = words_of("das sie")  # articles elsewhere: "wie lange dauert das?"
_ASKS_OF_IT = re.compile(
    r"(?:ist|stimmt|gilt|war|wäre|passt|darf|muss|soll|kann|heißt|bedeutet)\s+das\b", re.IGNORECASE
)
_CONNECTS = re.compile(
    r"(?:and|but|or|so|then|also|otherwise|(?:what|how) about|what if"
    r"|und|oder|aber|auch|sonst|was ist mit|wie ist es mit|(?:und )?gilt (?:das|dies)"
    r"|et|mais|ou bien|qu['’]en est-il|y|pero|qué pasa con|e|ma|mas|maar|hoe zit het met)\b",
    re.IGNORECASE,
)
# Words without a topic beside `words.STOP_WORDS`: of how much is asked, and German ones.
_NO_TOPIC = words_of(
    "many much long often far soon else exactly more example examples explain lange oft viel viele weit genau "
    "beispiel der die das den dem ein eine einen einem einer ich du er sie wir ihr mein meine meinen meiner "
    "unser unsere man sich ist sind war hat habe haben kann können muss müssen darf dürfen soll sollen wird "
    "werden gibt bekomme wie was wer wo wann warum wieso welche welchen welcher welches mit für von zu zum zur "
    "im am auf aus bei nach über um nicht kein keine wenn dann"
)


@dataclass(frozen=True, slots=True)
class Query:
    """What a message asks for.

    `searches` are the texts to search for, the likeliest reading first, with p(r|x); they sum to 1. `turns` are what
    was said before, as the model hears it. `form` overrides `Preferences` by name for this answer, and `begun` is what
    was said of it already; `goes_on` is the turn that it goes on or writes anew. `refused`: it is about a refusal,
    which no other form makes an answer. `quoted` is what somebody wrote that the question is about. `text` is what is
    to be written, where that is asked for, and `reworks` the last one that is to be otherwise, as `wish` has it.
    """

    said: str
    question: str
    searches: Mapping[str, float]
    turns: tuple[Turn, ...] = ()
    form: Mapping[str, Any] = field(default_factory=dict)
    begun: str = ""
    goes_on: Turn | None = None
    refused: bool = False
    quoted: str = ""
    text: TextRequest | None = None
    reworks: str = ""
    wish: str = ""

    @property
    def likeliest(self) -> str:
        """The text of `searches` that most likely says what is asked."""
        return next(iter(self.searches))

    @property
    def own(self) -> str:
        """What is asked in words of whoever asks; empty where all of it is what somebody else wrote."""
        return "" if self.question == self.quoted else self.question

    @property
    def rewords(self) -> bool:
        """Whether it is about an answer: then it says nothing more of its asker, and is no complaint either."""
        is_about = self.said != self.question or bool(self.reworks) or not names_a_text(self.said)
        return is_about and is_rewording(self.said)


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A question with its answer as it was last given, and what re-wordings wished for so far."""

    turn: Turn
    form: Mapping[str, Any]


def understand(message: str, turns: Sequence[Turn], quoted: str = "") -> Query:
    """What `message` asks for, after `turns`, and about what is `quoted` with it."""
    told = _exchanges(turns)
    if quoted or not told or not _is_about(message, told[-1]):
        return _question(message, told, quoted)
    wish = wish_of(message)
    *before, last = told
    again = _question(last.turn.question, before, last.turn.quoted)
    again = replace(again, said=message, form={**again.form, **last.form})
    is_refusal = says_not_found(last.turn.answer)
    if again.text and not is_refusal:
        again = replace(again, reworks=last.turn.answer, goes_on=last.turn, wish=message)
    if wish is None:
        return replace(again, question=message, turns=tuple(exchange.turn for exchange in told))
    if is_refusal:
        return replace(again, refused=True)
    if _goes_on(wish, last):
        return replace(again, begun=begun(last.turn.answer), goes_on=last.turn)
    return replace(again, form={**again.form, **wish.form})


def unsaid(turn: Turn) -> Turn:
    """`turn` as if nothing had been found: what its answer said is gone, and the model does not read it again."""
    return replace(turn, answer=NOT_FOUND)


def quoted_with(question: str, turns: Sequence[Turn]) -> str:
    """What was quoted when `question` was last asked."""
    return next((turn.quoted for turn in reversed(turns) if turn.question == question), "")


def standalone_question(message: str, turns: Sequence[Turn]) -> str:
    """The message as it would most likely be asked with no conversation before it."""
    return understand(message, turns).likeliest


def questions(turns: Sequence[Turn], person: Person) -> list[str]:
    """What `person` asked in `turns`, oldest first, without what was about an answer."""
    return [told.turn.question for told in _exchanges(turns) if told.turn.person == person and not _waits(told.turn)]


def before(message: str, turns: Sequence[Turn], *, again: bool) -> list[Turn]:
    """The turns of this conversation before `message`; where it is asked `again`, those before the last time.

    An empty turn is where somebody began anew: nothing before it counts.
    """
    first = max((place + 1 for place, turn in enumerate(turns) if not turn.question), default=0)
    turns = turns[first:]
    same = [place for place, turn in enumerate(turns) if turn.question == message]
    return list(turns[: same[-1]] if again and same else turns)


def up_to(turns: Sequence[Turn], question: str, at: datetime) -> list[Turn]:
    """`turns` up to the one in which `question` was asked at that time; none where it is not among them."""
    places = [place + 1 for place, turn in enumerate(turns) if turn.question == question and turn.asked_at == at]
    return list(turns[: places[-1]]) if places else []


def waiting(turns: Sequence[Turn], now: datetime) -> list[Turn]:
    """`turns` without what was forwarded and let go, or too long ago to be asked about `now`."""
    kept: list[Turn] = []
    for turn in turns:
        if _waits(turn) and turn.rests is None:
            kept = [one for one in kept if not (_waits(one) and one.quoted == turn.quoted)]
        elif not _waits(turn) or now - turn.asked_at <= WAITS:
            kept.append(turn)
    return kept


def waits(turn: Turn, quoted: str) -> bool:
    """Whether `quoted` was forwarded in `turn`, and waits for a question."""
    return _waits(turn) and turn.quoted == quoted and turn.rests is not None


def points(message: str) -> bool:
    """Whether a message that comes with something forwarded is about it: one of many words, where it points there."""
    pointing = not _POINTS_BACK.isdisjoint(words(message)) or _ASKS_OF_IT.match(message.strip()) is not None
    return pointing or bool(leaning(message))


def leaning(message: str) -> float:
    """p(a message leans on what was said before it), by its words."""
    said, own = words(message), content_words(message) - _NO_TOPIC
    pairs = sum(UNDIVIDED.fullmatch(word) is not None for word in own)  # of what is written without spaces
    own_words = len(own) - pairs + pairs // _PAIRS
    if not said or own_words >= _OWN_TOPIC:
        return 0.0
    points = said[-1] in _ENDS_BACK or not _POINTS_BACK.isdisjoint(said) or bool(_POINTS_BACK_UNDIVIDED.search(message))
    if points or not own or _CONNECTS.match(message.lstrip(" ¿¡\n\t")):
        return LEANS
    return MAY_LEAN if own_words < _FEW_WORDS else 0.0


def _question(message: str, told: Sequence[_Exchange], quoted: str = "") -> Query:
    """`message` by itself, and behind what is quoted, or the last question that stood by itself."""
    leans, topic = leaning(message), _topic(told)
    if quoted:
        leans, topic = LEANS if leans else MAY_LEAN, "" if message == quoted else quoted[:SEARCHED]
    elif told and points(message) and _waits(told[-1].turn):
        leans, quoted = leans or LEANS, told[-1].turn.quoted
    leans = leans if topic else 0.0
    readings = [(f"{topic}\n{message}", leans), (message, 1 - leans)]
    likeliest = sorted(readings, key=lambda reading: -reading[1])
    searches = {text: probability for text, probability in likeliest if probability}
    query = Query(message, message, searches, tuple(exchange.turn for exchange in told), quoted=quoted)
    wanted = request_of(message)
    return _text(query, wanted, topic) if wanted else query


def _text(query: Query, wanted: TextRequest, topic: str) -> Query:
    """`query`, which wants a text: what that is of is searched for, each side by itself where it compares."""
    form = {"language": wanted.language} if wanted.language else {}
    searches = {side: 1 / len(wanted.topics) for side in wanted.topics}
    # "about that", or of what is quoted; a short topic of its own is none that leans
    leans = topic and ((bool(query.quoted) and points(wanted.topic)) or leaning(wanted.topic) >= LEANS)
    if leans:
        searches = {f"{topic}\n{wanted.topic}": LEANS, wanted.topic: 1 - LEANS}
    turns = query.turns if leans else ()
    return replace(query, searches=searches, turns=turns, form=form, text=wanted)


def _topic(told: Sequence[_Exchange]) -> str:
    """The last question that stood by itself, or with what was quoted."""
    topic = ""
    for exchange in told:
        earlier, quoted = exchange.turn.question, exchange.turn.quoted
        if quoted not in {"", earlier}:
            topic = f"{quoted[:SEARCHED]}\n{earlier}"
        elif not topic or leaning(earlier) < LEANS or quoted:
            topic = earlier[:SEARCHED] if quoted else earlier
    return topic


def _waits(turn: Turn) -> bool:
    """Whether it was forwarded, and nobody has asked about it yet."""
    return bool(turn.quoted) and turn.quoted == turn.question and not turn.answer


def _exchanges(turns: Sequence[Turn]) -> list[_Exchange]:
    told: list[_Exchange] = []
    for turn in turns:
        if told and _is_about(turn.question, told[-1]):
            told[-1] = _reworded(told[-1], turn)
        else:
            told.append(_Exchange(turn, {}))
    return told


def _is_about(message: str, last: _Exchange) -> bool:
    """Whether `message` is about the last answer: not where it names a text, and no text was asked for."""
    return is_rewording(message) and (not names_a_text(message) or request_of(last.turn.question) is not None)


def _reworded(last: _Exchange, turn: Turn) -> _Exchange:
    """`last` with the answer that a re-wording got."""
    wish = wish_of(turn.question)
    if not turn.answer or says_not_found(turn.answer):
        return last
    answer = joined(begun(last.turn.answer), turn.answer) if wish and _goes_on(wish, last) else turn.answer
    form = last.form if wish and _goes_on(wish, last) else {**last.form, **(wish.form if wish else {})}
    return _Exchange(replace(last.turn, answer=answer, rests=turn.rests), form)


def _goes_on(wish: Rewording, last: _Exchange) -> bool:
    return wish.more and is_cut(last.turn.answer)
