from __future__ import annotations

from types import SimpleNamespace

from core.adapters.index.points import passage_of, payload
from core.domain import EVERYONE, Passage

ID = "00000000-0000-0000-0000-000000000001"


def test_points_written_before_passages_had_pages_and_readers_are_read() -> None:
    """What a stored point does not say is empty; what a new one says comes back."""
    passage = Passage(
        ID, "/a.pdf", "A", ("B",), "text", 0, 0, 1, "v", page=3, author="Ada", date="2024-06-03", language="en"
    )
    stored = payload(passage)
    assert passage_of(SimpleNamespace(id=ID, payload=stored)) == passage
    older = {
        name: value for name, value in stored.items() if name not in {"readers", "page", "author", "date", "language"}
    }
    read = passage_of(SimpleNamespace(id=ID, payload=older))
    assert (read.readers, read.page, read.author, read.date, read.language) == ((EVERYONE,), 0, "", "", "")
    assert read.text == "text"
