"""The sender of notifications against targets and receivers that mean no good."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator

import pytest

from tests.hub.subscriptions.receivers import Answering, Receiver, dribbling, endless, receiving, saying
from zhicheng.kernel.errors import Invalid, PeerFailed
from zhicheng.kernel.instants import SECOND
from zhicheng.network.post import Poster, target

TLS = ssl.create_default_context()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


def poster(url: str, *allowed: str, headers: tuple[tuple[str, str], ...] = (), **more: object) -> Poster:
    return Poster(target(url, headers), TLS, allowed=allowed, **more)  # type: ignore[arg-type]  # tests hand in resolvers


async def post(one: Poster, within: int = 2 * SECOND) -> None:
    try:
        await one.post(b"{}", [(b"Content-Type", b"application/json")], within)
    finally:
        await one.close()


async def test_it_arrives_with_its_headers(receiver: Receiver) -> None:
    await post(poster(receiver.url + "?a=1", "127.0.0.1", headers=(("X-Key", "secret"),)))
    [received] = receiver.seen
    assert (received.target, received.body, received.headers["x-key"]) == ("/notify?a=1", b"{}", "secret")
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://2130706433/", "http://0x7f.1/", "http://127.1/",
        "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
        "http://169.254.169.254/latest/meta-data", "http://[fe80::1]/", "http://10.0.0.1/", "http://192.168.0.1/",
        "http://172.16.0.1/", "http://100.64.0.1/", "http://[fd00::1]/", "http://0.0.0.0/", "http://[::]/",
        "http://224.0.0.1/", "http://255.255.255.255/", "http://LOCALHOST./", "http://127.0.0.1%2f@example.org/",
    ],
)  # fmt: skip
async def test_what_is_inside_is_refused_however_it_is_written(url: str) -> None:
    with pytest.raises((PeerFailed, Invalid)) as refused:
        await post(poster(url))
    assert (
        isinstance(refused.value, Invalid)
        or refused.value.facts.get("refused") == "address"
        or "resolved" in str(refused.value)
    )


async def test_only_the_port_that_is_named_is_allowed(receiver: Receiver) -> None:
    await post(poster(receiver.url, f"127.0.0.1:{receiver.port}"))
    with pytest.raises(PeerFailed, match="loopback"):
        await post(poster(receiver.url, "127.0.0.1:1"))
    with pytest.raises(PeerFailed, match="loopback"):
        await post(poster(f"http://[::ffff:127.0.0.1]:{receiver.port}/", f"127.0.0.1:{receiver.port}"))
    assert len(receiver.seen) == 1


async def test_a_name_that_turns_inward_after_the_check_is_refused(receiver: Receiver) -> None:
    answers = [["93.184.216.34"], ["127.0.0.1"]]

    async def rebinding(_: str, __: int) -> list[str]:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    one = poster(f"http://evil.example:{receiver.port}/", resolve=rebinding)
    await one.check()
    with pytest.raises(PeerFailed, match="loopback"):
        await post(one)
    assert not receiver.seen


async def test_one_inner_address_among_many_is_enough_to_refuse() -> None:
    async def mixed(_: str, __: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    with pytest.raises(PeerFailed, match="private"):
        await post(poster("http://mixed.example/", resolve=mixed))


@pytest.mark.parametrize(
    ("answering", "said"),
    [
        (saying(302, "Location: http://169.254.169.254/\r\n"), "redirect"),
        (saying(500), "answers 500"),
        (saying(404), "answers 404"),
        (dribbling, "did not answer within"),
        (saying(200, after=5), "did not answer within"),
    ],
)
async def test_a_bad_receiver_ends_in_an_error_that_says_so(
    receiver: Receiver, answering: Answering, said: str
) -> None:
    receiver.answer = answering
    began = time.monotonic()
    with pytest.raises(PeerFailed, match=said) as failed:
        await post(poster(receiver.url, "127.0.0.1"), SECOND // 2)
    assert failed.value.zh and time.monotonic() - began < 2
    assert len(receiver.seen) == 1


async def test_an_endless_answer_is_cut_off(receiver: Receiver) -> None:
    receiver.answer = endless
    began = time.monotonic()
    await post(poster(receiver.url, "127.0.0.1"))
    assert time.monotonic() - began < 1


async def test_how_long_a_receiver_asks_to_be_left_alone_is_told(receiver: Receiver) -> None:
    receiver.answer = saying(503, "Retry-After: 7\r\n")
    with pytest.raises(PeerFailed) as failed:
        await post(poster(receiver.url, "127.0.0.1"))
    assert failed.value.facts["retry_after"] == 7 * SECOND


async def test_nobody_there() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(PeerFailed, match="cannot be reached"):
        await post(poster(f"http://127.0.0.1:{port}/", "127.0.0.1"))


async def test_a_proxy_of_the_environment_is_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, receiver.url)
    with pytest.raises(PeerFailed, match="loopback"):
        await post(poster("http://127.0.0.1:1/"))
    assert not receiver.seen


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "b"), ("content-length", "3"), ("X Y", "1"), ("X", "a\r\nB: c"), ("X", "a\nb"), ("X", "\x00"),
        ("X", "键"), ("", "1"), ("X:", "1"), ("Transfer-Encoding", "chunked"), ("Connection", "close"),
    ],
)  # fmt: skip
def test_headers_that_would_smuggle_are_refused(name: str, value: str) -> None:
    with pytest.raises(Invalid):
        target("http://a.example/", [(name, value)])


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "ftp://a.example/",
        "http://",
        "http:///x",
        "http://u:p@a.example/",
        "file:///etc/passwd",
        "http://a b/",
        "http://[::1/",
    ],
)
def test_what_is_no_target_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        target(url)
