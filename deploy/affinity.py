"""Which replica is to answer: the one that has read the passages, unless it has too much to do.

Each document belongs to the replica where the hash of both is highest (rendezvous hashing: Thaler and Ravishankar,
1998): everybody who computes it agrees, and a replica that comes or goes moves only its own share. A question goes
where the probability of its passages adds up highest, by their documents: what is asked about one document today was
read beside it yesterday (`evals/ray_affinity.py`). A replica with more than its share of what is being answered is
passed over (consistent hashing with bounded loads: Mirrokni, Thorup and Zadimoghaddam, 2018). Pure; knows nothing of
Ray.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

SHARE = 1.25  # of the mean load, beyond which a replica is passed over
LEAST = 2  # answers that a replica may always have in progress

Reads = Sequence[tuple[str, float]]
"""The documents of passages, and how probable each passage is."""


def owner(document: str, replicas: Sequence[str]) -> str:
    """The replica that a document belongs to."""
    return max(replicas, key=lambda replica: _weight(document, replica))


def order(reads: Reads, loads: Mapping[str, int]) -> list[str]:
    """The replicas, by name, the best first; `loads` are the answers that each has in progress."""
    replicas = sorted(loads)
    votes = dict.fromkeys(replicas, 0.0)
    for document, probability in reads if replicas else ():
        votes[owner(document, replicas)] += probability
    limit = max(LEAST, math.ceil(SHARE * (sum(loads.values()) + 1) / max(1, len(replicas))))
    first = reads[0][0] if reads else ""

    def rank(replica: str) -> tuple[bool, float, float]:
        over = loads[replica] >= limit
        return over, loads[replica] if over or not reads else -votes[replica], -_weight(first, replica)

    return sorted(replicas, key=rank)


def _weight(document: str, replica: str) -> float:
    digest = hashlib.blake2b(f"{document}\0{replica}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")
