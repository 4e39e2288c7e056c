"""A mail as a message: headers that nobody's name or title can break out of, text and HTML side by side.

RFC 5322 and 2045 to 2047 (messages, MIME), 6532 (addresses beyond ASCII), 3834 (automatic mail), 2369 and 8058
(unsubscribing, in one click).
"""

from datetime import datetime
from email import policy
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy
from typing import Final

from services.achievements.mail.addresses import Mailbox, parsed
from services.achievements.mail.rendering import AwardMail, as_html, as_text, one_line
from services.achievements.mail.smtp import Envelope


class _UrlHeader(UnstructuredHeader, BaseHeader):
    """A URL stays on the header's one line, unencoded: not all who read it unfold and decode."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_registry: Final = HeaderRegistry()
_registry.map_to_type("list-unsubscribe", _UrlHeader)
_ASCII: Final = policy.SMTP.clone(header_factory=_registry)
_UTF8: Final = policy.SMTPUTF8.clone(header_factory=_registry)


def envelope(
    mail: AwardMail, sender: Mailbox, recipient: Mailbox, award_id: str, date: datetime
) -> Envelope:
    """The message to one recipient; the same award and date give the same bytes.

    UnusableAddressError where the recipient's address is none.
    """
    from_, to = _named(sender), _named(recipient)
    utf8 = not to.username.isascii()
    message = EmailMessage(_UTF8 if utf8 else _ASCII)
    message["From"] = from_
    message["To"] = to
    message["Subject"] = _unencoded(mail.subject)
    message["Date"] = date
    message["Message-ID"] = f"<award.{award_id}@{from_.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    # Quoted-printable passes every server, and keeps lines short, whatever is in them.
    message.set_content(as_text(mail), cte="quoted-printable")
    message.add_alternative(as_html(mail), subtype="html", cte="quoted-printable")
    message.set_boundary(f"=_{award_id}")
    message["Content-Language"] = mail.language.tag  # content headers from before would be dropped
    return Envelope(from_.addr_spec, to.addr_spec, message.as_bytes(), utf8)


def _named(mailbox: Mailbox) -> Address:
    bare = parsed(mailbox.address)
    return Address(_unencoded(mailbox.name), bare.username, bare.domain)


def _unencoded(text: str) -> str:
    """The text for a header, with nothing in it that looks like an encoded word (RFC 2047).

    The email package would decode it, and write down the line breaks that came out as they are (CVE-2024-6923).
    """
    return one_line(text).replace("=?", "= ?")
