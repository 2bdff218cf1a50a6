"""How people say that something is decided, and that they will do something; in English and German.

A model of this size takes a suggestion for a decision, and one person's task for another's: a point counts only where
somebody said so. Of other languages nothing is known, and all points count. Pure; knows nothing of models.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise

from core.text.languages import ENGLISH, language_of
from core.text.words import content_words, words
from core.threads.points import TELLING, Point, clauses_of, denies, stems_of
from core.threads.posts import Post
from core.threads.requests import MinutesKind

QUOTED_CHARACTERS = 240  # of a post that says itself that it decides
FEWEST_WORDS = 3  # with a meaning, of one that says what is decided, or done
_SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-ZÄÖÜ])")
_TOLD = {ENGLISH, "german"}
_FIRMLY = re.compile(
    r"(?:.*\b(?:decision|decided|agreed|entscheidung|beschluss|beschlossen|entschieden):"
    r"|.*\b(?:we|they|the (?:team|board))(?:'ve|’ve| have| had)? (?:just )?(?:decided|agreed)\b"
    r"|.*\bwir haben (?:uns )?(?:\w+ )*(?:entschieden|geeinigt|beschlossen)\b"
    r"|(?:good|great|ok(?:ay)?|agreed|alright|all right|fine|gut|einverstanden|abgemacht|in ordnung)[,.:;!]|then:|so )",
    re.IGNORECASE,
)
_DECIDES = re.compile(
    r"\b(?:agreed|decided|deal|settled|approved|confirmed|let's|let us|we(?:'ll| will)|we go with|go with|going with"
    r"|then we|so we|we (?:take|keep|use|do|move|skip|drop|postpone)|sounds good|good[,:]? (?:then|the|that|so)"
    r"|ok(?:ay)?[,:]? (?:then|so|we|let|the)|then:|then that is|fine with me|good enough|goes? (?:into|out|with)"
    r"|moves? to|is (?:off|on|out|in) then|no,? we|yes,? (?:we|let|do)|go ahead|do it"
    r"|einverstanden|machen wir|nehmen wir|wir nehmen|wir machen|wir ziehen|wir bleiben|bleibt es bei"
    r"|dann (?:nehmen|machen|ziehen|gilt|lassen|bleiben)|gut,? (?:dann|wir)"
    r"|ok(?:ay)?,? (?:dann|die|der|das|wir)|einigen|geeinigt|vereinbart"
    r"|festgelegt|genehmigt|bestätigt|so machen)",
    re.IGNORECASE,
)
_PROMISES = re.compile(
    r"\b(?:I(?:(?:'ll|’ll| will)(?! be\b)| can|'m going to| am going to)|I do (?:it|them|that)|let me|(?:will|can) do"
    r"|ich (?:kann|werde|kümmere|übernehme|bestelle|schreibe|stelle|sage|baue|unterschreibe|bereite|prüfe|frage|schicke"
    r"|mache|melde|hole|buche|teste|kläre|rufe|erledige)|(?:mache|übernehme|erledige|stelle|schreibe|bestelle) ich"
    r"|entwurf kommt)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:please|can you|could you|would you|will you|should|must|has to|have to|needs? to|bitte|kannst du|könntest du"
    r"|machst du|muss|soll|sollte|übernimmst du)\b",
    re.IGNORECASE,
)
_NOT_YET = re.compile(
    r"\b(?:not (?:decide|decided|today|now|yet)|don't decide|too (?:many|early) to decide|undecided|to be decided|tbd"
    r"|nicht heute|heute nicht|noch nicht|nicht entschieden|noch offen|entscheiden wir (?:heute |jetzt )?nicht"
    r"|klären wir|take it to)\b",
    re.IGNORECASE,
)


def decides(post: Post) -> bool:
    """Whether a post settles something."""
    said = post.text.strip()
    if post.origin or _NOT_YET.search(said):
        return False
    agrees = any(_DECIDES.search(clause) and not denies(clause) for clause in clauses_of(said))
    return _is_firm(post) or (agrees and not said.endswith("?"))


def signed(kind: MinutesKind, points: Sequence[Point], posts: Sequence[Post]) -> list[Point]:
    """`points` as far as the words of `posts` bear out that they are of this kind."""
    if kind is MinutesKind.SUMMARY or language_of(" ".join(post.text for post in posts)) not in _TOLD:
        return list(points)
    return decisions_among(points, posts) if kind is MinutesKind.DECISIONS else tasks_among(points, posts)


def decisions_among(points: Sequence[Point], posts: Sequence[Post]) -> list[Point]:
    """What posts themselves call decided, in their words, and those other `points` that a post settles."""
    firm = [post for post in posts if _is_firm(post) and decides(post)]
    quoted = [Point(" ".join(post.text.split()), (post,)) for post in firm]
    settled = [point for point in points if not {*point.posts} & {*firm} and any(map(decides, point.posts))]
    return sorted([*quoted, *settled], key=lambda point: point.posts[-1].at)


def tasks_among(points: Sequence[Point], posts: Sequence[Post]) -> list[Point]:
    """`points` whose doer took them on, or was asked to; in the place of others, and of what is missing, who said it.

    A model of this size gives one person's task to another: then the words of whoever took it on are shown.
    """
    people = {post.author for post in posts}
    kept = [point for point in points if _is_theirs(point, people)]
    known = {post.id for point in kept for post in point.posts}
    own = [post for post in posts if _promises_of(post) and _is_told(post) and post.id not in known]
    quoted = [Point(f"{post.author}: “{' '.join(post.text.split())}”", (post,)) for post in own]
    return sorted([*kept, *quoted], key=lambda point: point.posts[-1].at)


def _is_theirs(point: Point, people: Collection[str]) -> bool:
    """Whether whoever a task is said to be of took it on in a post that carries it, or was asked there."""
    before, colon, _ = point.text.partition(":")
    name = before if colon else point.text
    doers = {person for person in people if {*words(name)} & {*words(person)}}
    if not doers:
        return not colon or any(_promises_of(post) for post in point.posts)
    task = stems_of(point.text) - stems_of(" ".join(doers))
    return any(
        len(stems_of(said) & task) >= TELLING * len(task)
        for post in point.posts
        for said in (_promises_of(post) if post.author in doers else _demands_on(doers, post))
    )


def _promises_of(post: Post) -> list[str]:
    """What its author takes on in it; a refusal is nothing of it, nor are words of somebody else."""
    if post.origin:
        return []
    return [clause for clause in clauses_of(post.text) if _PROMISES.search(clause) and not denies(clause)]


def _demands_on(people: Collection[str], post: Post) -> list[str]:
    """What is asked in it of somebody by name."""
    if post.origin:
        return []
    names = {word for person in people for word in words(person)}
    return [said for said in _SENTENCE.split(post.text) if _ASKS.search(said) and names & {*words(said)}]


def _is_firm(post: Post) -> bool:
    """Whether a sentence of it says by itself what is decided."""
    if len(post.text) > QUOTED_CHARACTERS:
        return False
    said = _SENTENCE.split(post.text.strip())
    pairs = [first if _says_enough(first) else f"{first} {then}" for first, then in pairwise([*said, ""])]
    return any(
        (found := _FIRMLY.match(pair))
        and not any(map(denies, clauses_of(found[0])[-1:]))
        and not pair.endswith("?")
        and not _PROMISES.search(pair)
        and _says_enough(pair)
        for pair in pairs
    )


def _says_enough(said: str) -> bool:
    return len(content_words(said)) >= FEWEST_WORDS


def _is_told(post: Post) -> bool:
    """Whether it says what, and not only that something is to be done."""
    return _says_enough(post.text) and len(post.text) <= QUOTED_CHARACTERS
