"""How fast answers come, side by side in one run: `python -m evals.speed`.

Three sides answer the same questions over the same four passages with the same 1.5B weights on the same cores:
Attune (one row a passage, int8), llama.cpp's server (wheel `xllamacpp`, its best number of threads, prompt cache on)
and transformers' `generate` in bfloat16; the last two read the passages stuffed into one prompt. All say exactly
`ANSWER` tokens. Ratios are of medians; a ratio over 1 says that Attune is faster.

"Seen" passages were all read before, but for other questions and in other company, as it is when several people ask.
Stuffed prompts can reuse no more than a common beginning; "seen, same order" is their best case: the very same four.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.console import Console
from rich.table import Table

from core.adapters import checkpoints
from core.adapters.batching import Batcher, Token
from core.adapters.packed import PackedModel, Row
from core.decoding import Mixture
from core.domain import Decoding, Passage
from core.model_store import ModelStore
from core.models.files import Silent
from core.prompt import SYSTEM, chat, system_text
from core.settings import Settings
from evals.common import Options, options, records, sample, write_result

ANSWER = 32  # tokens
PASSAGES = 4
PEOPLE = 8
GATES = {
    "first token, seen": ("llama.cpp", 8.0),
    "first token, new": ("llama.cpp", 1.8),
    "answer, seen": ("llama.cpp", 3.0),
    "8 people, seen": ("llama.cpp", 3.0),
    "answer, new": ("transformers", 3.0),
}


class Side(Protocol):
    """One of those compared."""

    def answer(self, passages: Sequence[Passage], question: str, tokens: int) -> None:
        """Say `tokens` tokens."""
        ...

    def together(self, asked: Sequence[tuple[Sequence[Passage], str]], tokens: int) -> None:
        """Answer several people at once."""
        ...


class Attune:
    """This project: rows, cache and batch, without an end of turn."""

    def __init__(self, checkpoint: checkpoints.Checkpoint) -> None:
        self.model = PackedModel(checkpoint.model)
        self._tokenizer = checkpoint.tokenizer
        self._loop = asyncio.new_event_loop()
        self._batcher = Batcher(self.model, set(), cache_bytes=1 << 30, batch_bytes=1 << 30)

    def answer(self, passages: Sequence[Passage], question: str, tokens: int) -> None:
        """One row a passage."""
        self._loop.run_until_complete(self._decode(passages, question, tokens))

    def together(self, asked: Sequence[tuple[Sequence[Passage], str]], tokens: int) -> None:
        """All in one batch."""

        async def everyone() -> None:
            await asyncio.gather(*[self._decode(passages, question, tokens) for passages, question in asked])

        self._loop.run_until_complete(everyone())

    async def _decode(self, passages: Sequence[Passage], question: str, tokens: int) -> None:
        prefixes, suffix = [], ""
        for passage in passages:
            system = system_text(SYSTEM, [passage])
            text = templated(self._tokenizer, system, question)
            before, bar, suffix = text.partition(system)
            prefixes.append(self._encode(before + bar))
        mixture = Mixture([1 / len(passages)] * len(passages), Decoding(floor=0.0))
        events = self._batcher.decode(prefixes, self._encode(suffix), mixture, tokens=tokens, cached=True)
        said = [event async for event in events if isinstance(event, Token)]
        assert len(said) == tokens  # noqa: S101  # else the sides did not do the same work

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids)


class LlamaCpp:
    """llama.cpp's server in this process, on the GGUF file itself."""

    def __init__(self, file: Path, tokenizer: Any, threads: int, slots: int) -> None:
        import xllamacpp  # noqa: PLC0415  # a peer, not a dependency

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(file)
        parameters.n_ctx = 2048 * slots
        parameters.n_parallel = slots
        parameters.cpuparams.n_threads = threads
        parameters.cpuparams_batch.n_threads = threads
        parameters.verbosity = -1
        self._server = xllamacpp.Server(parameters)
        self._tokenizer = tokenizer

    def answer(self, passages: Sequence[Passage], question: str, tokens: int) -> None:
        """All passages in one prompt."""
        asked = {
            "prompt": templated(self._tokenizer, system_text(SYSTEM, passages), question),
            "n_predict": tokens,
            "temperature": 0,
            "ignore_eos": True,
            "cache_prompt": True,
        }
        answer = self._server.handle_completions(asked)
        assert answer["usage"]["completion_tokens"] == tokens  # noqa: S101

    def together(self, asked: Sequence[tuple[Sequence[Passage], str]], tokens: int) -> None:
        """As many requests as people, for as many slots."""
        with ThreadPoolExecutor(len(asked)) as pool:
            list(pool.map(lambda one: self.answer(one[0], one[1], tokens), asked))


