"""Addresses of several servers in one: those of a cluster, or of the sentinels that watch over a server and its copies.

    redis+cluster://user:password@one:7000,two:7000
    redis+sentinel://user:password@one:26379,two:26379,three:26379/service/0?sentinel_password=other

With `rediss+` in the place of `redis+` connections are encrypted. Behind the question mark may stand what redis-py
takes for a connection. Knows nothing of how anything there is reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from redis.asyncio.connection import SSLConnection, parse_url

from core.errors import ConfigurationError

CLUSTER, SENTINEL = "cluster", "sentinel"
PATIENCE: Mapping[str, Any] = {"socket_connect_timeout": 5, "health_check_interval": 30}  # seconds
_PORTS = {CLUSTER: 6379, SENTINEL: 26379}


@dataclass(frozen=True, slots=True)
class ServerAddresses:
    """Where servers are; `service` is what sentinels call the one that is meant, `options` are for connections."""

    places: tuple[tuple[str, int], ...]
    service: str
    options: Mapping[str, Any]
    of_sentinels: Mapping[str, Any]  # options for connections to them


def kind_of(url: str) -> str:
    """Of what the address is; empty where it is of one server."""
    return url.partition("://")[0].partition("+")[2]


def parse(url: str) -> ServerAddresses:
    """Take an address apart.

    Raises:
        ConfigurationError: it is none.
    """
    kind = kind_of(url)
    try:
        return _parsed(kind, urlsplit(url))
    except ValueError as error:
        example = "one:26379,two:26379/service" if kind == SENTINEL else "one:7000,two:7000"
        raise ConfigurationError(
            f"REDIS_URL is no address of a {kind} ({error}). Write it like redis+{kind}://user:password@{example}."
        ) from None


def _parsed(kind: str, parts: Any) -> ServerAddresses:
    scheme = parts.scheme.partition("+")[0]
    who, _, where = parts.netloc.rpartition("@")
    service, _, database = unquote(parts.path).strip("/").partition("/")
    found = [parse_url(f"{scheme}://{one}") for one in where.split(",")]
    places = tuple((str(one["host"]), int(one.get("port", _PORTS[kind]))) for one in found if "host" in one)
    if len(places) < len(found):
        raise ValueError("a host is missing")
    if kind == SENTINEL and not service:
        raise ValueError("the name of the service is missing")
    options: dict[str, Any] = dict(parse_url(f"{scheme}://{who}@host/{database or 0}?{parts.query}"))
    options |= {"ssl": True} if options.pop("connection_class", None) is SSLConnection else {}
    del options["host"]
    theirs = {name.partition("_")[2]: options.pop(name) for name in [*options] if name.startswith("sentinel_")}
    return ServerAddresses(places, service, {**PATIENCE, **options}, {**PATIENCE, **theirs})
