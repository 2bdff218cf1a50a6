"""The `attune` command: its subcommands and options, and how errors end it.

What a command does is in `operations.py`, `evaluating.py`, `models_view.py` and `doctor.py`; each is imported by the
command that needs it, since prompt_toolkit, rich and the stores take seconds to import and `attune --help` should not.
Knows nothing of models, stores or conversations.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bots import version_text
from bots.cli import operator_texts
from bots.cli.index_app import index
from bots.cli.options import (
    AnyModelName,
    Client,
    Every,
    Here,
    Json,
    Keys,
    Limit,
    Listen,
    Model,
    ModelName,
    Names,
    QuestionFile,
    Readers,
    Seen,
    Steps,
    Version,
)
from bots.cli.slack_app import slack
from bots.cli.terminal import crash, fail, forgiving_streams
from core.errors import OperatorError, PersonError
from core.linux import close_memory, withdraw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.settings import Settings

app = typer.Typer(
    help="A private chatbot that answers from your documents, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models = typer.Typer(help="Manage the models on this machine.", no_args_is_help=True)
app.add_typer(models, name="models")
inbox = typer.Typer(help="Show waiting messages and those given up.", invoke_without_command=True)
app.add_typer(inbox, name="inbox")
courses = typer.Typer(help="Show the courses of the team.", invoke_without_command=True)
app.add_typer(courses, name="courses")
clients = typer.Typer(help="Manage the keys of programs that ask over HTTP.", no_args_is_help=True)
app.add_typer(clients, name="clients")
app.add_typer(slack, name="slack")
app.add_typer(index, name="index")


def main() -> None:
    """Run the command. Exit codes: 0 success, 1 something failed, 2 the operator has something to correct.

    Typer itself ends quietly on Ctrl-C (130) and when the reader of the output closes the pipe (1).
    """
    forgiving_streams()
    close_memory()
    try:
        app()
    except (OperatorError, PersonError) as error:
        fail(str(error), 2)
    except Exception as error:  # noqa: BLE001 - the last place where an error can become a sentence
        crash(error, os.environ)


@app.callback(invoke_without_command=True)
def attune(context: typer.Context, *, version: Version = False) -> None:
    """A private chatbot that answers from your documents, on your own machine."""
    context.obj = _logged_settings
    if version:
        typer.echo(f"attune {version_text()}")
        raise typer.Exit


@app.command("setup")
def set_up(steps: Steps = None, *, here: Here = False) -> None:
    """Set Attune up, step by step: documents, platforms, a first question, a first person. Again: to change a step."""
    from bots.cli.wizard import set_up  # noqa: PLC0415

    environ = _environ()
    _configure_logs(_settings(environ=environ), to_file=True)
    file = Path("attune.toml") if here else _settings_file()
    raise typer.Exit(asyncio.run(set_up(environ, file.absolute(), steps or ())))


@app.command()
def chat(model: Model = None) -> None:
    """Chat in the terminal. Through a pipe: one question a line in, plain text out."""
    from bots.cli.operations import chat  # noqa: PLC0415 - see the module's docstring

    settings = _settings(model)
    _configure_logs(settings, to_file=True)  # a person reads stderr, through a pipe too
    raise typer.Exit(asyncio.run(chat(settings, version_text())))


@app.command()
def serve(
    *,
    receive_only: Annotated[
        bool, typer.Option("--receive-only", help="Only receive messages; `attune worker` answers them.")
    ] = False,
    model: Model = None,
) -> None:
    """Answer on Slack and Telegram, wherever a token is set, and programs at ATTUNE_API, until stopped."""
    _serve(model, answers=not receive_only)


@app.command()
def console(
    *,
    listen: Listen = "",
    link: Annotated[
        bool, typer.Option("--link", help="Only make a new link to a console that runs already, and end.")
    ] = False,
    model: Model = None,
) -> None:
    """Look after Attune in a browser: ask, documents, people, health, settings. Opens by a link that works once."""
    from bots.cli.web_console import WebConsole, new_link  # noqa: PLC0415

    environ = _environ()
    settings = _settings(model, environ=environ)
    if link:
        typer.echo(new_link(settings, listen))
        return
    _configure_logs(settings, to_file=True)
    site = WebConsole(settings, environ, _settings_file(), version_text())
    asyncio.run(site.run(listen))


@app.command()
def worker(model: Model = None) -> None:
    """Answer messages that other processes receive. Any number may run."""
    _serve(model, receives=False)


@app.command()
def mcp(
    readers: Seen = ["everyone"],  # noqa: B006 - typer copies it
    model: Model = None,
) -> None:
    """Serve the tools search, ask and open over MCP, to the program that starts this."""
    from bots.cli.programs import mcp  # noqa: PLC0415
    from core.readers import checked  # noqa: PLC0415

    settings = _settings(model)
    _configure_logs(settings, to_file=True)  # stdout is the other program's
    raise typer.Exit(asyncio.run(mcp(settings, checked(readers))))


@clients.command("add")
def add_client(
    name: Client,
    readers: Seen = ["everyone"],  # noqa: B006 - typer copies it
) -> None:
    """Make a key for a program, and print it, this once."""
    from bots.cli.programs import add_client  # noqa: PLC0415
    from core.readers import checked  # noqa: PLC0415

    raise typer.Exit(asyncio.run(add_client(_logged_settings(), name, checked(readers))))


@clients.command("list")
def list_clients() -> None:
    """List the programs that have a key, and whose documents they see."""
    from bots.cli.programs import list_clients  # noqa: PLC0415

    raise typer.Exit(asyncio.run(list_clients(_logged_settings())))


@clients.command("remove")
def remove_client(name: Client) -> None:
    """Remove a program's key, at once."""
    from bots.cli.programs import remove_client  # noqa: PLC0415

    raise typer.Exit(asyncio.run(remove_client(_logged_settings(), name)))


