"""What achievements can be told by its environment."""

from services.environment import (
    Address,
    database_url,
    group,
    kafka_group,
    listen_address,
    optional,
    setting,
    settings,
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
    )
    listen: Address = setting(
        "ACHIEVEMENTS_LISTEN", listen_address, "127.0.0.1:8001", "Where `serve` answers HTTP"
    )
    feedback_url_template: str | None = optional(
        "FEEDBACK_URL_TEMPLATE",
        _feedback_url_template,
        "Where members give feedback, with `{organization_id}`, `{program_id}` and `{session_id}`",
    )
    kafka: KafkaSettings = kafka_group()
    auth: HttpAuthSettings = group(HttpAuthSettings)
    observability: ObservabilitySettings = group(ObservabilitySettings)
