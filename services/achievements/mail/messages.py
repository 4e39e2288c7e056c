"""A mail as a message: headers that nobody's name or title can break out of, text and HTML side by side.

RFC 5322 and 2045 to 2047 (messages, MIME), 6532 (addresses beyond ASCII), 3834 (automatic mail), 2369 and 8058
(unsubscribing, in one click).
"""

from datetime import datetime
from email import policy
from email.errors import MessageError
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Final, NamedTuple

import idna

from services.achievements.mail.rendering import AwardMail, as_html, as_text, one_line


class UnusableAddressError(Exception):
    """No mail can be sent to this address; the error does not tell it."""


class Mailbox(NamedTuple):
    """Somebody's name and address; the name may be empty."""

    name: str
    address: str


class Envelope(NamedTuple):
    """What SMTP is given; `utf8`: the server must know SMTPUTF8 (RFC 6531)."""

    sender: str
    recipient: str
    message: bytes
    utf8: bool


class _OneAddressHeader(UnstructuredHeader):
    """A URL is never folded or encoded: those who read it take it as it is."""

    def fold(self, *, policy: EmailPolicy) -> str:
        return f"{self.name}:{policy.linesep} {self}{policy.linesep}"  # type: ignore[attr-defined]  # the registry mixes it in


_SENDER_FORM: Final = "an address, alone or like 'Achievements <achievements@example.org>'"
_registry: Final = HeaderRegistry()
_registry.map_to_type("list-unsubscribe", _OneAddressHeader)
_ASCII: Final = policy.SMTP.clone(header_factory=_registry)
_UTF8: Final = policy.SMTPUTF8.clone(header_factory=_registry)


def envelope(
    mail: AwardMail, sender: Mailbox, recipient: Mailbox, award_id: str, date: datetime
) -> Envelope:
    """The message to one recipient; the same award and date give the same bytes.

    UnusableAddressError where the recipient's address is none by RFC 5322 or 6532, though it looked like one.
    """
    to = address(recipient)
    utf8 = not to.username.isascii()
    message = EmailMessage(_UTF8 if utf8 else _ASCII)
    message["From"] = address(sender)
    message["To"] = to
    message["Subject"] = mail.subject
    message["Date"] = date
    message["Message-ID"] = f"<award.{award_id}@{address(sender).domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    # Quoted-printable passes every server, and keeps lines short, whatever is in them.
    message.set_content(as_text(mail), cte="quoted-printable")
    message.add_alternative(as_html(mail), subtype="html", cte="quoted-printable")
    message.set_boundary(f"=_{award_id}")
    message["Content-Language"] = mail.language.tag  # content headers from before would be dropped
    return Envelope(address(sender).addr_spec, to.addr_spec, message.as_bytes(), utf8)


def address(mailbox: Mailbox) -> Address:
    """The address for a header; its domain in ASCII (RFC 5890), as servers that lack SMTPUTF8 need it.

    UnusableAddressError where it is none.
    """
    local_part, _, domain = mailbox.address.rpartition("@")
    try:
        if not domain.isascii():
            domain = idna.encode(domain, uts46=True).decode()
        # The parser takes ASCII alone; to a local part, RFC 6532 adds all the rest as letters.
        plain = "".join(letter if letter.isascii() else "x" for letter in local_part)
        parsed = Address(addr_spec=f"{plain}@{domain}")
    except (MessageError, ValueError, IndexError):
        raise UnusableAddressError from None
    if parsed.addr_spec != f"{plain}@{domain}":  # it held a comment
        raise UnusableAddressError
    username = parsed.username if local_part.isascii() else local_part
    return Address(one_line(mailbox.name), username, domain)


def sender(value: str) -> Mailbox:
    """Reads a setting: an address of ASCII characters, alone or as `Name <address>`."""
    header = _registry("From", value)
    if header.defects or len(header.addresses) != 1:
        raise ValueError(_SENDER_FORM)
    (found,) = header.addresses
    mailbox = Mailbox(found.display_name, found.addr_spec)
    try:
        if address(mailbox).username.isascii():
            return mailbox
    except UnusableAddressError:
        pass
    raise ValueError(_SENDER_FORM)
