"""Folders of documents → a pool of passages, one a line, by the product's own parsers and splitter.

    python -m training.pool ~/handbook ~/guides --out pool.jsonl

A passage's id depends on where it stands and what it says: after a change of some documents, the items about the
others still fit. With `--held-out FOLDER`, passages that share text with the documents there are left out, so that
what is measured on those was never trained on. Knows nothing of items, models or tokens.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.documents.archives import is_readable
from core.documents.reading import FileReader
from core.documents.walk import Refusal, find_files
from core.domain import EVERYONE, Passage
from core.errors import DocumentError
from core.ports import Embedder
from core.text.words import words

PASSAGE_TOKENS = 200  # as ATTUNE_PASSAGE_TOKENS has it by default
EMBEDDER = "all-minilm-l6-v2"

_KEPT = ("id", "source", "title", "headings", "text", "line", "ordinal", "total")
_SHINGLE = 8  # words in a row that two texts share
_SHARED = 0.2  # of a passage's shingles: above that it counts as held out
_ID = 8  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class Pool:
    """The passages of the documents, and what could not be read."""

    passages: tuple[Passage, ...]
    refused: tuple[Refusal, ...] = ()


def main() -> None:
    """Read, split, write."""
    from core.adapters.local_model.sentence_embedder import SentenceEmbedder  # noqa: PLC0415 - loads torch
    from training.base import resolve, told  # noqa: PLC0415 - the same

    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    options.add_argument("--out", type=Path, required=True, metavar="FILE")
    options.add_argument("--held-out", type=Path, metavar="FOLDER", help="documents that are kept for measuring")
    options.add_argument("--tokens", type=int, default=PASSAGE_TOKENS, metavar="N", help="default: %(default)s")
    options.add_argument("--embedder", default=EMBEDDER, metavar="NAME", help="counts tokens; default: %(default)s")
    chosen = options.parse_args()
    with told():
        embedder = SentenceEmbedder(resolve(chosen.embedder).path, device="cpu")
        pool = read_documents(chosen.folders, embedder, chosen.tokens)
        held_out = read_documents([chosen.held_out], embedder, chosen.tokens) if chosen.held_out else Pool(())
        passages = without_shared(pool.passages, held_out.passages)
        write_pool(passages, chosen.out)
    for refusal in pool.refused:
        print(f"left out {refusal.path}: {refusal.reason}")
    print(
        f"{len(passages)} passages of {len({one.source for one in passages})} documents are in {chosen.out}.", end=" "
    )
    print(
        f"{len(pool.passages) - len(passages)} were left out, as they share text with {chosen.held_out or 'nothing'}."
    )


def read_documents(folders: Sequence[Path], embedder: Embedder, tokens: int = PASSAGE_TOKENS) -> Pool:
    """The passages of every document in `folders`, of at most `tokens` tokens each.

    Raises:
        DocumentError: a folder does not exist, or two have the same name.
    """
    passages: list[Passage] = []
    refused: list[Refusal] = []
    for folder in _told_apart(folders):
        reader = FileReader(embedder, tokens, "")
        found = find_files([folder], is_readable)
        refused += found.refused
        try:
            for file in found.files:
                try:
                    content = reader.read(file, {}, (EVERYONE,))
                except DocumentError as error:
                    refused.append(Refusal(file.as_posix(), str(error)))
                    continue
                refused += content.refused
                passages += [one for document in content.documents for one in _placed(document.passages, folder)]
        finally:
            reader.close()
    return Pool(tuple(passages), tuple(refused))


def _told_apart(folders: Sequence[Path]) -> list[Path]:
    """`folders` as absolute paths, whose last parts are the beginnings of their documents' sources."""
    resolved = [folder.resolve() for folder in folders]
    names = [folder.name for folder in resolved]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DocumentError(
            f"Two folders are called {twice[0]}. Rename one, so that their documents can be told apart."
        )
    return resolved


def _placed(passages: Sequence[Passage] | None, folder: Path) -> Iterator[Passage]:
    """`passages` with sources that begin at `folder`, and ids that depend on place and text alone."""
    for passage in passages or ():
        source = Path(passage.source).relative_to(folder.parent).as_posix()
        name = "\0".join((source, passage.heading_path, str(passage.ordinal), passage.text))
        yield replace(passage, id=hashlib.sha256(name.encode()).hexdigest()[:_ID], source=source)


def without_shared(passages: Iterable[Passage], held_out: Iterable[Passage]) -> list[Passage]:
    """`passages` but those of which over a fifth, in runs of eight words, stands in `held_out`, too."""
    held = {shingle for passage in held_out for shingle in _shingles(passage.text)}
    return [passage for passage in passages if not _is_shared(_shingles(passage.text), held)]


def _is_shared(shingles: set[tuple[str, ...]], held: set[tuple[str, ...]]) -> bool:
    return bool(shingles) and len(shingles & held) > _SHARED * len(shingles)


def _shingles(text: str) -> set[tuple[str, ...]]:
    row = words(text)
    return {tuple(row[start : start + _SHINGLE]) for start in range(len(row) - _SHINGLE + 1)}


def write_pool(passages: Iterable[Passage], file: Path) -> None:
    """Write a passage a line."""
    with file.open("w", encoding="utf-8") as lines:
        for passage in passages:
            record = {name: getattr(passage, name) for name in _KEPT}
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")


def read_pool(file: Path) -> dict[str, Passage]:
    """The passages that `write_pool` wrote, by id.

    Raises:
        DocumentError: it is no such file.
    """
    try:
        with file.open(encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines if line.strip()]
        passages = [Passage(**record | {"headings": tuple(record["headings"]), "version": ""}) for record in records]
    except OSError as error:
        raise DocumentError(
            f"{file} cannot be read ({error.strerror}). Give a file that training.pool wrote."
        ) from None
    except (ValueError, TypeError, KeyError):
        raise DocumentError(f"{file} is not a pool of passages. Write one with `python -m training.pool`.") from None
    return {passage.id: passage for passage in passages}


if __name__ == "__main__":
    main()
