"""What every benchmark shares: options, data, progress, scores, intervals and the file of results.

Knows nothing of any benchmark. Data are JSON Lines, gzipped, in a folder that is not part of this repository.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

DATA = Path("..") / "shared" / "data"
RESULTS = Path(__file__).parent / "results"

Item = TypeVar("Item")
Record = dict[str, Any]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Options:
    """What every benchmark can be told. `limit` None: everything."""

    data: Path
    seed: int
    limit: int | None


def options(description: str, words: Sequence[str] | None = None) -> Options:
    """Read `words`, or the command line."""
    read = parser(description).parse_args(words)
    return Options(read.data, read.seed, read.limit)


def parser(description: str) -> argparse.ArgumentParser:
    """The shared options, for a benchmark that adds its own."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--data", type=_folder, default=DATA, metavar="DIR", help="default: %(default)s")
    made.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    made.add_argument("--limit", type=_positive, metavar="N", help="only N items, drawn with the seed")
    return made


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return Path(text)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it should be 1 or more")
    return number


def records(file: Path) -> Iterator[Record]:
    """The records of a gzipped JSON Lines file, in order."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def sample(items: Sequence[Item], limit: int | None, seed: int) -> list[Item]:
    """All items, or `limit` of them drawn with `seed`, in their order; a larger limit only adds."""
    if limit is None or limit >= len(items):
        return list(items)
    drawn = np.random.default_rng(seed).permutation(len(items))[:limit]
    return [items[index] for index in sorted(drawn)]


def progress(items: Sequence[Item], label: str) -> Iterable[Item]:
    """The items, with a bar in the terminal."""
    return track(items, description=label)


def write_result(name: str, result: Record, folder: Path = RESULTS) -> Path:
    """Write `result` to `NAME.json`, keys sorted and floats to six digits: a diff shows what changed."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    text = json.dumps(_rounded(result), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")
    return file


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_rounded(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return round(value, 6) if isinstance(value, float) else value


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean difference and its bootstrap percentile interval."""

    mean: float
    low: float
    high: float


def paired_bootstrap(
    first: Sequence[float],
    second: Sequence[float],
    *,
    clusters: Sequence[object] | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The interval of mean(`first` − `second`) over the same items, by drawing them with replacement.

    With `clusters` (a user an item) whole clusters are drawn: items of one user are not independent.

    Raises:
        ValueError: nothing to compare, or unequal lengths.
    """
    if not first or {len(first), len(second), len(clusters or first)} != {len(first)}:
        raise ValueError("a paired bootstrap needs items, two scores and a cluster (if any) for each")
    differences = np.asarray(first, np.float64) - np.asarray(second, np.float64)  # (items,)
    sums, sizes = _by_cluster(differences, clusters)
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    for index in range(resamples):  # one row at a time: resamples × clusters may not fit in memory
        drawn = rng.integers(0, sums.size, sums.size)
        means[index] = sums[drawn].sum() / sizes[drawn].sum()
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(differences.mean()), float(low), float(high))


def _by_cluster(differences: Scores, clusters: Sequence[object] | None) -> tuple[Scores, Scores]:
    if clusters is None:
        return differences, np.ones_like(differences)
    numbers = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    labels = [numbers[cluster] for cluster in clusters]
    sums = np.bincount(labels, weights=differences).astype(np.float64)
    return sums, np.bincount(labels).astype(np.float64)
