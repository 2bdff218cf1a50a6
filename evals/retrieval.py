"""How well passages are found: `python -m evals.retrieval` over Cranfield (graded) and SQuAD (one passage a question).

Each text is a Markdown file that goes through the product's own ingestion into its own index, and each question
through its own search, once; the two lists of that search are then fused in every way that is compared. A text counts
at the place of its best passage. Half of the questions (those about one passage stay together) are for tuning α and
the temperature; the figures are those of the other half. SQuAD's questions are asked a second time, each with a slip
of the finger in one of its words.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from core.answering.retrieval import CANDIDATES, DENSE_WEIGHT, TEMPERATURE, fused_scores, softmax
from core.bootstrap import Library
from core.domain import EVERYONE
from core.text.words import content_words
from evals.common import Interval, Options, Record, options, paired_bootstrap, records, sample, write_result
from evals.product import open_search
from evals.ranking_scores import (
    Array,
    Bin,
    Fusion,
    best_in_full,
    bm25_alone,
    calibration_error,
    convex,
    dbsf,
    dense_alone,
    ndcg,
    recall,
    reciprocal_rank,
    reliability,
    rrf,
)

WEIGHTS = tuple(step / 20 for step in range(6, 19))  # α
TEMPERATURES: tuple[float, ...] = tuple(np.geomspace(0.01, 0.3, 69).tolist())
HYBRID = "hybrid"
ARMS: dict[str, Fusion] = {
    HYBRID: convex(DENSE_WEIGHT),
    "best in full": best_in_full,
    "BM25": bm25_alone,
    "dense": dense_alone,
    "RRF": rrf,
    "DBSF": dbsf,
} | {f"α = {weight}": convex(weight) for weight in WEIGHTS}
TOGETHER = 8  # questions asked at once


@dataclass(frozen=True, slots=True)
class Query:
    """A question and what answers it: gains by the text's id. Those of one `group` are not independent."""

    text: str
    group: str
    gains: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Found:
    """A question's candidates: the text that each belongs to, and both searches' evidence."""

    query: Query
    texts: tuple[str, ...]
    dense: Array
    sparse: Array

    @property
    def words(self) -> int:
        """The question's content words."""
        return len(content_words(self.query.text))

    def ranked(self, fusion: Fusion) -> list[float]:
        """The gains in order; each text once, at its best passage."""
        scores = fusion(self.dense, self.sparse, self.words)
        order = [place for place in np.argsort(-scores, kind="stable") if scores[place] > -np.inf]
        return [self.query.gains.get(text, 0.0) for text in dict.fromkeys(self.texts[place] for place in order)]

    def probabilities(self, temperature: float) -> dict[str, float]:
        """p(d|x) of each text, its passages' added up."""
        total: dict[str, float] = {}
        scores = fused_scores(self.dense, self.sparse, self.words)
        for text, probability in zip(self.texts, softmax(scores / temperature), strict=True):
            total[text] = total.get(text, 0.0) + float(probability)
        return total


def main(chosen: Options) -> None:
    """Ask, fuse, print, write."""
    asyncio.run(run(chosen))


async def run(chosen: Options) -> None:
    """Gather both lists of every question of every set."""
    found: dict[str, list[Found]] = {}
    with Progress() as bar:
        for name, load in SETS.items():
            texts, queries = load(chosen.data / name)
            drawn = sample(queries, chosen.limit, chosen.seed)
            asked = {name: drawn} | ({f"{name}, mistyped": mistyped(drawn, chosen.seed)} if name == "squad" else {})
            async with filled(texts, partial(bar.advance, bar.add_task(f"{name}, texts", total=None))) as library:
                for label, some in asked.items():
                    advance = partial(bar.advance, bar.add_task(f"{label}, questions", total=len(some)))
                    found[label] = await ask_all(library, some, advance)
    report(found, chosen)


def cranfield(folder: Path) -> tuple[list[Record], list[Query]]:
    """Abstracts, and questions with graded relevance."""
    questions = records(folder / "questions.jsonl.gz")
    queries = [Query(one["question"], one["question"], one["relevant"]) for one in questions]
    return list(records(folder / "passages.jsonl.gz")), queries


