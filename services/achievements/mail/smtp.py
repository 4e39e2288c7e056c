"""The SMTP server that mails are handed to (RFC 5321), and what it made of each.

Who is at fault decides what happens next: the mail (tried again later, or never), or the server (left alone for a
while, no mail the worse for it). What a server says in words is never kept: it repeats addresses.
"""

import re
import socket
import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from ipaddress import ip_address
from smtplib import SMTP, SMTP_SSL, SMTPDataError, SMTPException, SMTPResponseException
from threading import Lock
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

_CONNECT_SECONDS: Final = 20.0  # up to the greeting, which some delay on purpose
_REPLY_SECONDS: Final = 60.0
# RFC 5321, 4.5.3.2.6: whoever does not wait for the last reply sends mails twice.
_LAST_REPLY_SECONDS: Final = 600.0
_AUTHENTICATION: Final = frozenset({530, 534, 535, 538})  # RFC 4954, 6: about us, at any point
_GOODBYE: Final = 421
_ENHANCED_CODE: Final = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")  # RFC 3463


class Envelope(NamedTuple):
    """What is handed over; `utf8`: only a server that knows SMTPUTF8 (RFC 6531) can take it."""

    sender: str
    recipient: str
    message: bytes
    utf8: bool


class Accepted(NamedTuple):
    """The server has taken responsibility for the mail."""


class Refused(NamedTuple):
    """This mail is not taken, now or ever. `reply` is a code, such as `550 5.1.1`."""

    reply: str


class Deferred(NamedTuple):
    """This mail is not taken now, or nobody knows whether it was."""

    reply: str


class Unreachable(NamedTuple):
    """The server takes no mail at all now."""

    why: str


Fate = Accepted | Refused | Deferred | Unreachable


class SmtpServer(NamedTuple):
    """Where mails are handed over; `tls` from the first byte, or else by STARTTLS where it is offered."""

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str = ""

    @property
    def is_loopback(self) -> bool:
        """Whether nothing leaves this machine on the way. Of names, `localhost` alone is taken for that."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def smtp_url(value: str) -> SmtpServer:
    """Reads a setting: `smtp://user:password@host:587` or `smtps://…:465`; user and port can be left out."""
    try:
        parts = urlsplit(value)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.port == 0:
            raise ValueError
        tls = parts.scheme == "smtps"
        port = parts.port or (465 if tls else 587)
        user = None if parts.username is None else unquote(parts.username)
        return SmtpServer(parts.hostname, port, tls, user, unquote(parts.password or ""))
    except ValueError:
        raise ValueError("a URL like smtp://user:password@host:587 or smtps://host") from None


class Postman:
    """Hands mails over, from several threads at once; connections are kept for the next mail."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._idle: deque[SMTP] = deque()
        self._busy: set[SMTP] = set()
        self._lock = Lock()

    def deliver(self, envelope: Envelope) -> Fate:
        """Hands over one mail; gives its fate, whatever happens on the way."""
        try:
            connection = self._connection()
        except (OSError, ValueError) as error:
            return Unreachable(_named(error))
        with self._lock:
            self._busy.add(connection)
        try:
            fate = _hand_over(connection, envelope)
        except OSError as error:  # SMTPException is one, too
            connection.close()
            return Deferred(_named(error))
        finally:
            with self._lock:
                self._busy.discard(connection)
        if connection.sock is not None:
            self._idle.append(connection)
        return fate

    def hang_up(self) -> None:
        """Ends the connections that are not in use."""
        while self._idle:
            with suppress(IndexError, OSError):
                self._idle.pop().quit()

    def break_off(self) -> None:
        """Cuts the connections in use: the fate of their mails is unknown."""
        with self._lock:
            for connection in self._busy:
                if connection.sock is not None:
                    with suppress(OSError):
                        connection.sock.shutdown(socket.SHUT_RDWR)

    def _connection(self) -> SMTP:
        while self._idle:
            with suppress(IndexError, OSError):
                connection = self._idle.pop()
                code, _ = connection.rset()
                if code == 250:
                    return connection
                connection.close()
        return connect(self._server)


def connect(server: SmtpServer) -> SMTP:
    """A connection with a greeting, encrypted and signed in as it should be; OSError where there is none."""
    connection = _greeted(server)
    try:
        connection.ehlo_or_helo_if_needed()
        if not server.tls:
            _start_tls(connection, server)
        if server.user is not None:
            connection.login(server.user, server.password)
        assert connection.sock is not None
        connection.sock.settimeout(_REPLY_SECONDS)
    except BaseException:
        connection.close()
        raise
    return connection


def _greeted(server: SmtpServer) -> SMTP:
    address, name = (server.host, server.port), _own_name()
    if server.tls:
        context = ssl.create_default_context()
        return SMTP_SSL(*address, name, timeout=_CONNECT_SECONDS, context=context)
    return SMTP(*address, name, timeout=_CONNECT_SECONDS)


def _start_tls(connection: SMTP, server: SmtpServer) -> None:
    """Encrypts where the server offers it; a password goes in the clear to this very machine only."""
    if connection.has_extn("starttls"):
        context = ssl.create_default_context()
        if server.is_loopback:  # its certificate names another host, and nobody is in between
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        connection.starttls(context=context)
        connection.ehlo_or_helo_if_needed()
    elif server.user is not None and not server.is_loopback:
        raise SMTPException("the server offers no STARTTLS")


def _hand_over(connection: SMTP, envelope: Envelope) -> Fate:
    if envelope.utf8 and not connection.has_extn("smtputf8"):
        return Refused("no SMTPUTF8")  # RFC 6531, 3.2: the address can't be told to this server
    try:
        options = ["SMTPUTF8", "BODY=8BITMIME"] if envelope.utf8 else []
        code, text = connection.mail(envelope.sender, options)
    except OSError as error:  # nothing was said of the recipient yet
        connection.close()
        return Unreachable(_named(error))
    if code != 250:
        return Unreachable(_left(connection, code, text))
    code, text = connection.rcpt(envelope.recipient)
    if code not in (250, 251):
        return _fate(connection, code, text)
    with _patience(connection):
        try:
            code, text = connection.data(envelope.message)
        except SMTPDataError as error:  # instead of "go ahead"
            code, text = error.smtp_code, _bytes(error.smtp_error)
    return Accepted() if code == 250 else _fate(connection, code, text)


def _fate(connection: SMTP, code: int, text: bytes) -> Fate:
    reply = _left(connection, code, text)
    if code in _AUTHENTICATION:
        return Unreachable(reply)
    return Refused(reply) if 500 <= code < 600 else Deferred(reply)


def _left(connection: SMTP, code: int, text: bytes) -> str:
    if code == _GOODBYE:
        connection.close()
    return _reply(code, text)


@contextmanager
def _patience(connection: SMTP) -> Iterator[None]:
    assert connection.sock is not None
    connection.sock.settimeout(_LAST_REPLY_SECONDS)
    yield
    connection.sock.settimeout(_REPLY_SECONDS)


def _reply(code: int, text: bytes) -> str:
    enhanced = _ENHANCED_CODE.match(text)
    return f"{code} {enhanced[0].decode()}" if enhanced else str(code)


def _named(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return _reply(error.smtp_code, _bytes(error.smtp_error))
    return type(error).__name__


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode(errors="replace")


@lru_cache(maxsize=1)
def _own_name() -> str:
    name = socket.getfqdn()  # smtplib would ask for it at each connection
    return name if "." in name else "[127.0.0.1]"
