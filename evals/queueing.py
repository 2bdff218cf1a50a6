"""A discrete-event model of machines that answer: who waits where, and for how long.

Questions arrive, wait in one line, and are taken by a machine, which first reads (reading of several is done by turns,
since it is bound by arithmetic) and then writes (several at once cost less than one after another, by `gain`). What a
machine has read it keeps, up to a number of questions, and reads faster when it is asked again. Knows nothing of what
the times are; `tests/evals/test_queueing.py` holds it against Erlang's formula and against processor sharing.
"""

from __future__ import annotations

import heapq
import math
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Gain = Callable[[int], float]
SPILL = 1  # questions that a machine may have more than the idlest, and still gets those whose passages it has read


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question, in seconds: reading alone takes `new`, or `seen` where it was read before; then comes `writing`."""

    arrival: float
    new: float
    seen: float = 0.0
    writing: float = 0.0
    key: int = 0  # of what is read for it
    asked: float = 0.0  # when it was sent, before it came to the machines


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a question, in seconds from the beginning."""

    asked: float
    arrival: float
    start: float
    first: float
    end: float
    seen: bool


@dataclass(frozen=True, slots=True)
class Servers:
    """So many machines alike: how many questions each works on at a time, and how many it remembers."""

    machines: int
    slots: int = 1
    remembered: int = 0
    gain: Gain = lambda _: 1.0
    affine: bool = True  # a question goes to the machine that has read its passages, if that is hardly busier


@dataclass(eq=False)
class _Machine:
    """Two kinds of work share it: each question at it gets the same share of the time."""

    gain: Gain
    clock: float = 0.0
    read: float = 0.0  # seconds of reading that each reader got so far
    written: float = 0.0
    readers: list[tuple[float, int]] = field(default_factory=list)  # heaps of what is to be reached, and by whom
    writers: list[tuple[float, int]] = field(default_factory=list)
    known: OrderedDict[int, None] = field(default_factory=OrderedDict)
    busy: float = 0.0
    due: float = math.inf  # when somebody at it is next done

    @property
    def load(self) -> int:
        return len(self.readers) + len(self.writers)

    def _rates(self) -> tuple[float, float]:
        return 1 / self.load, self.gain(len(self.writers)) / self.load if self.writers else 0.0

    def advance(self, to: float) -> None:
        if self.load:
            reading, writing = self._rates()
            self.read += reading * (to - self.clock)
            self.written += writing * (to - self.clock)
            self.busy += to - self.clock
        self.clock = to

    def look_ahead(self) -> None:
        self.due = math.inf
        if self.load:
            reading, writing = self._rates()
            moments = [(self.readers[0][0] - self.read) / reading] if self.readers else []
            moments += [(self.writers[0][0] - self.written) / writing] if self.writers else []
            self.due = self.clock + max(0.0, min(moments))

    def remember(self, key: int, most: int) -> bool:
        """Whether it has read that before; from now on it has."""
        seen = key in self.known
        self.known[key] = None
        self.known.move_to_end(key)
        while len(self.known) > most:
            self.known.popitem(last=False)
        return seen


class Simulation:
    """One run."""

    def __init__(self, inquiries: Sequence[Inquiry], servers: Servers) -> None:
        self._inquiries = sorted(inquiries, key=lambda one: one.arrival)
        self._servers = servers
        self._machines = [_Machine(servers.gain) for _ in range(servers.machines)]
        self._line: deque[int] = deque()
        self._read_at: dict[int, _Machine] = {}
        self._starts: dict[int, tuple[float, bool]] = {}
        self._firsts: dict[int, float] = {}
        self._outcomes: dict[int, Outcome] = {}

    def run(self) -> list[Outcome]:
        """All of it, in the order of arrival."""
        coming, place = self._inquiries, 0
        while len(self._outcomes) < len(coming):
            machine = min(self._machines, key=lambda one: one.due)
            arrival = coming[place].arrival if place < len(coming) else math.inf
            if arrival <= machine.due:
                self._line.append(place)
                self._take(arrival)
                place += 1
            else:
                self._step(machine, machine.due)
        return [self._outcomes[number] for number in range(len(coming))]

    @property
    def busy(self) -> float:
        """Share of the time in which a machine works, on average."""
        end = max(machine.clock for machine in self._machines)
        return sum(machine.busy for machine in self._machines) / len(self._machines) / end

    def _take(self, now: float) -> None:
        """Begin with those in the line while anybody has room."""
        while self._line:
            free = [machine for machine in self._machines if machine.load < self._servers.slots]
            if not free:
                return
            number = self._line.popleft()
            self._begin(number, self._chosen(self._inquiries[number].key, free), now)

    def _chosen(self, key: int, free: Sequence[_Machine]) -> _Machine:
        idlest = min(free, key=lambda machine: machine.load)
        if self._servers.affine and self._servers.remembered:
            own = self._read_at.get(key, idlest)
            chosen = own if own.load < self._servers.slots and own.load <= idlest.load + SPILL else idlest
            self._read_at[key] = chosen
            return chosen
        return idlest

    def _begin(self, number: int, machine: _Machine, now: float) -> None:
        machine.advance(now)
        inquiry = self._inquiries[number]
        seen = self._servers.remembered > 0 and machine.remember(inquiry.key, self._servers.remembered)
        self._starts[number] = now, seen
        heapq.heappush(machine.readers, (machine.read + (inquiry.seen if seen else inquiry.new), number))
        machine.look_ahead()

    def _step(self, machine: _Machine, now: float) -> None:
        """Somebody at `machine` has read, or written, all."""
        machine.advance(now)
        while machine.readers and machine.readers[0][0] <= machine.read + 1e-9:
            _, number = heapq.heappop(machine.readers)
            self._firsts[number] = now
            heapq.heappush(machine.writers, (machine.written + self._inquiries[number].writing, number))
        while machine.writers and machine.writers[0][0] <= machine.written + 1e-9:
            _, number = heapq.heappop(machine.writers)
            start, seen = self._starts[number]
            one = self._inquiries[number]
            self._outcomes[number] = Outcome(one.asked, one.arrival, start, self._firsts[number], now, seen)
        machine.look_ahead()
        self._take(now)


def erlang_c(machines: int, load: float) -> float:
    """The probability that somebody has to wait, where `load` = arrivals × service time (M/M/c)."""
    blocked = 1.0
    for number in range(1, machines + 1):
        blocked = load * blocked / (number + load * blocked)
    return machines * blocked / (machines - load * (1 - blocked))
