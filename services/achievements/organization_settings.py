"""An organization's settings: all who may change them, and the plan, which only operators may change."""

from typing import Any

import psycopg
from msgspec import Struct

from schemas import learning
from schemas.forms import ShortText
from schemas.journal import OrganizationConfigured
from services.achievements.errors import DomainError
from services.journal import Journal, stream_id


class Settings(Struct, frozen=True, kw_only=True):
    """As they are in force; `timezone` is a name of the IANA database."""

    name: str
    plan: str
    badges_enabled: bool
    timezone: str
    logo: str | None
    linkedin_organization_id: str | None


class SettingsWanted(Struct, frozen=True, kw_only=True):
    """All settings anew: what is left out is cleared, the time zone to UTC."""

    name: ShortText
    plan: ShortText
    badges_enabled: bool
    timezone: learning.Timezone | None = None
    logo: learning.AssetId | None = None
    linkedin_organization_id: ShortText | None = None

    def command(self, organization_id: str) -> learning.OrganizationConfigured:
        """What tells them to the organization."""
        return learning.OrganizationConfigured(
            organization_id=organization_id,
            name=self.name,
            plan=self.plan,
            badges_enabled=self.badges_enabled,
            timezone=self.timezone,
            logo=self.logo,
            linkedin_organization_id=self.linkedin_organization_id,
        )


class PlanChangeError(DomainError):
    """Another plan is a matter for operators, and so is the first one."""

    code = "plan_change"


def settings_in_force(journal: Journal, organization_id: str) -> Settings | None:
    """An organization's settings, None where it was never configured."""
    with journal.connection() as connection:
        return _in_force(journal, connection, organization_id)


def check_plan_stays(
    journal: Journal,
    connection: psycopg.Connection[Any],
    command: learning.OrganizationConfigured,
) -> None:
    """`PlanChangeError` where the command brings another plan than the one in force."""
    now = _in_force(journal, connection, command.organization_id)
    if now is None or now.plan != command.plan:
        raise PlanChangeError("plan: only operators may change it")


def _in_force(
    journal: Journal, connection: psycopg.Connection[Any], organization_id: str
) -> Settings | None:
    stream = stream_id(organization_id, "organization")
    events = journal.load(connection, [stream]).get(stream, [])
    configured = [one.event for one in events if isinstance(one.event, OrganizationConfigured)]
    return _settings(configured[-1]) if configured else None


def _settings(event: OrganizationConfigured) -> Settings:
    return Settings(
        name=event.name,
        plan=event.plan,
        badges_enabled=event.badges_enabled,
        timezone=event.timezone,
        logo=event.logo,
        linkedin_organization_id=event.linkedin_organization_id,
    )
