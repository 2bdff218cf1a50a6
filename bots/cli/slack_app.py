"""The Slack app that whoever sets Attune up makes: its manifest, and the steps at Slack, as `attune setup` shows them.

Knows nothing of what a manifest has in it, or of what is asked after the steps.
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from bots.cli import setup_texts as say

slack = typer.Typer(help="Set up the Slack app.", no_args_is_help=True)


@slack.callback()
def _slack() -> None:
    """Keeps `manifest` a word of its own: an app with one command has none."""


@slack.command()
def manifest(
    name: Annotated[str, typer.Option(help="The app's name in Slack.")] = "Attune",
    without: Annotated[
        list[str] | None,
        typer.Option(
            help="Leave out a feature: channels, private-channels, reactions, files, user-groups or agent; may be "
            "repeated."
        ),
    ] = None,
    url: Annotated[str, typer.Option(help="The public https address, for deliveries by HTTP.")] = "",
    *,
    link: Annotated[bool, typer.Option("--link", help="Print a link that opens Slack's form with it instead.")] = False,
) -> None:
    """Print the app's manifest, to paste at api.slack.com/apps, Create New App, From a manifest."""
    from bots.on_slack.manifest import manifest_text  # noqa: PLC0415

    typer.echo(manifest_text(name, without or (), url, link=link))


def show_steps(console: Console) -> None:
    """What to do at Slack until there are tokens."""
    from bots.on_slack.manifest import manifest_text  # noqa: PLC0415

    link = manifest_text(link=True)
    if console.is_terminal:
        console.print(Text.assemble("1. ", (say.SLACK_LINK, f"bold link {link}"), say.SLACK_CREATE))
        console.print(Text(say.SLACK_ELSEWHERE, style="dim"))
    else:
        console.print(Text(f"1. {say.SLACK_LINK}{say.SLACK_CREATE}\n   {link}"))
    for line in say.SLACK:
        console.print(Text(line))
