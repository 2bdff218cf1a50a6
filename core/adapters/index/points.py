"""A passage as a point of Qdrant, alike in the embedded index and on a server.

A point has the vectors `dense` (cosine) and `bm25` (sparse, IDF), and as payload the passage's fields and
its `document`. Payload fields that are unknown here are left alone. One encoder makes the sparse vectors
of both indexes, so that points can be copied from one to the other.

Does no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from pydantic import TypeAdapter
from qdrant_edge import Bm25, Bm25Config, SparseVector

from core.answering.terms import misspelled, spellings, with_terms
from core.domain import EVERYONE, Document, Hit, Passage, Vector, Vectors
from core.storage.copies import PassageCopy, mark_of
from core.storage.origin import other_dimension
from core.text.languages import ENGLISH, LANGUAGES, SMALL_WORDS, language_of

DENSE, SPARSE = "dense", "bm25"
SOURCE, VERSION, DOCUMENT, ORDINAL, READERS = "source", "version", "document", "ordinal", "readers"
KEYWORDS = (SOURCE, DOCUMENT, READERS)  # the payload fields that are indexed
BATCH = 256  # points in one request
RESPELLED = 0.7  # weight of what a word may have been meant to be, beside 1 of one that is asked for
MOST_DOCUMENTS = 1_000_000  # a facet answers with its first ten unless told

_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?:['’][^\W\d_]+)*(?!\w)")
_PASSAGE = TypeAdapter(Passage)


class _DocumentKey(NamedTuple):
    """What the key of a document says. Keys of older passages name no readers."""

    source: str
    title: str
    version: str
    total: int
    readers: tuple[str, ...] = (EVERYONE,)


_DOCUMENT = TypeAdapter(_DocumentKey)


class StoredPoint(Protocol):
    """What both libraries return of a point."""

    @property
    def id(self) -> Any:
        """A UUID or its string."""
        ...

    @property
    def payload(self) -> Any:
        """A dict, since it was asked for."""
        ...

    @property
    def vector(self) -> Any:
        """The named vectors that were asked for."""
        ...


class PointHit(StoredPoint, Protocol):
    """What both libraries return from a search."""

    @property
    def score(self) -> float:
        """Cosine or BM25."""
        ...


class FacetHit(Protocol):
    """A document and how many passages have it."""

    @property
    def value(self) -> Any:
        """What `document_key` made."""
        ...

    @property
    def count(self) -> int:
        """Passages."""
        ...


class SparseEncoder:
    """Texts to BM25 vectors: words stemmed and without stop words, as their language has it; and terms.

    A question says too little to tell its language for certain, and may be put to documents in several: each of its
    words has the stems of all languages. Accents do not count, and ü is u as well as ue.
    """

    def __init__(self) -> None:
        self._languages = {name: Bm25(Bm25Config(language=name, ascii_folding=True)) for name in LANGUAGES}

    def passage(self, passage: Passage) -> SparseVector:
        """The words of a passage and of its headings, weighted by how often they occur."""
        text = _searched(passage)
        return self._languages[language_of(text)].embed_document(with_terms(text))

    def question(self, text: str) -> SparseVector:
        """The words of a question, each with weight 1. Empty for stop words alone."""
        asked, language = with_terms(text), language_of(text)
        small = SMALL_WORDS[ENGLISH] | SMALL_WORDS.get(language, frozenset())
        weighty = _WORD.sub(lambda word: "" if word[0].lower() in small else word[0], asked)
        stems = {stem for bm25 in self._languages.values() for stem in bm25.embed_query(weighty).indices}
        return SparseVector(sorted(stems), [1.0] * len(stems))

    def doubtful(self, text: str, found: Sequence[Hit]) -> dict[str, SparseVector]:
        """Words of the question that no hit spells so, each as a question of its own: perhaps no passage has them.

        None where it is in another language than what was found: then they are no slips.
        """
        known = "\n".join(_searched(hit.passage) for hit in found)
        slips = misspelled(text, known)
        if not slips or language_of(text) not in (ENGLISH, language_of(known)):
            return {}
        words = {word: self.question(word) for word in slips}
        return {word: vector for word, vector in words.items() if vector.indices}

    def respelled(self, text: str, slips: Iterable[str]) -> SparseVector:
        """The question once more, with what its words `slips`, which no passage has, may have been meant to be."""
        meant, asked = " ".join(form for word in slips for form in spellings(word)), self.question(text)
        stems = {
            stem for name in {ENGLISH, language_of(text)} for stem in self._languages[name].embed_query(meant).indices
        }
        weights = dict.fromkeys(sorted(stems), RESPELLED) | dict(zip(asked.indices, asked.values, strict=True))
        return SparseVector([*weights], [*weights.values()])


def payload(passage: Passage) -> dict[str, Any]:
    """All of a passage but its id, and the key of its document."""
    fields: dict[str, Any] = _PASSAGE.dump_python(passage, mode="json", exclude={"id"})
    return fields | {DOCUMENT: document_key(passage)}


def first_readers() -> dict[str, list[str]]:
    """What is added to the payload of passages from before there were readers: they were for everyone."""
    return {READERS: [EVERYONE]}


def document_key(passage: Passage) -> str:
    """All that `documents` needs to know, in one keyword: counting it costs no look at a passage."""
    key = _DocumentKey(passage.source, passage.title, passage.version, passage.total, passage.readers)
    return _DOCUMENT.dump_json(key).decode()


def documents(facets: Iterable[FacetHit]) -> list[Document]:
    """The documents whose keys were counted, by source."""
    found = []
    for facet in facets:
        if facet.count == 0:  # the embedded engine lists keys whose last passage was removed
            continue
        key = _DOCUMENT.validate_json(facet.value)
        found.append(Document(key.source, key.title, key.version, facet.count, key.total, key.readers))
    return sorted(found, key=lambda document: (document.source, document.version))


def hits(question: Vector, dense: Sequence[PointHit], sparse: Sequence[PointHit]) -> list[Hit]:
    """The union of two searches."""
    return scored(read(question, (*dense, *sparse)), {str(point.id): point.score for point in sparse})


def read(question: Vector, found: Iterable[StoredPoint]) -> dict[str, Hit]:
    """Points by id, without a BM25 score. The cosine is computed here: a BM25 search knows none."""
    stored = {str(point.id): point for point in found}
    if not stored:
        return {}
    vectors = np.array([point.vector[DENSE] for point in stored.values()], np.float32)
    cosines = vectors @ (question / max(float(np.linalg.norm(question)), 1e-12))
    return {
        id_: Hit(_passage(id_, point.payload), vector, dense=float(cosine), sparse=0.0)
        for (id_, point), vector, cosine in zip(stored.items(), vectors, cosines, strict=True)
    }


def scored(hits: Mapping[str, Hit], scores: Mapping[str, float]) -> list[Hit]:
    """`hits` with their BM25 scores, 0 where there is none."""
    return [Hit(hit.passage, hit.vector, hit.dense, scores.get(id_, 0.0)) for id_, hit in hits.items()]


def unlisted(near: Sequence[PointHit], listed: Sequence[PointHit]) -> set[Any]:
    """The ids of `near` whose BM25 scores are not in `listed` yet."""
    known = {point.id for point in listed}
    return {point.id for point in near} - known


def places(passages: Iterable[Passage], count: int) -> dict[str, list[int]]:
    """The ordinals of the `count` passages behind each, by the key of its document."""
    wanted: dict[str, set[int]] = {}
    for passage in passages:
        last = min(passage.ordinal + count, passage.total - 1)
        wanted.setdefault(document_key(passage), set()).update(range(passage.ordinal + 1, last + 1))
    return {key: sorted(ordinals) for key, ordinals in wanted.items() if ordinals}


def passage_of(point: Any) -> Passage:
    """The passage of a point that came with its payload."""
    return _passage(str(point.id), point.payload)


def _passage(id_: str, fields: dict[str, Any]) -> Passage:
    return _PASSAGE.validate_python({**fields, "id": id_})


def dense_vector(vectors: Mapping[str, Any] | Any) -> Vector:
    """The dense one of a point's named vectors, shape (dimension,)."""
    return np.asarray(vectors[DENSE], np.float32)


