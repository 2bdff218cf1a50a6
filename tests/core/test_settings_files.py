"""Where settings are kept, which place wins, and how single lines of the files are changed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from core.embedder_choice import first_documents
from core.errors import ConfigurationError
from core.settings import Settings, place_of
from core.settings_files import change_env, change_toml, read_env, settings_file

TOKEN = "12345:" + "a" * 35


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("  A = b c  ", "b c"),
        ("export A=b", "b"),
        ("A='b # c'", "b # c"),
        ('A="b \\"c\\" # d" # e', 'b "c" # d'),
        ("A=b#c # d", "b#c"),
        ("A=# nothing", ""),
        ("A=", ""),
        ('A="never closed', '"never closed'),
    ],
)
def test_lines_of_env_are_read_as_compose_reads_them(tmp_path: Path, line: str, value: str) -> None:
    """Quotes, comments and `export`; what is none of these lines says nothing."""
    (tmp_path / ".env").write_text(f"# a comment\n\nnonsense\n{line}\r\n", encoding="utf-8")
    assert read_env(tmp_path / ".env") == {"A": value}


def test_the_environment_wins_over_env_and_that_over_toml(tmp_path: Path) -> None:
    """Each place says where a setting is from; an empty value says nothing."""
    file = tmp_path / "attune.toml"
    file.write_text('ATTUNE_MODEL = "toml"\nATTUNE_ALLOW = "workspace:slack/T1"\nATTUNE_PASSAGES = 6\n')
    (tmp_path / ".env").write_text("ATTUNE_MODEL=env\nATTUNE_ALLOW=workspace:slack/T2\nATTUNE_PASSAGES=\nOTHER=x\n")
    environ = {"ATTUNE_MODEL": "environ"}
    settings = Settings.from_env(environ, file)
    assert (settings.model, settings.allow, settings.passages) == ("environ", "workspace:slack/T2", 6)
    places = [place_of(name, environ, file) for name in ("ATTUNE_MODEL", "ATTUNE_ALLOW", "ATTUNE_PASSAGES")]
    assert places == ["environment", str(tmp_path / ".env"), str(file)]


def test_a_mistyped_name_in_env_is_named_with_its_file(tmp_path: Path) -> None:
    """Variables of other programs are none of ours."""
    (tmp_path / ".env").write_text("METRICS_PORT=1\nATTUNE_TELEGRAM_TOKN=1\n")
    with pytest.raises(ConfigurationError, match=r"ATTUNE_TELEGRAM_TOKN in .*\.env .*ATTUNE_TELEGRAM_TOKEN"):
        Settings.from_env({}, tmp_path / "attune.toml")


@pytest.mark.parametrize("name", [".env", "attune.toml"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    """A folder of that name, or bytes that are no text."""
    (tmp_path / name).mkdir()
    with pytest.raises(ConfigurationError, match=f"{name} cannot be read: Is a directory"):
        Settings.from_env({}, tmp_path / "attune.toml")
    (tmp_path / name).rmdir()
    (tmp_path / name).write_bytes(b"A=\xff\n")
    with pytest.raises(ConfigurationError, match=f"{name} cannot be read: it is not UTF-8"):
        Settings.from_env({}, tmp_path / "attune.toml")


def test_settings_are_found_here_or_else_in_the_persons_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `.env` counts where it names a setting of ours: that of another program in the same folder does not."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    own = settings_file(tmp_path)
    assert own == tmp_path / "config" / "attune" / "attune.toml"
    (tmp_path / ".env").write_text("REDIS_URL=redis://another\n")
    assert settings_file(tmp_path) == own
    (tmp_path / ".env").write_text("ATTUNE_MODEL=x\n")
    assert settings_file(tmp_path) == tmp_path / "attune.toml"
    (tmp_path / ".env").unlink()
    (tmp_path / "attune.toml").touch()
    assert settings_file(tmp_path) == tmp_path / "attune.toml"


def test_a_change_touches_its_own_lines_only(tmp_path: Path) -> None:
    """Comments and other settings stay, of a setting that is there twice one line stays, a new one comes last."""
    file = tmp_path / "attune.toml"
    file.write_text('# ours\nATTUNE_MODEL = "x" # why\n\nATTUNE_PASSAGES = 6\n')
    change_toml(file, {"ATTUNE_MODEL": 'a "b" \\ c', "ATTUNE_ALLOW": "workspace:slack/Tä"})
    assert file.read_text() == (
        '# ours\nATTUNE_MODEL = "a \\"b\\" \\\\ c"\n\nATTUNE_PASSAGES = 6\nATTUNE_ALLOW = "workspace:slack/Tä"\n'
    )
    secrets = tmp_path / ".env"
    secrets.write_text("ATTUNE_TELEGRAM_TOKEN=1\n# more\nOTHER=1\nexport ATTUNE_TELEGRAM_TOKEN=2\n")
    change_env(secrets, {"ATTUNE_TELEGRAM_TOKEN": TOKEN})
    assert secrets.read_text() == f"ATTUNE_TELEGRAM_TOKEN={TOKEN}\n# more\nOTHER=1\n"
    change_env(secrets, {"ATTUNE_TELEGRAM_TOKEN": TOKEN})
    assert read_env(secrets) == {"ATTUNE_TELEGRAM_TOKEN": TOKEN, "OTHER": "1"}


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    """However the file was before; the other one keeps its mode, and nothing is left beside them."""
    change_env(tmp_path / "new" / ".env", {"ATTUNE_TELEGRAM_TOKEN": TOKEN})
    assert (mode(tmp_path / "new"), mode(tmp_path / "new" / ".env")) == (0o700, 0o600)
    (tmp_path / ".env").write_text("OTHER=1\n")
    (tmp_path / ".env").chmod(0o644)
    change_env(tmp_path / ".env", {"ATTUNE_TELEGRAM_TOKEN": TOKEN})
    assert mode(tmp_path / ".env") == 0o600
    (tmp_path / "attune.toml").touch(0o640)
    change_toml(tmp_path / "attune.toml", {"ATTUNE_MODEL": "x"})
    assert mode(tmp_path / "attune.toml") == 0o640
    assert sorted(file.name for file in tmp_path.iterdir()) == [".env", "attune.toml", "new"]


def test_a_link_to_a_file_stays_one(tmp_path: Path) -> None:
    """What it leads to is changed."""
    (tmp_path / "kept").mkdir()
    (tmp_path / ".env").symlink_to(tmp_path / "kept" / "secrets")
    change_env(tmp_path / ".env", {"ATTUNE_TELEGRAM_TOKEN": TOKEN})
    assert (tmp_path / ".env").is_symlink()
    assert TOKEN in (tmp_path / "kept" / "secrets").read_text()


@pytest.mark.parametrize(
    "text", ['"ATTUNE_MODEL" = "x"\n', '[table]\nATTUNE_MODEL = "x"\n', 'ATTUNE_MODEL = """\nx\n"""\n', "nonsense"]
)
def test_what_cannot_be_changed_line_by_line_is_left_to_its_owner(tmp_path: Path, text: str) -> None:
    """The file is what it was, and the sentence names the setting."""
    file = tmp_path / "attune.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"set ATTUNE_MODEL there by hand|cannot be read"):
        change_toml(file, {"ATTUNE_MODEL": "y"})
    assert file.read_text() == text


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """In one sentence, and what is there stays."""
    (tmp_path / "taken").touch()
    with pytest.raises(ConfigurationError, match=r"attune\.toml cannot be (read|written): Not a directory"):
        change_toml(tmp_path / "taken" / "attune.toml", {"ATTUNE_MODEL": "y"})


def test_a_crash_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never half of one, nor a draft with a secret in it."""
    (tmp_path / ".env").write_text("OTHER=1\n")

    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match=r"No space left on device\. Nothing in it was changed"):
        change_env(tmp_path / ".env", {"ATTUNE_TELEGRAM_TOKEN": TOKEN})
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(".env", "OTHER=1\n")]


def test_the_first_ingest_reads_what_the_settings_name(tmp_path: Path) -> None:
    """As long as nothing was read; afterwards what was removed does not come back by itself."""
    settings = Settings(home=tmp_path, documents="/docs")
    assert first_documents(settings) == ["/docs"]
    (tmp_path / "data" / "index").mkdir(parents=True)
    assert first_documents(settings) == []
    assert first_documents(Settings(home=tmp_path / "other")) == []