def squad(folder: Path) -> tuple[list[Record], list[Query]]:
    """Paragraphs, and the questions that one of them answers."""
    questions = [one for one in records(folder / "questions.jsonl.gz") if one["answerable"]]
    queries = [Query(one["question"], one["passage"], {one["passage"]: 1}) for one in questions]
    return list(records(folder / "passages.jsonl.gz")), queries


SETS = {"cranfield": cranfield, "squad": squad}


@asynccontextmanager
async def filled(texts: Sequence[Record], advance: Callable[[], None]) -> AsyncIterator[Library]:
    """The product's search over `texts`, each a file named by its id."""
    with tempfile.TemporaryDirectory() as folder:
        for text in texts:
            file = Path(folder) / f"{text['id']}.md"
            file.write_text(f"# {text['title']}\n\n{text['text']}\n", encoding="utf-8")
        async with open_search() as library:
            await library.ingester.ingest([Path(folder)], lambda _: advance())
            yield library


async def ask_all(library: Library, queries: Sequence[Query], advance: Callable[[], None]) -> list[Found]:
    """The candidates of each question."""
    room = asyncio.Semaphore(TOGETHER)
    vectors = await library.embedder.embed_questions([query.text for query in queries])

    async def ask(query: Query, vector: NDArray[np.float32]) -> Found:
        async with room:
            hits = await library.index.search(query.text, vector, audience={EVERYONE}, limit=CANDIDATES)
        advance()
        hits.sort(key=lambda hit: hit.passage.id)  # ties do not fall as the index returns them
        texts = tuple(Path(hit.passage.source).stem for hit in hits)
        return Found(query, texts, np.array([hit.dense for hit in hits]), np.array([hit.sparse for hit in hits]))

    return await asyncio.gather(*[ask(query, vector) for query, vector in zip(queries, vectors, strict=True)])


def mistyped(queries: Sequence[Query], seed: int) -> list[Query]:
    """The questions, each with one slip in one of its longer words."""
    rng = np.random.default_rng(seed)
    return [replace(query, text=with_slip(query.text, rng)) for query in queries]


def with_slip(text: str, rng: np.random.Generator) -> str:
    """`text` with a letter of one word left out, doubled, changed or swapped with the next; short words are spared."""
    words = sorted(word for word in content_words(text) if len(word) >= 5 and word.isalpha())
    if not words:
        return text
    word = words[rng.integers(len(words))]
    at = int(rng.integers(1, len(word) - 1))  # the first letter is seldom the wrong one
    head, letter, tail = word[:at], word[at], word[at + 1 :]
    other = "abcdefghijklmnopqrstuvwxyz"[rng.integers(26)]
    slip = [head + tail, head + letter + letter + tail, head + other + tail, head + tail[0] + letter + tail[1:]]
    start = text.lower().index(word)
    return text[:start] + slip[rng.integers(4)] + text[start + len(word) :]