@inbox.callback()
def show_inbox(context: typer.Context, *, as_json: Json = False) -> None:
    """Show how many messages wait, and list those given up."""
    if context.invoked_subcommand is None:
        from bots.cli.serving_view import show  # noqa: PLC0415

        asyncio.run(show(_logged_settings(), as_json=as_json))


@inbox.command()
def retry(keys: Keys) -> None:
    """Retry messages that were given up."""
    from bots.cli.serving_view import retry  # noqa: PLC0415

    raise typer.Exit(asyncio.run(retry(_logged_settings(), keys)))


@inbox.command()
def drop(keys: Keys) -> None:
    """Discard messages that were given up."""
    from bots.cli.serving_view import drop  # noqa: PLC0415

    raise typer.Exit(asyncio.run(drop(_logged_settings(), keys)))


@app.command()
def ingest(
    names: Names = None,
    readers: Readers = None,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep running, and ingest again whenever a file changes.")
    ] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done with each file.")] = False,
    anew: Annotated[bool, typer.Option("--rebuild", help="Empty the index and ingest everything again.")] = False,
    site: Annotated[bool, typer.Option("--site", help="Of a web address also all pages below it.")] = False,
    every: Every = None,
) -> None:
    """Ingest documents to answer from. A second run reads only what has changed."""
    from bots.cli.operations import ingest  # noqa: PLC0415
    from bots.operating import seconds_of  # noqa: PLC0415
    from core.documents.remote.addresses import is_address  # noqa: PLC0415
    from core.embedder_choice import embedder_for, first_documents  # noqa: PLC0415
    from core.readers import checked  # noqa: PLC0415

    if dry and watch:
        fail(operator_texts.DRY_OR_WATCH, 2)
    if anew and (dry or watch or readers):
        fail(operator_texts.REBUILD_ALONE, 2)
    environ = _environ()
    names = names or first_documents(_settings(environ=environ))
    paths = [Path(name) for name in names if not is_address(name)]
    named, settings = checked(readers) if readers else None, _logged_settings(environ)
    schedule = seconds_of(every) if every else None
    with nullcontext(settings) if dry else embedder_for(settings, paths) as chosen:
        reading = ingest(chosen, names, named, watch=watch, dry=dry, anew=anew, every=schedule, site=site)
        raise typer.Exit(asyncio.run(reading))


@app.command()
def remove(
    names: Annotated[list[str], typer.Argument(help="Files, folders, or sources as shown by `attune sources`.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
) -> None:
    """Remove documents and everything derived from them. Your files stay; what people taught is deleted."""
    from bots.cli.removing import remove  # noqa: PLC0415

    raise typer.Exit(asyncio.run(remove(_logged_settings(), names, yes=yes)))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist yet.")],
    *,
    index: Annotated[bool, typer.Option("--index/--without-index", help="Include the passages.")] = True,
) -> None:
    """Back up everything Attune keeps to one file, even while serving: memory, lessons, readers and the index."""
    from bots.cli.backing_up import backup  # noqa: PLC0415

    raise typer.Exit(asyncio.run(backup(_logged_settings(), file, version_text(), index=index)))


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file written by `attune backup`.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace existing data without asking.")] = False,
) -> None:
    """Replace everything Attune keeps here with a backup. No other attune process may be running."""
    from bots.cli.backing_up import restore_from  # noqa: PLC0415

    raise typer.Exit(asyncio.run(restore_from(_logged_settings(), file, force=force)))


@app.command()
def sources(*, as_json: Json = False) -> None:
    """List the documents: passages, age, how often they were cited, and who may see them."""
    from bots.cli.knowledge_view import sources  # noqa: PLC0415

    raise typer.Exit(asyncio.run(sources(_logged_settings(), as_json=as_json)))


@app.command()
def gaps(*, as_json: Json = False) -> None:
    """List unanswered questions, grouped by meaning."""
    from bots.cli.knowledge_view import gaps  # noqa: PLC0415

    raise typer.Exit(asyncio.run(gaps(_logged_settings(), as_json=as_json)))


@courses.callback()
def show_courses(context: typer.Context, *, as_json: Json = False) -> None:
    """Show the courses of the team, and how many began and finished each step, of those who agreed to be counted."""
    if context.invoked_subcommand is None:
        from bots.cli.courses_view import courses  # noqa: PLC0415

        raise typer.Exit(asyncio.run(courses(_logged_settings(), as_json=as_json)))


