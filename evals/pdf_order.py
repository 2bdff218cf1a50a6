"""Whether the text of a PDF comes out in the order in which a person reads it: `python -m evals.pdf_order`.

Ours beside what other libraries make of the same pages (`evals.pdf_pages`). In order: the share of lines that directly
follow the one before them. Lost and doubled: words, of those that are there. Reads no data.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import PurePath
from time import process_time

from core.documents.parsing import parse
from evals.common import Record, options, write_result
from evals.pdf_pages import drawn

NAME = "pdf_order"


def ours(data: bytes) -> str:
    """As it is ingested."""
    return "\n".join(block.text for block in parse(data, PurePath("a.pdf")).blocks)


def pdfium(data: bytes) -> str:
    """Text of pypdfium2."""
    import pypdfium2  # noqa: PLC0415 - a peer

    with pypdfium2.PdfDocument(data) as pdf:
        return "\n".join(page.get_textpage().get_text_range() for page in pdf)


def pdfminer(data: bytes) -> str:
    """pdfminer.six with its analysis of layouts, which markitdown takes, too."""
    from pdfminer.high_level import extract_text  # noqa: PLC0415 - a peer

    return extract_text(io.BytesIO(data))


def plumber(data: bytes) -> str:
    """Text of pdfplumber."""
    import pdfplumber  # noqa: PLC0415 - a peer

    with pdfplumber.open(io.BytesIO(data)) as pdf:
        return "\n".join(page.extract_text() for page in pdf.pages)


def pypdf(data: bytes) -> str:
    """Text of pypdf."""
    from pypdf import PdfReader  # noqa: PLC0415 - a peer

    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


READERS: dict[str, Callable[[bytes], str]] = {
    "ours": ours, "pypdfium2": pdfium, "pdfminer.six": pdfminer, "pdfplumber": plumber, "pypdf": pypdf,
}  # fmt: skip


def score(text: str, lines: Sequence[str]) -> Record:
    """How `lines` stand in `text`."""
    there, wanted = _words(text), [_words(line) for line in lines]
    whole = f" {' '.join(there)} "
    follow = sum(f" {' '.join([*a, *b])} " in whole for a, b in pairwise(wanted))
    have, want = Counter(there), Counter(word for line in wanted for word in line)
    return {
        "in order": follow / max(1, len(wanted) - 1),
        "lost": sum((want - have).values()) / sum(want.values()),
        "doubled": sum((have - want).values()) / sum(want.values()),
    }


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", re.sub(r"\|[ |:-]*", " ", text))


def main() -> None:
    """Print the table and keep it."""
    options(__doc__ or "")
    pages = list(drawn())
    scores: dict[str, dict[str, Record]] = {name: {} for name in READERS}
    seconds = dict.fromkeys(READERS, 0.0)
    for reader, read in READERS.items():
        for kind, data, lines in pages:
            start = process_time()
            text = read(data)
            seconds[reader] += process_time() - start
            scores[reader][kind] = score(text, lines)
    for kind, *_ in pages:
        print(f"{kind:32}", *(f"{scores[reader][kind]['in order']:13.2f}" for reader in READERS))
    for measure in ("in order", "lost", "doubled"):
        means = {reader: sum(each[measure] for each in scores[reader].values()) / len(pages) for reader in READERS}
        print(f"{measure:32}", *(f"{mean:13.3f}" for mean in means.values()))
    print(f"{'seconds':32}", *(f"{each:13.2f}" for each in seconds.values()))
    print(write_result(NAME, {"scores": scores, "seconds": seconds}))


if __name__ == "__main__":
    main()