class Transformers:
    """`generate` of transformers in bfloat16, on the weights of the GGUF file."""

    def __init__(self, file: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

        self._model: Any = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.bfloat16)
        self._tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)

    def answer(self, passages: Sequence[Passage], question: str, tokens: int) -> None:
        """All passages in one prompt."""
        text = templated(self._tokenizer, system_text(SYSTEM, passages), question)
        inputs = self._tokenizer(text, return_tensors="pt", add_special_tokens=False)
        self._model.generate(**inputs, do_sample=False, min_new_tokens=tokens, max_new_tokens=tokens)

    def together(self, asked: Sequence[tuple[Sequence[Passage], str]], tokens: int) -> None:
        """One after the other."""
        for passages, question in asked:
            self.answer(passages, question, tokens)


def templated(tokenizer: Any, system: str, question: str) -> str:
    """The prompt as text."""
    messages = chat(system, (), "", question)
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def main(chosen: Options) -> None:
    """Measure, print, write."""
    runs = chosen.limit or 5
    settings = Settings.from_env(os.environ)
    source = ModelStore(settings.models_folder).resolve("qwen2.5-coder-1.5b-instruct").path
    folder = checkpoints.convert(source, "int8", settings.models_folder / "converted", Silent())
    attune = Attune(checkpoints.load(folder, "int8", torch.device("cpu")))
    tokenizer = attune._tokenizer  # noqa: SLF001  # the same text for all sides
    material = Material(chosen, tokenizer)
    times: dict[str, dict[str, list[float]]] = {"attune": measure(attune, material, runs)}
    for threads in sorted({1, torch.get_num_threads()}):
        peer = LlamaCpp(source, tokenizer, threads, PEOPLE)
        times[f"llama.cpp, {threads} threads"] = measure(peer, material, runs)
        del peer
    times["transformers"] = measure(Transformers(source), material, min(runs, 2), together=False)
    machine = {"prefill of _int_mm": prefill_share(attune.model), "step of bandwidth": step_share(attune.model)}
    report(times, machine, runs)


class Material:
    """Passages of about 200 tokens and questions of about 24, never the same passage twice unless asked for."""

    def __init__(self, chosen: Options, tokenizer: Any) -> None:
        squad = chosen.data / "squad"
        texts = [record["text"] for record in records(squad / "passages.jsonl.gz")]
        fitting = [text for text in texts if 170 <= len(tokenizer.encode(text)) <= 230]
        drawn = sample(fitting, None, chosen.seed)
        self._new: Iterator[Passage] = iter(
            [Passage(str(n), f"/{n}", "Article", (), text, 1, 0, 1, "v") for n, text in enumerate(drawn)]
        )
        asked = [record["question"] for record in records(squad / "questions.jsonl.gz")]
        self._questions = iter([text for text in asked if 18 <= len(tokenizer.encode(text)) <= 30] * 10)

    def passages(self) -> list[Passage]:
        """Four passages that nobody has read."""
        return [next(self._new) for _ in range(PASSAGES)]

    def question(self) -> str:
        """Another question."""
        return str(next(self._questions))


