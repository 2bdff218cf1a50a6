"""Items and pool → tokenised examples in the product's own prompts, in one file.

    python -m training.examples items.jsonl more.jsonl --pool pool.jsonl --out examples.npz

Of every 25 documents that items are about, one is held out: its examples are measured and not trained on. Knows
nothing of what is made of an item (`recipe.py`) nor of training.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from core.answering.prompt import chat, documents, instructions
from core.answering.verdict import ANSWERING, NO, READER, SYSTEM, YES
from core.errors import OperatorError
from training.base import DEFAULT_MODEL, resolve, tokenizer_of, told
from training.drafts import Draft
from training.item_files import ItemFileError, read_items
from training.pool import read_pool
from training.recipe import Recipe

LONGEST = 1500  # tokens; longer examples are left out
HELD_OUT = 0.04  # of the documents
VERDICT = 0.5  # what the first token of an example with a verdict counts
AFTER_NO = 0.02  # what the end after "no" counts: that nothing follows is soon learned


@dataclass(frozen=True, slots=True)
class Example:
    """Tokens, of which those from `start` are to be said: the first counts `first`, the others `rest` in all."""

    kind: str
    tokens: Sequence[int]
    start: int
    first: float
    rest: float
    held_out: bool = False

    @property
    def weights(self) -> NDArray[np.float32]:
        """What each token counts that is to be said."""
        following = len(self.tokens) - self.start - 1
        weights = np.full(following + 1, self.rest / max(1, following), np.float32)
        weights[0] = self.first
        return weights


@dataclass(frozen=True, slots=True)
class Examples:
    """What `write` keeps and `read_examples` gives back: `yes` and `no` are the tokens of the verdict."""

    model: str
    yes: int
    no: int
    rows: Sequence[Example]

    @property
    def trained(self) -> list[Example]:
        """Those to train on."""
        return [row for row in self.rows if not row.held_out]

    @property
    def held_out(self) -> list[Example]:
        """Those to measure on."""
        return [row for row in self.rows if row.held_out]


class Encoder:
    """Drafts → examples of one model."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, longest: int = LONGEST) -> None:
        self._tokenizer = tokenizer
        self._longest = longest

    def encode(self, text: str) -> list[int]:
        """The tokens of `text`, without those that a model puts around one."""
        return list(self._tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids)

    def example(self, draft: Draft, *, held_out: bool = False) -> Example | None:
        """The draft in tokens; None where it is too long."""
        shown = self._shown(draft)
        said = [*self._said(draft), self._tokenizer.eos_token_id]
        if len(shown) + len(said) > self._longest:
            return None
        return Example(draft.kind, shown + said, len(shown), *_counted(draft, len(said)), held_out)

    def _shown(self, draft: Draft) -> list[int]:
        """What `TorchGenerator` feeds its model, in the same pieces; a test holds the two together."""
        system = instructions(SYSTEM if draft.verdict is None else READER)
        messages = chat(system, draft.turns, draft.person, draft.question)
        text = str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        before, _, after = text.partition(system.rstrip())
        behind = after if draft.verdict is None else after.removeprefix(system[len(system.rstrip()) :])
        return self.encode(before + system) + self.encode(documents(draft.passages)) + self.encode(behind)

    def _said(self, draft: Draft) -> list[int]:
        """In the pieces that the product makes of it: it puts `ANSWERING` there itself, and the answer goes on."""
        match draft.verdict:
            case None:
                return self.encode(draft.said)
            case True:
                return self.encode(ANSWERING) + self.encode(draft.said)
            case False:
                return self.encode(NO)


def _counted(draft: Draft, length: int) -> tuple[float, float]:
    """What the first of `length` tokens counts, and the others together."""
    match draft.verdict:
        case None:
            return draft.weight / length, draft.weight * (length - 1) / length
        case True:
            return VERDICT, draft.weight
        case False:
            return VERDICT * draft.weight, AFTER_NO


