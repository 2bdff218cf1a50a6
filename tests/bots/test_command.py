"""The `attune` command as a process, and what it writes to its log."""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

import bots.__main__ as command
from bots.logs import FILE_NAME, configure

ROOT = Path(__file__).parents[2]


def attune(
    *words: str, cwd: Path, run: tuple[str, ...] = ("-m", "bots"), **environ: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATTUNE_")}
    return subprocess.run(
        [sys.executable, *run, *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**kept, "PYTHONPATH": str(ROOT), "ATTUNE_HOME": str(cwd / "home"), **environ},
    )


@pytest.fixture
def logging_restored():
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def test_version_and_help(tmp_path: Path):
    """`--version` names the version, and help lists every command, at once."""
    assert attune("--version", cwd=tmp_path).stdout.startswith("attune ")
    started = time.monotonic()
    shown = attune("--help", cwd=tmp_path).stdout
    assert time.monotonic() - started < 5  # it takes 0.3 s; a busy machine takes longer
    assert all(word in shown for word in ("chat", "ingest", "eval", "models", "doctor"))


def test_help_imports_nothing_heavy():
    """What takes long to import comes in with the command that needs it."""
    code = "import sys, bots.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"torch", "transformers", "prompt_toolkit", "structlog", "pydantic", "redis", "rich.markdown", "numpy"}
    assert heavy & set(done.stdout.split()) == set()


@pytest.mark.parametrize(
    "words", [["sources"], ["gaps"], ["inbox"], ["pair", "--list"], ["remove", "--yes", "none.md"]]
)
def test_what_only_looks_loads_no_model(tmp_path: Path, words: list[str]):
    """Nor the client of a server that is not used: with them these took ten times as long."""
    code = "import atexit, sys; atexit.register(lambda: print(*sys.modules)); from bots.__main__ import main; main()"
    done = attune(*words, cwd=tmp_path, run=("-c", code))
    said = "There is no document none.md. `attune sources` lists the documents.\n" if words[0] == "remove" else ""
    assert (done.returncode, done.stderr) == (2 if said else 0, said)
    heavy = {"torch", "transformers", "sentence_transformers", "sklearn", "scipy", "qdrant_client", "prompt_toolkit"}
    assert heavy & set(done.stdout.split()) == set()
    ours = {"core.engine", "core.documents.ingest", "core.documents.parsing", "core.learning.course_files"}
    assert words[0] not in {"sources", "gaps"} or ours & set(done.stdout.split()) == set()


def test_a_bad_setting_is_one_sentence(tmp_path: Path):
    """An operator's error is one sentence on stderr and exit code 2, without a stack trace."""
    done = attune("models", "list", cwd=tmp_path, ATTUNE_MODL="x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ATTUNE_MODL in the environment is not a setting. Did you mean ATTUNE_MODEL?\n"


def test_a_missing_path_is_named(tmp_path: Path):
    """Ingesting what is not there opens nothing and says so."""
    done = attune("ingest", "nothere", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "No such file or folder: nothere\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["ingest", ".", "--dry-run", "--watch"], "--dry-run and --watch cannot be combined. Choose one."),
        (["remove", "a.md"], "which needs a terminal. Add --yes to remove without asking."),
    ],
)
def test_what_cannot_be_done_so_is_said_before_anything_is_opened(tmp_path: Path, words: list[str], sentence: str):
    """One sentence on stderr, exit code 2, and not a file is made but the log's."""
    done = attune(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert not (tmp_path / "home" / "data" / "index").exists()


def test_bad_questions_are_named_by_their_lines(tmp_path: Path):
    """A file with mistakes is an operator's error: every bad line on stderr, exit code 2, and nothing is opened."""
    (tmp_path / "own.jsonl").write_text('{"question": "x", "page": "a.md"}\nnonsense\n{"page": "b.md"}\n')
    done = attune("eval", "own.jsonl", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    head, second, third = done.stderr.splitlines()
    assert head == "own.jsonl has 2 lines that are not questions. Correct it and run again; nothing was asked."
    assert second.startswith("line 2: it is not JSON")
    assert third.startswith('line 3: it has no "question".')


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothere.jsonl"], "There is no file nothere.jsonl. Name a file with one question a line."),
        (["ok.jsonl", "--report", "no/r.html"], "The report cannot be written: there is no folder no."),
        (["ok.jsonl", "--limit", "0"], "greater than or equal to 1"),
    ],
)
def test_eval_says_what_it_cannot_do(tmp_path: Path, words: list[str], sentence: str):
    """Each mistake on the command line is said before a model is loaded, with exit code 2."""
    (tmp_path / "ok.jsonl").write_text('{"question": "x", "page": "a.md"}\n')
    done = attune("eval", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


def test_models_are_listed_without_escapes(tmp_path: Path):
    """The table names the built-in models; what is no terminal gets no escape sequence."""
    done = attune("models", "list", cwd=tmp_path)
    assert done.returncode == 0
    assert "smollm2-135m-instruct" in done.stdout
    assert "\x1b" not in done.stdout


def test_doctor_explains_a_bad_setting(tmp_path: Path):
    """The doctor shows what is wrong with the settings instead of failing on it."""
    done = attune("doctor", cwd=tmp_path, ATTUNE_PASSAGES="many")
    assert done.returncode == 1
    assert "✗ settings" in done.stdout
    assert "ATTUNE_PASSAGES (it is 'many')" in done.stdout


@pytest.mark.usefixtures("logging_restored")
@pytest.mark.parametrize("error", [KeyboardInterrupt(), BrokenPipeError(errno.EPIPE, "pipe")])
def test_stopping_is_quiet(error: BaseException, monkeypatch, capsys):
    """Ctrl-C, and a reader that has enough, end the command without a word."""

    def stopped(_settings: object) -> None:
        raise error

    monkeypatch.setattr("bots.cli.models_view.show_models", stopped)
    monkeypatch.setattr(command, "forgiving_streams", lambda: None)
    monkeypatch.setattr("sys.argv", ["attune", "models", "list"])
    monkeypatch.setattr("sys.stdout", sys.stdout)
    monkeypatch.setattr("sys.stderr", sys.stderr)
    with pytest.raises(SystemExit):
        command.main()
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("logging_restored")
def test_a_crash_is_a_sentence_with_a_trace(tmp_path: Path, monkeypatch, capsys):
    """An unexpected error shows an error id and the log's place; the log has it without anybody's words."""

    def broken() -> None:
        raise ZeroDivisionError("the words of a person")

    monkeypatch.setattr(command, "app", broken)
    monkeypatch.setattr(command, "forgiving_streams", lambda: None)
    monkeypatch.setenv("ATTUNE_HOME", str(tmp_path))
    with pytest.raises(SystemExit, match="1"):
        command.main()
    shown, file = capsys.readouterr().err, tmp_path / "data" / FILE_NAME
    entry = json.loads(file.read_text())
    assert entry["error_id"] in shown
    assert str(file) in shown
    assert "Traceback" not in shown
    assert "ZeroDivisionError" in entry["exception"]
    assert "words of a person" not in file.read_text()


@pytest.mark.usefixtures("logging_restored")
@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), "Free some space"),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "/data/x"), "Free some space"),
        (PermissionError(errno.EACCES, "Permission denied", "/data/x"), "Check who owns it"),
        (OSError(errno.EROFS, "Read-only file system", "/data/x"), "Check who owns it"),
    ],
)
def test_what_the_disk_refuses_is_no_crash(tmp_path: Path, monkeypatch, capsys, error: OSError, fix: str):
    """Whatever command comes upon it: the place, the reason and the way out."""

    def refused() -> None:
        raise error

    monkeypatch.setattr(command, "app", refused)
    monkeypatch.setattr(command, "forgiving_streams", lambda: None)
    monkeypatch.setenv("ATTUNE_HOME", str(tmp_path))
    with pytest.raises(SystemExit, match="1"):
        command.main()
    shown = capsys.readouterr().err
    assert shown.startswith(f"/data/x: {error.strerror}. {fix}")
    assert "crashed" not in shown


