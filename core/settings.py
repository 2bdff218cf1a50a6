"""All settings, read once from the environment, `.env` and `attune.toml`.

The only module that reads the environment, and it is handed to it. Knows nothing of what the settings mean.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator

from core.collection_settings import CollectionSettings
from core.domain import Mode
from core.errors import ConfigurationError
from core.settings_files import read_env, read_toml, secrets_file
from core.text.words import whole_number

_REDIS_SCHEMES = tuple(f"{scheme}{kind}" for kind in ("", "+cluster", "+sentinel") for scheme in ("redis", "rediss"))
ADVANCED = frozenset(  # with defaults that hardly anybody changes
    {
        "ATTUNE_TELEGRAM_WEBHOOK_SECRET",
        "ATTUNE_TELEGRAM_STREAMING",
        "ATTUNE_TELEGRAM_API",
        "ATTUNE_SLACK_API",
        "ATTUNE_SLACK_CONFIG_TOKEN",
        "ATTUNE_WORKSPACE_MINUTE",
        "ATTUNE_API_MINUTE",
        "ATTUNE_CONSOLE_URL",
        "ATTUNE_CONSOLE_PRIVATE",
        "ATTUNE_WAITING",
        "ATTUNE_GRACE",
        "ATTUNE_MODEL_TIMEOUT",
        "ATTUNE_THREADS",
        "ATTUNE_PASSAGES",
        "ATTUNE_FOLLOWING",
        "ATTUNE_FURTHER",
        "ATTUNE_PASSAGE_TOKENS",
        "ATTUNE_HISTORY_TOKENS",
        "ATTUNE_ANSWER_TOKENS",
        "ATTUNE_DECODING",
        "ATTUNE_TEMPERATURE",
        "ATTUNE_TOP_P",
        "ATTUNE_CACHE_MB",
        "ATTUNE_CACHE_DISK_MB",
        "ATTUNE_BATCH_MB",
        "ATTUNE_RELEVANCE",
        "QDRANT_COLLECTION",
        "QDRANT_SHARDS",
        "QDRANT_REPLICAS",
        "QDRANT_WRITE_CONSISTENCY",
        "QDRANT_QUANTISATION",
        "QDRANT_ON_DISK",
    }
)
REMOVED = {
    **dict.fromkeys(
        ("ATTUNE_SLACK_CLIENT_ID", "ATTUNE_SLACK_CLIENT_SECRET", "ATTUNE_SLACK_KEY", "ATTUNE_SLACK_URL"),
        "a bot serves one Slack workspace, that of ATTUNE_SLACK_BOT_TOKEN.",
    ),
    "ATTUNE_TRACES": "ATTUNE_METRICS has the figures, and the log the rest.",
}
"""Former settings, and why they are gone."""

_NO_ADDRESS = (
    "the address cannot be read: it needs a host, and a port is a number up to 65535. In a password, write "
    "/ as %2F, @ as %40, : as %3A and # as %23"
)
_HOST_AND_PORT = re.compile(r"\S+:[0-9]{1,5}")


class Settings(CollectionSettings):
    """Every setting with its default. The environment wins over `.env`, and that over `attune.toml`."""

    home: Path | None = Field(
        None,
        alias="ATTUNE_HOME",
        description="folder for models and data; unset: the system's cache and data folders",
    )
    model: str = Field(
        "attune-reader-1.5b",
        alias="ATTUNE_MODEL",
        description="the language model: a name, hf:org/name or a path; with ATTUNE_MODEL_URL, its name on that server",
    )
    adapter: str | None = Field(
        None,
        alias="ATTUNE_ADAPTER",
        description="your own LoRA adapter in PEFT's layout, merged into the language model: a path or hf:org/name; "
        "with ATTUNE_MODEL_URL, the one that the server's model uses",
    )
    model_url: str | None = Field(
        None,
        alias="ATTUNE_MODEL_URL",
        description="an OpenAI-compatible server that runs the language model, such as http://127.0.0.1:8000/v1, or "
        "Attune's own on a Ray cluster, such as ray+http://127.0.0.1:8000; unset: it runs on this machine",
    )
    model_key: SecretStr | None = Field(None, alias="ATTUNE_MODEL_KEY", description="the model server's API key")
    model_timeout: float = Field(
        120.0,
        ge=1,
        le=3600,
        alias="ATTUNE_MODEL_TIMEOUT",
        description="seconds that the model server may stay silent, before its first word or between words",
    )
    embedder: str = Field(
        "attune-embedder",
        alias="ATTUNE_EMBEDDER",
        description="the embedding model: a name, hf:org/name or a path; unset: the one the index was made with",
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", alias="ATTUNE_DEVICE", description="where the models run: auto, cpu, cuda or mps"
    )
    threads: int = Field(
        0, ge=0, le=256, alias="ATTUNE_THREADS", description="CPU threads for the models; 0: all cores"
    )
    passages: int = Field(4, ge=1, le=16, alias="ATTUNE_PASSAGES", description="passages that an answer is based on")
    following: int = Field(
        2,
        ge=0,
        le=8,
        alias="ATTUNE_FOLLOWING",
        description="further passages to read where the best passage's document continues",
    )
    further: int = Field(
        8,
        ge=0,
        le=32,
        alias="ATTUNE_FURTHER",
        description="passages to read before a question is refused, where those of ATTUNE_PASSAGES hold no answer; "
        "by a model that judges first",
    )
    passage_tokens: int = Field(
        200, ge=50, le=500, alias="ATTUNE_PASSAGE_TOKENS", description="maximum tokens in a passage"
    )
    history_tokens: int = Field(
        400,
        ge=0,
        le=4000,
        alias="ATTUNE_HISTORY_TOKENS",
        description="tokens of earlier turns that the model reads",
    )
    answer_tokens: int = Field(
        400, ge=16, le=4000, alias="ATTUNE_ANSWER_TOKENS", description="maximum tokens in an answer"
    )
    decoding: Mode = Field(
        Mode.SEQUENCE,
        alias="ATTUNE_DECODING",
        description="how passages are combined into an answer: sequence, token or stuffed",
    )
    temperature: float = Field(
        0.0, ge=0, le=2, alias="ATTUNE_TEMPERATURE", description="sampling temperature; 0: always the likeliest answer"
    )
    top_p: float = Field(
        1.0, gt=0, le=1, alias="ATTUNE_TOP_P", description="nucleus sampling: the probability mass to sample from"
    )
    cache_mb: int = Field(
        1024,
        ge=0,
        le=1_000_000,
        alias="ATTUNE_CACHE_MB",
        description="MB of memory that cache what the model has read",
    )
    cache_disk_mb: int = Field(
        2048,
        ge=0,
        le=10_000_000,
        alias="ATTUNE_CACHE_DISK_MB",
        description="MB of disk that cache what the model has read, for all processes together; 0: none",
    )
    batch_mb: int = Field(
        1024,
        ge=1,
        le=1_000_000,
        alias="ATTUNE_BATCH_MB",
        description="MB of memory for answers in progress; beyond it, answers wait",
    )
    relevance: float = Field(
        0.2,
        ge=-1,
        le=1,
        alias="ATTUNE_RELEVANCE",
        description="cosine similarity below which no passage counts as found",
    )
    certainty: float = Field(
        0.65,
        ge=0,
        le=1,
        alias="ATTUNE_CERTAINTY",
        description="how probable it must be that the documents hold the answer; 0: always answer",
    )
    usage: bool = Field(
        default=True,
        alias="ATTUNE_USAGE",
        description="whether to record unanswered questions and which documents were cited, for `gaps` and `sources`",
    )
    keep: int = Field(
        400,
        ge=0,
        le=36_500,
        alias="ATTUNE_KEEP",
        description="days to keep questions, answers, traces and gaps, and, counted from its last use, what people set "
        "and what was learned about them; 0: forever",
    )
    allow: str = Field(
        "",
        alias="ATTUNE_ALLOW",
        description="who gets answers in Slack and Telegram, separated by commas: person:telegram//1234, "
        "channel:telegram//-100678, workspace:slack/T012, group:slack/T012/S345 …; others need a pairing code "
        "from `attune pair`",
    )
    operators: str = Field(
        "",
        alias="ATTUNE_OPERATORS",
        description="who may also see gaps and usage and teach everyone, written as in ATTUNE_ALLOW",
    )
    documents: str | None = Field(
        None,
        alias="ATTUNE_DOCUMENTS",
        description="folder, file or address that the first `attune ingest` reads where none is named",
    )
    courses: Path | None = Field(
        None,
        alias="ATTUNE_COURSES",
        description="folder with the courses of the team, a `.toml` file for each, or one such file; unset: `courses` "
        "in the data folder",
    )
    digest_gaps: bool = Field(
        default=True,
        alias="ATTUNE_DIGEST_GAPS",
        description="whether the digests of operators list unanswered questions, once a week",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", alias="ATTUNE_LOG_LEVEL", description="debug, info, warning or error"
    )
    redis_url: SecretStr | None = Field(
        None,
        alias="REDIS_URL",
        description="a Redis or Valkey server, a Cluster (redis+cluster://one:6379,two:6379), or the server that "
        "Sentinels name (redis+sentinel://one:26379,two:26379/service); unset: an embedded one",
    )
    qdrant_url: str | None = Field(None, alias="QDRANT_URL", description="a Qdrant server; unset: an embedded index")
    qdrant_api_key: SecretStr | None = Field(None, alias="QDRANT_API_KEY", description="the Qdrant server's API key")

    @field_validator("home", "courses", mode="after")
    @classmethod
    def _expand(cls, value: Path | None) -> Path | None:
        try:
            return value.expanduser().absolute() if value else None
        except RuntimeError:
            raise ValueError("there is no such home folder: write the whole path") from None

    @field_validator("embedder")
    @classmethod
    def _as_built_in(cls, value: str) -> str:
        return value.lower() if re.fullmatch(r"[\w.-]+", value) and not Path(value).exists() else value

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: SecretStr | None) -> SecretStr | None:
        _check_scheme(value.get_secret_value() if value else None, (*_REDIS_SCHEMES, "unix"))
        return value

    @field_validator("model_url")
    @classmethod
    def _model_scheme(cls, value: str | None) -> str | None:
        _check_scheme(value, ("http", "https", "ray+http", "ray+https"))
        return value

    @field_validator("qdrant_url", "telegram_webhook", "telegram_api", "slack_api", "console_url")
    @classmethod
    def _http_scheme(cls, value: str | None) -> str | None:
        _check_scheme(value, ("http", "https"))
        return value

    @field_validator("metrics", "api", "telegram_listen", "slack_listen", "console")
    @classmethod
    def _host_and_port(cls, value: str, info: ValidationInfo) -> str:
        named = _HOST_AND_PORT.fullmatch(value) and whole_number(value.rpartition(":")[2], 65_535) is not None
        if not named and not (value == "off" and info.field_name in {"metrics", "api", "console"}):
            raise ValueError("give a host and a port, such as 127.0.0.1:8080")
        return value

    @property
    def models_folder(self) -> Path:
        """Where models are kept: everything in it can be downloaded again."""
        return self.home / "models" if self.home else _own(platformdirs.user_cache_path)

    @property
    def data_folder(self) -> Path:
        """Where index and memory are kept: nothing in it can be recovered from elsewhere."""
        return self.home / "data" if self.home else _own(platformdirs.user_data_path)

    @property
    def learned_folder(self) -> Path:
        """Where lessons are kept."""
        return self.data_folder / "learned"

    @property
    def courses_folder(self) -> Path:
        """Where the team's courses are; nobody has to make any."""
        return self.courses or self.data_folder / "courses"

    @property
    def read_folder(self) -> Path:
        """Where the model's cache of passages is kept: it can be rebuilt."""
        return self.data_folder / "read"

    @classmethod
    def from_env(cls, environ: Mapping[str, str], file: Path | None = None) -> Self:
        """Read the settings from `environ`, `file` (an `attune.toml`, with the same names) and the `.env` beside it.

        An empty value counts as unset, as compose files write it. Other programs may have variables in `.env`.

        Raises:
            ConfigurationError: an unknown key or a bad value; the message names it and the fix.
        """
        names = settings_names()
        values = _read_file(file, names) if file else {}
        secrets = secrets_file(file) if file else None
        for found, place in ((read_env(secrets) if secrets else {}, str(secrets)), (environ, "the environment")):
            mistyped = [key for key in found if key.startswith("ATTUNE_") and key not in names]
            if mistyped:
                raise ConfigurationError(_unknown(mistyped[0], names, place))
            values |= {key: found[key] for key in names if found.get(key)}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigurationError(_explain(error)) from None


