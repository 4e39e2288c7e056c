"""A mail server for the people of the story: it takes every mail, and keeps it as a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from devstack.ports import reserve_port

HOST: Final = "127.0.0.1"


class Mailbox:
    """What has come, in order; `url` is where mails are handed in."""

    def __init__(self, folder: Path) -> None:
        self.mails: list[EmailMessage] = []
        self.folder = folder
        self._port = reserve_port()
        folder.mkdir()

    @property
    def url(self) -> str:
        return f"smtp://{HOST}:{self._port.number}"

    def controller(self) -> Controller:
        return Controller(self, HOST, self._port.number, enable_SMTPUTF8=True)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)  # we don't ask for text
        mail = message_from_bytes(content, EmailMessage, policy=policy.default)
        self.mails.append(mail)
        (self.folder / f"{len(self.mails):03}.eml").write_bytes(content)
        return "250 taken"


@contextmanager
def mailbox(folder: Path) -> Iterator[Mailbox]:
    """A mail server for the block; mails go to the new `folder`."""
    box = Mailbox(folder)
    controller = box.controller()
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