@pytest.mark.usefixtures("logging_restored")
def test_a_crash_is_a_sentence_where_settings_fail_too(monkeypatch, capsys):
    """What is wrong with them does not take the place of the error."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(command, "app", broken)
    monkeypatch.setattr(command, "forgiving_streams", lambda: None)
    monkeypatch.setattr("core.settings_files.settings_file", broken)
    with pytest.raises(SystemExit, match="1"):
        command.main()
    shown = capsys.readouterr().err
    assert shown.startswith("Attune crashed with an unexpected ZeroDivisionError.")
    assert "not logged" in shown


@pytest.mark.usefixtures("logging_restored")
@pytest.mark.parametrize("words", [["doctor"], ["setup", "--here"], ["sources"], ["models", "list"]])
def test_who_has_no_home_is_told_what_to_set(tmp_path: Path, monkeypatch, words: list[str]):
    """As a container's user of a bare number has none."""

    def homeless(*_: object, **__: object) -> None:
        raise RuntimeError("Could not determine home directory.")

    for name in ("user_config_path", "user_data_path", "user_cache_path"):
        monkeypatch.setattr(f"platformdirs.{name}", homeless)
    monkeypatch.delenv("ATTUNE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(command.app, words)
    assert "This user has no home folder. Set ATTUNE_HOME, or HOME" in f"{done.output}{done.exception}"


@pytest.mark.usefixtures("logging_restored")
def test_a_home_that_is_none_is_no_crash(tmp_path: Path, monkeypatch, capsys):
    """Where not even the log can be written, an error of the disk is what is wrong."""

    def refused() -> None:
        raise NotADirectoryError(errno.ENOTDIR, "Not a directory", str(tmp_path / "file" / "data"))

    (tmp_path / "file").touch()
    monkeypatch.setattr(command, "app", refused)
    monkeypatch.setattr(command, "forgiving_streams", lambda: None)
    monkeypatch.setenv("ATTUNE_HOME", str(tmp_path / "file"))
    with pytest.raises(SystemExit, match="1"):
        command.main()
    assert "Not a directory. Check who owns it, or set ATTUNE_HOME" in capsys.readouterr().err


@pytest.mark.usefixtures("logging_restored")
def test_the_log_is_private_and_keeps_libraries_quiet(tmp_path: Path):
    """Only the owner reads the log; libraries are heard when something is wrong."""
    environ: dict[str, str] = {}
    configure("info", environ, tmp_path / FILE_NAME)
    logging.getLogger("httpx").info("a request")
    logging.getLogger("httpx").warning("a problem")
    structlog.get_logger("bots.x").info("ours", passages=4)
    structlog.get_logger("bots.x").debug("not asked for")
    entries = [json.loads(line) for line in (tmp_path / FILE_NAME).read_text().splitlines()]
    assert [entry["event"] for entry in entries] == ["a problem", "ours"]
    assert entries[1]["passages"] == 4
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert environ["HF_HUB_DISABLE_TELEMETRY"] == "1"


@pytest.mark.usefixtures("logging_restored")
def test_debug_tells_all(tmp_path: Path):
    """At the debug level an error's own words are written."""
    configure("debug", {}, tmp_path / FILE_NAME)
    structlog.get_logger("core.x").error("failed", exc_info=ValueError("its words"))
    assert "its words" in (tmp_path / FILE_NAME).read_text()


def test_without_a_command_help_is_shown():
    """Bare `attune` shows what it can do."""
    assert "ingest" in CliRunner().invoke(command.app, []).output
