"""Records what Attune asks of a Qdrant server: `python -m tests.write_qdrant_wire` writes tests/data/qdrant_wire.json.

One request of each kind, as it goes over the wire to the double, which holds each to Qdrant's published schema. Long
vectors are cut, so that a change shows.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.adapters.index.qdrant_index import QdrantIndex
from core.domain import VectorOrigin
from core.storage.layout import CollectionLayout
from tests.contracts.test_passage_index import ALL, document, put, vector
from tests.doubles.qdrant_server import WireRequest, qdrant_served

FILE = Path(__file__).parent / "data" / "qdrant_wire.json"
FIRST = 3  # numbers of a vector that are kept
LAYOUT = CollectionLayout(shards=3, replicas=2, write_consistency=2, quantisation="scalar", on_disk=True)
CHANGED = CollectionLayout(replicas=3, write_consistency=1, quantisation="binary", on_disk=False)
PLAIN = CollectionLayout(quantisation="none")


async def recorded() -> list[dict[str, Any]]:
    """The requests, the first of each kind: same method, same path, same fields."""
    async with qdrant_served() as double:
        for layout in (LAYOUT, CHANGED, PLAIN):
            async with QdrantIndex.at(
                double.url, api_key=None, collection="attune", dimension=384, layout=layout
            ) as index:
                await _use(index)
        found: dict[str, WireRequest] = {}
        for one in double.requests:
            found.setdefault(f"{one.method} {one.path} {_shape(one.body)}", one)
    return [asdict(one) | {"body": _cut(one.body)} for one in found.values()]


async def _use(index: QdrantIndex) -> None:
    passages = document()[:2]
    await put(index, passages)
    await index.set_origin(VectorOrigin("hashing", "of-the-tests"))
    await index.search("cats and dogs", await vector("cats"), audience=ALL, limit=1)
    await index.search("dags", await vector("cats"), audience=[*ALL, "person:t/w/x"], limit=1)
    ids = [passage.id for passage in passages]
    await index.vectors(ids)
    await index.passages(ids)
    await index.following(passages[:1], count=1)
    await index.documents()
    await index.documents("guide.md")
    await index.count()
    page = await index.page(None)
    await index.page(ids[0])
    await index.put(await index.copies([*page.marks]))
    await index.drop(ids[1:])
    await index.remove("guide.md", keep_version="2")
    await index.remove("guide.md")
    await index.state()
    await index.reset(384, VectorOrigin("hashing", "of-the-tests"))


def _shape(body: Any) -> str:
    """What a body is made of, whatever its values are, but for those that name something."""
    if isinstance(body, dict):
        named = {"field_name", "using"} & set(body)
        return json.dumps({key: body[key] if key in named else _shape(body[key]) for key in sorted(body)})
    if isinstance(body, list):
        return json.dumps(sorted({_shape(one) for one in body}))
    return type(body).__name__


def _cut(body: Any) -> Any:
    if isinstance(body, dict):
        return {key: _cut(value) for key, value in body.items()}
    if isinstance(body, list):
        numbers = len(body) > FIRST and all(isinstance(one, int | float) for one in body)
        return [round(one, 4) for one in body[:FIRST]] if numbers else [_cut(one) for one in body]
    return body


def main() -> None:
    text = json.dumps(asyncio.run(recorded()), indent=1, ensure_ascii=False, sort_keys=True)
    FILE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
