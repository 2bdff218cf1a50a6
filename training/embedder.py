"""Pool and items → a LoRA for the embedder, by what `core/answering/retrieval.py` makes of its vectors.

    python -m training.embedder pool.jsonl items.jsonl … --out adapter

The right passage is made likelier among the passages of a batch, by its vector alone and by the product's equation,

    loss = -log softmax( 20 · cos(x, d) ) - log softmax( s(x, d) / T )
    s(x, d) = α · cos(x, d) + (1 - α) · BM25(x, d) / max(max_d' BM25(x, d'), κ · |x|)

so that most is learned of what words do not find. A batch is about documents of one folder; each question brings its
passage and one that BM25 takes for it. Passages of the same document are nobody's negatives: they often answer, too.
Whole documents are held out, and measured before and after. Runs on a CPU. Knows nothing of the reader.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qdrant_edge import SparseVector
from safetensors.torch import save_file
from scipy.sparse import csr_matrix
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.nn import functional

from core.adapters.index.points import SparseEncoder
from core.answering.retrieval import DENSE_WEIGHT, TEMPERATURE, WORD_WORTH
from core.documents.splitting import embedding_text
from core.domain import Passage
from core.models.layouts import WEIGHTS
from core.text.words import content_words
from training.base import resolve, told
from training.item_files import Item, read_items
from training.pool import EMBEDDER, read_pool

MADE_FOR = "sentence-transformers/all-MiniLM-L6-v2"
LAYERS = r".*encoder\.layer\.\d+\..*\.(query|key|value|dense)"  # not the pooler, which nothing reads
RANK, ALPHA = 16, 32
HARD = 6  # passages that BM25 brings for a question, one of which is drawn each time
HELD_OUT = 0.1  # of the documents with questions
OTHERS = 1_500  # passages of other documents that the held-out ones are searched among
SLIPPED = 0.2  # of the questions are read with a slip of the finger
QUESTION_TOKENS, PASSAGE_TOKENS = 48, 96
TOGETHER = 16  # texts of about a length that go through the layers at once
WARM_UP = 10  # steps
SHARPNESS = 20.0  # of cosines, as sentence-transformers has it
SEED = 3
_LONG = 5  # letters of a word that may get a slip
_ROWS = 256  # questions whose words are compared with all passages at once

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pair:
    """A question, the places of the passages that answer it, and of those that only look so."""

    question: str
    right: tuple[int, ...]
    hard: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """BM25 of `questions` (questions, terms) and `passages` (passages, terms), by the product's own encoder."""

    questions: Any
    passages: Any
    divisors: Array  # max(max_d BM25, κ · |x|) of each question

    def scores(self, questions: Sequence[int], passages: Sequence[int]) -> Array:
        """The share that words have in s(x, d), before 1 - α: (questions, passages)."""
        product = (self.questions[questions] @ self.passages[passages].T).toarray()
        return np.asarray(product / self.divisors[questions, None], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """All there is to learn from. `learned` and `held_out` are places in `pairs`, whose questions `words` has."""

    passages: Sequence[Passage]
    pairs: Sequence[Pair]
    words: Words
    learned: Sequence[int]
    held_out: Sequence[int]

    def source(self, passage: int) -> str:
        """The document of a passage."""
        return self.passages[passage].source

    def folder(self, pair: int) -> str:
        """Where the documents lie that a question is about."""
        return self.source(self.pairs[pair].right[0]).split("/")[0]


def main() -> None:
    """Read, measure, learn, measure, write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("pool", type=Path)
    options.add_argument("items", type=Path, nargs="+")
    options.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    options.add_argument("--rate", type=float, default=1e-3, help="of learning, at most; default: %(default)s")
    options.add_argument("--batch", type=int, default=32, help="questions a step; default: %(default)s")
    options.add_argument("--epochs", type=int, default=1, help="default: %(default)s")
    options.add_argument("--minutes", type=float, default=20, help="at most; default: %(default)s")
    chosen = options.parse_args()
    with told():
        items = [item for file in chosen.items for item in read_items(file)]
        lesson = prepared(read_pool(chosen.pool), items)
        model = SentenceTransformer(str(resolve(EMBEDDER).path), device="cpu", local_files_only=True)
    print(f"{len(lesson.learned)} questions to learn from, {len(lesson.held_out)} held out", flush=True)
    print("before:", measured(model, lesson), flush=True)
    learn(model, lesson, rate=chosen.rate, batch=chosen.batch, epochs=chosen.epochs, minutes=chosen.minutes)
    print("after:", measured(model, lesson), flush=True)
    save(model, chosen.out)


def prepared(pool: Mapping[str, Passage], items: Sequence[Item]) -> Lesson:
    """The questions of `items`, what BM25 says of them, and which are held out."""
    known = dict(pool) | {passage.id: passage for item in items for passage in item.brought()}
    passages = list(known.values())
    places = {id_: place for place, id_ in enumerate(known)}
    pairs = [
        Pair(one.q, tuple(places[id_] for id_ in one.need or item.ids))
        for item in items
        for one in item.qa
        if places.keys() >= set(one.need or item.ids)
    ]
    words, misleading = _words([pair.question for pair in pairs], passages)
    sources = [passages[pair.right[0]].source for pair in pairs]
    away = set(random.Random(SEED).sample(sorted(set(sources)), int(HELD_OUT * len(set(sources)))))
    return Lesson(
        passages,
        [
            Pair(pair.question, pair.right, tuple(one for one in hard if passages[one].source != source)[:HARD])
            for pair, source, hard in zip(pairs, sources, misleading, strict=True)
        ],
        words,
        learned=[number for number, source in enumerate(sources) if source not in away],
        held_out=[number for number, source in enumerate(sources) if source in away],
    )


def _words(questions: Sequence[str], passages: Sequence[Passage]) -> tuple[Words, list[list[int]]]:
    """BM25, and the best passages of each question, the best first: ten times `HARD`, for some may be right."""
    encoder = SparseEncoder()
    held = [encoder.passage(passage) for passage in passages]
    columns = {index: column for column, index in enumerate(sorted({i for vector in held for i in vector.indices}))}
    documents = _matrix(held, columns)
    frequency = np.bincount(documents.indices, minlength=len(columns))  # (terms,) passages that hold it
    rarity = np.log1p((len(passages) - frequency + 0.5) / (frequency + 0.5))  # IDF, as Qdrant has it
    asked = _matrix([encoder.question(question) for question in questions], columns)
    asked.data *= rarity[asked.indices]
    best, misleading = np.zeros(len(questions)), list[list[int]]()
    for start in range(0, len(questions), _ROWS):
        scores = (asked[start : start + _ROWS] @ documents.T).toarray()  # (questions, passages)
        best[start : start + _ROWS] = scores.max(axis=1)
        misleading += np.argsort(-scores, axis=1, kind="stable")[:, : 10 * HARD].tolist()
    worth = [WORD_WORTH * len(content_words(question)) for question in questions]
    return Words(asked, documents, np.maximum(np.maximum(best, worth), 1e-9).astype(np.float32)), misleading


def _matrix(vectors: Sequence[SparseVector], columns: Mapping[int, int]) -> Any:
    """Sparse `vectors` as rows; a term that is in no passage is left out."""
    known = [zip(vector.indices, vector.values, strict=True) for vector in vectors]
    terms = [[(columns[index], value) for index, value in some if index in columns] for some in known]
    ends = np.cumsum([0, *map(len, terms)])
    places, values = np.array([term for row in terms for term in row], np.float64).reshape(-1, 2).T
    return csr_matrix((values.astype(np.float32), places.astype(np.int64), ends), (len(vectors), len(columns)))


def learn(model: SentenceTransformer, lesson: Lesson, *, rate: float, batch: int, epochs: int, minutes: float) -> None:
    """Give `model` an adapter and train it; the rate falls to 0 with the epochs or the minutes, as is nearer."""
    from peft import LoraConfig  # noqa: PLC0415 - takes seconds

    torch.manual_seed(SEED)
    model.add_adapter(LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=LAYERS))
    model.eval()  # no dropout: an epoch of a small adapter does not need it, and on a CPU it costs a quarter
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.01)
    rng = random.Random(SEED)
    steps = [some for _ in range(epochs) for some in batches(lesson, batch, rng)]
    started = time.monotonic()
    for step, some in enumerate(steps):
        share = max(step / len(steps), (time.monotonic() - started) / 60 / minutes)
        if share >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / WARM_UP) * (1 - share)
        loss = batch_loss(model, lesson, some, rng)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        print(f"step {step + 1} of {len(steps)}: {loss.item():.3f}", flush=True)


def batches(lesson: Lesson, size: int, rng: random.Random) -> list[list[int]]:
    """The questions to learn from in a new order, `size` about one folder's documents together."""
    order = rng.sample(list(lesson.learned), len(lesson.learned))
    order.sort(key=lesson.folder)
    found = [order[start : start + size] for start in range(0, len(order), size)]
    return rng.sample(found, len(found))


def batch_loss(model: SentenceTransformer, lesson: Lesson, batch: Sequence[int], rng: random.Random) -> Tensor:
    """The mean loss of a right passage of each question, among the passages of the batch that are not right too."""
    pairs = [lesson.pairs[number] for number in batch]
    right = [rng.choice(pair.right) for pair in pairs]
    passages = right + [rng.choice(pair.hard) for pair in pairs if pair.hard]
    questions = [slipped(pair.question, rng) if rng.random() < SLIPPED else pair.question for pair in pairs]
    asked = embed(model, questions, QUESTION_TOKENS)  # (questions, dimension)
    read = embed(model, [embedding_text(lesson.passages[place]) for place in passages], PASSAGE_TOKENS)
    cosines = asked @ read.T  # (questions, passages)
    words = torch.from_numpy(lesson.words.scores(batch, passages))
    both = (DENSE_WEIGHT * cosines + (1 - DENSE_WEIGHT) * words) / TEMPERATURE
    sources = np.array([lesson.source(place) for place in passages])
    same = sources[: len(right), None] == sources[None, :]
    np.fill_diagonal(same, val=False)
    hidden, target = torch.from_numpy(same), torch.arange(len(batch))
    return sum(
        (
            functional.cross_entropy(scores.masked_fill(hidden, -torch.inf), target)
            for scores in (SHARPNESS * cosines, both)
        ),
        torch.zeros(()),
    )


def embed(model: SentenceTransformer, texts: Sequence[str], tokens: int) -> Tensor:
    """Unit vectors (texts, dimension), with gradients; texts of about a length go together and waste no padding."""
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    parts = []
    for start in range(0, len(order), TOGETHER):
        some = [texts[place] for place in order[start : start + TOGETHER]]
        features = model.tokenizer(some, padding=True, truncation=True, max_length=tokens, return_tensors="pt")
        parts.append(model(dict(features))["sentence_embedding"])
    return functional.normalize(torch.cat(parts)[torch.tensor(np.argsort(order))], dim=-1)


def slipped(text: str, rng: random.Random) -> str:
    """`text` with two letters of one longer word swapped, or one left out or doubled; the first letter stays."""
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) >= _LONG and word.isalpha()]
    if not long:
        return text
    place = rng.choice(long)
    word = words[place]
    at = rng.randrange(1, len(word) - 1)
    letter, following = word[at], word[at + 1]
    words[place] = word[:at] + rng.choice((following, following + letter, letter * 2 + following)) + word[at + 2 :]
    return " ".join(words)


