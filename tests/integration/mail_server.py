"""A real SMTP server on loopback, which keeps what it accepts and otherwise does what a test tells it."""

import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from devstack.ports import reserve_port

PATIENCE_SECONDS = 60


class Accepted(NamedTuple):
    """A mail that the server has taken responsibility for."""

    sender: str
    recipient: str
    message: EmailMessage

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])


class Script:
    """What the server answers; an answer given once is used up."""

    def __init__(self) -> None:
        self.accepted: list[Accepted] = []
        self.sender_answers: deque[str] = deque()
        self.recipient_answers: defaultdict[str, deque[str]] = defaultdict(deque)
        self.data_answers: defaultdict[str, deque[str]] = defaultdict(deque)
        self._halts: dict[str, Halt] = {}

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        envelope.mail_from = address
        return self.sender_answers.popleft() if self.sender_answers else "250 ok"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        answers = self.recipient_answers[address]
        answer = answers.popleft() if answers else "250 ok"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        assert envelope.mail_from is not None
        (recipient,) = envelope.rcpt_tos
        halt = self._halts.get(recipient)
        if halt is not None:
            halt.reached.set()
            await server.loop.run_in_executor(None, halt.passed.wait, PATIENCE_SECONDS)
        answers = self.data_answers[recipient]
        if answers:
            return answers.popleft()
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.accepted.append(Accepted(envelope.mail_from, recipient, message))
        return "250 2.0.0 taken"

    def halt(self, recipient: str) -> "Halt":
        """Makes the server think about this recipient's mails before it accepts one, until it is told to go on."""
        self._halts[recipient] = Halt()
        return self._halts[recipient]


class Halt:
    """Where the server has stopped to think."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.passed = threading.Event()

    def wait(self) -> None:
        assert self.reached.wait(PATIENCE_SECONDS)

    def go_on(self) -> None:
        self.passed.set()


class MailServer:
    """A server that can go away and come back at the same address, with its script and what it accepted."""

    def __init__(self, **options: Any) -> None:
        self._port = reserve_port()
        self._options = {"enable_SMTPUTF8": True, **options}
        self._controller: Controller | None = None
        self.script = Script()

    @property
    def port(self) -> int:
        return self._port.number

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def accepted(self) -> list[Accepted]:
        return list(self.script.accepted)

    @property
    def recipients(self) -> list[str]:
        """Of the mails accepted, in order."""
        return [one.recipient for one in self.accepted]

    def start(self) -> None:
        self._controller = Controller(self.script, "127.0.0.1", self.port, **self._options)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None


@contextmanager
def mail_server(**options: Any) -> Iterator[MailServer]:
    """A server that runs; `options` are those of aiosmtpd."""
    server = MailServer(**options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
