"""Examples → an adapter: a reader of two random layers learns what the sample says."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from core.adapters.local_model import checkpoints
from core.answering import verdict
from core.answering.verdict import Judging
from core.models.files import NoProgress
from core.models.layouts import open_adapter, protocol_of
from tests.conftest import EMBEDDER, TINY_MODEL
from tests.training.conftest import SAMPLE
from training import base, train
from training import examples as making
from training import pool as pools
from training.batches import collated, packed, planned
from training.examples import Example, Examples
from training.measure import AS_THEY_ARE, Judged, calibrated, judge, report, say_logits

CPU = torch.device("cpu")
LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PLAN = train.Plan(rank=4, alpha=8, rate=2e-2, epochs=20)


@pytest.fixture(scope="module")
def few(examples: Examples) -> Examples:
    """The dozen shortest: one batch, so that each step sees the same."""
    return replace(examples, rows=sorted(examples.trained, key=lambda row: len(row.tokens))[:12])


class Trained:
    """A reader that was trained on the CPU, with all that there was before."""

    def __init__(self, few: Examples, folder: Path, out: Path) -> None:
        self.out = out
        model = base.load(base.resolve(str(folder)), CPU, layers=2)
        self.before = {name: value.clone() for name, value in model.state_dict().items()}
        self.shapes = {name: tuple(value.shape) for name, value in self.before.items() if "_proj.weight" in name}
        self.model: Any = train.adapted(model, PLAN, "some/base")
        self.done = train.train(self.model, few, PLAN, out)


@pytest.fixture(scope="module")
def trained(few: Examples, random_reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTUNE_HOME", str(home))
        yield Trained(few, random_reader, home / "reader")


def test_the_loss_falls(trained: Trained) -> None:
    """The same examples cost less after some steps, and never what is no number."""
    losses = trained.done["losses"]
    assert len(losses) == trained.done["steps"] == 20
    assert all(map(math.isfinite, losses))
    assert losses[-1] < 0.8 * losses[0]


def test_the_adapter_is_in_pefts_layout(trained: Trained) -> None:
    """Two matrices for each linear layer but the last, by PEFT's names, of the layer's shape and the rank."""
    weights = load_file(trained.out / "adapter_model.safetensors")
    wanted: dict[str, tuple[int, ...]] = {}
    for name, (rows, columns) in trained.shapes.items():
        stem = f"base_model.model.{name.removesuffix('.weight')}"
        wanted |= {f"{stem}.lora_A.weight": (4, columns), f"{stem}.lora_B.weight": (rows, 4)}
    assert {name: tuple(value.shape) for name, value in weights.items()} == wanted
    assert len(wanted) == 2 * 2 * len(LINEAR)
    assert all(value.dtype == torch.bfloat16 and value.any() for value in weights.values())


def test_the_adapter_says_what_it_was_made_for(trained: Trained) -> None:
    """Its configuration names base, rank and layers, and no path of the machine that it was trained on."""
    text = (trained.out / "adapter_config.json").read_text(encoding="utf-8")
    config = json.loads(text)
    assert config["peft_type"] == "LORA"
    assert (config["base_model_name_or_path"], config["r"], config["lora_alpha"]) == ("some/base", 4, 8)
    assert sorted(config["target_modules"]) == sorted(LINEAR)
    assert str(trained.out.parent) not in text


def test_only_the_adapter_was_trained(trained: Trained) -> None:
    """The base model's weights are the ones that it had."""
    after = trained.model.get_base_model().state_dict()
    for name, value in trained.before.items():
        assert torch.equal(value, after[name.replace("_proj.", "_proj.base_layer.")])


def test_the_saved_adapter_is_the_trained_one(trained: Trained, few: Examples, random_reader: Path) -> None:
    """PEFT loads what was saved, and on the base model read anew it says the same, as far as bfloat16 goes."""
    model = base.load(base.resolve(str(random_reader)), CPU, layers=2)
    trained.model.eval()
    batch = collated(few.rows[:3])
    with torch.inference_mode():
        plain = model.get_output_embeddings()(model.get_decoder()(batch["input_ids"]).last_hidden_state)
        wanted = say_logits(trained.model, batch)
        loaded = say_logits(PeftModel.from_pretrained(model, str(trained.out)).eval(), batch)
    assert torch.allclose(loaded, wanted, atol=0.1)
    assert not torch.allclose(plain[batch["row"], batch["place"]], wanted, atol=1)


def test_the_product_takes_the_adapter(trained: Trained, few: Examples, random_reader: Path, tmp_path: Path) -> None:
    """Merged in the conversion it says what was trained, and is asked as the reader is."""
    trained.model.eval()
    folder = tmp_path / "two"
    shutil.copytree(random_reader, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"num_hidden_layers": 2, "layer_types": config["layer_types"][:2]}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    copy = checkpoints.convert(folder, "bfloat16", tmp_path / "converted", NoProgress(), open_adapter(trained.out))
    merged = checkpoints.load(copy, "bfloat16", CPU).model.float()
    tokens = torch.tensor([few.rows[0].tokens])
    with torch.inference_mode():
        said, wanted = merged(tokens).logits, trained.model(tokens).logits
    assert torch.cosine_similarity(said, wanted, dim=-1).min() > 0.99
    protocol = protocol_of("random", "random", trained.out)
    assert (protocol.judging, protocol.system) == (Judging.FIRST, verdict.READER)