def copy_of(point: StoredPoint) -> PassageCopy:
    """All of a point that came with its payload and both vectors."""
    words = point.vector.get(SPARSE)  # a passage without any may have none
    weights = dict(zip(map(int, words.indices), map(float, words.values), strict=True)) if words else {}
    return PassageCopy(str(point.id), dict(point.payload), dense_vector(point.vector), weights)


def marks(found: Iterable[StoredPoint]) -> dict[str, str]:
    """The marks of points that came with their payload."""
    return {str(point.id): mark_of(point.payload) for point in found}


def batches(passages: Sequence[Passage], vectors: Vectors) -> Iterator[tuple[Sequence[Passage], Vectors]]:
    """`passages` and their rows of `vectors`, `BATCH` at a time."""
    if len(passages) != len(vectors):
        raise ValueError(f"{len(passages)} passages came with {len(vectors)} vectors")
    for start in range(0, len(passages), BATCH):
        yield passages[start : start + BATCH], vectors[start : start + BATCH]


def check_dimension(stored: int | None, made: int, *, where: str) -> None:
    """Refuse vectors of another embedder.

    Raises:
        IndexUnavailableError: the index holds vectors of `stored` numbers, the embedder makes `made`.
    """
    if stored != made:
        raise other_dimension(stored, made, where)


def _searched(passage: Passage) -> str:
    return f"{passage.heading_path}\n{passage.text}"
