"""Which addresses we connect to: hosts that the configuration names anywhere, any other only at public addresses.

A redirect, or a name whose address changes between check and use, must not turn the platform into a door
to the machines behind it. So names are resolved here, every address is checked, and the connection goes
to a checked address, never to the name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

from zhicheng.kernel.errors import PeerFailed

Category = Literal["public", "private", "loopback", "link-local", "reserved"]
Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Gives the addresses of a host name; the system's resolver in service."""

_NAT64 = ip_network("64:ff9b::/96")
_GLOBAL = ip_network("2000::/3")
"""All that is given out of IPv6 for the whole world (RFC 4291). Beyond it lie old ways to write IPv4 addresses, a
site's own networks and its own translation to IPv4, which Python counts as global."""


async def system_resolve(host: str, port: int) -> list[str]:
    """The addresses that the system's resolver gives, in its order."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def category(address: str) -> Category:
    """What kind of address it is; IPv4 addresses inside IPv6 ones are looked at as such.

    >>> category("8.8.8.8"), category("::ffff:127.0.0.1"), category("169.254.169.254"), category("100.64.0.1")
    ('public', 'loopback', 'link-local', 'private')
    """
    one = _inner(ip_address(address.split("%", 1)[0]))
    if one.is_loopback:
        return "loopback"
    if one.is_link_local:
        return "link-local"
    if one.is_multicast or one.is_unspecified or (isinstance(one, IPv4Address) and one.is_reserved):
        return "reserved"
    return "public" if one.is_global and (isinstance(one, IPv4Address) or one in _GLOBAL) else "private"


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


class Guard:
    """Addresses allowed on behalf of one configured URL.

    Its host may be anywhere, for the operator wrote it; but where it was when it was first asked for: a name that was
    public does not turn inward. Other hosts must be public in all their addresses, or of a kind that the configured
    host was seen to have. `trusted` None trusts no host at all.
    allowed: further hosts that may be anywhere, as `host` or `host:port`; they vouch for no other host
    """

    def __init__(self, trusted: str | None, resolve: Resolve = system_resolve, allowed: Iterable[str] = ()) -> None:
        self._trusted = _plain(trusted) if trusted else None
        self._allowed = frozenset(_named(one) for one in allowed)
        self._resolve = resolve
        self._seen: set[Category] = {"public"}
        self._settled = False

    async def addresses(self, host: str, port: int) -> list[str]:
        """The checked addresses of a host, to be connected to in this order."""
        found = await self._found(_plain(host), port)
        if not self._allowed.isdisjoint(((_plain(host), None), (_plain(host), port))):
            return found
        categories = {category(address) for address in found}
        own = _plain(host) == self._trusted
        if own and not self._settled:
            self._seen |= categories
            self._settled = True
        refused = categories - self._seen
        if refused:
            kind = ", ".join(sorted(refused))
            if own:
                raise PeerFailed(
                    f"{host} was elsewhere before and is at a {kind} address now; start anew if that is right",
                    f"{host} 的地址已变为 {kind} 地址；如属正常，请重新启动",
                    host=host,
                    refused="address",
                )
            raise PeerFailed(
                f"{host} is at a {kind} address, which only the configuration may name; configure its URL directly",
                f"{host} 位于 {kind} 地址，只有配置文件可以指定此类地址；请直接配置其 URL",
                host=host,
                refused="address",
            )
        return found

    async def _found(self, host: str, port: int) -> list[str]:
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise PeerFailed(
                f"The name {host} cannot be resolved: {error}", f"无法解析域名 {host}：{error}", host=host
            ) from None
        if not found:
            raise PeerFailed(f"The name {host} has no address", f"域名 {host} 没有地址", host=host)
        return found


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _named(name: str) -> tuple[str, int | None]:
    """A host, and the port if only that one is meant.

    >>> _named("Adapter.intern"), _named("127.0.0.1:9999"), _named("[::1]:80"), _named("::1")
    (('adapter.intern', None), ('127.0.0.1', 9999), ('::1', 80), ('::1', None))
    """
    host, colon, port = name.rpartition(":")
    if colon and port.isdecimal() and (":" not in host or host.endswith("]")):
        return _plain(host), int(port)
    return _plain(name), None
