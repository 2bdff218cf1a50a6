"""Drafts → tokens: what the product feeds its model, and what counts in the loss."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from core.adapters.local_model import checkpoints
from core.adapters.local_model.prefix_cache import PrefixCache
from core.adapters.local_model.torch_generator import TorchGenerator
from core.answering.verdict import PROTOCOLS, READER, SYSTEM
from core.domain import Passage, Prompt
from core.errors import OperatorError
from core.models.files import NoProgress
from core.models.layouts import READER as READER_NAME
from training.drafts import WEIGHTS, Draft, answered, turn
from training.examples import Encoder, Examples, encoded, held_out_sources, read_examples, write


@pytest.fixture(scope="module")
def passage(pool: dict[str, Passage]) -> Passage:
    return next(one for one in pool.values() if "Holidays" in one.headings)


@pytest.fixture(scope="module")
def checkpoint(random_reader: Path, tmp_path_factory: pytest.TempPathFactory) -> checkpoints.Checkpoint:
    """As the product loads it: its tokenizer splits words in another way than the one that was saved."""
    copy = checkpoints.convert(random_reader, "bfloat16", tmp_path_factory.mktemp("converted"), NoProgress())
    return checkpoints.load(copy, "bfloat16", torch.device("cpu"))


@pytest.mark.parametrize(("name", "verdict"), [(READER_NAME, True), ("qwen2.5-coder-1.5b-instruct", None)])
def test_the_model_is_trained_on_what_it_will_be_shown(
    passage: Passage,
    checkpoint: checkpoints.Checkpoint,
    name: str,
    verdict: bool | None,  # noqa: FBT001 - a draft has one, too
) -> None:
    """The tokens before the verdict are those that the product feeds its model, passage, turns, wishes and all."""
    protocol = PROTOCOLS[name]
    generator = TorchGenerator("random", checkpoint, PrefixCache(0), batch_bytes=10**6, protocol=protocol)
    turns = (turn("who are you?", "Lantern & Moss."),)
    draft = Draft("answer", (passage,), "how long is leave?", "Answer in German.", "26 Tage.", verdict, turns)
    asking = Prompt(protocol.system, (passage,), (1.0,), turns, draft.person, draft.question)
    prefixes, suffix = generator._read(asking, [(passage,)])
    fed = [*prefixes[0].tokens, *suffix.shared, *suffix.ending]
    encoder = Encoder(checkpoint.tokenizer)
    example = encoder.example(draft)
    assert example is not None
    assert list(example.tokens) == [*fed, *encoder.encode("26 Tage."), checkpoint.tokenizer.eos_token_id]
    assert example.start == len(fed) - (len(suffix.ending) if verdict else 0)


def test_an_answer_begins_with_yes_and_a_refusal_is_no(passage: Passage, tokenizer: PreTrainedTokenizerFast) -> None:
    """The words that the model is to say, and what each counts: the verdict half, what follows it as its kind."""
    encoder = Encoder(tokenizer)
    yes = encoder.example(answered("short", [passage], "how long is leave?", "26 days"))
    no = encoder.example(Draft("no: near miss", (passage,), "how long is a lunch break?", "", "", verdict=False))
    plain = encoder.example(Draft("plain answer", (passage,), "how long is leave?", "", "26 days", None))
    assert yes is not None
    assert no is not None
    assert plain is not None
    assert tokenizer.decode(yes.tokens[yes.start :]) == "yes\n26 days<|im_end|>"
    assert tokenizer.decode(no.tokens[no.start :]) == "no<|im_end|>"
    assert tokenizer.decode(plain.tokens[plain.start :]) == "26 days<|im_end|>"
    assert (yes.weights[0], yes.weights[1:].sum()) == pytest.approx((0.5, WEIGHTS["short"]))
    assert (no.weights[0], no.weights[1:].sum()) == pytest.approx((0.5 * WEIGHTS["no: near miss"], 0.02))
    assert plain.weights.tolist() == pytest.approx([WEIGHTS["plain answer"] / len(plain.weights)] * len(plain.weights))
    assert READER in tokenizer.decode(yes.tokens)
    assert SYSTEM in tokenizer.decode(plain.tokens)


def test_long_examples_are_left_out(passage: Passage, tokenizer: PreTrainedTokenizerFast) -> None:
    """They are counted, and the others stay."""
    drafts = [(answered("answer", [passage], "how long?", "word " * count), False) for count in (3, 2000)]
    made, dropped = encoded(drafts, "random", tokenizer)
    assert (len(made.rows), dropped) == (1, 1)


def test_examples_outlive_their_file(examples: Examples, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is read is what was written, and the kinds were counted on the way."""
    file = tmp_path / "examples.npz"
    write(examples, 3, file)
    read = read_examples(file)
    assert (read.model, read.yes, read.no) == (examples.model, examples.yes, examples.no)
    for one, other in zip(read.rows, examples.rows, strict=True):
        assert (one.kind, list(one.tokens), one.start) == (other.kind, list(other.tokens), other.start)
        assert (one.first, one.rest, one.held_out) == pytest.approx((other.first, other.rest, other.held_out))
    told = capsys.readouterr().out
    assert f"{len(examples.rows)}  examples of" in told
    assert "3  were too long" in told


def test_whole_documents_are_held_out() -> None:
    """A share of the documents, the same for the same seed; of two documents none."""
    names = [f"page{n % 50}.md" for n in range(500)]
    kept = held_out_sources(names, 0.1, seed=1)
    assert len(kept) == 5
    assert kept == held_out_sources(reversed(names), 0.1, seed=1) != held_out_sources(names, 0.1, seed=2)
    assert held_out_sources(["a.md", "b.md"], 0.04, seed=1) == set()


def test_a_file_that_holds_no_examples_is_refused(tmp_path: Path) -> None:
    """The sentence names the file and what writes one."""
    with pytest.raises(OperatorError, match="cannot be read"):
        read_examples(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no archive", encoding="utf-8")
    with pytest.raises(OperatorError, match=r"Write them with `python -m training\.examples`"):
        read_examples(tmp_path / "text.npz")