@torch.no_grad()
def measured(model: SentenceTransformer, lesson: Lesson) -> str:
    """How well the held-out questions find a passage of their document, by meaning alone and by the equation."""
    model.eval()
    away = {lesson.source(place) for pair in lesson.held_out for place in lesson.pairs[pair].right}
    theirs = [place for place in range(len(lesson.passages)) if lesson.source(place) in away]
    rest = sorted(set(range(len(lesson.passages))) - set(theirs))
    places = theirs + random.Random(SEED).sample(rest, min(OTHERS, len(rest)))
    read = embed(model, [embedding_text(lesson.passages[place]) for place in places], 2 * PASSAGE_TOKENS)
    asked = embed(model, [lesson.pairs[pair].question for pair in lesson.held_out], QUESTION_TOKENS)
    dense = (asked @ read.T).numpy()  # (questions, passages)
    both = DENSE_WEIGHT * dense + (1 - DENSE_WEIGHT) * lesson.words.scores(lesson.held_out, places)
    sources = np.array([lesson.source(place) for place in places])
    mine = [lesson.source(lesson.pairs[pair].right[0]) for pair in lesson.held_out]
    return f"by meaning {_figures(dense, sources, mine)}; with words {_figures(both, sources, mine)}"


def _figures(scores: Array, sources: NDArray[np.str_], mine: Sequence[str]) -> str:
    ranks = np.array([np.argmax(sources[np.argsort(-row)] == source) for row, source in zip(scores, mine, strict=True)])
    shares = ", ".join(f"@{depth} {np.mean(ranks < depth):.3f}" for depth in (1, 4, 8))
    return f"recall {shares}, MRR {np.mean(1 / (ranks + 1)):.3f}"


def save(model: SentenceTransformer, folder: Path) -> None:
    """Write the adapter in PEFT's layout, in 16 bits."""
    inner: Any = model[0].auto_model
    weights = {f"base_model.model.{name}": part.half() for name, part in inner.get_adapter_state_dict().items()}
    config = inner.peft_config["default"]
    config.base_model_name_or_path = MADE_FOR  # last: PEFT would look for it on the hub
    config.save_pretrained(folder)
    save_file(weights, folder / WEIGHTS)


if __name__ == "__main__":
    main()
