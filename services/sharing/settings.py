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
    whole_number,
)
from services.kafka import KafkaSettings
from services.observability import ObservabilitySettings
from services.sharing.credentials.keys import SigningKeys, signing_keys
from services.web.tokens import HttpAuthSettings


@settings
class SharingSettings:
    """Read once, at the start of a process."""

    database_url: str = setting(
        "SHARING_DATABASE_URL",
        database_url,
        "postgresql://postgres@127.0.0.1:5432/sharing",
        "The database of sharing: journal, read models, names and link tokens",
        secret=True,  # it may hold a password, in more than one place
    )
    listen: Address = setting(
        "SHARING_LISTEN", listen_address, "127.0.0.1:8002", "Where `serve` answers HTTP"
    )
    given_public_url: str | None = optional(
        "PUBLIC_URL",
        url("https", "http"),
        "What shared links begin with, as readers reach it; else the address of `SHARING_LISTEN`",
    )
    platform_url: str | None = optional(
        "PLATFORM_URL",
        url("https", "http"),
        "Where members sign in; the only other site whose form may open a session. Without it any may",
    )
    trusted_proxies: int = setting(
        "TRUSTED_PROXIES",
        whole_number(0, 16),
        "0",
        "How many of your proxies, one behind the other, add to `X-Forwarded-For` in front of `serve`",
    )
    signing_keys: SigningKeys | None = optional(
        "SIGNING_KEY",
        signing_keys,
        "File of the keys that credentials are signed with (PEM; the first signs); else there are none",
    )
    achievements_url: str = setting(
        "ACHIEVEMENTS_URL",
        url("http", "https"),
        "http://127.0.0.1:8001",
        "Where `serve` gets banners and logos, and what previews show of an organization",
    )
    kafka: KafkaSettings = kafka_group()
    auth: HttpAuthSettings = group(HttpAuthSettings)
    observability: ObservabilitySettings = group(ObservabilitySettings)

    @property
    def public_url(self) -> str:
        """What shared links begin with."""
        return self.given_public_url or f"http://{self.listen}"
