"""The settings, and the two pages that repeat them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from core.errors import ConfigurationError
from core.settings import ADVANCED, REMOVED, Settings, settings_names, shown_url
from tests import write_settings

SECRET = "redis://:hunter2@store:6379/0"  # noqa: S105 — the secret that must not be printed


def test_env_example_says_what_the_code_says():
    """Every setting stands in .env.example with its description and default; `make settings` writes it."""
    written = (write_settings.ROOT / ".env.example").read_text(encoding="utf-8")
    assert written == write_settings.env_example()


def test_settings_page_says_what_the_code_says():
    """The table of docs/settings.md has every setting with its default and meaning."""
    written = (write_settings.ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == write_settings.settings_page()


def test_every_setting_has_a_name_of_its_own_and_a_meaning():
    """No field goes by its Python name, and none is unexplained."""
    assert all(name.isupper() for name in settings_names())
    assert len(set(settings_names())) == len(settings_names())
    assert all(meaning for _, meaning in write_settings.defaults().values())


def test_advanced_settings_exist():
    """Each name among the advanced settings is a setting."""
    assert set(settings_names()) >= ADVANCED


def test_env_example_with_every_hash_taken_away_gives_the_defaults():
    """The example is valid as it stands."""
    lines = [line[1:] for line in write_settings.env_example().splitlines() if line.startswith("#")]
    environ = dict(line.split("=", 1) for line in lines if line.split("=", 1)[0] in settings_names())
    assert len(environ) == len(settings_names())
    assert Settings.from_env(environ) == Settings.from_env({})


def test_unknown_key_is_named_with_its_nearest_neighbour():
    """A mistyped variable fails and says what was meant."""
    with pytest.raises(ConfigurationError, match=r"ATTUNE_MODLE.*ATTUNE_MODEL"):
        Settings.from_env({"ATTUNE_MODLE": "x"})


@pytest.mark.parametrize("name", REMOVED)
def test_a_setting_that_is_gone_says_so(name: str):
    """Whoever still has one reads why it is gone and what to do, and no guess at another name."""
    with pytest.raises(ConfigurationError, match=f"{name} in .* is no longer a setting: .* Remove it") as raised:
        Settings.from_env({name: "x"})
    assert "Did you mean" not in str(raised.value)


def test_unknown_key_far_from_all_lists_them():
    """Where nothing is near, the message lists the settings."""
    with pytest.raises(ConfigurationError, match=r"ATTUNE_ZZZZZZZZZZZZ.*ATTUNE_HOME.*QDRANT_URL"):
        Settings.from_env({"ATTUNE_ZZZZZZZZZZZZ": "x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ATTUNE_PASSAGES", "many"),
        ("ATTUNE_PASSAGES", "0"),
        ("ATTUNE_DEVICE", "abacus"),
        ("ATTUNE_RELEVANCE", "2"),
        ("QDRANT_URL", "store:6333"),
        ("REDIS_URL", "https://store"),
    ],
)
def test_bad_value_is_named_with_its_meaning(name: str, value: str):
    """A value that a setting cannot have fails with the setting's name and what it means."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env({name: value})
    assert name in str(caught.value)
    assert write_settings.defaults()[name][1] in str(caught.value)


def test_every_bad_value_is_named_at_once():
    """Nobody has to mend and start again for each mistake."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env({"ATTUNE_PASSAGES": "many", "ATTUNE_THREADS": "-1"})
    assert "ATTUNE_PASSAGES" in str(caught.value)
    assert "ATTUNE_THREADS" in str(caught.value)


@pytest.mark.parametrize("name", settings_names())
def test_empty_value_counts_as_unset(name: str):
    """Compose files write unset variables as empty ones."""
    assert Settings.from_env({name: ""}) == Settings.from_env({})


def test_foreign_variables_are_left_alone():
    """Only ATTUNE_… is ours to judge."""
    assert Settings.from_env({"PATH": "/bin", "REDIS_HOST": "x"}) == Settings.from_env({})


def test_toml_file_is_read_and_the_environment_wins(tmp_path: Path):
    """attune.toml has the same names as keys."""
    file = tmp_path / "attune.toml"
    file.write_text('ATTUNE_PASSAGES = 6\nATTUNE_MODEL = "from-file"\n', encoding="utf-8")
    settings = Settings.from_env({"ATTUNE_MODEL": "from-environment"}, file)
    assert (settings.passages, settings.model) == (6, "from-environment")


@pytest.mark.parametrize("text", ["ATTUNE_PASSAGE = 6", "[ATTUNE_PASSAGES", "\x00"])
def test_bad_toml_file_is_named(tmp_path: Path, text: str):
    """An unknown key or broken TOML fails with the file's name."""
    file = tmp_path / "attune.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"attune\.toml"):
        Settings.from_env({}, file)


