"""What sharing can be told by its environment."""

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


@settings
class SharingSettings:
    """Read once, at the start of a process."""

    database_url: str = setting(
        "SHARING_DATABASE_URL",
        database_url,
        "postgresql://postgres@127.0.0.1:5432/sharing",
        "The database of sharing: journal, read models, names and link tokens",
    )
    listen: Address = setting(
        "SHARING_LISTEN", listen_address, "127.0.0.1:8002", "Where `serve` answers HTTP"
    )
    given_public_url: str | None = optional(
        "PUBLIC_URL",
        url("https", "http"),
        "What shared links begin with, as readers reach it; else the address of `SHARING_LISTEN`",
    )
    kafka: KafkaSettings = kafka_group()
    auth: HttpAuthSettings = group(HttpAuthSettings)
    observability: ObservabilitySettings = group(ObservabilitySettings)

    @property
    def public_url(self) -> str:
        """What shared links begin with."""
        return self.given_public_url or f"http://{self.listen}"
