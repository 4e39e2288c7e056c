"""Rule 19: where mails go, when they are tried again, and which are not wanted."""

import pytest
from msgspec.structs import replace

from services.achievements.mail.dispatch import MAX_DEFERRALS, pause_seconds
from services.achievements.mail.recipients import Recipient
from services.achievements.mail.smtp import SmtpServer, smtp_url
from services.achievements.notify import new_mail
from services.achievements.settings import AchievementsSettings
from services.environment import SettingsError, read_settings
from tests.unit.mails import BADGE

REACHABLE = Recipient("Ada", "ada@example.org", None, "token", erased=False, unsubscribed=False)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", SmtpServer("mail.example", 587)),
        ("smtp://127.0.0.1:1025", SmtpServer("127.0.0.1", 1025)),
        ("smtp://[::1]:25/", SmtpServer("::1", 25)),
        ("smtps://mail.example", SmtpServer("mail.example", 465, tls=True)),
        (
            "smtp://me%40x:p%3Aw%2F%20@mail.example:2525",
            SmtpServer("mail.example", 2525, user="me@x", password="p:w/ "),
        ),
    ],
)
def test_the_server_can_be_set(url: str, server: SmtpServer) -> None:
    """Contract: SMTP_URL names a server, how to encrypt, and who signs in."""
    assert smtp_url(url) == server


@pytest.mark.parametrize(
    "url", ["mail.example", "http://x", "smtp:///x", "smtp://x:0", "smtp://x:y"]
)
def test_a_wrong_server_is_refused_without_showing_it(url: str) -> None:
    """Contract: a wrong SMTP_URL is refused by its name, and not shown: it may hold a password."""
    with pytest.raises(SettingsError) as refused:
        read_settings(AchievementsSettings, {"SMTP_URL": url})
    assert "SMTP_URL" in str(refused.value)
    assert url not in str(refused.value)


def test_links_begin_with_the_public_address() -> None:
    """Contract: unsubscribe links begin with ACHIEVEMENTS_PUBLIC_URL, else with the listen address."""
    given = {"ACHIEVEMENTS_PUBLIC_URL": "https://a.example/"}
    assert read_settings(AchievementsSettings, given).public_url == "https://a.example"
    assert read_settings(AchievementsSettings, {}).public_url == "http://127.0.0.1:8001"


def test_the_first_pauses_are_short_and_all_together_last_for_days() -> None:
    """RFC 5321, 4.5.4.1: a mail that is put off is tried again soon, then ever more seldom, for four or five days."""
    assert pause_seconds(0) <= 2
    total = sum(pause_seconds(deferrals) for deferrals in range(MAX_DEFERRALS))
    assert 4 * 86_400 <= total <= 6 * 86_400


def test_what_is_granted_without_an_email() -> None:
    """A grant that is marked so is not mailed, whoever could be written to."""
    assert new_mail(replace(BADGE, mailed=False), REACHABLE).outcome == "unwanted"


def test_one_who_can_be_written_to() -> None:
    """Rule 19: a mail is sent where an address is known, and its owner neither erased nor unsubscribed."""
    assert new_mail(BADGE, REACHABLE).outcome is None
    for recipient, outcome in (
        (REACHABLE._replace(address=None), "no_address"),
        (REACHABLE._replace(unsubscribed=True), "unsubscribed"),
        (REACHABLE._replace(address=None, erased=True), "erased"),
    ):
        assert new_mail(BADGE, recipient).outcome == outcome