def settings_names() -> list[str]:
    """The names of all settings, as the environment and `attune.toml` spell them."""
    return [field.alias or name for name, field in Settings.model_fields.items()]


def secret_names() -> list[str]:
    """The names of the settings that are secrets."""
    secret = (field for field in Settings.model_fields.values() if "SecretStr" in str(field.annotation))
    return [field.alias for field in secret if field.alias]


def shown_url(url: str) -> str:
    """`url` without what it has of secrets: `…` stands for a password, for a lone name before the host, and in queries.

    Rather too little is shown than too much: whatever stands before the last `@` may be a password with odd characters.
    """
    scheme, there, rest = url.partition("://") if "://" in url else ("", "", url)
    user, at, rest = rest.rpartition("@")
    name, colon, _ = user.partition(":") if there else ("", "", "")
    place, question, query = rest.partition("?")
    asked = [part if part.startswith("db=") else f"{part.partition('=')[0]}=…" for part in query.split("&") if query]
    return f"{scheme}{there}{f'{name}:' if colon else ''}{f'…{at}' if at else ''}{place}{question}{'&'.join(asked)}"


def place_of(name: str, environ: Mapping[str, str], file: Path) -> str:
    """Where the setting `name`, which is set, is from."""
    if environ.get(name):
        return "environment"
    secrets = secrets_file(file)
    return str(secrets if read_env(secrets).get(name) else file)


