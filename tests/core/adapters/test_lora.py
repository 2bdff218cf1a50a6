"""A LoRA merged into a model: exactly W + alpha / rank · B · A, and a clear error for whatever is not one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

from core.adapters.local_model import checkpoints
from core.adapters.local_model.lora import LowRankAdapter
from core.errors import CorruptModelError, ModelError
from core.models.files import NoProgress
from core.models.layouts import CONFIG, WEIGHTS
from tests.core.adapters.conftest import WORDS

RANK, ALPHA = 2, 6
PLACES = ("self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj")
NAME = "model.layers.0.self_attn.q_proj"
SIZES = {
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


def configured(**changes: Any) -> dict[str, Any]:
    """As PEFT writes it."""
    return {"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA, "base_model_name_or_path": "org/base"} | changes


def write(folder: Path, pairs: Mapping[str, tuple[Tensor, Tensor]], **changes: Any) -> Path:
    """A folder in PEFT's layout; `pairs` are A and B by the module's name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(configured(**changes)))
    tensors = {f"base_model.model.{name}.lora_A.weight": a for name, (a, _) in pairs.items()}
    tensors |= {f"base_model.model.{name}.lora_B.weight": b for name, (_, b) in pairs.items()}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / WEIGHTS)
    return folder


def pair(rows: int, columns: int, rank: int = RANK) -> tuple[Tensor, Tensor]:
    return torch.randn(rank, columns), torch.randn(rows, rank)


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    return write(tmp_path / "adapter", {NAME: pair(7, 5)})


@given(
    rows=st.integers(1, 20),
    columns=st.integers(1, 9),
    rank=st.integers(1, 4),
    alpha=st.integers(1, 64),
    chunk=st.integers(1, 25),
    rslora=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_the_merged_weight_is_the_formula_whatever_the_chunks(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    rows: int,
    columns: int,
    rank: int,
    alpha: int,
    chunk: int,
    rslora: bool,
) -> None:
    """The scale is alpha / rank, and alpha / √rank for a rank-stabilised one; the chunks stay the chunks."""
    a, b = pair(rows, columns, rank)
    folder = write(tmp_path_factory.mktemp("lora"), {NAME: (a, b)}, r=rank, lora_alpha=alpha, use_rslora=rslora)
    weight = torch.randn(rows, columns)
    scale = alpha / (rank**0.5 if rslora else rank)
    chunks = list(LowRankAdapter(folder).merged(f"{NAME}.weight", iter(weight.split(chunk))))
    assert [len(part) for part in chunks] == [len(part) for part in weight.split(chunk)]
    torch.testing.assert_close(torch.cat(chunks), weight + scale * b @ a, atol=1e-4, rtol=1e-5)


def test_an_adapter_in_bfloat16_is_added_in_float32(tmp_path: Path) -> None:
    a, b = (tensor.bfloat16() for tensor in pair(7, 5))
    weight = torch.randn(7, 5)
    (merged,) = LowRankAdapter(write(tmp_path, {NAME: (a, b)})).merged(f"{NAME}.weight", iter([weight]))
    assert merged.dtype == torch.float32
    torch.testing.assert_close(merged, weight + 3 * b.float() @ a.float())


def test_what_the_adapter_leaves_alone_passes_as_it_is(adapter: Path) -> None:
    """The very same chunks."""
    chunks = [torch.randn(3, 5), torch.randn(2, 5)]
    passed = list(LowRankAdapter(adapter).merged("model.norm.weight", iter(chunks)))
    assert all(one is other for one, other in zip(passed, chunks, strict=True))


@pytest.mark.parametrize("shape", [(6, 5), (8, 5), (7, 4), (7,)], ids=str)
def test_a_weight_of_another_shape_is_another_models(adapter: Path, shape: tuple[int, ...]) -> None:
    """Too few rows, too many, other columns, or a vector: the error says what it was trained for, and what to do."""
    reason = r"has another shape there\. It was trained for org/base\. Set ATTUNE_MODEL"
    with pytest.raises(ModelError, match=reason) as caught:
        list(LowRankAdapter(adapter).merged(f"{NAME}.weight", iter(torch.randn(shape).split(3))))
    assert not isinstance(caught.value, CorruptModelError)


def test_a_pair_without_its_weight_is_another_models(adapter: Path) -> None:
    lora = LowRankAdapter(adapter)
    lora.check_fits({f"{NAME}.weight", "model.norm.weight"})
    with pytest.raises(ModelError, match=rf"the model has no {NAME}\.weight \(1 of 1 do not fit\)\. It was trained"):
        lora.check_fits({"transformer.h.0.attn.weight"})


@pytest.mark.parametrize(
    ("a", "b"), [((3, 5), (7, 3)), ((2, 5), (7, 3)), ((3, 5), (7, 2)), ((2,), (7, 2)), ((2, 5), (7,))], ids=str
)
def test_another_rank_than_stated_is_a_broken_adapter(tmp_path: Path, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    folder = write(tmp_path, {NAME: (torch.zeros(a), torch.zeros(b))})
    with pytest.raises(CorruptModelError, match=r"does not have the rank 2 that .* states.*Export the adapter again"):
        LowRankAdapter(folder)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"peft_type": "IA3"}, r"is not a LoRA \(its peft_type is IA3\)\. Choose an adapter"),
        ({"peft_type": None}, "is not a LoRA"),
        ({"r": 0}, "is not a LoRA"),
        ({"r": "two"}, "is not a LoRA"),
        ({"use_dora": True}, "uses use_dora, which cannot be merged here. Train a plain LoRA"),
        ({"modules_to_save": ["lm_head"]}, "uses modules_to_save, which"),
        ({"rank_pattern": {"q_proj": 8}}, "uses rank_pattern, which"),
        ({"alpha_pattern": {"q_proj": 8}}, "uses alpha_pattern, which"),
        ({"fan_in_fan_out": True}, "uses fan_in_fan_out, which"),
        ({"lora_bias": True}, "uses lora_bias, which"),
        ({"bias": "all"}, "uses biases, which"),
    ],
    ids=str,
)
def test_what_is_no_plain_lora_is_refused(adapter: Path, changes: dict[str, Any], reason: str) -> None:
    (adapter / CONFIG).write_text(json.dumps(configured(**changes)))
    with pytest.raises(ModelError, match=reason) as caught:
        LowRankAdapter(adapter)
    assert not isinstance(caught.value, CorruptModelError)


