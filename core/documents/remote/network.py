"""Where a host lies: on the open network, on the operator's own, or where a cloud tells its machines their secrets.

Whatever is named is looked at once, when it is named (`check_reach`). Websites are guarded at every request, too: Git
and the libraries behind fsspec find their hosts themselves. A host that is named by its number is not looked up then.
"""

from __future__ import annotations

import asyncio
import ipaddress
import shlex
import socket
from collections.abc import Container
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit
from urllib.request import getproxies

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from core.documents.remote.addresses import WEB, Reach, scheme_of
from core.errors import DocumentError

_SECRETS = tuple(  # where clouds tell machines who they are
    ipaddress.ip_network(one)
    for one in (
        *("169.254.0.0/16", "100.100.100.200/32", "192.0.0.192/32"),
        *("fd00:ec2::254/128", "fd20:ce::254/128", "fe80::a9fe:a9fe/128"),
    )
)
_HOSTLESS = {"s3", "s3a", "gs", "gcs", "github", "git+file"}  # what stands there is no host's name
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_OWN_NAMES = ("localhost", ".localhost", ".local", ".internal", ".lan", ".home.arpa")


class GuardedNetwork(AbstractResolver):
    """Finds hosts, but none on the operator's own network unless `private`, and never a cloud's secrets.

    None is this machine unless `here`. `proxies` are hosts that the operator has requests sent to, wherever they are.
    """

    def __init__(self, *, private: bool, here: bool = True, proxies: Container[str] = ()) -> None:
        self._private = private
        self._here = here
        self._proxies = proxies
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Its addresses."""
        found = await self._inner.resolve(host, port, family)
        if host in self._proxies:
            return found
        if any(holds_secrets(one["host"]) for one in found):
            raise OSError(None, f"{host} leads to an address at which clouds keep secrets")
        if not self._private and any(is_private(one["host"]) for one in found):
            raise OSError(None, f"{host} has moved into a private network")
        if not self._here and any(_is_here(one["host"]) for one in found):
            raise OSError(None, f"{host} has moved to the machine where Attune runs")
        return found

    async def close(self) -> None:
        """Nothing is held."""


def proxies() -> frozenset[str]:
    """The hosts that the environment has requests sent to."""
    named = [url for scheme, url in getproxies().items() if scheme in {"http", "https"}]  # what aiohttp asks
    return frozenset(filter(None, (urlsplit(url if "://" in url else f"http://{url}").hostname for url in named)))


def is_private(host: str) -> bool:
    """Whether an IP address is not one of the open network; a name is none."""
    address = _address(host)
    return address is not None and not address.is_global


def holds_secrets(host: str) -> bool:
    """Whether an IP address is one at which clouds tell their machines secrets; a name is none."""
    address = _address(host)
    return address is not None and any(address in network for network in _SECRETS)


async def check_reach(address: str, reach: Reach) -> None:
    """See that the host of an address, as it is found now, may be asked.

    Raises:
        DocumentError: it lies further away than `reach`, or where a cloud keeps secrets.
    """
    hosts = await _hosts(address)
    if any(map(holds_secrets, hosts)):
        raise DocumentError(f"{address} leads to where clouds keep the secrets of their machines. That is never read.")
    if reach is not Reach.MACHINE and any(map(_is_here, hosts)):
        raise DocumentError(
            f"{address} leads to the machine where Attune runs, where the web console reads no addresses. "
            f"If that is meant, on that machine: attune ingest {shlex.quote(address)}"
        )
    if reach is Reach.OPEN and any(map(is_private, hosts)):
        raise DocumentError(
            f"{address} lies on your own network. Set ATTUNE_CONSOLE_PRIVATE=yes for the web console to read such "
            f"addresses, or on the machine where Attune runs: attune ingest {shlex.quote(address)}"
        )


async def lies_in_private(address: str) -> bool:
    """Whether the host of an address is on a private network, as it is found now."""
    return any(map(is_private, await _hosts(address)))


async def _hosts(address: str) -> list[str]:
    """The IP addresses that the host of an address has now; none where it has no host, or nobody knows it."""
    host = "" if scheme_of(address) in _HOSTLESS else urlsplit(address).hostname or ""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None) if host else []
    except (OSError, UnicodeError):
        return []
    return [str(one[4][0]) for one in found]


def is_known_private(address: str) -> bool:
    """Whether whoever names an address sees that it lies on a private network: by its number, or its host's ending."""
    host = (urlsplit(address).hostname or "").rstrip(".")
    return is_private(host) or host.endswith(_OWN_NAMES) or ("." not in host and ":" not in host)


async def is_open(address: str) -> bool:
    """Whether this is an address of the web whose host is on the open network."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    return parts.scheme in WEB and host != "" and not is_private(host) and not await lies_in_private(address)


async def leads_away(before: str, target: str) -> DocumentError:
    """What is said of a redirect to another host; as a server chose it, only what lies on the open web is proposed."""
    said = f"{before} leads to {target}, which lies on another host."
    parts = urlsplit(target)
    if "@" in parts.netloc or is_known_private(target) or not await is_open(target):
        return DocumentError(said)
    return DocumentError(f"{said} If that is meant: attune ingest {shlex.quote(target)}")


def _is_here(host: str) -> bool:
    address = _address(host)
    return address is not None and (address.is_loopback or address.is_unspecified)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a host is, or the one of version 4 that it stands for."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0].strip("[]"))
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
