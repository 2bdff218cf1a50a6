"""How fast answers come, side by side in one run: `python -m evals.speed`.

Three sides answer the same questions over the same four passages with the same 1.5B weights on the same cores:
Attune (one row a passage, int8, with its check whether the passages hold the answer), llama.cpp's server (wheel
`xllamacpp`, the better of 1 and all threads, prompt cache on) and transformers' `generate` in bfloat16; the last two
read the passages stuffed into one prompt and check nothing. All say exactly `ANSWER` tokens. Ratios are of medians; a
ratio over 1 says that Attune is faster. `--limit` is the number of runs (5).

"Seen" passages were all read before, but for other questions and in other company, as it is when several people ask.
Stuffed prompts can reuse no more than a common beginning; "seen, same order" is their best case: the very same four.
`--growth` measures how Attune and llama.cpp grow instead: passages, tokens a passage, people, and the smaller model.
"""

from __future__ import annotations

import os
import random
import resource
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from core.adapters.local_model import checkpoints, wait_on_torch_thread
from core.adapters.local_model.packed import CachedRow, PackedModel
from core.adapters.local_model.prefix_files import PrefixFiles
from core.models.files import NoProgress
from core.models.store import ModelStore
from core.settings import Settings
from evals.common import Record, parser, write_result
from evals.speed_sides import Attune, LlamaCpp, Material, Side, Transformers, seconds

ANSWER = 32  # tokens
PEOPLE = 8
LLAMA, TRANSFORMERS = "llama.cpp", "transformers"
PEERS = (LLAMA, TRANSFORMERS)
ONLY_NEW = "answer, new"
GATES = {
    "first token, seen": (LLAMA, 8.0),
    "first token, new": (LLAMA, 1.8),
    "answer, seen": (LLAMA, 3.0),
    f"{PEOPLE} people, seen": (LLAMA, 3.0),
    ONLY_NEW: (TRANSFORMERS, 3.0),
}
MODELS = ("smollm2-135m-instruct", "qwen2.5-coder-1.5b-instruct")


def main() -> None:
    """Measure, print, write."""
    options = parser(__doc__ or "")
    options.add_argument("--growth", action="store_true", help="how each side grows, instead of the comparison")
    options.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS, help="the other sides")
    chosen = options.parse_args()
    settings = Settings.from_env(os.environ)
    if chosen.growth:
        grow(settings, chosen.data, chosen.seed)
        return
    source, checkpoint = opened(settings, MODELS[1])
    material = Material(chosen.data, chosen.seed, checkpoint.tokenizer)
    machine = wait_on_torch_thread(shares, PackedModel(checkpoint.model))
    runs, peers = chosen.limit or 5, chosen.peers
    attune, only = Attune(checkpoint), "" if LLAMA in peers else ONLY_NEW
    times = {"attune": measure("attune", attune, material, runs, only=only)}
    machine |= memory_with_full_cache(attune, material)
    attune.close()
    if not only:
        times["attune"] |= restarted(checkpoint, material, runs)
    about: Record = {"runs": runs, "seed": chosen.seed}
    del attune
    if LLAMA in peers:
        threads = min((1, torch.get_num_threads()), key=lambda count: trial(source, checkpoint, count, material))
        about["threads of llama.cpp"] = threads
        times[LLAMA] = measure(LLAMA, LlamaCpp(source, checkpoint.tokenizer, threads, PEOPLE), material, runs)
    if TRANSFORMERS in peers:
        side = Transformers(converted(settings, source, "bfloat16"))
        times[TRANSFORMERS] = measure(TRANSFORMERS, side, material, runs, only=ONLY_NEW)
    report("speed" if len(peers) == len(PEERS) else f"speed_{peers[0]}", times, machine, about)


def opened(settings: Settings, model: str) -> tuple[Path, checkpoints.Checkpoint]:
    """The model's GGUF file, and the checkpoint that Attune makes of it."""
    source = ModelStore(settings.models_folder).resolve(model).path
    return source, wait_on_torch_thread(
        checkpoints.load, converted(settings, source, "int8"), "int8", torch.device("cpu")
    )


def converted(settings: Settings, source: Path, form: checkpoints.Form) -> Path:
    """The GGUF file's weights as a folder that transformers reads."""
    return checkpoints.convert(source, form, settings.models_folder / "converted", NoProgress())