def _own(folder: Callable[..., Path]) -> Path:
    """A folder of this user's own.

    Raises:
        ConfigurationError: this user has no home.
    """
    try:
        return folder("attune", appauthor=False)
    except RuntimeError:
        raise ConfigurationError(
            "This user has no home folder. Set ATTUNE_HOME, or HOME, to a folder that this user may write to."
        ) from None


def _read_file(file: Path, names: list[str]) -> dict[str, Any]:
    values = read_toml(file)
    for key in values:
        if key not in names:
            raise ConfigurationError(_unknown(key, names, str(file)))
    return values


def _check_scheme(url: str | None, schemes: tuple[str, ...]) -> None:
    if url is None:
        return
    if url.partition("://")[0].lower() not in schemes or "://" not in url:
        raise ValueError("the address must begin with " + " or ".join(f"{scheme}://" for scheme in schemes))
    try:
        is_whole = _has_hosts(url)
    except ValueError:  # which says part of what may be a password
        is_whole = False
    if not is_whole:
        raise ValueError(_NO_ADDRESS)


def _has_hosts(url: str) -> bool:
    """Whether the host and port of each server in `url` can be read.

    Raises:
        ValueError: they cannot.
    """
    parts = urlsplit(url)
    servers = [urlsplit(f"//{one}") for one in parts.netloc.rpartition("@")[2].split(",")]
    named = [server.hostname for server in servers if server.port is None or server.port]
    if parts.scheme in _REDIS_SCHEMES:  # a password's end would be a database; no host is the server here
        return len(named) == len(servers) and "@" not in parts.path + parts.fragment
    return parts.scheme == "unix" or all((*named, len(named) == len(servers)))


def _unknown(key: str, names: list[str], place: str) -> str:
    if key in REMOVED:
        return f"{key} in {place} is no longer a setting: {REMOVED[key]} Remove it."
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"The settings are: {', '.join(names)}."
    return f"{key} in {place} is not a setting. {hint}"


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        name = str(problem["loc"][0])
        field = next(field for field in Settings.model_fields.values() if field.alias == name)
        reason = problem["msg"].removeprefix("Value error, ")
        secret = "SecretStr" in str(field.annotation) or reason == _NO_ADDRESS  # who knows what of it is a password
        shown = "" if secret else f" (it is {shown_url(str(problem['input']))!r})"
        lines.append(f"{name}{shown}: {reason}. The setting: {field.description}.")
    return "\n".join(lines)
