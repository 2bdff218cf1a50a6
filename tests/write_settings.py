"""Writes .env.example and docs/settings.md from core/settings.py: `python -m tests.write_settings`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.settings import ADVANCED, Settings

ROOT = Path(__file__).parent.parent
ENV_HEADER = """\
# Every setting of Attune with its default. Copy this file to .env and uncomment what you change.
# `docker compose` and `attune` read .env in the folder where they are started; see docs/settings.md.
"""
TABLE_HEADER = """\
# Settings

Each setting is an environment variable, a line of `.env`, or a key of the same name in `attune.toml`. The environment
wins over `.env`, and that over `attune.toml`; an empty variable counts as unset. An unknown `ATTUNE_…` variable or an
unknown key is an error that names it; variables of other programs in `.env` are left alone.

Both files are read in the folder where `attune` is started, if it has an `attune.toml` or a `.env` with an `ATTUNE_…`
line; otherwise in your own configuration folder (`~/.config/attune`; on a Mac `~/Library/Application Support/attune`).
`attune setup` writes them: what is secret into `.env`, which only you can read, the rest into `attune.toml`.
`attune doctor` says where each setting is from. Docker Compose reads `.env` alone; `.env.example` lists all settings.
`make settings` writes both files from the code.

"""
ADVANCED_NOTE = "The defaults suit nearly everybody."
COLUMNS = "| name | default | meaning |\n|---|---|---|\n"


def defaults() -> dict[str, tuple[str, str]]:
    """Name → (default as text, description), the advanced ones last."""
    fields = {field.alias or name: field for name, field in Settings.model_fields.items()}
    return {
        name: ("" if fields[name].default is None else str(fields[name].default), fields[name].description or "")
        for name in sorted(fields, key=ADVANCED.__contains__)
    }


def env_example() -> str:
    entries = {name: f"\n# {meaning}\n#{name}={default}\n" for name, (default, meaning) in defaults().items()}
    usual, advanced = _apart(entries)
    return f"{ENV_HEADER}{usual}\n\n# Advanced. {ADVANCED_NOTE}\n{advanced}"


def settings_page() -> str:
    rows = {
        name: f"| `{name}` | {f'`{default}`' if default else 'unset'} | {meaning} |\n"
        for name, (default, meaning) in defaults().items()
    }
    usual, advanced = _apart(rows)
    return f"{TABLE_HEADER}{COLUMNS}{usual}\n## Advanced\n\n{ADVANCED_NOTE}\n\n{COLUMNS}{advanced}"


def _apart(lines: Mapping[str, str]) -> tuple[str, str]:
    usual = "".join(line for name, line in lines.items() if name not in ADVANCED)
    return usual, "".join(line for name, line in lines.items() if name in ADVANCED)


def main() -> None:
    (ROOT / ".env.example").write_text(env_example(), encoding="utf-8")
    (ROOT / "docs" / "settings.md").write_text(settings_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
