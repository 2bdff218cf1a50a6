"""Speaks to people: knows the engine, not how it is built."""

from __future__ import annotations


def version_text() -> str:
    """The installed version."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("attune")
    except PackageNotFoundError:
        return "from source"