def cut(folder: Path) -> None:
    os.truncate(folder / WEIGHTS, (folder / WEIGHTS).stat().st_size - 20)


def without_config(folder: Path) -> None:
    (folder / CONFIG).unlink()


def without_weights(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


def no_json(folder: Path) -> None:
    (folder / CONFIG).write_text("{")


def half_a_pair(folder: Path) -> None:
    save_file({f"base_model.model.{NAME}.lora_A.weight": torch.zeros(2, 5)}, folder / WEIGHTS)


def two_halves(folder: Path) -> None:
    names = (f"{NAME}.lora_A.weight", "model.layers.1.self_attn.q_proj.lora_B.weight")
    save_file({f"base_model.model.{name}": torch.zeros(2, 2) for name in names}, folder / WEIGHTS)


def a_vector_beside(folder: Path) -> None:
    names = ("lora_A.weight", "lora_B.weight", "lora_magnitude_vector")
    save_file({f"base_model.model.{NAME}.{name}": torch.zeros(2, 2) for name in names}, folder / WEIGHTS)


def a_vector_instead(folder: Path) -> None:
    names = ("a.lora_A.weight", "a.lora_B.weight", "b.lora_A.weight", "b.lora_magnitude_vector")
    save_file({f"base_model.model.{name}": torch.zeros(2, 2) for name in names}, folder / WEIGHTS)


def nothing_in_it(folder: Path) -> None:
    save_file({}, folder / WEIGHTS)


@pytest.mark.parametrize(
    ("breaking", "named"),
    [
        (cut, f"{WEIGHTS} cannot be read"),
        (without_weights, f"{WEIGHTS} cannot be read"),
        (without_config, f"{CONFIG} cannot be read"),
        (no_json, f"{CONFIG} cannot be read"),
        (half_a_pair, "holds more than pairs of A and B"),
        (two_halves, "holds more than pairs of A and B"),
        (a_vector_instead, rf"{WEIGHTS} lacks 'b\.lora_B\.weight'"),
        (a_vector_beside, "holds more than pairs of A and B"),
        (nothing_in_it, "holds more than pairs of A and B"),
    ],
)
def test_a_broken_adapter_is_named_with_what_to_do(adapter: Path, breaking: Callable[[Path], None], named: str) -> None:
    breaking(adapter)
    with pytest.raises(CorruptModelError, match=rf"{named}.*Export the adapter again\."):
        LowRankAdapter(adapter)


def fitting(folder: Path, base: Path, seed: int) -> Path:
    """A random adapter for the model in `base`."""
    torch.manual_seed(seed)
    weights = AutoModelForCausalLM.from_pretrained(base).state_dict()
    names = [f"model.layers.{layer}.{place}" for layer in range(2) for place in PLACES]
    return write(folder, {name: pair(*weights[f"{name}.weight"].shape) for name in names})


@pytest.fixture(params=[LlamaConfig, Qwen2Config], ids=["llama", "qwen2"])
def base(random_model: Path, request: pytest.FixtureRequest) -> Path:
    """A tiny random model of each family, with its tokenizer."""
    torch.manual_seed(1)
    AutoModelForCausalLM.from_config(request.param(**SIZES, tie_word_embeddings=False)).save_pretrained(random_model)
    return random_model


def converted(base: Path, form: checkpoints.Form, folder: Path, adapter: Path | None = None) -> dict[str, Tensor]:
    """The tensors of the copy."""
    return load_file(checkpoints.convert(base, form, folder, NoProgress(), adapter) / "model.safetensors")


def test_a_converted_copy_has_the_adapter_in_its_weights(base: Path, tmp_path: Path) -> None:
    """Each weight is the formula rounded once; all others are those of the model by itself."""
    adapter = fitting(tmp_path / "adapter", base, seed=2)
    alone = converted(base, "bfloat16", tmp_path / "c")
    merged = converted(base, "bfloat16", tmp_path / "c", adapter)
    original, pairs = AutoModelForCausalLM.from_pretrained(base).state_dict(), LowRankAdapter(adapter)._pairs
    assert len(pairs) == 6
    for name, weight in original.items():
        if name in pairs:
            a, b = pairs[name]
            torch.testing.assert_close(merged[name], (weight + 3 * b @ a).bfloat16())
            assert not torch.equal(merged[name], alone[name])
        else:
            assert torch.equal(merged[name], alone[name])


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated")  # which PEFT asks for
def test_a_converted_copy_is_what_peft_itself_merges(base: Path, tmp_path: Path) -> None:
    """In 8 bits too: PEFT's model, saved and converted without an adapter, has the same weights."""
    peft = pytest.importorskip("peft")
    adapter = fitting(tmp_path / "adapter", base, seed=2)
    config = json.loads((adapter / CONFIG).read_text())
    (adapter / CONFIG).write_text(json.dumps(config | {"target_modules": [place.split(".")[1] for place in PLACES]}))
    theirs = peft.PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter).merge_and_unload()
    copied = tmp_path / "theirs"
    copied.mkdir()
    for file in base.iterdir():
        (copied / file.name).write_bytes(file.read_bytes())
    theirs.save_pretrained(copied)
    expected = converted(copied, "int8", tmp_path / "c")
    ours = converted(base, "int8", tmp_path / "c", adapter)
    assert ours.keys() == expected.keys()
    for name, tensor in ours.items():
        atol = 1 if tensor.dtype == torch.int8 else 1e-5  # a weight between two steps may fall to either side
        torch.testing.assert_close(tensor, expected[name], atol=atol, rtol=1e-5)


