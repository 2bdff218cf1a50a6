"""Is anybody ever shown a word of a document that is not for them? A random walk through the whole product.

    python -m evals.readers [--limit STEPS] [--seed N]

People ask, in private and in channels, open sources, ask why; teach, take lessons back, are stopped in the middle;
files are ingested for some, changed, redacted, given to others and removed; people join and leave channels; processes
and stores are killed, the index is lost and built anew. Stores, parsers, engine and dialogue are the product's own; the
two models are stand-ins, and the one that answers repeats all it is given (`readers_house`). Each document has words
that stand in no question; after each step that shows something its words are held against the rules (`readers_ledger`).
"""

from __future__ import annotations

import asyncio
import logging
import time

import structlog

from evals.common import Options, Record, options, progress, write_result
from evals.product import temporary_folder
from evals.readers_house import House
from evals.readers_walk import Finding, Walk

STEPS = 2_500
SHOWN = 20  # findings that are printed


async def run(chosen: Options) -> Record:
    """Walk, and count."""
    started = time.monotonic()
    with temporary_folder() as home:
        walk = Walk(House(home), chosen.seed)
        try:
            await walk.through(chosen.limit or STEPS, lambda steps: progress(list(steps), "steps"))
        finally:  # also of a walk that something ended
            print(f"{sum(walk.done.values())} steps, words outside the readers: {len(walk.findings)}")
            for finding in walk.findings[:SHOWN]:
                print(_told(finding))
    return {
        "steps": sum(walk.done.values()),
        "steps by kind": dict(sorted(walk.done.items())),
        "times that something was shown": walk.looks,
        "words shown inside the readers": walk.inside,
        "documents": len(walk.ledger.documents),
        "words outside the readers": len(walk.findings),
        "seconds": time.monotonic() - started,
    }


def _told(finding: Finding) -> str:
    who = ", ".join(sorted(finding.audience))
    of = ", ".join(sorted(finding.documents))
    return f"step {finding.step}, {finding.kind}: {' '.join(sorted(finding.words))} of {of} was shown to {who}"


def main() -> None:
    """Walk, print and write the result."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    result = asyncio.run(run(options("Is anybody shown a word of a document that is not for them?")))
    for name, value in result.items():
        print(f"{name}: {value}")
    print(f"wrote {write_result('readers', result)}")


if __name__ == "__main__":
    main()
