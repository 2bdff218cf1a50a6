"""The 4-bit file of multilingual-e5-small, with a tiny one of the same layout."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
from tokenizers import Tokenizer

from core.adapters.local_model.e5_weights import unpacked
from core.adapters.local_model.sentence_embedder import SentenceEmbedder
from core.errors import CorruptModelError
from core.models.files import NoProgress

HIDDEN, INNER, POSITIONS = 32, 64, 24
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁query", "▁passage", ":", "▁ab", "▁a", "b", "fi", "ü", "<mask>"]
SCORES = [0.0, 0.0, 0.0, 0.0, *(-float(place) for place in range(1, len(PIECES) - 4)), 0.0]
NORMALIZED = {0x01: "", 0x09: " ", 0x200B: " ", 0xFB01: "fi"}
MATRICES = {"q.w": 1, "k.w": 1, "v.w": 1, "ao.w": 1, "fi.w": 2, "fo.w": 2}  # blocks of 32 weights for each output
VECTORS = {"q.b": 32, "k.b": 32, "v.b": 32, "ao.b": 32, "aln.w": 32, "aln.b": 32, "fi.b": 64, "fo.b": 32}


def quarters(count: int, rng: np.random.Generator) -> bytes:
    """So many random weights in blocks of 32."""
    return b"".join(struct.pack("<e", 0.3) + rng.bytes(16) for _ in range(count // 32))


def floats(count: int, rng: np.random.Generator) -> bytes:
    return rng.standard_normal(count).astype("<f4").tobytes()


def tensors() -> Mapping[str, tuple[int, int, bytes]]:
    """Kind, count and bytes of each."""
    rng = np.random.default_rng(5)
    sizes = {"emb.pos": POSITIONS * HIDDEN, "emb.type": 2 * HIDDEN, "emb.ln.w": HIDDEN, "emb.ln.b": HIDDEN}
    sizes |= {f"l0.{name}": size for name, size in {**VECTORS, "oln.w": 32, "oln.b": 32}.items()}
    made = {name: (0, size, floats(size, rng)) for name, size in sizes.items()}
    counts = {f"l0.{name}": blocks * HIDDEN * 32 for name, blocks in MATRICES.items()}
    counts["emb.word"] = len(PIECES) * HIDDEN
    return made | {name: (1, count, quarters(count, rng)) for name, count in counts.items()}


def e5_file(path: Path, parts: Mapping[str, tuple[int, int, bytes]] | None = None) -> Path:
    text = [piece.encode() for piece in PIECES]
    places = np.cumsum([0, *map(len, text)])
    normal = b"".join(
        struct.pack(f"<IB{len(meant)}I", point, len(meant), *map(ord, meant)) for point, meant in NORMALIZED.items()
    )
    head = b"E5S1" + struct.pack("<I7ifi", 1, HIDDEN, 1, 2, INNER, len(PIECES), POSITIONS, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(places[-1]))
    head += struct.pack(f"<{len(places)}I", *places) + struct.pack(f"<{len(SCORES)}f", *SCORES) + b"".join(text)
    head += struct.pack("<iI", len(NORMALIZED), len(normal)) + normal
    chosen = tensors() if parts is None else parts
    start = len(head) + 4 + sum(2 + len(name) + 21 for name in chosen)
    directory, data = struct.pack("<i", len(chosen)), b""
    for name, (kind, count, content) in chosen.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, count, start + len(data), len(content))
        data += content
    path.write_bytes(head + directory + data)
    return path


def folder_of(tmp_path: Path, **changes: tuple[int, int, bytes]) -> Path:
    file = e5_file(tmp_path / "e5.bin", {**tensors(), **changes} if changes else None)
    return unpacked(file, tmp_path / "converted", NoProgress())


def test_the_weights_are_those_of_the_file(tmp_path: Path) -> None:
    """The first 16 of a block stand in the low halves of its bytes, the others in the high ones."""
    pairs = bytes(range(16))
    block = struct.pack("<e", 0.5) + pairs
    place = folder_of(tmp_path, **{"emb.word": (1, len(PIECES) * HIDDEN, block * len(PIECES))})
    loaded = load_file(place / "model.safetensors")
    row = loaded["embeddings.word_embeddings.weight"][1].float().tolist()
    assert row == [0.5 * ((byte & 15) - 8) for byte in pairs] + [0.5 * ((byte >> 4) - 8) for byte in pairs]
    assert loaded["encoder.layer.0.output.dense.weight"].shape == (HIDDEN, INNER)
    assert loaded["encoder.layer.0.intermediate.dense.weight"].shape == (INNER, HIDDEN)
    assert folder_of(tmp_path) != place  # another file


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("ab", "▁ab"),
        ("a b", "▁a ▁ b"),
        ("a\tb\x01b", "▁a ▁ b b"),
        ("a \u200b  a", "▁a ▁a"),
        ("aﬁ", "▁a fi"),
        ("au\u0308", "▁a ü"),
        ("a?", "▁a <unk>"),
    ],
)
def test_texts_are_cut_into_the_pieces_of_the_file(tmp_path: Path, text: str, pieces: str) -> None:
    """The likeliest ones, of what is normalised as the file says, between the marks of begin and end."""
    read = Tokenizer.from_file(str(folder_of(tmp_path) / "tokenizer.json"))
    assert read.encode(text).tokens == ["<s>", *pieces.replace("<unk>", "?").split(), "</s>"]
    assert (read.encode(text).ids[-2] == PIECES.index("<unk>")) == ("?" in text)


async def test_questions_and_passages_are_told_apart(tmp_path: Path) -> None:
    """Each is embedded behind its own prompt, which takes room from what is read of a text."""
    place = folder_of(tmp_path)
    plain = SentenceEmbedder(place, device="cpu")
    prompted = SentenceEmbedder(place, device="cpu", prompts=("query: ", "passage: "))
    asked, told = await prompted.embed_questions(["ab"]), await prompted.embed(["ab"])
    np.testing.assert_allclose(asked, await plain.embed_questions(["query: ab"]), atol=1e-6)
    np.testing.assert_allclose(told, await plain.embed(["passage: ab"]), atol=1e-6)
    assert np.abs(asked - told).max() > 1e-3
    assert (plain.max_tokens, plain.dimension) == (POSITIONS - 2, HIDDEN)
    assert prompted.max_tokens == POSITIONS - 2 - 3


@pytest.mark.parametrize("size", [0, 3, 40, 200, 2000, -1])
def test_a_broken_file_is_said(tmp_path: Path, size: int) -> None:
    """Wherever it ends, nothing is left behind that would be taken for a model."""
    file = e5_file(tmp_path / "e5.bin")
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(CorruptModelError, match="Pull it again"):
        unpacked(file, tmp_path / "converted", NoProgress())
    assert [path.name for path in (tmp_path / "converted").iterdir()] == [".lock"]