def measure(side: Side, material: Material, runs: int, *, together: bool = True) -> dict[str, list[float]]:
    """Seconds of each run, by what was done."""
    pool = [material.passages() for _ in range(PASSAGES)]
    for four in pool:
        side.answer(four, material.question(), 1)
    mixes = [
        [pool[(shift + place) % PASSAGES][place] for place in reversed(range(PASSAGES))] for shift in range(PASSAGES)
    ]

    def seen(run: int) -> list[Passage]:
        four = mixes[run % PASSAGES]
        turn = run // PASSAGES % PASSAGES
        return [*four[turn:], *four[:turn]]

    def repeated(act: Callable[[int], None]) -> list[float]:
        return [_seconds(lambda run=run: act(run)) for run in range(runs)]  # type: ignore[misc]

    same = seen(0)
    side.answer(same, material.question(), 1)
    times = {
        "first token, seen, same order": repeated(lambda _: side.answer(same, material.question(), 1)),
        "first token, seen": repeated(lambda run: side.answer(seen(run + 1), material.question(), 1)),
        "first token, new": repeated(lambda _: side.answer(material.passages(), material.question(), 1)),
        "answer, seen": repeated(lambda run: side.answer(seen(run + 2), material.question(), ANSWER)),
        "answer, new": repeated(lambda _: side.answer(material.passages(), material.question(), ANSWER)),
    }
    if together:
        times[f"{PEOPLE} people, seen"] = repeated(
            lambda run: side.together([(seen(run + n), material.question()) for n in range(PEOPLE)], ANSWER)
        )
    return times


def prefill_share(model: PackedModel) -> float:
    """Time of `_int_mm` alone on all matrices of a 256-token prefill, as a share of the prefill's time."""
    rows = 256

    def products() -> None:
        for module in model.linear_layers()[:-1]:  # all but the output layer, which no prompt needs
            torch._int_mm(torch.ones(rows, module.in_features, dtype=torch.int8), module.weight.t())  # noqa: SLF001

    whole = _median(lambda: model.step([(Row(model, rows), [5] * rows)], []))
    return _median(products) / whole


def step_share(model: PackedModel) -> float:
    """Time of reading all weights once at the measured bandwidth, as a share of a one-row decode step's time."""
    block = torch.ones(1 << 29, dtype=torch.int8).view(torch.int64)
    bandwidth = block.nbytes / _median(block.sum)  # bytes a second
    weights = sum(module.weight.nbytes for module in model.linear_layers())
    row = Row(model, 400)

    def step() -> None:
        row.length = 300
        model.step([(row, [5])])

    return weights / bandwidth / _median(step)


def _median(act: Callable[[], object], runs: int = 5) -> float:
    act()
    return statistics.median(_seconds(act) for _ in range(runs))


def _seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def report(times: dict[str, dict[str, list[float]]], machine: dict[str, float], runs: int) -> None:
    """Print and write medians and ratios; llama.cpp counts with the threads that served it best in each row."""
    medians = {side: {name: statistics.median(t) for name, t in rows.items()} for side, rows in times.items()}
    peers = [side for side in medians if side.startswith("llama.cpp")]
    table = Table("", *medians, "llama.cpp / attune", "transformers / attune", "target")
    ratios = {}
    for name, ours in medians["attune"].items():
        best = min(medians[peer][name] for peer in peers)
        other = medians["transformers"].get(name)
        ratios[name] = {"llama.cpp": best / ours} | ({"transformers": other / ours} if other else {})
        target = f"{GATES[name][1]:g} × {GATES[name][0]}" if name in GATES else ""
        cells = [f"{medians[side][name]:.2f} s" if name in medians[side] else "" for side in medians]
        table.add_row(name, *cells, *[f"{ratios[name].get(k, 0):.2f}" for k in ("llama.cpp", "transformers")], target)
    Console(width=160).print(table)
    for name, share in machine.items():
        print(f"{name}: {share:.0%}")
    write_result("speed", {"runs": runs, "median seconds": medians, "ratios": ratios, "machine": machine})


if __name__ == "__main__":
    main(options(__doc__ or ""))
