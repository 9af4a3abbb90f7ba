"""Which addresses the public internet reaches, looking through every form that hides another address.

``ipaddress.is_global`` alone says yes to multicast, to site-local addresses and to NAT64 and 6to4 forms of 127.0.0.1.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_IPV4_COMPATIBLE = IPv6Network("::/96")
# Special in the registries of IANA, and called global by one version of Python or another.
_SPECIAL_6 = (IPv6Network("3fff::/20"), IPv6Network("5f00::/16"), IPv6Network("2001::/23"), _LOCAL_NAT64)
_SPECIAL_4 = (IPv4Network("192.88.99.0/24"), IPv4Network("192.0.0.0/24"))
_LAST_32_BITS = 0xFFFF_FFFF


def fault_of(text: str) -> str | None:
    """Return why an address may not be called, None when it is a public one. Raises ``ValueError`` for no address."""
    address = ip_address(text.partition("%")[0])
    if "%" in text:
        return "is bound to a link"
    return _fault(address)


def _fault(address: Address) -> str | None:
    if isinstance(address, IPv4Address):
        return "is not global" if any(address in one for one in _SPECIAL_4) else _not_public(address)
    inner = _inside(address)
    if inner:
        return next((fault for one in inner if (fault := _fault(one)) is not None), None)
    if any(address in one for one in _SPECIAL_6):
        return "is not global"
    if address in _IPV4_COMPATIBLE:
        return "is of a form that is no longer used"
    return "is site-local" if address.is_site_local else _not_public(address)


def _inside(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """Return the addresses that packets to this one may end up at."""
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in _NAT64:
        return (IPv4Address(int(address) & _LAST_32_BITS),)
    return ()


def _not_public(address: Address) -> str | None:
    named = (
        (address.is_unspecified, "is no address of a machine"),
        (address.is_loopback, "is this machine itself"),
        (address.is_link_local, "is link-local"),
        (address.is_multicast, "is multicast"),
        (address.is_private, "is private"),
        (address.is_reserved, "is reserved"),
        (not address.is_global, "is not global"),
    )
    return next((fault for holds, fault in named if holds), None)
