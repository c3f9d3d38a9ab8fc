"""One shop of a crawl: where it starts, which addresses are its own, and what hosts are local."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from catalogue.address import is_public

_PORTS = {"http": 80, "https": 443}


@dataclass
class Site:
    """One shop: where it starts, what is wanted of it, how patient to be."""

    name: str
    url: str
    delay_s: float | None = None
    brands: tuple[str, ...] = ()  # slugs; none means all
    limit: int | None = None  # products
    max_pages: int = 50_000
    browser: bool | None = None  # whether pages are rendered; None where that is found out
    prefix: str | None = None  # the started shop's address, written as ``name:/`` in records
    hosts: set[str] = field(default_factory=set)  # host, or host:port of an address by number
    refusing: str | None = None  # why the shop is left alone, once it is
    others: tuple[str, ...] = ()  # more addresses of the shop that the user typed
    is_rendered: bool = False  # whether a browser reads the pages, as told or as found out

    def __post_init__(self) -> None:
        self.is_rendered = self.browser is True

    @property
    def starts(self) -> tuple[str, ...]:
        """The addresses that the user named, where the walk begins."""
        return (self.url, *self.others)

    @property
    def is_partial(self) -> bool:
        """Whether the site is crawled only in part, so that what is not seen says nothing."""
        return bool(self.brands) or self.limit is not None

    @property
    def is_local(self) -> bool:
        """Whether the user named a machine of their own network by its number or as localhost."""
        return is_local_host(host_of(self.url))

    def owns(self, url: str) -> bool:
        """Whether ``url`` is a page of the site: its host, or a part of it; by number, the same port."""
        host, port = host_of(url), port_of(url)
        if self.is_local:
            return f"{host}:{port}" in {f"{host_of(self.url)}:{port_of(self.url)}", *self.hosts}
        bases = {host_of(self.url).removeprefix("www."), *self.hosts}
        return any(host == base or host.endswith("." + base) for base in bases)

    def adopt(self, url: str) -> None:
        """Make the host of ``url`` a part of the site."""
        host = host_of(url)
        self.hosts.add(f"{host}:{port_of(url)}" if self.is_local else host.removeprefix("www."))

    def record(self, url: str) -> str:
        """``url`` as records and the journal write it: without the port of a started shop."""
        if self.prefix and url.startswith(self.prefix):
            return f"{self.name}:/{url[len(self.prefix) :]}"
        return url

    def resolve(self, recorded: str) -> str:
        """The address to ask for what `record` wrote."""
        start = f"{self.name}:/"
        if self.prefix and recorded.startswith(start):
            return self.prefix + recorded[len(start) :]
        return recorded


@lru_cache(maxsize=4096)
def host_of(url: str) -> str:
    """The host of ``url`` in lower case; empty where there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def port_of(url: str) -> int | None:
    """The port of ``url``, the scheme's own where none is written."""
    try:
        parts = urlsplit(url)
        return parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def is_local_host(host: str) -> bool:
    """Whether ``host`` is localhost or an address by number that is not public."""
    number = _number_of(host)
    return _is_localhost(host) or (number is not None and not is_public(str(number)))


@lru_cache(maxsize=4096)
def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine: localhost or 127.0.0.0/8 or ::1."""
    number = _number_of(host)
    return _is_localhost(host) or (number is not None and number.is_loopback)


def _is_localhost(host: str) -> bool:
    return host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost")


def _number_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that ``host`` writes by number, also as 2130706433, 0x7f.1 or ::ffff:127.0.0.1."""
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host)) if host[:1].isdigit() else None
        except (OSError, UnicodeError):
            return None
    return getattr(number, "ipv4_mapped", None) or number


def name_of(url: str) -> str:
    """A stable site name of an address: host without www, the port where it is not the scheme's own."""
    host, port = host_of(url).removeprefix("www."), port_of(url)
    name = host.replace(":", "-")
    return name if port in (80, 443) else f"{name}-{port}"
