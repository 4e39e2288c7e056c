"""All routes of the owner's pages."""

from services.sharing.owners.awards import AwardPages, Certificate
from services.sharing.owners.sessions import Sessions
from services.sharing.owners.signing import Signing
from services.sharing.owners.visits import Visits
from services.sharing.reading import Reading
from services.sharing.writing import Writing
from services.web import BareRoute, TokenVerifier


def owner_routes(
    writing: Writing,
    reading: Reading,
    verifier: TokenVerifier,
    certificate: Certificate,
    *,
    public_url: str,
    platform_url: str | None,
) -> list[BareRoute]:
    """`public_url` is what all our addresses begin with, `platform_url` where members sign in."""
    sessions = Sessions(verifier, public_url)
    visits = Visits(sessions, public_url, platform_url)
    return [
        *AwardPages(writing, reading, visits, certificate, public_url).routes,
        *Signing(sessions, visits, public_url, platform_url).routes,
    ]
