"""A few digests on every run of the tests, sent by processes that die."""

from __future__ import annotations

from evals.chaos_digests import DigestPlan, run


async def test_everybody_gets_one_digest_while_everything_dies() -> None:
    """Two processes and Redis are killed in the middle of it; whoever was forgotten meanwhile has none."""
    found = await run(DigestPlan(people=6, forgotten=1, seed=1, kills=3, restarts=1, patience=150))
    assert (found["digests"], found["lost"], found["sent twice"], found["sent to the forgotten"]) == (5, 0, 0, 0)
    assert found["noted as told"] == 5
