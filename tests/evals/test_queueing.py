"""The model of machines that answer agrees with what is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from evals.queueing import Inquiry, Servers, Simulation, erlang_c

QUESTIONS = 40_000


def poisson(rate: float, work: np.ndarray) -> list[Inquiry]:
    """Questions at random moments, `rate` a second."""
    arrivals = np.cumsum(np.random.default_rng(1).exponential(1 / rate, len(work)))
    return [Inquiry(float(at), float(one)) for at, one in zip(arrivals, work, strict=True)]


def exponential(mean: float) -> np.ndarray:
    return np.random.default_rng(2).exponential(mean, QUESTIONS)


@pytest.mark.parametrize(("machines", "used"), [(1, 0.5), (1, 0.8), (4, 0.7), (10, 0.85)])
def test_it_waits_as_long_as_erlang_says(machines: int, used: float) -> None:
    """M/M/c: mean wait C / (cμ − λ), and as many have to wait."""
    rate = machines * used
    outcomes = Simulation(poisson(rate, exponential(1.0)), Servers(machines)).run()
    waits = np.array([one.start - one.arrival for one in outcomes])
    waiting = erlang_c(machines, rate)
    assert np.mean(waits > 1e-9) == pytest.approx(waiting, rel=0.06)
    assert np.mean(waits) == pytest.approx(waiting / (machines - rate), rel=0.12)


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_sharing_takes_as_long_whatever_the_spread_of_the_work(spread: float) -> None:
    """M/G/1 with processor sharing: the mean stay is 1 / (μ − λ), of constant work as of exponential."""
    work = exponential(1.0) if spread else np.ones(QUESTIONS)
    outcomes = Simulation(poisson(0.7, work), Servers(1, slots=QUESTIONS)).run()
    assert np.mean([one.end - one.arrival for one in outcomes]) == pytest.approx(1 / 0.3, rel=0.08)


def test_writing_together_gains() -> None:
    """Four who write at once are done when `gain` says, and reading gains nothing."""
    inquiries = [Inquiry(0.0, new=1.0, writing=3.0, key=number) for number in range(4)]
    outcomes = Simulation(inquiries, Servers(1, slots=4, gain=lambda people: 2.0 if people == 4 else 1.0)).run()
    assert [one.first for one in outcomes] == pytest.approx([4.0] * 4)
    assert [one.end for one in outcomes] == pytest.approx([4.0 + 4 * 3.0 / 2.0] * 4)


def test_what_was_read_is_read_faster_by_the_machine_that_did() -> None:
    """With affinity a question that comes again finds it; without, or when too many came since, it does not."""
    inquiries = [Inquiry(10.0 * number, new=1.0, seen=0.1, key=number % 2) for number in range(8)]
    seen = {
        name: sum(one.seen for one in Simulation(inquiries, servers).run())
        for name, servers in {
            "affine": Servers(3, slots=2, remembered=2),
            "too little room": Servers(1, slots=2, remembered=1),
            "none": Servers(3, slots=2),
        }.items()
    }
    assert seen == {"affine": 6, "too little room": 0, "none": 0}


def test_a_question_goes_elsewhere_where_its_machine_is_full() -> None:
    """Nobody waits for a cache while another machine is idle."""
    inquiries = [Inquiry(0.0, new=1.0, key=7), Inquiry(0.0, new=1.0, key=7)]
    outcomes = Simulation(inquiries, Servers(2, remembered=9)).run()
    assert [one.start for one in outcomes] == [0.0, 0.0]


def test_erlangs_formula_has_the_textbooks_value() -> None:
    """Five machines, a load of four: 0.5541."""
    assert erlang_c(5, 4.0) == pytest.approx(0.5541, abs=1e-4)
    assert erlang_c(1, 0.3) == pytest.approx(0.3)