def halves(found: Sequence[Found], seed: int) -> tuple[list[Found], list[Found]]:
    """For tuning, and for the report: a group is wholly in one of them."""
    groups = sorted({one.query.group for one in found})
    tuning = set(sample(groups, len(groups) // 2, seed))
    return [one for one in found if one.query.group in tuning], [one for one in found if one.query.group not in tuning]


def measures(found: Sequence[Found], fusion: Fusion) -> dict[str, list[float]]:
    """Every measure of every question."""
    pairs = [(one.ranked(fusion), one.query.gains.values()) for one in found]
    return {
        "nDCG@10": [ndcg(ranked, gains) for ranked, gains in pairs],
        "recall@5": [recall(ranked, gains, 5) for ranked, gains in pairs],
        "recall@10": [recall(ranked, gains, 10) for ranked, gains in pairs],
        "MRR": [reciprocal_rank(ranked) for ranked, _ in pairs],
    }


def report(found: Mapping[str, Sequence[Found]], chosen: Options) -> None:
    """Print and write everything."""
    result: Record = {"seed": chosen.seed, "α": DENSE_WEIGHT, "temperature": TEMPERATURE, "sets": {}}
    for name, every in found.items():
        tuning, rest = halves(every, chosen.seed)
        result["sets"][name] = _compared(name, tuning, rest, chosen.seed)
    result["fitted temperature"] = fitted = fit_temperature(halves(found["squad"], chosen.seed)[0])
    print(f"temperature fitted on squad's tuning half: {fitted:.3f}; in core.answering.retrieval: {TEMPERATURE}")
    for name, every in found.items():
        _, rest = halves(every, chosen.seed)
        result["sets"][name]["reliability"] = {
            f"T = {temperature:.3f}": _reliability(f"{name}, T = {temperature:.3f}", rest, temperature)
            for temperature in dict.fromkeys((TEMPERATURE, fitted))
        }
    write_result("retrieval", result)


def _compared(name: str, tuning: Sequence[Found], rest: Sequence[Found], seed: int) -> Record:
    scores = {arm: measures(rest, fusion) for arm, fusion in ARMS.items()}
    tuned = {arm: float(np.mean(measures(tuning, fusion)["nDCG@10"])) for arm, fusion in ARMS.items()}
    table = Table(f"{name}: {len(rest)} questions", *scores[HYBRID], "nDCG@10, tuning half", "hybrid less this, 95 %")
    arms: Record = {}
    for arm, measured in scores.items():
        means = {measure: float(np.mean(values)) for measure, values in measured.items()}
        less = _difference(scores[HYBRID]["nDCG@10"], measured["nDCG@10"], rest, seed)
        arms[arm] = means | {"tuning half": tuned[arm], "hybrid less this": asdict(less)}
        shown = "" if arm == HYBRID else f"{less.mean:+.3f} [{less.low:+.3f}, {less.high:+.3f}]"
        table.add_row(arm, *[f"{mean:.3f}" for mean in means.values()], f"{tuned[arm]:.3f}", shown)
    Console(width=140).print(table)
    return {"questions": len(rest), "arms": arms}


def _difference(first: Sequence[float], second: Sequence[float], rest: Sequence[Found], seed: int) -> Interval:
    return paired_bootstrap(first, second, clusters=[one.query.group for one in rest], seed=seed)


def fit_temperature(found: Sequence[Found]) -> float:
    """The temperature under which the right texts are likeliest; questions whose text was not found say nothing."""
    return float(max(TEMPERATURES, key=lambda temperature: log_likelihood(found, temperature)))


def log_likelihood(found: Sequence[Found], temperature: float) -> float:
    """Mean log p(the relevant texts | x) over the questions of which one was found."""
    held = [relevant_mass(one, temperature) for one in found if any(text in one.query.gains for text in one.texts)]
    return float(np.mean(np.log(np.maximum(np.array(held, np.float64), 1e-300))))


def relevant_mass(one: Found, temperature: float) -> float:
    """p(the relevant texts | x)."""
    return sum(p for text, p in one.probabilities(temperature).items() if text in one.query.gains)


def _reliability(label: str, found: Sequence[Found], temperature: float) -> Record:
    """Whether of the texts said to be right with probability p a share p is: for the likeliest of each question."""
    likeliest = [max(one.probabilities(temperature).items(), key=lambda pair: pair[1]) for one in found]
    right = [text in one.query.gains for one, (text, _) in zip(found, likeliest, strict=True)]
    bins = reliability([probability for _, probability in likeliest], right)
    error, likelihood = calibration_error(bins), log_likelihood(found, temperature)
    _print_bins(f"{label}: ECE {error:.3f}, log-likelihood {likelihood:.3f}", bins)
    return {"ECE": error, "log-likelihood": likelihood, "bins": [asdict(one) for one in bins]}


def _print_bins(title: str, bins: Sequence[Bin]) -> None:
    table = Table(title, *[f"{one.low:.1f}" for one in bins])
    table.add_row("questions", *[str(one.count) for one in bins])
    table.add_row("predicted", *[f"{one.predicted:.2f}" for one in bins])
    table.add_row("observed", *[f"{one.observed:.2f}" for one in bins])
    Console(width=160).print(table)


if __name__ == "__main__":
    main(options(__doc__ or ""))
