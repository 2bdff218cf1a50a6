"""The index of the settings: the collection on the server that `QDRANT_URL` names, or the embedded one of this machine.

What takes long to import is imported when it is opened. Knows nothing of what is asked of an index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain import VectorOrigin
from core.settings import Settings
from core.storage.layout import CollectionState

if TYPE_CHECKING:
    from core.adapters.index.qdrant_index import QdrantIndex
    from core.adapters.index.shared_index import SharedIndex


def index_of(
    settings: Settings, dimension: int | None, origin: VectorOrigin | None = None
) -> SharedIndex | QdrantIndex:
    """The index, as an async context manager, for vectors of this length and origin; None: whatever it holds."""
    if settings.qdrant_url:
        return _on_server(settings, settings.qdrant_url, dimension, origin)
    from core.adapters.index.shared_index import SharedIndex  # noqa: PLC0415

    return SharedIndex(settings.data_folder, dimension, origin)


async def collection_state(settings: Settings) -> CollectionState | None:
    """How the collection is laid out, beside what the settings ask for; None for an embedded index.

    Raises:
        IndexUnavailableError: the server does not answer.
    """
    if settings.qdrant_url is None:
        return None
    async with _on_server(settings, settings.qdrant_url, None, None) as index:
        return await index.state()


def _on_server(settings: Settings, url: str, dimension: int | None, origin: VectorOrigin | None) -> QdrantIndex:
    from core.adapters.index.qdrant_index import QdrantIndex  # noqa: PLC0415

    key = settings.qdrant_api_key
    return QdrantIndex.at(
        url,
        api_key=key.get_secret_value() if key else None,
        collection=settings.qdrant_collection,
        dimension=dimension,
        origin=origin,
        layout=settings.qdrant_layout,
    )
