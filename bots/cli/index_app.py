"""`attune index`: where passages are kept, and how they get elsewhere, as typer reads it.

Knows nothing of how an index is moved, or of what is said about it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.settings import Settings

index = typer.Typer(help="Move the index to a Qdrant server, or back.", no_args_is_help=True)


@index.callback()
def _index() -> None:
    """Keeps `move` a word of its own: an app with one command has none."""


Target = Annotated[
    str, typer.Argument(help="The address of a Qdrant server, such as http://127.0.0.1:6333, or: embedded")
]
CollectionName = Annotated[
    str | None, typer.Option(help="The collection on that server. If omitted, the one of QDRANT_COLLECTION.")
]
Replace = Annotated[bool, typer.Option("--replace", help="Empty what is there first.")]


@index.command()
def move(
    context: typer.Context,
    target: Target,
    collection: CollectionName = None,
    *,
    replace: Replace = False,
) -> None:
    """Copy all passages to another index, with vectors, words and readers; the old one stays. Again: to go on.

    What is copied is the index of the settings, which you change when it is done. Attune may serve meanwhile.
    """
    from bots.cli.index_moving import move_to  # noqa: PLC0415

    opened: Callable[[], Settings] = context.obj
    raise typer.Exit(asyncio.run(move_to(opened(), target, collection, replace=replace)))
