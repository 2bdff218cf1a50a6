"""Which hosts websites are asked for at, and which addresses are proposed to whoever was led elsewhere."""

from __future__ import annotations

from unittest.mock import AsyncMock

import aiohttp
import pytest

from core.documents.remote import network
from core.documents.remote.addresses import Reach
from core.documents.remote.network import GuardedNetwork, check_reach, is_known_private, is_private, leads_away
from core.documents.remote.web_client import web_fetcher
from core.errors import DocumentError
from tests.doubles.website import served_site


def found_at(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    found = [{"hostname": "name", "host": host} for host in hosts]
    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", AsyncMock(return_value=found))


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.170.2",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
    ],
)
async def test_no_name_leads_to_the_secrets_of_a_cloud(
    host: str, monkeypatch: pytest.MonkeyPatch, *, private: bool
) -> None:
    """Also where the operator's own network is meant, and where only one of its addresses is such."""
    found_at(monkeypatch, "10.0.0.1", host)
    with pytest.raises(OSError, match="clouds keep secrets"):
        await GuardedNetwork(private=private).resolve("wiki.example")


@pytest.mark.parametrize("host", ["10.0.0.1", "127.0.0.1", "::1", "fe80::1%eth0", "64:ff9b::a00:1", "fd12::1"])
async def test_a_private_host_is_found_where_it_is_meant(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found_at(monkeypatch, host)
    assert is_private(host)
    assert len(await GuardedNetwork(private=True).resolve("wiki.example")) == 1
    with pytest.raises(OSError, match="private network"):
        await GuardedNetwork(private=False).resolve("wiki.example")
    assert len(await GuardedNetwork(private=False, proxies={"wiki.example"}).resolve("wiki.example")) == 1


async def test_a_proxy_may_be_on_the_own_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests go through it by its name, and it looks for the site."""
    async with served_site() as proxy:
        proxy.write("http://example.invalid/leave", "<p>Thirty days.")
        proxy.write("/leave", "<p>Thirty days.")
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("127.0.0.1", "localhost"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with web_fetcher("http://example.invalid/", private=False) as fetcher:
            reply = await fetcher.get("http://example.invalid/leave")
    assert reply.data == b"<p>Thirty days."


@pytest.mark.parametrize(
    ("proxy", "host"),
    [("http://Proxy.lan:3128", "proxy.lan"), ("proxy.lan:3128", "proxy.lan"), ("http://u:p@[::1]:1", "::1")],
)
def test_proxies_are_known_by_their_hosts(proxy: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "getproxies", lambda: {"https": proxy, "no": "localhost"})
    assert network.proxies() == {host}


@pytest.mark.parametrize(
    ("target", "proposed"),
    [
        ("https://docs.example/a", "attune ingest https://docs.example/a"),
        ("https://docs.example/a;rm -rf ~", "attune ingest 'https://docs.example/a;rm -rf ~'"),
        ("https://docs.example/?a=1&b=$(x)", "attune ingest 'https://docs.example/?a=1&b=$(x)'"),
        ("https://docs.example/it's", "'https://docs.example/it'\"'\"'s'"),
        ("file:///etc/passwd", ""),
        ("git+file:///srv/secret", ""),
        ("http://169.254.169.254/latest", ""),
        ("http://localhost:9200/", ""),
        ("http://printer/", ""),
        ("http://[::1]/", ""),
        ("http://wiki.internal/", ""),
        ("https://me@docs.example/", ""),
        ("javascript:alert(1)", ""),
        ("//docs.example", ""),
    ],
)
async def test_only_the_open_web_is_proposed(target: str, proposed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a server chose is quoted where it stands in a command."""
    monkeypatch.setattr(network, "lies_in_private", AsyncMock(return_value=False))
    said = str(await leads_away("https://here.example/", target))
    assert target in said or proposed
    assert said.endswith(proposed) if proposed else "attune ingest" not in said


async def test_what_a_name_hides_is_not_proposed() -> None:
    """A name on the open web that leads to this machine."""
    assert is_known_private("http://10.0.0.1/")
    assert not is_known_private("https://docs.example/")
    assert not is_known_private("https://[2606:4700::1]/")


@pytest.mark.parametrize("reach", list(Reach))
@pytest.mark.parametrize(
    ("host", "lies"),
    [
        ("93.184.216.34", Reach.OPEN),
        ("2606:4700::1", Reach.OPEN),
        ("10.0.0.1", Reach.PRIVATE),
        ("fd12::1", Reach.PRIVATE),
        ("64:ff9b::a00:1", Reach.PRIVATE),
        ("127.0.0.1", Reach.MACHINE),
        ("::1", Reach.MACHINE),
        ("::ffff:127.0.0.1", Reach.MACHINE),
        ("0.0.0.0", Reach.MACHINE),  # noqa: S104
        ("169.254.169.254", None),
        ("fe80::a9fe:a9fe", None),
        ("2002:a9fe:a9fe::1", None),
    ],
)
@pytest.mark.parametrize("address", ["https://{}/a", "git+https://{}/a", "git+ssh://git@{}/a", "sftp://{}/a"])
async def test_nothing_is_named_that_lies_too_far_away(
    host: str, lies: Reach | None, address: str, reach: Reach
) -> None:
    """A cloud's secrets are asked for by nobody, however they are named."""
    named = address.format(f"[{host}]" if ":" in host else host)
    within = list(Reach)
    if lies is not None and within.index(lies) <= within.index(reach):
        await check_reach(named, reach)
    else:
        with pytest.raises(DocumentError, match="secrets" if lies is None else "attune ingest"):
            await check_reach(named, reach)


@pytest.mark.parametrize(
    "address", ["s3://localhost/a", "gs://localhost", "github://localhost:b@c/d", "git+file:///srv/a"]
)
async def test_a_bucket_is_no_host(address: str) -> None:
    await check_reach(address, Reach.OPEN)


async def test_a_name_that_was_named_from_afar_never_leads_here(monkeypatch: pytest.MonkeyPatch) -> None:
    found_at(monkeypatch, "127.0.0.1")
    with pytest.raises(OSError, match="the machine where Attune runs"):
        await GuardedNetwork(private=True, here=False).resolve("wiki.example")


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]"])
async def test_no_number_leads_to_the_secrets_of_a_cloud(host: str) -> None:
    """A number is not looked up, so that the guard of names does not see it; of a source from before, either."""
    async with web_fetcher(f"http://{host}/", private=True) as fetcher:
        with pytest.raises(DocumentError, match="secrets"):
            await fetcher.get(f"http://{host}/latest")
