"""What achievements can be told by its environment."""

from services.achievements.mail.addresses import Mailbox, sender
from services.achievements.mail.smtp import SmtpServer, smtp_url
from services.environment import (
    Address,
    database_url,
    group,
    kafka_group,
    listen_address,
    optional,
    setting,
    settings,
    url,
)
from services.kafka import KafkaSettings
from services.observability import ObservabilitySettings
from services.web.tokens import HttpAuthSettings


def _feedback_url_template(value: str) -> str:
    try:
        value.format(organization_id="", program_id="", session_id="")
    except (KeyError, IndexError, ValueError):
        raise ValueError(
            "an address with {organization_id}, {program_id} and {session_id} in it at most"
        ) from None
    return value


@settings
class AchievementsSettings:
    """Read once, at the start of a process."""

    database_url: str = setting(
        "DATABASE_URL",
        database_url,
        "postgresql://postgres@127.0.0.1:5432/achievements",
        "The database of achievements: journal, read models, personal data",
        secret=True,  # it may hold a password, in more than one place
    )
    listen: Address = setting(
        "ACHIEVEMENTS_LISTEN", listen_address, "127.0.0.1:8001", "Where `serve` answers HTTP"
    )
    feedback_url_template: str | None = optional(
        "FEEDBACK_URL_TEMPLATE",
        _feedback_url_template,
        "Where members give feedback, with `{organization_id}`, `{program_id}` and `{session_id}`",
    )
    given_public_url: str | None = optional(
        "ACHIEVEMENTS_PUBLIC_URL",
        url("https", "http"),
        "What unsubscribe links begin with, as members reach it; else the address of `ACHIEVEMENTS_LISTEN`",
    )
    smtp_server: SmtpServer = setting(
        "SMTP_URL",
        smtp_url,
        "smtp://127.0.0.1:1025",
        "The server that mails are handed to: `smtp://user:password@host:587` (STARTTLS) or `smtps://…`",
        secret=True,
    )
    email_sender: Mailbox = setting(
        "EMAIL_FROM",
        sender,
        "achievements@localhost",
        "Whom mails are from; without a name (`Name <address>`), the organization's",
    )
    kafka: KafkaSettings = kafka_group()
    auth: HttpAuthSettings = group(HttpAuthSettings)
    observability: ObservabilitySettings = group(ObservabilitySettings)

    @property
    def public_url(self) -> str:
        """What unsubscribe links begin with."""
        return self.given_public_url or f"http://{self.listen}"
