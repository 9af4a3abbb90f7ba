"""Only addresses that the public internet reaches may be called, whatever form they hide in."""

from __future__ import annotations

import pytest

from civiloop_shared.outgoing.addresses import fault_of

PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]

TRAPS = [
    # ipaddress.is_global says yes to these
    "225.1.1.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "fec0::1",
    "::127.0.0.1",
    "ff02::1",
    "192.88.99.1",
    "192.0.0.9",
    "2001:20::1",
    "5f00::1",
    "3fff::1",
    # hidden in another form
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::a00:1",
    "2002:a9fe:a9fe::1",
    "2002:c0a8:101::",
    "2001:0:7f00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    # plain
    "0.0.0.0",
    "127.0.0.1",
    "127.255.255.254",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "198.18.0.1",
    "203.0.113.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700:4700::1111%lo",
    "fc00::1",
    "fd12:3456::1",
    "2001:db8::1",
    "100::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called(address: str) -> None:
    assert fault_of(address) is None


@pytest.mark.parametrize("address", TRAPS)
def test_what_is_not_public_may_not_be_called_in_any_form(address: str) -> None:
    assert fault_of(address) is not None


@pytest.mark.parametrize("text", ["localhost", "127.1", "2130706433", "0x7f.1", ""])
def test_what_is_no_address_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear"):
        fault_of(text)
