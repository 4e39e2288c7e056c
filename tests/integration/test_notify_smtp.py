"""How notify talks to mail servers: encryption, signing in, and what becomes of it when that fails."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.achievements.mail.smtp import (
    Accepted,
    Deferred,
    Fate,
    Postman,
    Unreachable,
    smtp_url,
)
from services.achievements.mail.smtp import Envelope as Outgoing
from tests.integration.mail_server import MailServer, mail_server

MAIL = Outgoing("awards@achievements.example", "mia@example.org", b"Subject: x\r\n\r\nx\r\n", False)


def tls_context(folder: Path) -> ssl.SSLContext:
    """A server's, with a certificate that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


def authenticate(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
) -> AuthResult:
    right = isinstance(data, LoginPassword) and data == LoginPassword(b"me@x", b"p:w/1")
    return AuthResult(success=right, handled=False)


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[MailServer]:
    """A server that wants STARTTLS, and a user to sign in."""
    with mail_server(
        tls_context=tls_context(tmp_path),
        require_starttls=True,
        auth_required=True,
        authenticator=authenticate,
    ) as server:
        yield server


def deliver(url: str) -> Fate:
    postman = Postman(smtp_url(url))
    fate = postman.deliver(MAIL)
    postman.hang_up()
    return fate


def test_encrypted_and_signed_in(strict: MailServer) -> None:
    """With a user and a password in SMTP_URL, percent-encoded, mail goes through STARTTLS and AUTH."""
    assert deliver(f"smtp://me%40x:p%3Aw%2F1@127.0.0.1:{strict.port}") == Accepted()
    assert strict.recipients == ["mia@example.org"]


def test_a_wrong_password_is_not_the_mails_fault(strict: MailServer) -> None:
    """A server that does not let us in leaves every mail to be sent."""
    fate = deliver(f"smtp://me%40x:wrong@127.0.0.1:{strict.port}")
    assert fate == Unreachable("535 5.7.8")


def test_no_password_at_all_is_not_the_mails_fault(strict: MailServer) -> None:
    """Nor does one that asks for a password we don't have refuse any mail for good."""
    assert deliver(f"smtp://127.0.0.1:{strict.port}") == Unreachable("530 5.7.0")


def test_encrypted_from_the_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Smtps:// is TLS at once, and only with a certificate that is trusted."""
    server = MailServer(ssl_context=tls_context(tmp_path))
    server.start()
    try:
        url = f"smtps://127.0.0.1:{server.port}"
        assert deliver(url) == Unreachable("SSLCertVerificationError")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        assert deliver(url) == Accepted()
    finally:
        server.stop()


def test_no_password_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond this machine a password is sent through TLS only."""
    with mail_server(auth_require_tls=False, authenticator=authenticate) as server:
        monkeypatch.setattr(
            "services.achievements.mail.smtp.SmtpServer.is_loopback", property(lambda _: False)
        )
        fate = deliver(f"smtp://me%40x:p%3Aw%2F1@127.0.0.1:{server.port}")
        assert fate == Unreachable("SMTPException")
    assert server.accepted == []


def test_connections_are_kept_and_renewed() -> None:
    """One connection serves many mails, and a server that restarts in between loses none."""
    with mail_server() as server:
        postman = Postman(smtp_url(server.url))
        assert [postman.deliver(MAIL) for _ in range(3)] == [Accepted()] * 3
        server.stop()
        server.start()
        assert postman.deliver(MAIL) == Accepted()
        server.stop()
        assert isinstance(postman.deliver(MAIL), Unreachable)


def test_cut_off_while_the_server_thinks() -> None:
    """A mail that is broken off has an unknown fate, and is to be sent again."""
    with mail_server() as server:
        halt = server.script.halt(MAIL.recipient)
        postman = Postman(smtp_url(server.url))
        Timer(0.5, postman.break_off).start()
        assert postman.deliver(MAIL) == Deferred("SMTPServerDisconnected")
        halt.go_on()
