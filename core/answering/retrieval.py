"""p(d | x): passages with probabilities, by meaning and by words.

    s(x, d) = α · cos(x, d) + (1 - α) · BM25(x, d) / max(max_d' BM25(x, d'), κ · |x|)
    p(d | x) = softmax(s / T)

A convex combination keeps the size of the evidence, which rank fusion throws away (Bruch, Gai and Ingber,
"An Analysis of Fusion Functions for Hybrid Retrieval", 2023). |x| counts the question's content words: where even the
best passage holds few of them, words are weak evidence, however far it is ahead of the others. Where a question can be
read in several ways r, by itself or with what was said before, all are searched for:

    p(d | x) = Σ_r p(r | x) · p(d | r)

Copies of a page must not fill all places that are read: of passages that say the same only the likeliest stays.
Knows nothing of people or of the index behind the port.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.answering.guides import searched
from core.domain import Hit, Passage, RankedPassage, Vector, Vectors
from core.ports import Embedder, PassageIndex
from core.readers import GUIDES
from core.text.words import content_words, without_asking, words

DENSE_WEIGHT = 0.65  # α
WORD_WORTH = 4.0  # κ: BM25 that each content word of a question is worth at least, before words count in full
TEMPERATURE = 0.041  # T
CANDIDATES = 50  # passages asked of each of the two searches
NEAR = 0.98  # cosine of copies that differ in some words
NEAR_EQUAL = 0.9  # cosine of copies that agree in all words: only what stands above them differs
SHARED = 0.9  # share of the words of two copies that both have
_NEGATIONS = frozenset(("no", "not", "never", "nor", "without", "cannot", "except", "unless"))

Scored = tuple[Hit, float]
"""What a search found, with p(d|r)."""


async def retrieve(
    question: str, embedder: Embedder, index: PassageIndex, audience: Collection[str]
) -> list[RankedPassage]:
    """All candidates for `question` that `audience` may see, the most probable first; probabilities sum to 1."""
    return await find(
        {question: 1.0}, await embedder.embed_questions([question]), index, audience, embedder.dense_weight
    )


async def find(
    searches: Mapping[str, float],
    vectors: Vectors,
    index: PassageIndex,
    audience: Collection[str],
    weight: float = DENSE_WEIGHT,
) -> list[RankedPassage]:
    """`retrieve` for a question whose readings are `searches`, with p(r|x); row i of `vectors` is that of the i-th."""
    readings: list[tuple[list[Scored], float]] = []
    for (text, probability), vector in zip(searches.items(), vectors, strict=False):
        hits = await _found(text, vector, index, audience)
        readings.append((_scored(hits, content_words(without_asking(text)), weight), probability))
    return _collapsed(mixture(readings))


async def _found(question: str, vector: Vector, index: PassageIndex, audience: Collection[str]) -> list[Hit]:
    """Attune's own guides are among it where it is about Attune, or where `audience` may see nothing else."""
    asked = without_asking(question)
    hits = await index.search(asked, vector, audience=searched(question, audience), limit=CANDIDATES)
    if not hits:
        hits = await index.search(asked, vector, audience={GUIDES}, limit=CANDIDATES)
    return await _of_one_version(hits, index)


def mixture(readings: Sequence[tuple[Sequence[Scored], float]]) -> list[Scored]:
    """Σ_r p(r|x) p(d|r), the most probable first; of its evidence each passage keeps the most."""
    hits: dict[str, Hit] = {}
    total: dict[str, float] = {}
    for scored, probability in readings:
        for hit, share in scored:
            known = hits.get(hit.passage.id, hit)
            best = replace(hit, dense=max(hit.dense, known.dense), sparse=max(hit.sparse, known.sparse))
            hits[hit.passage.id] = best
            total[hit.passage.id] = total.get(hit.passage.id, 0.0) + probability * share
    return sorted(((hit, total[id_]) for id_, hit in hits.items()), key=_likeliest_first)


