"""Model files → converted copies → models: the same model, whole or not at all, and errors that say what to do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from gguf import GGUFWriter
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, PreTrainedModel

from core.adapters.local_model import checkpoints
from core.adapters.local_model.gguf_weights import read_gguf
from core.adapters.local_model.int8 import Int8Linear
from core.errors import CorruptModelError, ModelError
from core.models.files import NoProgress
from core.models.store import ModelStore
from tests.conftest import TINY_MODEL

ROOT = Path(checkpoints.__file__).parents[2]
CPU = torch.device("cpu")
SENTENCES = [  # of which the model is sure how they go on
    "The capital of France is",
    "def add(a, b):\n    return",
    "The capital of France is the city of",
]

# Converts in a process of its own and stops in the middle of the tensors, to be killed there.
STOPPING = """
import sys, time
from pathlib import Path
from core.adapters.local_model import checkpoints
from core.models.files import NoProgress

class Stopping(NoProgress):
    def advance(self, count):
        print("in the middle", flush=True)
        time.sleep(600)

checkpoints.convert(Path(sys.argv[1]), "int8", Path(sys.argv[2]), Stopping())
"""


@pytest.fixture(scope="session")
def tiny_gguf(models: Path) -> Path:
    return ModelStore(models).resolve(TINY_MODEL).path


def logits(model: torch.nn.Module, ids: list[int]) -> torch.Tensor:
    """Shape (len(ids), vocabulary)."""
    with torch.inference_mode():
        return model(torch.tensor([ids])).logits[0].float()


def nearness(model: torch.nn.Module, other: torch.nn.Module, ids: list[int]) -> float:
    """The mean over the positions of the cosine between the two models' logits."""
    return float(torch.cosine_similarity(logits(model, ids), logits(other, ids), dim=-1).mean())


def refuse(*_: object, **__: object) -> NoReturn:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(("form", "least"), [("int8", 0.99), ("bfloat16", 0.99)])
def test_a_folder_of_safetensors_is_the_model_it_was(
    random_model: Path, tmp_path: Path, form: checkpoints.Form, least: float
) -> None:
    """In either form the copy says what the original says, with the original's tokenizer."""
    loaded = checkpoints.load(checkpoints.convert(random_model, form, tmp_path / "c", NoProgress()), form, CPU)
    assert loaded.tokenizer("the library opens").input_ids == [2, 3, 4]
    assert isinstance(loaded.model.lm_head, Int8Linear) == (form == "int8")
    original = AutoModelForCausalLM.from_pretrained(random_model)
    assert nearness(loaded.model, original, [2, 3, 4, 5, 6]) > least


def test_a_copy_is_made_once_and_found_by_any_path(random_model: Path, tmp_path: Path) -> None:
    """The same model is not converted again, by a link neither; a changed one is."""
    first = checkpoints.convert(random_model, "int8", tmp_path / "c", NoProgress())
    (tmp_path / "link").mkdir()
    link = tmp_path / "link" / random_model.name
    link.symlink_to(random_model)
    assert checkpoints.convert(link, "int8", tmp_path / "c", NoProgress()) == first
    os.utime(random_model / "model.safetensors", ns=(1, 1))
    assert checkpoints.convert(random_model, "int8", tmp_path / "c", NoProgress()) != first


def test_another_model_of_the_same_size_and_time_is_another(random_model: Path, tmp_path: Path) -> None:
    """Neither its copy nor what was read with it, which is kept under the copy's name, is taken for the other's."""
    file = random_model / "model.safetensors"
    first, before = checkpoints.convert(random_model, "int8", tmp_path / "c", NoProgress()), file.stat()
    tensors = {name: tensor + 0.01 for name, tensor in load_file(file).items()}
    save_file(tensors, file, metadata={"format": "pt"})
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert checkpoints.convert(random_model, "int8", tmp_path / "c", NoProgress()).name != first.name


def test_a_conversion_that_fails_leaves_nothing(random_model: Path, tmp_path: Path, monkeypatch) -> None:
    """Where the disk is full at the last step there is no copy, and the next attempt makes it."""
    with monkeypatch.context() as broken:
        broken.setattr(checkpoints, "save_file", refuse)
        with pytest.raises(ModelError, match="No space left"):
            checkpoints.convert(random_model, "int8", tmp_path / "c", NoProgress())
    assert [path.name for path in (tmp_path / "c").iterdir()] == [".lock"]
    assert checkpoints.convert(random_model, "int8", tmp_path / "c", NoProgress()).is_dir()


def test_a_killed_conversion_leaves_no_copy(random_model: Path, tmp_path: Path) -> None:
    """After a kill in the middle nothing stands under the copy's name, and the next attempt clears up and makes it."""
    arguments = [sys.executable, "-c", STOPPING, str(random_model), str(tmp_path / "c")]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "in the middle\n"
        process.send_signal(signal.SIGKILL)
    assert {path.name for path in (tmp_path / "c").iterdir()} == {".lock", "building"}
    copy = checkpoints.convert(random_model, "int8", tmp_path / "c", NoProgress())
    assert {path.name for path in (tmp_path / "c").iterdir()} == {".lock", copy.name}


