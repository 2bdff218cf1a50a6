"""`attune slack`: what an operator needs to set up the app. Knows nothing of how it runs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(help="Set up the Slack app.", no_args_is_help=True)

WITHOUT = "Leave out a feature: channels, private-channels, reactions, files, user-groups or agent; may be repeated."


@app.command()
def manifest(
    name: Annotated[str, typer.Option(help="The app's name in Slack.")] = "Attune",
    without: Annotated[list[str] | None, typer.Option(help=WITHOUT)] = None,
    url: Annotated[str, typer.Option(help="The public https address, for deliveries by HTTP.")] = "",
    *,
    several: Annotated[bool, typer.Option("--several", help="Other workspaces can install it too.")] = False,
) -> None:
    """Print the app's manifest, to paste at api.slack.com/apps, Create New App, From a manifest."""
    from bots.on_slack.manifest import Feature  # noqa: PLC0415 - so that `attune --help` is quick
    from bots.on_slack.manifest import manifest as made  # noqa: PLC0415
    from core.errors import ConfigurationError  # noqa: PLC0415

    unknown = set(without or ()) - set(Feature)
    if unknown:
        names = ", ".join(Feature)
        raise ConfigurationError(f"There is no feature {min(unknown)}. Choose from: {names}.")
    if several and not url:
        raise ConfigurationError("Other workspaces install the app over HTTP: give --url https://… too.")
    features = frozenset(Feature) - {Feature(each) for each in without or ()}
    typer.echo(json.dumps(made(name, features, url, several=several), indent=2))


@app.command()
def key() -> None:
    """Print a new key for ATTUNE_SLACK_KEY, with which other workspaces' tokens are encrypted."""
    import base64  # noqa: PLC0415
    import secrets  # noqa: PLC0415

    typer.echo(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