async def _of_one_version(hits: Sequence[Hit], index: PassageIndex) -> list[Hit]:
    """Of a document that is being changed, only what belongs to a version that is wholly there."""
    versions: dict[str, set[str]] = {}
    for hit in hits:
        versions.setdefault(hit.passage.source, set()).add(hit.passage.version)
    read: dict[str, str] = {}
    for source in [source for source, several in versions.items() if len(several) > 1]:
        held = [document for document in await index.documents(source) if document.version in versions[source]]
        if held:
            read[source] = max(held, key=lambda document: (document.complete, document.passages)).version
    return [hit for hit in hits if read.get(hit.passage.source, hit.passage.version) == hit.passage.version]


def rank(hits: Sequence[Hit], asked: AbstractSet[str]) -> list[RankedPassage]:
    """Fuse both searches' evidence into p(d|x), the most probable first, of copies only the likeliest.

    `asked`: the question's content words.
    """
    return _collapsed(_scored(hits, asked))


def _scored(hits: Sequence[Hit], asked: AbstractSet[str], weight: float = DENSE_WEIGHT) -> list[Scored]:
    if not hits:
        return []
    scores = fused_scores(
        np.array([hit.dense for hit in hits]), np.array([hit.sparse for hit in hits]), len(asked), weight
    )
    return sorted(zip(hits, softmax(scores / TEMPERATURE).tolist(), strict=True), key=_likeliest_first)


def _likeliest_first(scored: Scored) -> tuple[float, str]:
    return -scored[1], scored[0].passage.id


def _collapsed(likeliest: Sequence[Scored]) -> list[RankedPassage]:
    """Each passage once: copies give their probability to the likeliest of them."""
    if not likeliest:
        return []
    firsts = first_copies([hit.passage.text for hit, _ in likeliest], np.stack([hit.vector for hit, _ in likeliest]))
    total = np.bincount(firsts, weights=[probability for _, probability in likeliest])
    ranked = [
        RankedPassage(hit.passage, float(total[place]), hit.dense, hit.sparse, hit.vector)
        for place, (hit, _) in enumerate(likeliest)
        if firsts[place] == place
    ]
    return sorted(ranked, key=lambda passage: (-passage.probability, passage.passage.id))


def first_copies(texts: Sequence[str], vectors: NDArray[np.float32]) -> list[int]:
    """For each text the place of the first one that it copies; its own where there is none.

    Copies are near each other in meaning and agree in their words, in numbers and negations to the last one. The same
    sentence under other headings may be about something else, so nearness counts even for equal words.

    `vectors` (n, dimension) are of unit length. Copies of a copy count only if they are copies of the first.
    """
    said = [words(text) for text in texts]
    near = vectors @ vectors.T  # (n, n)
    firsts: list[int] = []
    for place in range(len(texts)):
        own = [first for first in dict.fromkeys(firsts) if _are_copies(said[first], said[place], near[first, place])]
        firsts.append(own[0] if own else place)
    return firsts


def _are_copies(one: Sequence[str], other: Sequence[str], cosine: float) -> bool:
    if cosine < NEAR_EQUAL:
        return False
    if one == other:
        return True
    first, second = set(one), set(other)
    shared = len(first & second) / max(len(first | second), 1)
    return cosine >= NEAR and shared >= SHARED and not any(map(_decides, first ^ second))


def _decides(word: str) -> bool:
    """Whether a word may turn what a text says: a number, a code, a negation."""
    return word in _NEGATIONS or word.endswith(("n't", "n’t")) or any(letter.isdigit() for letter in word)


def fused_scores(
    dense: NDArray[np.float64], sparse: NDArray[np.float64], words: int, weight: float = DENSE_WEIGHT
) -> NDArray[np.float64]:
    """s(x, d) for candidates with cosines `dense` (n,) and BM25 scores `sparse` (n,): shape (n,).

    `words`: |x|; with 0 of them the best passage's words count in full.
    """
    return weight * dense + (1 - weight) * sparse / max(float(sparse.max()), WORD_WORTH * words, 1e-9)