def trial(source: Path, checkpoint: checkpoints.Checkpoint, threads: int, material: Material) -> float:
    """Seconds of one answer by llama.cpp with so many threads, the best of three: a busy moment must not choose."""
    peer = LlamaCpp(source, checkpoint.tokenizer, threads, 1)
    best = min(seconds(lambda: peer.answer(material.passages(), material.question(), ANSWER)) for _ in range(3))
    print(f"llama.cpp with {threads} threads: an answer in {best:.2f} s", flush=True)
    return best


def measure(name: str, side: Side, material: Material, runs: int, *, only: str = "") -> dict[str, list[float]]:
    """Seconds of each run, by what was done."""
    mixes = iter(()) if only else seen_mixes(side, material)

    def seen() -> tuple[list[str], str]:
        return next(mixes), material.question()

    same = [] if only else next(mixes)
    acts: dict[str, Callable[[], None]] = {
        "first token, seen": lambda: side.answer(*seen(), 1),
        "first token, seen, same order": lambda: side.answer(same, material.question(), 1),
        "first token, new": lambda: side.answer(material.passages(), material.question(), 1),
        "answer, seen": lambda: side.answer(*seen(), ANSWER),
        ONLY_NEW: lambda: side.answer(material.passages(), material.question(), ANSWER),
        f"{PEOPLE} people, seen": lambda: side.together([seen() for _ in range(PEOPLE)], ANSWER),
    }
    if not only:
        side.answer(same, material.question(), 1)
    times = {}
    for what, act in acts.items():
        if not only or what == only:
            times[what] = [seconds(act) for _ in range(runs)]
            print(f"{name}: {what}: {statistics.median(times[what]):.2f} s", flush=True)
    return times


def seen_mixes(side: Side, material: Material) -> Iterator[list[str]]:
    """Foursomes, none twice, of sixteen passages that `side` has read in other company."""
    pool = [material.passages() for _ in range(4)]
    for four in pool:
        side.answer(four, material.question(), 1)
    one_of_each = [list(chosen) for chosen in product(*pool)]  # 256, no two passages of a former foursome together
    return iter(_shuffled(one_of_each))


def _shuffled(mixes: list[list[str]]) -> list[list[str]]:
    """In an order, also within each, that leaves hardly a common beginning between one and the next."""
    rng = random.Random(0)  # noqa: S311  # an order, not a secret
    return [rng.sample(mix, len(mix)) for mix in rng.sample(mixes, len(mixes))]


