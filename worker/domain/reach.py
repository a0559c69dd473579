"""Where a recording may be fetched from. A server names the addresses; it must not send us where it likes. Pure.

Only http and https; only the API server's own host, or one that the operator has named; and no address of a private,
local or link-local net unless the API server lives in such a net itself. The address is judged when the connection is
made, not when the name was looked up, and at each redirect anew.
"""

import ipaddress
from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Net = Literal["global", "private", "loopback", "exact"]

_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Forbidden(Exception):
    """An address that recordings are not fetched from. The text names the rule, not the address."""


@dataclass(frozen=True, slots=True)
class Target:
    """One address, taken apart."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Reach:
    """The hosts of one server's recordings: its own, and those that the operator named (None: the usual ports)."""

    own: Target
    others: frozenset[tuple[str, int | None]] = frozenset()

    def check(self, url: str, *, after: Target | None = None) -> Target:
        """This address, if it may be fetched; ``after`` is the one that redirected here. Raises Forbidden."""
        target = taken_apart(url)
        if after is not None and (after.scheme, target.scheme) == ("https", "http"):
            raise Forbidden("it redirects from https to http")
        usual = target.port in _PORTS.values()
        if target.host == self.own.host and (usual or target.port == self.own.port):
            return target
        if (target.host, target.port) in self.others or (usual and (target.host, None) in self.others):
            return target
        raise Forbidden(f"host {target.host[:100]} is neither the API server's nor in playback_hosts")


def taken_apart(url: str) -> Target:
    """Raises Forbidden for what is not a plain http or https address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Forbidden("it is not an address") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Forbidden("only http and https are fetched")
    if parts.username is not None or parts.password is not None:
        raise Forbidden("an address with a name or password in it is not fetched")
    if any(ord(letter) <= 0x20 or ord(letter) == 0x7F for letter in url):
        raise Forbidden("it holds spaces or control characters")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, parts.hostname.rstrip("."), port or _PORTS[parts.scheme], path)


def hosts_in(text: str) -> frozenset[tuple[str, int | None]]:
    """The operator's list, ``host`` or ``host:port``, comma separated."""
    found = set()
    for item in (each.strip().lower() for each in text.split(",")):
        host, colon, port = item.rpartition(":")
        if item:
            found.add((host, int(port)) if colon and port.isdecimal() and not item.endswith("]") else (item, None))
    return frozenset(found)


def is_permitted(address: str, own: Iterable[str]) -> bool:
    """Whether this very address may be connected to, where ``own`` are those of the API server."""
    net = _net(_plain(address))
    if net == "global":
        return True
    known = {_plain(each) for each in own}
    return _plain(address) in known if net == "exact" else net in _nets(known)


def _nets(addresses: Set[Address]) -> set[Net]:
    return {_net(each) for each in addresses}


def _plain(text: str) -> Address:
    """An IPv4 address in any of its IPv6 disguises is that IPv4 address."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    hidden = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    return hidden or address


def _net(address: Address) -> Net:
    if address.is_loopback:
        return "loopback"
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return "exact"
    if address.is_global:
        return "global"
    return "private" if address.is_private else "exact"
