"""Calls go to the address that was checked, once, and follow nobody."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from civiloop_shared.outgoing import OutgoingClient, OutgoingError, RefusedTargetError


@asynccontextmanager
async def server(answer: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that gives one answer and remembers the heads of what it was sent."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    made = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with made:
        yield made.sockets[0].getsockname()[1], heads


OK = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"


class Names:
    """A resolver that gives other addresses the next time, as an attacker's name server would."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0)


async def test_the_host_is_named_and_the_checked_address_is_called() -> None:
    names = Names(["127.0.0.1"])
    async with server(OK) as (port, heads):
        client = OutgoingClient(allow_private=True, resolve=names)
        answer = await client.post(f"http://hooks.example:{port}/in?x=1", b"{}", {"webhook-id": "a"})
    assert (answer.status, answer.success, names.asked) == (204, True, 1)
    assert f"host: hooks.example:{port}".encode() in heads[0].lower()
    assert heads[0].startswith(b"POST /in?x=1 ")


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"]]
)
async def test_a_host_with_one_address_that_is_not_public_is_not_called_at_all(addresses: list[str]) -> None:
    async with server(OK) as (port, heads):
        with pytest.raises(RefusedTargetError):
            await OutgoingClient(resolve=Names(addresses)).post(f"https://hooks.example:{port}/", b"", {})
        for spelt in ("127.1", "2130706433", "0x7f000001", "localhost", "[::1]", "[::ffff:7f00:1]"):
            with pytest.raises(OutgoingError):
                await OutgoingClient().post(f"https://{spelt}:{port}/", b"", {})
    assert heads == []


@pytest.mark.parametrize(
    "url",
    ["http://a.example/", "ftp://a.example/", "https://", "https://me:pw@a.example/", "https://a.example/#x", "x", ""],
)
async def test_what_is_no_plain_https_url_is_refused(url: str) -> None:
    with pytest.raises(RefusedTargetError):
        await OutgoingClient(resolve=Names()).post(url, b"", {})


async def test_a_redirect_is_not_followed() -> None:
    async with server(OK) as (inner, reached):
        away = f"HTTP/1.1 307 Away\r\nlocation: http://127.0.0.1:{inner}/\r\ncontent-length: 0\r\n\r\n".encode()
        async with server(away) as (port, _):
            answer = await OutgoingClient(allow_private=True).post(f"http://127.0.0.1:{port}/", b"", {})
    assert (answer.status, answer.success, reached) == (307, False, [])


async def test_the_next_address_is_tried_when_one_does_not_connect() -> None:
    async with server(OK) as (port, _):
        client = OutgoingClient(allow_private=True, resolve=Names(["127.0.0.2", "127.0.0.1"]))
        assert (await client.post(f"http://a.example:{port}/", b"", {})).success


async def test_no_connection_and_no_answer_in_time_are_told() -> None:
    async with server(OK) as (port, _):
        pass
    with pytest.raises(OutgoingError, match="no connection"):
        await OutgoingClient(allow_private=True).post(f"http://127.0.0.1:{port}/", b"", {})
    async with server(b"") as (port, _):
        with pytest.raises(OutgoingError, match="no answer"):
            await OutgoingClient(allow_private=True).post(f"http://127.0.0.1:{port}/", b"", {})


async def test_the_certificate_must_be_that_of_the_host_and_not_of_the_address(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "hooks.example")
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate)
    ours = ssl.create_default_context(cafile=str(certificate))
    async with server(OK, theirs) as (port, _):
        right = OutgoingClient(allow_private=True, tls=ours, resolve=Names(["127.0.0.1"]))
        assert (await right.post(f"https://hooks.example:{port}/", b"", {})).success
        wrong = OutgoingClient(allow_private=True, tls=ours, resolve=Names(["127.0.0.1"]))
        with pytest.raises(OutgoingError):
            await wrong.post(f"https://other.example:{port}/", b"", {})
        unknown = OutgoingClient(allow_private=True, resolve=Names(["127.0.0.1"]))
        with pytest.raises(OutgoingError):
            await unknown.post(f"https://hooks.example:{port}/", b"", {})


def self_signed(folder: Path, host: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path