def memory_with_full_cache(attune: Attune, material: Material) -> dict[str, float]:
    """Gigabytes that the process holds once its cache is full, and has held at most."""
    while not attune.cache.statistics.evictions:
        attune.answer(material.passages(), material.question(), 1)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return {
        "memory with a full cache, GB": int(status["VmRSS"].split()[0]) / 2**20,
        "memory at most, GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def restarted(checkpoint: checkpoints.Checkpoint, material: Material, runs: int) -> dict[str, list[float]]:
    """Seconds to the first token of new passages that are also kept on disk, and of the same ones by a new process."""
    asked = [(material.passages(), [material.question() for _ in range(2)]) for _ in range(runs)]
    times = {}
    with tempfile.TemporaryDirectory() as folder:
        for place, what in enumerate(("first token, new, kept on disk", "first token, seen before a restart")):
            side = Attune(checkpoint, PrefixFiles(Path(folder), 2 << 30))
            times[what] = [seconds(partial(side.answer, read, questions[place], 1)) for read, questions in asked]
            side.close()
            print(f"attune: {what}: {statistics.median(times[what]):.2f} s", flush=True)
    return times


def shares(model: PackedModel) -> dict[str, float]:
    """How near the int8 model comes to what the machine can do."""
    rows, layers = 256, model.linear_layers()

    def product_seconds() -> float:
        """The products alone: their matrices are made beforehand, one at a time."""
        total = 0.0
        for layer in layers[:-1]:
            x = torch.ones(rows, layer.in_features, dtype=torch.int8)
            weight = torch.ones(layer.out_features, layer.in_features, dtype=torch.int8).t()
            total += seconds(partial(torch._int_mm, x, weight))  # noqa: SLF001
        return total

    block = torch.ones(1 << 29, dtype=torch.int8).view(torch.int64)
    bandwidth = block.nbytes / _median(block.sum)  # bytes a second
    weights = sum(layer.in_features * layer.out_features for layer in layers)
    row = CachedRow(model, 400)

    def step() -> None:
        row.length = 300
        model.step([(row, [5])])

    prefill = _median(lambda: model.step([(CachedRow(model, rows), [5] * rows)], [0]))
    return {
        "prefill, of the rate of _int_mm": statistics.median(product_seconds() for _ in range(3)) / prefill,
        "step of one row, of the bandwidth": weights / bandwidth / _median(step),
        "bandwidth, GB/s": bandwidth / 1e9,
    }


def _median(act: Callable[[], object], runs: int = 5) -> float:
    act()
    return statistics.median(seconds(act) for _ in range(runs))


def report(name: str, times: dict[str, dict[str, list[float]]], machine: dict[str, float], about: Record) -> None:
    """Print and write medians and ratios."""
    medians = {side: {what: statistics.median(t) for what, t in rows.items()} for side, rows in times.items()}
    peers = [side for side in medians if side != "attune"]
    table = Table("", *medians, *[f"{peer} / attune" for peer in peers], "at least")
    ratios: dict[str, dict[str, float]] = {}
    for what, ours in medians["attune"].items():
        ratios[what] = {peer: medians[peer][what] / ours for peer in peers if what in medians[peer]}
        target = f"{GATES[what][1]:g} × {GATES[what][0]}" if what in GATES else ""
        cells = [f"{medians[side][what]:.2f} s" if what in medians[side] else "" for side in medians]
        table.add_row(what, *cells, *[f"{ratios[what][p]:.1f}" if p in ratios[what] else "" for p in peers], target)
    Console(width=140).print(table)
    for what, share in machine.items():
        print(f"{what}: {share:.2f}")
    write_result(name, {**about, "median seconds": medians, "ratios": ratios, "machine": machine})


def grow(settings: Settings, data: Path, seed: int) -> None:
    """Seconds to the first token of new and of seen passages, and of all answers of several people, as each grows.

    Written after each curve; the smaller model has only the point at which models are compared.
    """
    result: dict[str, Record] = {}
    for model in MODELS:
        source, checkpoint = opened(settings, model)
        material = Material(data, seed, checkpoint.tokenizer)
        attune = Attune(checkpoint)
        for axis, (places, slots, act) in CURVES.items() if model == MODELS[1] else [("passages", COMPARED)]:
            peer = LlamaCpp(source, checkpoint.tokenizer, torch.get_num_threads(), slots)
            sides: dict[str, Side] = {"attune": attune, LLAMA: peer}
            for name, side in sides.items():
                curve = {place: act(side, material, place) for place in places}
                result.setdefault(f"{name}, {model}", {})[axis] = curve
                print(name, model, axis, curve, flush=True)
            del peer, sides
            write_result("speed_growth", result)
        attune.close()


def _passages(side: Side, material: Material, count: int) -> Record:
    return _new_and_seen(side, material, [200] * count)


def _tokens(side: Side, material: Material, tokens: int) -> Record:
    return _new_and_seen(side, material, [tokens] * 4)


def _new_and_seen(side: Side, material: Material, lengths: list[int]) -> Record:
    """The same passages twice, the second time turned round: a stuffed prompt then has no beginning in common."""
    read = [material.text(length) for length in lengths]
    first = seconds(lambda: side.answer(read, material.question(), 1))
    turned = [*read[1:], read[0]]
    return {"new": first, "seen": seconds(lambda: side.answer(turned, material.question(), 1))}


def _people(side: Side, material: Material, people: int) -> Record:
    """Seconds until all have an answer about passages that were read before.

    llama.cpp is not made to read them before: turned round, they have no beginning in common with what it would keep.
    """
    asked = [(material.passages(), material.question()) for _ in range(people)]
    if not isinstance(side, LlamaCpp):
        for passages, question in asked:
            side.answer(passages, question, 1)
    again = [([*passages[1:], passages[0]], material.question()) for passages, _ in asked]
    return {"seen": seconds(lambda: side.together(again, ANSWER))}


Curve = tuple[Sequence[int], int, Callable[[Side, Material, int], Record]]
"""Places, llama.cpp's slots, and what is done at a place."""

COMPARED: Curve = (4,), 1, _passages
CURVES: dict[str, Curve] = {
    "passages": ((1, 2, 4, 8, 16), 1, _passages),
    "tokens a passage": ((50, 100, 200, 400, 800), 1, _tokens),
    "people": ((1, 4, 16), 16, _people),
}

if __name__ == "__main__":
    main()