def test_padding_changes_nothing(trained: Trained, few: Examples) -> None:
    """What an example is to say costs the same alone as in a batch with longer ones."""
    trained.model.eval()
    short, long = few.rows[0], few.rows[-1]
    assert len(short.tokens) < len(long.tokens)
    with torch.inference_mode():
        together = say_logits(trained.model, collated([short, long]))
        alone = say_logits(trained.model, collated([short]))
    assert torch.allclose(together[: len(alone)], alone, atol=1e-4)


def test_held_out_examples_are_measured(trained: Trained, examples: Examples) -> None:
    """Each kind has its cost; where it refuses, how often and how well apart from what is answered."""
    lines = list(report(judge(trained.model, examples.held_out, examples)))
    kinds = {row.kind for row in examples.held_out}
    assert len(lines) == len(kinds)
    assert all(line.startswith(tuple(kinds)) for line in lines)
    assert any("refused, AUROC" in line for line in lines)


def test_verdicts_are_calibrated_where_there_are_enough() -> None:
    """Coefficients put even odds between yes and no; of a few verdicts, or of wrong ones, nothing is made."""
    drawn = np.random.default_rng(0)
    held, lacking = drawn.normal(5, 1, 200), drawn.normal(1, 1, 400)
    fit = calibrated(Judged({}, {"answer": held.tolist(), "no: search": lacking.tolist()}))
    assert fit.held(3.0) == pytest.approx(0.5, abs=0.1)
    assert fit.held(5.0) > 0.95
    assert fit.held(1.0) < 0.05
    few = Judged({}, {"answer": held[:19].tolist(), "no: search": lacking.tolist()})
    wrong = Judged({}, {"answer": lacking.tolist(), "no: search": held.tolist()})
    assert calibrated(few) == calibrated(wrong) == AS_THEY_ARE
    assert calibrated(Judged({}, {"check: yes": held.tolist(), "check: no": lacking.tolist()})) == AS_THEY_ARE


def test_the_clock_ends_the_training(
    few: Examples, random_reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the time is over, the rest is left out, and what was learned is saved."""
    monkeypatch.setenv("ATTUNE_HOME", str(tmp_path))
    model = train.adapted(base.load(base.resolve(str(random_reader)), CPU, layers=1), PLAN, "some/base")
    done = train.train(model, few, replace(PLAN, seconds=1e-9), tmp_path / "out")
    assert done["steps"] == 1
    assert (tmp_path / "out" / "adapter_model.safetensors").is_file()


def test_the_rate_rises_and_falls() -> None:
    """A tenth of the steps up, then half a cosine down to a twentieth."""
    pace = train.Pace(100, math.inf)
    factors = [pace.factor(step) for step in range(101)]
    assert factors[0] == pytest.approx(0.1, abs=0.01)
    assert max(factors) == factors[9]
    assert factors[9:] == sorted(factors[9:], reverse=True)
    assert factors[100] == pytest.approx(0.05)


def test_batches_hold_every_example_once_an_epoch() -> None:
    """No batch has more tokens than it may, padding included; half an epoch more has half of the batches."""
    lengths = [n % 97 + 3 for n in range(1300)]
    one = planned(lengths, 400, 1, seed=0)
    assert sorted(place for batch in one for place in batch) == list(range(1300))
    assert all(len(batch) * max(lengths[place] for place in batch) <= 400 for batch in one)
    assert planned(lengths, 400, 1, seed=0) == one != planned(lengths, 400, 1, seed=1)
    assert len(planned(lengths, 400, 1.5, seed=0)) == pytest.approx(1.5 * len(one), rel=0.02)
    assert list(packed([0, 1], [500, 10], 400)) == [[1], [0]]


def test_a_batch_reads_each_token_off_the_one_before_it() -> None:
    """The places, tokens and weights of what is to be said, row by row."""
    batch = collated([Example("answer", [5, 6, 7, 8], 2, 0.5, 1.0), Example("no", [9, 3], 1, 0.5, 0.0)])
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8], [9, 3, 0, 0]]
    assert batch["row"].tolist() == [0, 0, 1]
    assert batch["place"].tolist() == [1, 2, 0]
    assert batch["said"].tolist() == [7, 8, 3]
    assert batch["weight"].tolist() == [0.5, 1.0, 0.5]


@pytest.mark.model
def test_the_commands_of_the_readme_lead_to_an_adapter(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pool, examples and training run one after the other on the sample, with two layers of the tiny real model."""
    assert all((models / name).is_dir() for name in (TINY_MODEL, EMBEDDER))
    pool, examples, out = (tmp_path / name for name in ("pool.jsonl", "examples.npz", "reader"))
    commands = [
        (pools.main, SAMPLE / "documents", "--out", pool),
        (making.main, SAMPLE / "items.jsonl", "--pool", pool, "--out", examples, "--model", TINY_MODEL),
        (train.main, examples, "--out", out, "--layers", 2, "--steps", 2, "--tokens", 1024),
    ]
    for main, *words in commands:
        monkeypatch.setattr("sys.argv", ["training", *map(str, words)])
        main()
    assert json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"] == TINY_MODEL
    assert json.loads((out / "training.json").read_text())["steps"] == 2
    assert open_adapter(out) == out
