"""Which addresses may be asked: public ones over http(s), unless the settings allow more."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from flows.errors import RefusedAddress

# A translating gateway would carry these to the IPv4 address in their last 32 bits (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")


def check_url(url: str) -> None:
    """Return if `url` may be asked at all; raises RefusedAddress."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise RefusedAddress(
            f"guard: {shown(url)} is not fetched; only http and https addresses are", url=url
        )
    if not parts.hostname:
        raise RefusedAddress(f"guard: {shown(url)} names no host; correct its address", url=url)


def check_address(host: str, address: str, *, allow_private_networks: bool) -> None:
    """Return if a connection to `address` may be made; raises RefusedAddress.

    Link-local addresses are never asked: what answers there are the metadata services of
    cloud machines, which hand out their keys.
    """
    found = _meant(address)
    if found.is_link_local or not (allow_private_networks or is_public(address)):
        hint = "; if it is yours, set allow_private_networks = true under [gather]"
        raise RefusedAddress(
            f"guard: {host if host == address else f'{host} leads to {address}, which'} "
            f"is not a public address"
            f"{'' if found.is_link_local else hint}"
        )


def is_public(address: str) -> bool:
    """Return whether `address` is one that anybody on the internet could reach."""
    found = _meant(address)
    return found.is_global and not found.is_multicast


def _meant(address: str) -> IPv4Address | IPv6Address:
    # An IPv6 address that stands for an IPv4 one is judged as that.
    parsed = ip_address(address)
    return (_embedded(parsed) if isinstance(parsed, IPv6Address) else None) or parsed


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def shown(url: str) -> str:
    """Return `url` as it may be told to people: without a user name and password."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}" if rest else url
