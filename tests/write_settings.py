"""Writes .env.example and docs/settings.md from core/settings.py: `python -m tests.write_settings`."""

from __future__ import annotations

from pathlib import Path

from core.settings import Settings

ROOT = Path(__file__).parent.parent
ENV_HEADER = """\
# Every setting of Attune with its default. Copy this file to .env and uncomment what you change.
# `docker compose` reads .env; without containers, set environment variables, or write attune.toml
# in the folder that attune is started in.
"""
TABLE_HEADER = """\
# Settings

Each is an environment variable, or a key of the same name in `attune.toml`, in the folder that `attune` is started
in. The environment wins, and an empty variable counts as unset. An unknown `ATTUNE_…` variable or an unknown key is
an error that names it. With Docker Compose they stand in `.env`; `.env.example` lists them. `make settings` writes
both files from the code.

| name | default | meaning |
|---|---|---|
"""


def defaults() -> dict[str, tuple[str, str]]:
    """Name → (default as text, description)."""
    fields = {field.alias or name: field for name, field in Settings.model_fields.items()}
    return {
        name: ("" if field.default is None else str(field.default), field.description or "")
        for name, field in fields.items()
    }


def env_example() -> str:
    lines = [f"\n# {meaning}\n#{name}={default}\n" for name, (default, meaning) in defaults().items()]
    return ENV_HEADER + "".join(lines)


def settings_page() -> str:
    rows = [
        f"| `{name}` | {f'`{default}`' if default else 'unset'} | {meaning} |\n"
        for name, (default, meaning) in defaults().items()
    ]
    return TABLE_HEADER + "".join(rows)


def main() -> None:
    (ROOT / ".env.example").write_text(env_example(), encoding="utf-8")
    (ROOT / "docs" / "settings.md").write_text(settings_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