async def rows_to_read(
    ranked: Sequence[RankedPassage], index: PassageIndex, *, count: int, following: int
) -> list[RankedPassage]:
    """The `count` passages to read. The likeliest goes on where it was cut: procedures seldom end with a passage."""
    best = ranked[:count]
    behind = await index.following([best[0].passage], count=following)
    return merge_neighbours(with_following(best, behind, ranked))


def further_rows(ranked: Sequence[RankedPassage], read: Sequence[RankedPassage], *, count: int) -> list[RankedPassage]:
    """The next `count` passages to read, where those `read` do not hold the answer."""
    known = {part.id for row in read for part in row.parts or (row.passage,)}
    return merge_neighbours([one for one in ranked if one.passage.id not in known][:count])


def with_following(
    best: Sequence[RankedPassage], following: Sequence[Passage], ranked: Sequence[RankedPassage]
) -> list[RankedPassage]:
    """`best` and the passages `following` some of them; one that the search did not find has no probability."""
    known = {candidate.passage.id: candidate for candidate in (*ranked, *best)}
    read = {candidate.passage.id: candidate for candidate in best}
    for passage in following:
        read.setdefault(passage.id, known.get(passage.id, RankedPassage(passage, 0.0, -1.0, 0.0)))
    return list(read.values())


def merge_neighbours(reading: Sequence[RankedPassage]) -> list[RankedPassage]:
    """Put passages that stand next to each other in one document together again, the most probable first.

    A row that sees the beginning of a procedure alone would have to invent its end. Probabilities add up; title,
    place and id are those of the most probable part.
    """
    groups: list[list[RankedPassage]] = []
    for candidate in sorted(reading, key=lambda candidate: (candidate.passage.source, candidate.passage.ordinal)):
        if groups and _follows(candidate.passage, groups[-1][-1].passage):
            groups[-1].append(candidate)
        else:
            groups.append([candidate])
    merged = [group[0] if len(group) == 1 else _joined(group) for group in groups]
    return sorted(merged, key=lambda candidate: (-candidate.probability, candidate.passage.id))


def _follows(passage: Passage, other: Passage) -> bool:
    return passage.source == other.source and passage.ordinal == other.ordinal + 1


def _joined(group: Sequence[RankedPassage]) -> RankedPassage:
    best = max(group, key=lambda candidate: candidate.probability)
    parts = tuple(candidate.passage for candidate in group)
    return RankedPassage(
        replace(best.passage, text=text_of(parts)),
        sum(candidate.probability for candidate in group),
        max(candidate.dense for candidate in group),
        max(candidate.sparse for candidate in group),
        best.vector,
        parts,
    )


def text_of(parts: Sequence[Passage]) -> str:
    """What neighbours say together, each under its headings where these are not the same."""
    headings = parts[0].headings if len({part.headings for part in parts}) == 1 else None
    said: list[str] = []
    for part in parts:
        if part.headings != headings:
            headings = part.headings
            said.append(f"#### {part.heading_path}")
        said.append(part.text)
    return "\n\n".join(said)


def priors(reading: Sequence[RankedPassage], factors: Mapping[str, float] | None = None) -> tuple[float, ...]:
    """p(d|x) among the passages that are read, times `factors` by id where there are any: they sum to 1."""
    weights = [row.probability * (factors or {}).get(row.passage.id, 1.0) for row in reading]
    total = sum(weights)
    return tuple(weight / total for weight in weights)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities (n,) from unnormalised log-probabilities (n,)."""
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())


def is_relevant(question: str, ranked: Sequence[RankedPassage], threshold: float) -> bool:
    """Whether any candidate is about the question: near enough in meaning, or holding all of its words.

    The second way keeps error codes and part numbers, which an embedder does not know.
    """
    asked = content_words(question)
    return any(
        candidate.dense >= threshold or (asked and asked <= content_words(candidate.passage.text))
        for candidate in ranked
    )
