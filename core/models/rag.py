"""A RAG checkpoint's folder as transformers writes it and the hub publishes it: what tells it, what of it is needed.

`facebook/rag-sequence-nq` and its like hold `config.json` of model_type "rag", the weights, and two tokenizers in
folders of their own. Looks at names and at `config.json` only; knows nothing of torch or of what is in the weights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

QUESTION_TOKENIZER = "question_encoder_tokenizer"
GENERATOR_TOKENIZER = "generator_tokenizer"

_TEXTS = re.compile(rf"(({QUESTION_TOKENIZER}|{GENERATOR_TOKENIZER})/)?[\w.-]+\.(json|txt|model)")
_TENSORS = re.compile(r"model[\w-]*\.safetensors")
_PICKLED_TENSORS = re.compile(r"pytorch_model[\w-]*\.bin")


def is_rag(path: Path) -> bool:
    """Whether a RAG checkpoint is in the folder `path`, whole or not."""
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("model_type") == "rag"


def weight_files(names: Iterable[str]) -> list[str]:
    """Those of `names` that hold the weights: safetensors, or PyTorch's own files where there are none."""
    listed = sorted(names)
    return [name for name in listed if _TENSORS.fullmatch(name)] or [
        name for name in listed if _PICKLED_TENSORS.fullmatch(name)
    ]


def needed_files(paths: Sequence[str]) -> list[str]:
    """What to fetch of a repository that holds a RAG checkpoint; nothing where it holds none.

    Pickles are fetched from such a repository alone, and `rag_checkpoint.py` reads them as plain tensors.
    """
    folders = {path.partition("/")[0] for path in paths if "/" in path}
    weights = weight_files(paths)
    if not weights or not {QUESTION_TOKENIZER, GENERATOR_TOKENIZER} <= folders:
        return []
    return [path for path in paths if _TEXTS.fullmatch(path)] + weights
