from __future__ import annotations

import pytest

from tests.network.server import Server, reply
from zhicheng.kernel.errors import PeerFailed
from zhicheng.network.fetch import Fetcher, Request
from zhicheng.network.guard import Guard, Resolve, category


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("93.184.216.34", "public"),
        ("2606:4700::1111", "public"),
        ("10.1.2.3", "private"),
        ("172.31.0.1", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("fd00::1", "private"),
        ("127.8.8.8", "loopback"),
        ("::1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::7f00:1", "loopback"),
        ("2002:7f00:1::", "loopback"),
        ("169.254.169.254", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("0.0.0.0", "reserved"),
        ("224.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::127.0.0.1", "private"),
        ("::ffff:0:127.0.0.1", "private"),
        ("64:ff9b:1::7f00:1", "private"),
        ("fec0::1", "private"),
    ],
)
def test_categories(address: str, kind: str) -> None:
    assert category(address) == kind


def resolving(*answers: list[str]) -> tuple[list[str], Resolve]:
    asked: list[str] = []
    script = list(answers)

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return script.pop(0) if len(script) > 1 else script[0]

    return asked, resolve


async def test_configured_host_may_be_anywhere_others_only_public() -> None:
    _, resolve = resolving(["10.0.0.5"])
    guard = Guard("data.city.example", resolve)
    with pytest.raises(PeerFailed, match="is at a private address"):
        await guard.addresses("other.example", 80)
    assert await guard.addresses("Data.City.Example.", 80) == ["10.0.0.5"]
    assert await guard.addresses("other.example", 80) == ["10.0.0.5"]  # the configured host itself is private
    for address in ("127.0.0.1", "[::1]", "169.254.169.254"):
        with pytest.raises(PeerFailed):
            await guard.addresses(address, 80)


async def test_a_configured_name_that_was_public_does_not_turn_inward() -> None:
    _, resolve = resolving(["93.184.216.34"], ["8.8.8.8"], ["169.254.169.254"])
    guard = Guard("data.city.example", resolve)
    assert await guard.addresses("data.city.example", 80) == ["93.184.216.34"]
    assert await guard.addresses("data.city.example", 80) == ["8.8.8.8"]
    with pytest.raises(PeerFailed, match="is at a link-local address now"):
        await guard.addresses("data.city.example", 80)


async def test_one_bad_address_among_good_ones_is_enough() -> None:
    _, resolve = resolving(["93.184.216.34", "127.0.0.1"])
    with pytest.raises(PeerFailed, match="loopback"):
        await Guard(None, resolve).addresses("both.example", 80)


async def test_a_public_feed_cannot_redirect_inside(server: Server) -> None:
    # public.example leads to the test's own server, so a redirect from there to loopback is allowed;
    # one to a link-local address, as clouds keep their keys at, is not
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    server.routes["/data"] = reply(b"", 302, {"Location": "http://169.254.169.254/latest/meta-data"})
    fetcher = Fetcher(Request(server.url("/data", "public.example")), resolve=resolve)
    with pytest.raises(PeerFailed, match=r"169.254.169.254 is at a link-local address"):
        await fetcher.get()
    await fetcher.close()


async def test_connects_to_the_address_that_was_checked(server: Server) -> None:
    """A name that changes its answer between check and use (DNS rebinding) is asked once a connection only."""
    asked, resolve = resolving(["127.0.0.1"], ["10.255.255.1"])
    server.routes["/data"] = reply(b"data")
    fetcher = Fetcher(Request(server.url("/data", "rebinding.example")), resolve=resolve)
    answer = await fetcher.get()
    assert answer is not None and answer.body == b"data" and asked == ["rebinding.example"]
    assert server.seen[0][1]["host"] == f"rebinding.example:{server.port}"
    await fetcher.close()


async def test_unknown_names_say_so() -> None:
    async def nobody(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    fetcher = Fetcher(Request("http://nowhere.example/"), resolve=nobody)
    with pytest.raises(PeerFailed, match=r"nowhere.example cannot be resolved"):
        await fetcher.get()
    await fetcher.close()