@courses.command()
def check(files: Annotated[list[Path], typer.Argument(help="Course files (.toml).")]) -> None:
    """Check course files: documents and headings that are missing, and who may not see a document."""
    from bots.cli.courses_view import check  # noqa: PLC0415

    raise typer.Exit(asyncio.run(check(_logged_settings(), files)))


@app.command("eval")
def evaluate(
    file: QuestionFile,
    *,
    answers: Annotated[bool, typer.Option("--answers", help="Also generate and score answers (slow).")] = False,
    report: Annotated[Path, typer.Option(help="Where to write the HTML report.")] = Path("attune-eval.html"),
    limit: Limit = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON instead of a table.")] = False,
    model: Model = None,
) -> None:
    """Measure how well your own questions are found and answered in your own documents."""
    from bots.cli.evaluating import EvaluationOptions, evaluate  # noqa: PLC0415

    settings = _settings(model)
    _configure_logs(settings, to_file=True)
    wishes = EvaluationOptions(file, report, answers=answers, limit=limit, json=as_json)
    raise typer.Exit(asyncio.run(evaluate(settings, wishes)))


@app.command()
def pair(
    *,
    operator: Annotated[bool, typer.Option("--operator", help="The person who uses it becomes an operator.")] = False,
    paired: Annotated[bool, typer.Option("--list", help="List the people who were let in by one instead.")] = False,
) -> None:
    """Create a pairing code, which lets one person talk to the bot in Slack or Telegram."""
    from bots.cli.serving_view import pair, show_paired  # noqa: PLC0415

    settings = _logged_settings()
    raise typer.Exit(asyncio.run(show_paired(settings) if paired else pair(settings, operator=operator)))


@app.command()
def unpair(person: Annotated[str, typer.Argument(help="As shown by `attune pair --list`.")]) -> None:
    """Revoke a person's access."""
    from bots.cli.serving_view import unpair  # noqa: PLC0415

    raise typer.Exit(asyncio.run(unpair(_logged_settings(), person)))


@app.command()
def doctor(
    *, speed: Annotated[bool, typer.Option("--speed", help="Also load the model, and time an answer.")] = False
) -> None:
    """Check the whole setup, and say how to fix what is wrong."""
    from bots.cli.doctor import doctor  # noqa: PLC0415

    raise typer.Exit(asyncio.run(doctor(_environ(), _settings_file(), version_text(), speed=speed)))


@models.command("list")
def list_models() -> None:
    """List the built-in models and those on this machine."""
    from bots.cli.models_view import show_models  # noqa: PLC0415

    show_models(_settings())


@models.command()
def pull(name: ModelName) -> None:
    """Download a model, resuming where a previous download stopped."""
    from bots.cli.models_view import pull_model  # noqa: PLC0415

    pull_model(_settings(), name)


@models.command()
def verify(name: AnyModelName = None) -> None:
    """Check a model's files against their hashes, or those of every model on this machine."""
    from bots.cli.models_view import verify_models  # noqa: PLC0415

    raise typer.Exit(verify_models(_settings(), name))


def _settings(model: str | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    from core.embedder_choice import with_embedder  # noqa: PLC0415
    from core.settings import Settings  # noqa: PLC0415

    settings = with_embedder(Settings.from_env(environ or _environ(), _settings_file()))
    return settings.model_copy(update={"model": model}) if model else settings


def _environ() -> dict[str, str]:
    """The environment as it is; afterwards its secrets are known to this process alone."""
    from core.settings import secret_names  # noqa: PLC0415

    return withdraw(os.environ, secret_names())


def _serve(model: str | None, *, receives: bool = True, answers: bool = True) -> None:
    from bots.service.health import OFF  # noqa: PLC0415
    from bots.service.serving import ProcessRoles, configured, serve  # noqa: PLC0415

    environ = _environ()
    settings = _settings(model, environ=environ)
    _configure_logs(settings, to_file=False)
    site = None
    if settings.console != OFF and receives and answers:
        from bots.cli.web_console import WebConsole  # noqa: PLC0415

        site = WebConsole(settings, environ, _settings_file(), version_text()).beside
    roles = ProcessRoles(receives=receives, answers=answers)
    asyncio.run(serve(settings, configured(settings), roles, open_site=site))


def _configure_logs(settings: Settings, *, to_file: bool) -> None:
    """To a file where log lines would break what is on the screen."""
    from bots.logs import FILE_NAME, configure  # noqa: PLC0415

    configure(settings.log_level, os.environ, settings.data_folder / FILE_NAME if to_file else None)


def _logged_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """For commands that print a list: logs go to a file where a person reads stderr."""
    settings = _settings(environ=environ)
    _configure_logs(settings, to_file=sys.stderr.isatty())
    return settings


def _settings_file() -> Path:
    from core.settings_files import settings_file  # noqa: PLC0415

    return settings_file(Path())


if __name__ == "__main__":
    main()
