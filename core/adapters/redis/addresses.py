"""Addresses of several servers in one: those of a cluster, or of the sentinels that watch over a server and its copies.

    redis+cluster://user:password@one:7000,two:7000
    redis+sentinel://user:password@one:26379,two:26379,three:26379/service/0?sentinel_password=other

With `rediss+` in the place of `redis+` all is encrypted, those to Sentinels as well (unless `sentinel_ssl=no`).
Behind the question mark may stand the options of a connection in `_OPTIONS`. Knows nothing of how anything is reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from redis.asyncio.connection import SSLConnection, parse_url, to_bool

from core.errors import ConfigurationError
from core.text.words import whole_number

CLUSTER, SENTINEL = "cluster", "sentinel"
PATIENCE: Mapping[str, Any] = {"socket_connect_timeout": 5, "health_check_interval": 30}  # seconds
_PORTS = {CLUSTER: 6379, SENTINEL: 26379}
_THEIRS = "sentinel_"  # before an option for connections to Sentinels
_OPTIONS = {
    *("username", "password", "client_name", "protocol", "health_check_interval"),
    *("socket_timeout", "socket_connect_timeout", "socket_read_size", "socket_keepalive"),
    *("ssl_ca_certs", "ssl_ca_data", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile"),
    *("ssl_min_version", "ssl_ciphers", "ssl_include_verify_flags", "ssl_exclude_verify_flags"),
}


@dataclass(frozen=True, slots=True)
class ServerAddresses:
    """Where servers are; `service` is what sentinels call the one that is meant, `options` are for connections."""

    places: tuple[tuple[str, int], ...]
    service: str
    options: Mapping[str, Any]
    of_sentinels: Mapping[str, Any]  # options for connections to them


class _AddressError(ValueError):
    """What is wrong with an address, in words that quote nothing of it: a password may stand anywhere."""


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
        own = isinstance(error, _AddressError)
        reason = error if own else "a port or an option is wrong, or a / ? # @ in the password is not written as %2F …"
        raise ConfigurationError(
            f"REDIS_URL is no address of a {kind} ({reason}). Write it like redis+{kind}://user:password@{example}."
        ) from None


def _parsed(kind: str, parts: Any) -> ServerAddresses:
    scheme = parts.scheme.partition("+")[0]
    who, _, where = parts.netloc.rpartition("@")
    service, _, database = unquote(parts.path).strip("/").partition("/")
    found = [parse_url(f"{scheme}://{one}") for one in where.split(",")]
    places = tuple((str(one["host"]), int(one.get("port", _PORTS[kind]))) for one in found if "host" in one)
    if len(places) < len(found):
        raise _AddressError("a host is missing")
    if kind == SENTINEL and not service:
        raise _AddressError("the name of the service is missing")
    if kind == CLUSTER and (service or "0", database) != ("0", ""):
        raise _AddressError("a cluster has one database alone, so no number or name may stand behind the hosts")
    if database and whole_number(database) is None:
        raise _AddressError("behind the name of the service stands the number of a database, or nothing")
    ours, theirs = _options(kind, parts.query, encrypted=scheme == "rediss")
    options: dict[str, Any] = dict(parse_url(f"{scheme}://{who}@host/{database or 0}?{urlencode(ours)}"))
    options |= {"ssl": True} if options.pop("connection_class", None) is SSLConnection else {}
    del options["host"]
    encryption = {name: value for name, value in options.items() if name.partition("_")[0] == "ssl"}
    if "ssl" in theirs:
        encryption["ssl"] = to_bool(theirs.pop("ssl"))
    theirs = dict(parse_url(f"redis://?{urlencode(theirs)}"))
    return ServerAddresses(places, service, {**PATIENCE, **options}, {**PATIENCE, **encryption, **theirs})


def _options(kind: str, query: str, *, encrypted: bool) -> tuple[dict[str, str], dict[str, Any]]:
    """Those for the servers, and those for their Sentinels."""
    given = dict(parse_qsl(query))
    theirs: dict[str, Any] = {
        name.removeprefix(_THEIRS): given.pop(name)
        for name in [*given]
        if kind == SENTINEL and name.startswith(_THEIRS)
    }
    if given.keys() - _OPTIONS - ({"db"} if kind == SENTINEL else set()) or theirs.keys() - _OPTIONS - {"ssl"}:
        raise _AddressError("behind the ? stands an option that is not for such a connection; leave it out")
    if not encrypted and any(name.startswith("ssl_") for name in given):
        raise _AddressError(f"ssl_ options are for encrypted connections; begin with rediss+{kind}")
    return given, theirs