def test_a_missing_tensor_is_found_out(random_model: Path, tmp_path: Path) -> None:
    """A checkpoint that lacks a tensor makes no copy."""
    config = (random_model / "config.json").read_text()
    (random_model / "config.json").write_text(config.replace('"num_hidden_layers": 2', '"num_hidden_layers": 3'))
    with pytest.raises(CorruptModelError, match=r"lacks \d+ tensors, model\.layers\.2\."):
        checkpoints.convert(random_model, "int8", tmp_path / "c", NoProgress())
    assert [path.name for path in (tmp_path / "c").iterdir()] == [".lock"]


@pytest.mark.parametrize("architecture", ["gpt2", "mamba", "unheard-of"])
def test_an_architecture_that_cannot_be_read_is_named(tmp_path: Path, architecture: str) -> None:
    """The error says which ones can be read, whether or not transformers knows the one in the file."""
    file = tmp_path / "other.gguf"
    writer = GGUFWriter(file, architecture)
    writer.add_block_count(1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(ModelError, match=f"{architecture} model; GGUF is supported for: llama, qwen2") as caught:
        checkpoints.convert(file, "int8", tmp_path / "c", NoProgress())
    assert not isinstance(caught.value, CorruptModelError)


def test_a_truncated_folder_is_corrupt(random_model: Path, tmp_path: Path) -> None:
    """Safetensors that were cut off make no copy."""
    os.truncate(random_model / "model.safetensors", 5000)
    with pytest.raises(CorruptModelError, match="Pull it again"):
        checkpoints.convert(random_model, "int8", tmp_path / "c", NoProgress())


def test_a_file_that_is_no_gguf_is_corrupt(tmp_path: Path) -> None:
    """Whatever else is in a file of that name is told from a model."""
    file = tmp_path / "noise.gguf"
    file.write_bytes(b"\0" * 1000)
    with pytest.raises(CorruptModelError, match=r"noise\.gguf is not a model that can be loaded here"):
        checkpoints.convert(file, "int8", tmp_path / "c", NoProgress())


@pytest.mark.model
@pytest.mark.parametrize("share", [0.01, 0.9])
def test_a_truncated_gguf_is_corrupt(tiny_gguf: Path, tmp_path: Path, share: float) -> None:
    """A file that was cut off in its header or in its tensors makes no copy."""
    file = tmp_path / "cut.gguf"
    shutil.copyfile(tiny_gguf, file)
    os.truncate(file, int(tiny_gguf.stat().st_size * share))
    with pytest.raises(CorruptModelError):
        checkpoints.convert(file, "int8", tmp_path / "c", NoProgress())
    assert [path.name for path in (tmp_path / "c").iterdir()] == [".lock"]


@pytest.fixture(scope="module")
def as_transformers_reads(tiny_gguf: Path) -> Iterator[PreTrainedModel]:
    """The tiny model in float32, read by transformers alone."""
    with pytest.MonkeyPatch.context() as patched:  # it asks for a package that reading into memory does not need
        patched.setattr("transformers.modeling_utils.is_accelerate_available", lambda: True)
        yield AutoModelForCausalLM.from_pretrained(tiny_gguf.parent, gguf_file=tiny_gguf.name, dtype=torch.float32)


@pytest.mark.model
def test_every_tensor_of_a_gguf_is_what_transformers_reads(
    tiny_gguf: Path, as_transformers_reads: PreTrainedModel
) -> None:
    """Bit for bit, with the rows of the rotary heads back in their places."""
    wanted = as_transformers_reads.state_dict()
    read = read_gguf(tiny_gguf, wanted, as_transformers_reads.config)
    equal = {name: torch.equal(torch.cat(list(chunks)), wanted[name]) for name, chunks in read}
    assert all(equal.values())
    assert wanted.keys() - equal.keys() == {"lm_head.weight"}  # which is the embedding


@pytest.mark.model
def test_the_converted_copy_says_what_the_original_says(
    tiny_gguf: Path, models: Path, as_transformers_reads: PreTrainedModel
) -> None:
    """Int8 keeps what is said next and, on the whole, how likely all else is; nothing rests on the file any more."""
    copy = checkpoints.convert(tiny_gguf, "int8", models / "converted", NoProgress())
    loaded = checkpoints.load(copy, "int8", CPU)
    assert loaded.packing
    loaded.packing.shutdown()
    assert str(copy) not in Path("/proc/self/maps").read_text(encoding="utf-8")
    for sentence in SENTENCES:
        ids = loaded.tokenizer(sentence).input_ids
        assert nearness(loaded.model, as_transformers_reads, ids) > 0.97
        assert logits(loaded.model, ids)[-1].argmax() == logits(as_transformers_reads, ids)[-1].argmax()
