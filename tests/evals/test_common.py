"""What every benchmark rests on."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from evals import common


def test_options_have_defaults_and_limits(tmp_path: Path):
    """Every benchmark takes --data, --seed and --limit."""
    assert common.options("x", []) == common.Options(common.DATA, 0, None)
    read = common.options("x", ["--data", str(tmp_path), "--seed", "3", "--limit", "5"])
    assert read == common.Options(tmp_path, 3, 5)


@pytest.mark.parametrize("words", [["--data", "nowhere"], ["--limit", "0"], ["--seed", "x"]])
def test_bad_options_are_refused(words: list[str]):
    """A mistake ends the program before it measures anything."""
    with pytest.raises(SystemExit):
        common.options("x", words)


def test_records_are_read_in_order(tmp_path: Path):
    """A gzipped JSON Lines file gives its records, Unicode and all."""
    file = tmp_path / "a.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        lines.write('{"id": 1, "text": "naïve"}\n{"id": 2}\n')
    assert list(common.records(file)) == [{"id": 1, "text": "naïve"}, {"id": 2}]


def test_sample_is_seeded_ordered_and_grows():
    """The same seed draws the same items; a larger sample contains the smaller one."""
    items = list(range(100))
    ten = common.sample(items, 10, seed=1)
    assert ten == sorted(ten) == common.sample(items, 10, seed=1)
    assert set(ten) < set(common.sample(items, 20, seed=1))
    assert ten != common.sample(items, 10, seed=2)
    assert common.sample(items, None, seed=1) == common.sample(items, 500, seed=1) == items


def test_progress_passes_every_item():
    """The bar changes nothing."""
    assert list(common.progress([1, 2, 3], "counting")) == [1, 2, 3]


def test_results_are_written_for_reading_and_diffing(tmp_path: Path):
    """Keys are sorted, NumPy's numbers are plain, floats have six digits."""
    file = common.write_result("x", {"b": np.float32(0.5), "a": [1 / 3, np.int64(2)], "c": {"d": np.ones(1)}}, tmp_path)
    assert file.name == "x.json"
    text = file.read_text(encoding="utf-8")
    assert json.loads(text) == {"a": [0.333333, 2], "b": 0.5, "c": {"d": [1.0]}}
    assert text.index('"a"') < text.index('"b"')


def test_a_result_that_is_no_number_is_refused(tmp_path: Path):
    """NaN is a mistake of the benchmark."""
    with pytest.raises(ValueError, match="JSON"):
        common.write_result("x", {"f1": float("nan")}, tmp_path)


def test_bootstrap_of_a_constant_difference_has_no_width():
    """Where all items differ by the same, there is no doubt."""
    interval = common.paired_bootstrap([1.5, 2.5, 3.5], [1.0, 2.0, 3.0], resamples=100)
    assert (interval.mean, interval.low, interval.high) == (0.5, 0.5, 0.5)


def test_bootstrap_agrees_with_the_normal_interval():
    """For many independent items the interval is mean ± 1.96 standard errors, and seeded."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.3, 1, 800), rng.normal(0, 1, 800)
    interval = common.paired_bootstrap(first.tolist(), second.tolist(), resamples=4000)
    error = 1.96 * (first - second).std() / np.sqrt(800)
    assert interval.low == pytest.approx(interval.mean - error, abs=0.01)
    assert interval.high == pytest.approx(interval.mean + error, abs=0.01)
    assert interval == common.paired_bootstrap(first.tolist(), second.tolist(), resamples=4000)


def test_clusters_widen_the_interval():
    """Ten copies of each of 20 users' scores know no more than 20 scores."""
    users = np.random.default_rng(0).normal(0, 1, 20)
    scores, labels = np.repeat(users, 10).tolist(), np.repeat(np.arange(20), 10).tolist()
    zeros = [0.0] * 200
    naive = common.paired_bootstrap(scores, zeros, resamples=2000)
    clustered = common.paired_bootstrap(scores, zeros, clusters=labels, resamples=2000)
    alone = common.paired_bootstrap(users.tolist(), zeros[:20], resamples=2000)
    assert clustered.high - clustered.low > 2 * (naive.high - naive.low)
    assert (clustered.low, clustered.high) == pytest.approx((alone.low, alone.high))


@pytest.mark.parametrize(
    ("first", "second", "clusters"), [([], [], None), ([1], [1, 2, 3], None), ([1, 2], [1, 2], ["a"])]
)
def test_bootstrap_refuses_what_is_not_paired(first: list[float], second: list[float], clusters: list[str] | None):
    """Nothing, unequal lengths and missing clusters are mistakes."""
    with pytest.raises(ValueError, match="two scores"):
        common.paired_bootstrap(first, second, clusters=clusters)
