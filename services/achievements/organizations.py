"""What an organization may use: product rules 1 and 2."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from schemas import learning
from schemas.journal import AvailabilityChanged, BadgeThresholdSet, Event, OrganizationConfigured
from services.achievements.deciding import Decider
from services.causes import Causes

PLANS_WITH_AWARDS = frozenset({"enterprise", "professional"})


class Organization(Struct, frozen=True):
    badges: bool = False
    certificates: bool = False
    causes: Causes = Causes()


def decide(
    command: learning.OrganizationConfigured, cause: str | None, organization: Organization
) -> Sequence[Event]:
    if cause in organization.causes:
        return []
    configured = OrganizationConfigured(
        cause=cause,
        organization_id=command.organization_id,
        name=command.name,
        plan=command.plan,
        badges_enabled=command.badges_enabled,
        timezone=command.timezone or "UTC",
        logo=command.logo,
        linkedin_organization_id=command.linkedin_organization_id,
    )
    certificates = command.plan in PLANS_WITH_AWARDS
    badges = certificates and command.badges_enabled
    if (badges, certificates) == (organization.badges, organization.certificates):
        return [configured]
    return [
        configured,
        AvailabilityChanged(
            organization_id=command.organization_id, badges=badges, certificates=certificates
        ),
    ]


def evolve(organization: Organization, event: Event) -> Organization:
    match event:
        case OrganizationConfigured(cause=str(cause)):
            return replace(organization, causes=organization.causes.adding(cause))
        case AvailabilityChanged(badges=badges, certificates=certificates):
            return replace(organization, badges=badges, certificates=certificates)
        case OrganizationConfigured() | BadgeThresholdSet():
            return organization
    raise TypeError(f"an organization knows no {type(event).__name__}")


ORGANIZATION = Decider(Organization(), decide, evolve)