def main() -> None:
    """Read, encode, write, count."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("items", type=Path, nargs="+", metavar="ITEMS", help="JSON Lines, as README.md shows")
    options.add_argument("--pool", type=Path, metavar="FILE", help="what training.pool wrote and the items name")
    options.add_argument("--out", type=Path, required=True, metavar="FILE")
    options.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help="to be trained; default: %(default)s")
    options.add_argument("--held-out", type=float, default=HELD_OUT, metavar="SHARE", help="default: %(default)s")
    options.add_argument("--longest", type=int, default=LONGEST, metavar="TOKENS", help="default: %(default)s")
    options.add_argument("--no-search", action="store_true", help="refuse only what the items say is not answered")
    options.add_argument("--squad", type=Path, metavar="FOLDER", help="SQuAD as evals has it; its articles for tuning")
    options.add_argument("--squad-limit", type=int, default=1200, metavar="N", help="default: %(default)s")
    options.add_argument("--seed", type=int, default=5, metavar="N", help="default: %(default)s")
    chosen = options.parse_args()
    with told():
        write(*_made(chosen), chosen.out)


def _made(chosen: argparse.Namespace) -> tuple[Examples, int]:
    """The examples that were asked for, and how many were too long."""
    items = [item for file in chosen.items for item in read_items(file)]
    pool = read_pool(chosen.pool) if chosen.pool else {}
    pool |= {passage.id: passage for item in items for passage in item.brought()}
    about = [(item, next((pool[id_].source for id_ in item.ids if id_ in pool), "")) for item in items]
    known = [(item, source) for item, source in about if source]
    if len(known) < len(items):
        print(f"{len(items) - len(known)} of {len(items)} items are about passages that the pool lacks.")
    if not known:
        raise ItemFileError(
            "No item is about a passage in the pool. Pass the file that their ids come from with --pool."
        )
    recipe = Recipe(pool, chosen.seed, search=not chosen.no_search)
    kept = held_out_sources([source for _, source in known], chosen.held_out, chosen.seed)
    drafts = [(draft, source in kept) for item, source in known for draft in recipe.drafts(item)]
    if chosen.squad:
        from training.squad import squad_drafts  # noqa: PLC0415 - loads the benchmarks

        drafts += [(draft, False) for draft in squad_drafts(chosen.squad, chosen.squad_limit, chosen.seed)]
    return encoded(drafts, chosen.model, tokenizer_of(resolve(chosen.model)), chosen.longest)


def held_out_sources(sources: Iterable[str], share: float, seed: int) -> set[str]:
    """A `share` of the documents, drawn with `seed`: whole documents, since passages of one resemble each other."""
    names = sorted(set(sources))
    return set(random.Random(seed).sample(names, round(share * len(names))))


def encoded(
    drafts: Iterable[tuple[Draft, bool]], model: str, tokenizer: PreTrainedTokenizerBase, longest: int = LONGEST
) -> tuple[Examples, int]:
    """Examples of the drafts, each with whether it is held out, and how many were too long."""
    encoder = Encoder(tokenizer, longest)
    made = [encoder.example(draft, held_out=held_out) for draft, held_out in drafts]
    rows = [example for example in made if example]
    return Examples(model, encoder.encode(YES)[0], encoder.encode(NO)[0], rows), len(made) - len(rows)


def write(examples: Examples, dropped: int, file: Path) -> None:
    """Write the examples and print how many there are of each kind."""
    rows = examples.rows
    kinds = sorted({row.kind for row in rows})
    with file.open("wb") as stream:
        np.savez_compressed(
            stream,
            tokens=np.concatenate([np.asarray(row.tokens, np.int32) for row in rows]),
            ends=np.cumsum([len(row.tokens) for row in rows]),
            start=np.array([row.start for row in rows], np.int32),
            first=np.array([row.first for row in rows], np.float32),
            rest=np.array([row.rest for row in rows], np.float32),
            kind=np.array([kinds.index(row.kind) for row in rows], np.int16),
            held_out=np.array([row.held_out for row in rows]),
            about=json.dumps({"model": examples.model, "yes": examples.yes, "no": examples.no, "kinds": kinds}),
        )
    for kind, count in sorted(Counter(row.kind for row in rows).items()):
        print(f"{count:7,}  {kind}")
    tokens = sum(len(row.tokens) for row in rows)
    print(f"{len(rows):7,}  examples of {tokens:,} tokens, {len(examples.held_out):,} of them held out: {file}")
    if dropped:
        print(f"{dropped:7,}  were too long and left out")


def read_examples(file: Path) -> Examples:
    """What `write` wrote.

    Raises:
        OperatorError: it is no such file.
    """
    try:
        with np.load(file) as kept:
            about = json.loads(str(kept["about"]))
            pieces = np.split(kept["tokens"], kept["ends"][:-1])
            columns = [kept[name].tolist() for name in ("kind", "start", "first", "rest", "held_out")]
    except OSError as error:
        raise OperatorError(
            f"{file} cannot be read ({error.strerror}). Give a file that training.examples wrote."
        ) from None
    except (ValueError, KeyError):
        raise OperatorError(f"{file} holds no examples. Write them with `python -m training.examples`.") from None
    rows = [
        Example(about["kinds"][kind], tokens.tolist(), start, first, rest, held_out)
        for tokens, kind, start, first, rest, held_out in zip(pieces, *columns, strict=True)
    ]
    return Examples(about["model"], about["yes"], about["no"], rows)


if __name__ == "__main__":
    main()