def test_each_adapter_has_a_copy_of_its_own(base: Path, tmp_path: Path) -> None:
    """None, one, another: three copies beside each other, each found again; a change of the adapter makes a new one."""
    adapters = [None, fitting(tmp_path / "one", base, seed=2), fitting(tmp_path / "two", base, seed=3)]
    copies = [checkpoints.convert(base, "int8", tmp_path / "c", NoProgress(), adapter) for adapter in adapters]
    assert len(set(copies)) == 3
    assert {path for path in (tmp_path / "c").iterdir() if path.is_dir()} == set(copies)
    assert [checkpoints.convert(base, "int8", tmp_path / "c", NoProgress(), adapter) for adapter in adapters] == copies
    config = json.loads((tmp_path / "one" / CONFIG).read_text())
    (tmp_path / "one" / CONFIG).write_text(json.dumps(config | {"lora_alpha": 7}))
    assert checkpoints.convert(base, "int8", tmp_path / "c", NoProgress(), tmp_path / "one") not in copies


def test_an_adapter_of_another_model_makes_no_copy(base: Path, tmp_path: Path) -> None:
    """Whether its names are strange or its shapes."""
    strange = write(tmp_path / "names", {"transformer.h.0.attn": pair(32, 32)})
    larger = write(tmp_path / "shapes", {NAME: pair(64, 64)})
    for adapter in (strange, larger):
        with pytest.raises(ModelError, match="does not fit this model") as caught:
            checkpoints.convert(base, "int8", tmp_path / "c", NoProgress(), adapter)
        assert not isinstance(caught.value, CorruptModelError)
        assert [path.name for path in (tmp_path / "c").iterdir()] == [".lock"]
