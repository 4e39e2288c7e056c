"""Addresses that bring an award to LinkedIn (rule 23)."""

from urllib.parse import quote, urlencode

from schemas.links import AwardReceived
from services.zones import in_zone


def add_address(award: AwardReceived, page: str) -> str:
    """Where "Add to LinkedIn" leads: a badge becomes a post, a certificate part of the profile.

    `page` is the address of the award's public page. The parameters are those of LinkedIn's "Share
    on LinkedIn" and "Add to Profile" forms; spaces are sent as %20, which no form takes for a plus
    sign.
    """
    if award.kind == "badge":
        return _address("https://www.linkedin.com/sharing/share-offsite/", {"url": page})
    earned = in_zone(award.earned_at, award.timezone)
    return _address(
        "https://www.linkedin.com/profile/add",
        {
            "startTask": "CERTIFICATION_NAME",
            "name": award.title,
            **_issuer(award),
            "issueYear": str(earned.year),
            "issueMonth": str(earned.month),
            "certUrl": page,
            "certId": award.award_id,
        },
    )


def _issuer(award: AwardReceived) -> dict[str, str]:
    if award.linkedin_organization_id:
        return {"organizationId": award.linkedin_organization_id}
    return {"organizationName": award.organization_name}


def _address(form: str, parameters: dict[str, str]) -> str:
    return f"{form}?{urlencode(parameters, quote_via=quote, safe='')}"