def test_absent_toml_file_is_no_error(tmp_path: Path):
    """The file is optional."""
    assert Settings.from_env({}, tmp_path / "attune.toml") == Settings.from_env({})


def test_secrets_are_never_printed():
    """Neither repr nor a dump nor an error shows a password."""
    settings = Settings.from_env({"REDIS_URL": SECRET, "QDRANT_API_KEY": "hunter2"})
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert "hunter2" not in shown
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == SECRET


def test_secrets_are_not_printed_by_errors():
    """A wrong scheme in REDIS_URL is named without the address."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env({"REDIS_URL": "http://:hunter2@store"})
    assert "REDIS_URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_settings_are_frozen():
    """Nobody changes a setting after the start."""
    settings = Settings.from_env({})
    with pytest.raises(ValidationError, match="frozen"):
        settings.passages = 5


def test_home_holds_models_and_data(tmp_path: Path):
    """With ATTUNE_HOME everything is kept under it, and `~` is the person's own folder."""
    settings = Settings.from_env({"ATTUNE_HOME": str(tmp_path)})
    assert (settings.models_folder, settings.data_folder) == (tmp_path / "models", tmp_path / "data")
    assert Settings.from_env({"ATTUNE_HOME": "~/attune"}).home == Path.home() / "attune"


def test_without_home_models_and_data_are_apart():
    """What can be fetched again lies in the platform's cache folder, what cannot in its data folder."""
    settings = Settings.from_env({})
    assert settings.models_folder != settings.data_folder
    assert settings.models_folder.is_absolute()
    assert settings.data_folder.is_absolute()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://store:6379/0", "redis://store:6379/0"),
        ("redis://:pw@store:6379/0?db=2&password=pw", "redis://:…@store:6379/0?db=2&password=…"),
        ("rediss://ann:pw@store", "rediss://ann:…@store"),
        ("redis://ann:a/pw?pw://pw@store:1/0", "redis://ann:…@store:1/0"),
        ("https://pw@store/x", "https://…@store/x"),
        ("https://store:6333/?key=pw", "https://store:6333/?key=…"),
        ("unix:///run/valkey.sock?db=1", "unix:///run/valkey.sock?db=1"),
        ("pw@store:6379", "…@store:6379"),
        ("http://[::1]:80/v1", "http://[::1]:80/v1"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str):
    """Only those are left out, and whatever stands before the host in odd characters."""
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("REDIS_URL", "redis://u:hunter2/x@127.0.0.1:1/0"),
        ("REDIS_URL", "redis://u:2/hunter2@127.0.0.1:1/0"),
        ("REDIS_URL", "redis://u#hunter2@127.0.0.1:1/0"),
        ("REDIS_URL", "redis+cluster://u:pw@one:7000,two:hunter2"),
        ("REDIS_URL", "redis+sentinel://u:pw@one:70000,two:7000/hunter2"),
        ("QDRANT_URL", "http://hunter2:70000"),
        ("QDRANT_URL", "http://ann:hunter2"),
        ("QDRANT_URL", "http://[hunter2"),
        ("ATTUNE_MODEL_URL", "http://u:hunter2/ss@127.0.0.1:1/v1"),
    ],
)
def test_an_address_that_cannot_be_read_is_not_repeated(name: str, url: str):
    """Any of it may be a password, whose odd characters are to be written otherwise."""
    with pytest.raises(ConfigurationError, match=f"{name}: the address cannot be read.*/ as %2F, @ as %40") as caught:
        Settings.from_env({name: url})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "REDIS://store",
        "redis://:p%2Fw@[::1]:6379/0?password=a@b",
        "redis+cluster://u:p%40@one:7000,two:7000",
        "rediss+sentinel://one:26379,two/service/0",
        "unix:///run/a@b.sock?db=1",
    ],
)
def test_an_address_that_can_be_read_is_taken(url: str):
    settings = Settings.from_env({"REDIS_URL": url})
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == url


def test_a_bad_address_is_named_without_its_password():
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env({"QDRANT_URL": "ftp://ann:hunter2@store"})
    assert "ftp://ann:…@store" in str(caught.value)
    assert "hunter2" not in str(caught.value)
