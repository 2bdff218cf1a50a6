"""An adapter as llama.cpp reads it: what is added to each weight is what PEFT adds, in that file's order of rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFReader, GGUFWriter

from core.adapters.local_model.gguf_weights import permuted
from core.errors import ModelError
from tests.core.adapters.test_lora import ALPHA, RANK, pair, write
from training import gguf_adapter

PLACES = {
    "self_attn.q_proj": ("attn_q", 32, 32),
    "self_attn.k_proj": ("attn_k", 16, 32),
    "mlp.up_proj": ("ffn_up", 64, 32),
}
HEADS = {"attn_q": 4, "attn_k": 2}


@pytest.fixture(params=["qwen2", "llama"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A model of one layer, as far as an adapter has to know it."""
    file = tmp_path / f"{request.param}.gguf"
    writer = GGUFWriter(file, request.param)
    writer.add_block_count(1)
    writer.add_head_count(HEADS["attn_q"])
    writer.add_head_count_kv(HEADS["attn_k"])
    for name, rows, columns in PLACES.values():
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros((rows, columns), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def test_what_is_added_is_what_peft_adds(base: Path, tmp_path: Path) -> None:
    """In llama's files the rows of queries and keys stand in another order, and so do those of B."""
    torch.manual_seed(0)
    pairs = {f"model.layers.0.{place}": pair(rows, columns) for place, (_, rows, columns) in PLACES.items()}
    out = tmp_path / "adapter.gguf"
    assert gguf_adapter.write(write(tmp_path / "adapter", pairs), base, out) == len(PLACES)
    found = GGUFReader(out)
    fields = {name: field.contents() for name, field in found.fields.items()}
    assert (fields["general.type"], fields["adapter.type"], fields["adapter.lora.alpha"]) == ("adapter", "lora", ALPHA)
    assert fields["general.architecture"] == base.stem
    tensors = {tensor.name: torch.tensor(tensor.data.astype(np.float32)) for tensor in found.tensors}
    assert len(tensors) == 2 * len(PLACES)
    for place, (name, *_) in PLACES.items():
        a, b = pairs[f"model.layers.0.{place}"]
        expected = permuted(b @ a, HEADS[name]) if base.stem == "llama" and name in HEADS else b @ a
        there_a, there_b = (tensors[f"blk.0.{name}.weight.{part}"] for part in ("lora_a", "lora_b"))
        assert there_a.shape[0] == RANK
        assert torch.allclose(there_b @ there_a, expected, atol=0.02)


@pytest.mark.parametrize("name", ["model.layers.0.mlp.gate_proj", "model.layers.0.mlp.up_proj"])
def test_another_models_adapter_is_refused(base: Path, tmp_path: Path, name: str) -> None:
    """One with a weight that this model has not, or of another shape."""
    folder = write(tmp_path / "adapter", {name: pair(8, 8)})
    with pytest.raises(ModelError, match="does not fit this model"):
        gguf_adapter.write(folder, base, tmp_path / "adapter.gguf")


def test_a_model_that_is_no_gguf_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a GGUF file"):
        gguf_adapter.write(write(tmp_path / "adapter", {}), tmp_path, tmp_path / "adapter.gguf")
