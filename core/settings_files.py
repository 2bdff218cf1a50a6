"""The files that settings are kept in, `attune.toml` and `.env` beside it: where they are, how to read and change them.

A change touches the lines of the settings it names and no other, and each file is written whole or not at all. Knows
nothing of what a setting means.
"""

from __future__ import annotations

import json
import re
import stat
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import platformdirs

from core.errors import ConfigurationError
from core.storage.durable import SHARED, write_whole

FILE_NAME, SECRETS_NAME = "attune.toml", ".env"
OURS = "ATTUNE_"
PRIVATE = 0o600
TOML_HEAD = "# Settings of Attune; docs/settings.md lists all. `attune setup` changes single lines of this file.\n"
ENV_HEAD = "# Secrets of Attune: nobody else should be able to read this file.\n"

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*")
_QUOTED = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)\"""")
_COMMENT = re.compile(r"(?:^|\s)#.*")


def settings_file(here: Path) -> Path:
    """The `attune.toml` to use, whether or not it is there.

    The one in the folder `here`, where that has one or has a `.env` that names a setting of ours; else the one in the
    person's own folder for configuration, so that `attune` finds its settings wherever it is started. Who has no home,
    as in a container with a user of a bare number, has no such folder.
    """
    own = here / FILE_NAME
    if own.exists() or _is_ours(here / SECRETS_NAME):
        return own
    try:
        return platformdirs.user_config_path("attune", appauthor=False) / FILE_NAME
    except RuntimeError:
        return own


def secrets_file(file: Path) -> Path:
    """The `.env` beside an `attune.toml`."""
    return file.with_name(SECRETS_NAME)


def read_toml(file: Path) -> dict[str, Any]:
    """What is set in an `attune.toml`; nothing where there is none.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        return tomllib.loads(_text(file))
    except ValueError as error:
        raise ConfigurationError(f"{file} cannot be read: {error}. Correct or remove it.") from None


def read_env(file: Path) -> dict[str, str]:
    """What is set in a `.env`, as Docker Compose writes it, also for other programs; nothing where there is none.

    Raises:
        ConfigurationError: it cannot be read.
    """
    return _env_of(_text(file))


def change_toml(file: Path, changes: Mapping[str, str]) -> None:
    """Set texts in an `attune.toml`.

    Raises:
        ConfigurationError: it cannot be written, or not so that it says what was meant; it is what it was.
    """
    lines = {name: f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in changes.items()}
    mode = stat.S_IMODE(file.stat().st_mode) if file.is_file() else SHARED
    _change(file, lines, TOML_HEAD, mode, lambda text: tomllib.loads(text) == {**read_toml(file), **changes})


def change_env(file: Path, changes: Mapping[str, str]) -> None:
    """Set secrets in a `.env`, which only its owner can read afterwards.

    Raises:
        ConfigurationError: as of `change_toml`.
    """
    lines = {name: f"{name}={value}" for name, value in changes.items()}
    _change(file, lines, ENV_HEAD, PRIVATE, lambda text: _env_of(text) == {**read_env(file), **changes})


def _change(file: Path, lines: Mapping[str, str], head: str, mode: int, is_right: Callable[[str], bool]) -> None:
    before = _text(file)
    after = _with_lines(before or head, lines)
    try:
        right = is_right(after)
    except ValueError:
        right = False
    if not right:
        names = " and ".join(lines)
        raise ConfigurationError(f"{file} is written in a way that only you can change: set {names} there by hand.")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(file.resolve(), after.encode(), mode=mode)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(f"{file} cannot be written: {reason}. Nothing in it was changed.") from None


def _with_lines(text: str, lines: Mapping[str, str]) -> str:
    """`text` with each of `lines` in the place of those that set the same name, or at the end."""
    kept, waiting = list[str](), dict(lines)
    for line in text.splitlines():
        found = _ASSIGNMENT.fullmatch(line)
        if found is None or found[1] not in lines:
            kept.append(line)
        elif new := waiting.pop(found[1], None):
            kept.append(new)
    return "\n".join([*kept, *waiting.values(), ""])


def _env_of(text: str) -> dict[str, str]:
    found = (_ASSIGNMENT.fullmatch(line) for line in text.splitlines())
    return {each[1]: _unquoted(each[2]) for each in found if each}


def _unquoted(value: str) -> str:
    """A value without its quotes, or without the comment behind it."""
    if quoted := _QUOTED.match(value):
        return quoted[1] if quoted[1] is not None else re.sub(r"\\(.)", r"\1", quoted[2])
    return _COMMENT.sub("", value)


def _is_ours(file: Path) -> bool:
    """Whether a `.env` names a setting of ours; one that is not ours to read does not."""
    try:
        return file.is_file() and any(name.startswith(OURS) for name in read_env(file))
    except ConfigurationError:
        return False


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"{file} cannot be read: {reason}. Correct or remove it.") from None
