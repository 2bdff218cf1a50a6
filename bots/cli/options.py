"""The options and arguments of the `attune` command that need more than a word, as typer reads them.

Knows nothing of what a command does with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str | None, typer.Option(help="The language model for this run: a name, hf:org/name or a path.")]
ModelName = Annotated[str, typer.Argument(help="A name, hf:org/name or a path.")]
AnyModelName = Annotated[str | None, typer.Argument(help="A name, hf:org/name or a path.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Readers = Annotated[
    list[str] | None,
    typer.Option(
        help="Who may see them: everyone, workspace:slack/T012, channel:slack/T012/C345 or person:slack/T012/U901; may "
        "be repeated. If omitted, documents keep their readers, and new files take those of the files next to them."
    ),
]
Seen = Annotated[
    list[str],
    typer.Option(
        "--readers",
        help="Whose documents it sees: everyone, workspace:slack/T012 or channel:slack/T012/C345; may be repeated. It "
        "sees what is for these and nothing else.",
    ),
]
Client = Annotated[str, typer.Argument(help="The program's name, such as open-webui.")]
Keys = Annotated[list[str], typer.Argument(help="Keys as shown by `attune inbox`, or: all")]
Names = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files, folders and addresses (https://…) to ingest. If omitted, those ingested before, or else what "
        "ATTUNE_DOCUMENTS names."
    ),
]
Every = Annotated[
    str | None,
    typer.Option(help="Read them again so often while `attune serve` runs: 30m, 6h, 1d, or never."),
]
QuestionFile = Annotated[Path, typer.Argument(help="JSON Lines: one question a line, with the page that answers it.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Ask only this many questions, spread over the file.")]
Listen = Annotated[str, typer.Option(help="Host and port to listen on.")]
Steps = Annotated[
    list[str] | None,
    typer.Argument(
        help="Only these steps: documents, telegram, slack, reading, question or people. If omitted, all of them."
    ),
]
Here = Annotated[bool, typer.Option("--here", help="Keep the settings in this folder: attune.toml and .env.")]
Version = Annotated[bool, typer.Option("--version", help="Show the version and exit.")]
