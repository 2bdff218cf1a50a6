"""An adapter → a GGUF file for `llama-server --lora`: `python -m training.gguf_adapter reader.gguf`.

Without `--adapter` it is the reader that comes with Attune. Knows nothing of servers.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader, GGUFWriter
from torch import Tensor

from core.adapters.local_model.gguf_weights import gguf_names, open_gguf, permuted
from core.adapters.local_model.lora import LowRankAdapter
from core.errors import ModelError
from core.models.layouts import READER, open_adapter
from core.models.specs import BUILT_IN
from training.base import DEFAULT_MODEL, resolve, told

_HEADS = {".q_proj.": "attention.head_count", ".k_proj.": "attention.head_count_kv"}


def main() -> None:
    """Read the options, write the file."""
    ours = BUILT_IN[READER].adapter
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path, metavar="FILE", help="where the adapter goes, as GGUF")
    options.add_argument("--adapter", type=Path, default=ours and ours.folder, metavar="DIR", help="as PEFT saved it")
    options.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help="what it adapts; default: %(default)s")
    chosen = options.parse_args()
    with told():
        adapted = write(open_adapter(chosen.adapter), resolve(chosen.model).path, chosen.out)
    print(f"{chosen.out}: {adapted} weights adapted, {chosen.out.stat().st_size / 1e6:.0f} MB")


def write(adapter: Path, base: Path, out: Path) -> int:
    """Write the LoRA in `adapter`, which belongs to the GGUF file `base`, to `out`; how many weights it adapts.

    Raises:
        ModelError: `base` is no GGUF file, or of an unknown architecture; or the adapter is none, or another model's.
    """
    if base.suffix != ".gguf":
        raise ModelError(f"{base.name} is not a GGUF file. Name the model that llama.cpp serves, with --model.")
    lora, (reader, architecture) = LowRankAdapter(adapter), open_gguf(base)
    weights = {tensor.name: tuple(map(int, reversed(tensor.shape))) for tensor in reader.tensors}
    names = gguf_names(architecture, lora.names, int(_field(reader, "block_count")))
    lora.check_fits([name for as_gguf, name in names.items() if as_gguf in weights])
    writer = GGUFWriter(out, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", lora.alpha)
    for as_gguf, name in names.items():
        a, b = lora.pair(name, weights[as_gguf])
        for part, matrix in (("lora_a", a), ("lora_b", _ordered(reader, name, b))):
            writer.add_tensor(f"{as_gguf}.{part}", matrix.numpy().astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return len(names)


def _ordered(reader: GGUFReader, name: str, b: Tensor) -> Tensor:
    """B with its rows in the order of the model's own."""
    heads = next((field for part, field in _HEADS.items() if part in name), None)
    is_llama = reader.fields["general.architecture"].contents() == "llama"
    return permuted(b, int(_field(reader, heads))) if is_llama and heads else b


def _field(reader: GGUFReader, name: str) -> Any:
    return reader.fields[f"{reader.fields['general.architecture'].contents()}.{name}"].contents()


if __name__ == "__main__":
    main()
