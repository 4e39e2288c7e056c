"""Rule 19: mails as messages, which no name can break out of."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.checks import display_name_problem, email_problem, text_problem
from services.achievements.mail.addresses import (
    Mailbox,
    UnusableAddressError,
    parsed,
    sender,
)
from services.achievements.mail.languages import language_of
from services.achievements.mail.messages import envelope
from services.achievements.mail.rendering import award_mail, one_line
from services.achievements.mail.smtp import Envelope
from tests.unit.mails import BADGE, UNSUBSCRIBE_URL

SENDER = Mailbox("", "awards@achievements.example")
QUEUED_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
]


def sent(
    name: str = "Ada",
    address: str = "ada@example.org",
    *,
    title: str = "Mentor",
    organization: str = "Acme",
    url: str = UNSUBSCRIBE_URL,
) -> Envelope:
    award = replace(BADGE, title=title, organization_name=organization)
    return envelope(
        award_mail(award, name, language_of("fr"), url),
        SENDER._replace(name=organization),
        Mailbox(name, address),
        award.award_id,
        QUEUED_AT,
    )


def received(mail: Envelope) -> EmailMessage:
    message = message_from_bytes(mail.message, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_text_comes_first_and_html_beside_it() -> None:
    """Rule 19: a mail is multipart/alternative: plain text, then HTML, both in UTF-8."""
    message = received(sent())
    assert message.get_content_type() == "multipart/alternative"
    parts = list(message.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert [part.get_content_charset() for part in parts] == ["utf-8", "utf-8"]
    assert message["Content-Language"] == "fr"


def test_automatic_and_easy_to_leave() -> None:
    """RFC 3834 and 8058: a mail says that no person wrote it, and how a mail program unsubscribes in one click."""
    message = received(sent())
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] == f"<{UNSUBSCRIBE_URL}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_long_link_stays_whole() -> None:
    """RFC 8058: a link of any length stands in its header as it is, neither folded nor encoded."""
    url = "https://" + "long." * 40 + "example/unsubscribe/abcdefghijklmnopqrstuvwx"
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in sent(url=url).message


def test_the_same_mail_again_is_the_same() -> None:
    """Sent again after a crash, a mail is the same to the byte; its id derives from the award's."""
    assert sent() == sent()
    message = received(sent())
    assert message["Message-ID"] == f"<award.{BADGE.award_id}@achievements.example>"
    assert message["Date"].datetime == QUEUED_AT


text = st.text().filter(lambda value: text_problem(value) is None)
names = st.text(min_size=1, max_size=200).filter(lambda name: display_name_problem(name) is None)
spiteful = st.sampled_from(
    ["a\r\nBcc: x@y.z", 'A" <x@y.z>, "B', "\n\n<b>", "=?utf-8?q?x=0A?=", "a,b;c:d <e@f>", "\u2028x"]
)


@settings(deadline=None)
@given(st.one_of(names, spiteful), st.one_of(text, spiteful), st.one_of(text, spiteful))
def test_no_name_breaks_out(name: str, title: str, organization: str) -> None:
    """Rule 19: whatever name, title and organization are, the mail has its headers, its one recipient, its lines."""
    mail = sent(name, title=title, organization=organization)
    message = received(mail)
    assert message.keys() == HEADERS
    assert not message.defects
    assert [to.addr_spec for to in message["To"].addresses] == ["ada@example.org"]
    assert [from_.addr_spec for from_ in message["From"].addresses] == [SENDER.address]
    assert mail.message.isascii()
    assert max(len(line) for line in mail.message.split(b"\r\n")) <= 998
    assert b"\n" not in mail.message.replace(b"\r\n", b"")


def test_no_encoded_word_breaks_out() -> None:
    """Rule 19: nor does a line break that hides in what looks like an encoded word (CVE-2024-6923)."""
    hidden = "=?utf-8?q?x=0D=0ABcc=3A_eve=40example.org?="
    mail = sent(hidden, title=hidden, organization=hidden)
    assert received(mail).keys() == HEADERS
    head, _, _ = mail.message.partition(b"\r\n\r\n")
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert b"\nBcc" not in head


@pytest.mark.parametrize(
    "name", ["Ada", "Ödön, von Horváth", "张伟" * 50, "مريم", "Zoë 👩🏽‍🚀 O'Neil", '"Q" <q@q>']
)
def test_any_name_arrives(name: str) -> None:
    """Rule 19: a name of any script comes out as it went in."""
    (raw,) = [value for key, value in message_from_bytes(sent(name).message).items() if key == "To"]
    decoded = str(make_header(decode_header(raw.replace("\r\n", ""))))
    assert decoded.replace('\\"', '"').removeprefix('"').startswith(one_line(name))


@pytest.mark.parametrize(
    ("address", "recipient", "utf8"),
    [
        ("ada@example.org", "ada@example.org", False),
        ('"a b"@example.org', '"a b"@example.org', False),
        ("ada@straße.example", "ada@xn--strae-oqa.example", False),
        ("用户@例え.example", "用户@xn--r8jz45g.example", True),
    ],
)
def test_addresses_as_servers_take_them(address: str, recipient: str, utf8: bool) -> None:
    """RFC 6532: only a local part beyond ASCII asks for SMTPUTF8; such a domain is told in ASCII."""
    mail = sent("Ünï", address)
    assert (mail.recipient, mail.utf8) == (recipient, utf8)
    assert recipient in mail.message.decode()
    assert mail.message.isascii() is not utf8


@pytest.mark.parametrize(
    "address",
    ["a,b@example.org", "a<b>@example.org", ".a.@x", "a@b;c", "a(b)@c", "é<x>@c.de", "a@ü..de"],
)
def test_what_only_looks_like_an_address(address: str) -> None:
    """Rule 19: what publishers call an address but is none by RFC 5322 is never written to."""
    assert email_problem(address) is None
    with pytest.raises(UnusableAddressError):
        parsed(address)


def test_the_sender_can_be_set() -> None:
    """Contract: EMAIL_FROM is an address, with a name or without."""
    assert sender("awards@example.org") == Mailbox("", "awards@example.org")
    assert sender("Our Ödön <awards@example.org>") == Mailbox("Our Ödön", "awards@example.org")


@pytest.mark.parametrize("value", ["", "x", "a@b, c@d", "ü@example.org", "x: a@b;", "<>", "a@b c"])
def test_a_wrong_sender_is_refused(value: str) -> None:
    """Contract: what is no address, or several, is refused as EMAIL_FROM."""
    with pytest.raises(ValueError, match="an address, alone or like"):
        sender(value)
