"""What options and arguments of the `attune` command mean, and how the command ends with a sentence.

Imports nothing that takes time: `attune --help` should answer at once. Knows no subcommand.
"""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

Model = Annotated[str | None, typer.Option(help="The language model for this run: a name, hf:org/name or a path.")]
OFF = "off"
READERS = (
    "Who may see them: everyone, workspace:slack/T012, channel:slack/T012/C345 or person:slack/T012/U901; may be "
    "repeated. If omitted, documents keep their readers, and new files take those of the files next to them."
)
SEEN = (
    "Whose documents it sees: everyone, workspace:slack/T012 or channel:slack/T012/C345; may be repeated. It sees what "
    "is for these and nothing else."
)
CLIENT = typer.Argument(help="The program's name, such as open-webui.")
EVERY = "Read them again so often while `attune serve` runs: 30m, 6h, 1d, or never."
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
KEYS = typer.Argument(help="Keys as shown by `attune inbox`, or: all")
MODEL_NAME = typer.Argument(help="A name, hf:org/name or a path.")
WITHOUT = "Leave out a feature: channels, private-channels, reactions, files, user-groups or agent; may be repeated."


def version_text() -> str:
    """The installed version."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("attune")
    except PackageNotFoundError:
        return "from source"


def forgiving_streams() -> None:
    """A terminal that knows few characters shows `?` for the others."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a TextIOWrapper in a real process


def fail(sentence: str, code: int) -> NoReturn:
    """End with a sentence on stderr and an exit code."""
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True, soft_wrap=True)
    console.print(sentence, style="red", markup=False, highlight=False)
    sys.exit(code)
