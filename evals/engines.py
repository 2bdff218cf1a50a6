"""Does a server with the reader answer as the reader does here? `python -m evals.engines --work DIR --url URL`.

The questions of handbook.jsonl are searched once (with `--limit` over their own pages alone); every side then reads the
very same prompts. Without `--url` it is the model on this machine that answers, which the others are compared with.
`--llama BASE.gguf LORA.gguf` starts llama.cpp's server (wheel `xllamacpp`) for as long as it is asked. What a side said
is kept in DIR, so that a run that `--seconds` ended is gone on with by the next.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import time
from argparse import Namespace
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from core.answering.verdict import PROTOCOLS, Protocol
from core.bootstrap import open_generator
from core.domain import EVERYONE, Conversation, CutOff, Decoding, Message, Passage, Person, Piece, Prompt, Verdicts
from core.engine import limits_of
from core.evaluation.evaluator import spread
from core.evaluation.questions import read_questions
from core.evaluation.scoring import f1
from core.models.layouts import READER
from core.ports import Generator
from core.settings import Settings
from evals.common import Record, parser, progress, write_result
from evals.handbook import QUESTIONS
from evals.product import open_product

HERE = "here"
COUNT = 100  # questions


@dataclass(frozen=True, slots=True)
class ReplyRecord:
    """What a side made of one prompt, and after how many seconds the first and the last word came."""

    held: float
    log_odds: tuple[float | None, ...]
    text: str
    decoded: str
    first: float
    whole: float


class PromptRecorder:
    """A `Generator` that says no to every prompt, and keeps it."""

    name = "recorder"
    context_tokens = 32_768
    protocol: Protocol = PROTOCOLS[READER]
    says_likelihoods = False

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []

    def count_tokens(self, text: str) -> int:
        """As a server's model is counted: three bytes a token."""
        return -(-len(text.encode()) // 3)

    def read_ahead(self, system: str, passages: Sequence[Passage]) -> None:
        """Nothing."""

    async def retain(self, documents: Collection[tuple[str, str]]) -> None:
        """Nothing."""

    async def generate(self, prompt: Prompt, _: Decoding) -> AsyncGenerator[Piece | Verdicts | CutOff, None]:
        """A verdict that ends the answer."""
        self.prompts.append(prompt)
        yield Verdicts((-20.0,) * len(prompt.passages))


def main() -> None:
    """Ask as long as there is time, print, write."""
    options = parser(__doc__ or "")
    options.add_argument("--work", type=Path, required=True, metavar="DIR", help="where prompts and answers are kept")
    options.add_argument("--url", help="the server's; ATTUNE_MODEL names the model there")
    options.add_argument("--llama", nargs=2, type=Path, metavar=("BASE", "LORA"), help="serve these by llama.cpp")
    options.add_argument("--side", metavar="NAME", help="what the server is called in the results; default: its URL")
    options.add_argument("--seconds", type=float, default=1e9, metavar="N", help="begin no question after so many")
    chosen = options.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    recorded = chosen.work / "prompts.pickle"
    if not recorded.exists():
        recorded.write_bytes(pickle.dumps(asyncio.run(search(chosen))))
    prompts: list[Prompt] = pickle.loads(recorded.read_bytes())  # noqa: S301  # our own
    with _served(chosen) as url:
        settings = Settings.from_env({**os.environ, **({"ATTUNE_MODEL_URL": url} if url else {})})
        asyncio.run(ask(settings, prompts, _file(chosen.work, chosen.side or url or HERE), chosen.seconds))
    result = compared({file.stem: _kept(file) for file in sorted(chosen.work.glob("*.jsonl"))})
    print(json.dumps(result, indent=2))
    if len(result) > 1:
        write_result("engines", result)


async def search(chosen: Namespace) -> list[Prompt]:
    """What is read for each question that anything is found for."""
    recorder, handbook = PromptRecorder(), chosen.data / "handbook"
    questions = spread(read_questions(QUESTIONS), chosen.limit or COUNT)
    pages = [handbook / page for page in sorted({page for question in questions for page in question.pages})]
    async with open_product(recorder, chosen.work / "stores") as product:
        await product.ingester.ingest(pages if chosen.limit else [handbook])
        engine = product.engine(further=0)  # it would be refused twice
        for number, question in enumerate(progress(questions, "Searching")):
            place = Conversation("evals", "handbook", str(number))
            message = Message("", place, Person("evals", "handbook", "colleague"), question.text, datetime.now(UTC))
            async with aclosing(engine.consult(message, [], [EVERYONE])) as events:
                async for _ in events:
                    pass
    return recorder.prompts


@contextmanager
def _served(chosen: Namespace) -> Iterator[str | None]:
    """The address of the server that is asked, if any."""
    if not chosen.llama:
        yield chosen.url
        return
    import xllamacpp  # noqa: PLC0415  # a peer, not a dependency

    base, lora = chosen.llama
    adapter = xllamacpp.CommonAdapterLoraInfo()
    adapter.path, adapter.scale = str(lora), 1.0
    parameters = xllamacpp.CommonParams()
    parameters.model.path, parameters.lora_adapters = str(base), [adapter]
    parameters.model_alias = {READER}
    threads = max(1, (os.cpu_count() or 1) - 1)  # with all of them a busy machine is many times slower
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    parameters.n_parallel, parameters.n_ctx, parameters.verbosity = 4, 4 * 8192, -1
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    server = xllamacpp.Server(parameters)
    yield f"{server.listening_address}/v1"


async def ask(settings: Settings, prompts: Sequence[Prompt], file: Path, seconds: float) -> None:
    """Go on with what a side has not been asked yet."""
    known, begun = len(_kept(file)), time.monotonic()
    if known == len(prompts):
        return
    async with AsyncExitStack() as stack:
        generator = await stack.enter_async_context(open_generator(settings))
        limits = limits_of(settings)
        for number, prompt in enumerate(prompts[known:], start=known + 1):
            if time.monotonic() - begun > seconds:
                break
            reply = await reply_to(prompt, generator, limits.decoding, limits.certainty)
            with file.open("a", encoding="utf-8") as kept:
                kept.write(json.dumps(asdict(reply), ensure_ascii=False) + "\n")
            print(f"{file.stem} {number}/{len(prompts)}: p = {reply.held:.2f}, {reply.whole:.1f} s", flush=True)


async def reply_to(prompt: Prompt, generator: Generator, decoding: Decoding, certainty: float) -> ReplyRecord:
    """What `generator` says, which is nothing where its verdict is under `certainty`."""
    started, first, held, decoded = time.perf_counter(), 0.0, 0.0, ""
    log_odds: tuple[float | None, ...] = ()
    words: list[str] = []
    async with aclosing(generator.generate(prompt, decoding)) as events:
        async for event in events:
            if isinstance(event, Verdicts) and generator.protocol.calibration:
                log_odds = event.log_odds
                held = generator.protocol.calibration.probability_held(log_odds)
                if held < certainty:
                    break
            elif isinstance(event, Piece):
                first, decoded = first or time.perf_counter() - started, event.decoded.value
                words.append(event.text)
    return ReplyRecord(held, log_odds, "".join(words).strip(), decoded, first, time.perf_counter() - started)


def _file(folder: Path, side: str) -> Path:
    return folder / f"{''.join(letter if letter.isalnum() or letter in '.-' else '_' for letter in side)}.jsonl"


def _kept(file: Path) -> list[ReplyRecord]:
    if not file.exists():
        return []
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [replace(ReplyRecord(**line), log_odds=tuple(line["log_odds"])) for line in lines]


def compared(sides: Mapping[str, Sequence[ReplyRecord]]) -> dict[str, Record]:
    """Each side beside the model here, over the questions that both were asked."""
    here = sides.get(HERE, ())
    return {name: _beside(here, side) for name, side in sides.items() if here and side}


def _beside(here: Sequence[ReplyRecord], there: Sequence[ReplyRecord]) -> Record:
    pairs = list(zip(here, there, strict=False))
    both = [(one, other) for one, other in pairs if one.text and other.text]
    odds = [
        abs(a - b)
        for one, other in pairs
        for a, b in zip(one.log_odds, other.log_odds, strict=True)
        if a is not None and b is not None
    ]
    same_rows = [
        [odd is None for odd in one.log_odds] == [odd is None for odd in other.log_odds] for one, other in pairs
    ]
    answered = [other for _, other in pairs if other.text]
    return {
        "questions": len(pairs),
        "answered": len(answered),
        "the same decision": sum(bool(one.text) == bool(other.text) for one, other in pairs),
        "the same passages read": sum(same_rows),
        "verdicts compared": len(odds),
        "difference of verdicts in log-odds, median and 95 %": _quantiles(odds, 0.5, 0.95),
        "both answer": len(both),
        "the same words": sum(one.text == other.text for one, other in both),
        "F1 of the words, mean": float(np.mean([f1(other.text, [one.text]) for one, other in both])) if both else None,
        "from one passage or as here": sum(other.decoded == "exact" for other in answered),
        "first word, median s": _quantiles([other.first for other in answered], 0.5)[0],
        "whole answer, median s": _quantiles([other.whole for other in answered], 0.5)[0],
        "refusal, median s": _quantiles([other.whole for _, other in pairs if not other.text], 0.5)[0],
    }


def _quantiles(values: Sequence[float], *which: float) -> list[float | None]:
    return [float(value) for value in np.quantile(values, which)] if values else [None for _ in which]


if __name__ == "__main__":
    main()
