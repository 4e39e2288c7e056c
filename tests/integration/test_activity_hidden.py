"""What is not shown in activity and home: product rules 1, 2, 11 and 27."""

from typing import Any, Final

import pytest

from schemas import learning
from services.journal import Journal
from tests.integration.http_calls import Client
from tests.integration.test_activity import CONNECTOR, know, seen, told
from tests.scenario import (
    by_hand,
    certificate,
    certificate_disabled,
    erased,
    feedback,
    joined,
    organization,
    registered,
    session,
)

NOBODY: Final = "nobody"


def nothing(user_id: str, *, badges: bool = True, certificates: bool = True) -> dict[str, Any]:
    """The activity of somebody who has done nothing yet."""
    connector = CONNECTOR | {"count": 0, "missing": 10}
    return {
        "organization_id": "acme",
        "user_id": user_id,
        "available": {"badges": badges, "certificates": certificates},
        "badges": {"earned": [], "in_progress": [connector] if badges else []},
        "certificates": {"earned": [], "unearned": []},
        "sessions_without_feedback": [],
    }


def test_nobody_ever_heard_of(client: Client, journal: Journal) -> None:
    """Whoever was never heard of is shown as having done nothing: Connector at 0, and an empty home."""
    told(journal)
    assert seen(client, NOBODY) == nothing(NOBODY)
    assert seen(client, NOBODY, "home") == {"badges": [], "certificates": []}


def test_the_erased(client: Client, journal: Journal) -> None:
    """Rule 27: whoever was erased is shown as nobody ever heard of, whatever comes later; others see what they saw."""
    told(journal)
    know(journal, registered("ben", "mentee"), by_hand("ben", program="p3"))
    mia = seen(client, "mia")
    know(journal, erased("ben"))
    late: list[learning.Inbound] = [
        registered("ben", "mentor", "mentee"),
        joined("ben", "mentor", "p2"),
        by_hand("ben", program="p2"),
        session(12, "ada", program="p2"),
    ]
    for facts in ([], late):
        know(journal, *facts)
        assert seen(client, "ben") == nothing("ben")
        assert seen(client, "ben", "home") == {"badges": [], "certificates": []}
        assert seen(client, "mia") == mia


@pytest.mark.parametrize("plan", ["starter", "", "Enterprise"])
def test_what_is_unavailable_is_not_shown(client: Client, journal: Journal, plan: str) -> None:
    """Rule 2: of what is not available nothing is shown; it comes back into view."""
    told(journal)
    full = seen(client, "ben")
    know(journal, organization(badges=False))
    hidden = {"available": {"badges": False, "certificates": True}}
    assert seen(client, "ben") == full | hidden | {"badges": {"earned": [], "in_progress": []}}
    know(journal, organization(plan))
    assert seen(client, "ben") == nothing("ben", badges=False, certificates=False)
    assert seen(client, "ben", "home") == {"badges": [], "certificates": []}
    know(journal, organization("professional"))
    assert seen(client, "ben") == full


def test_an_organization_never_configured(client: Client, journal: Journal) -> None:
    """Rule 1: an organization that was never configured has neither badges nor certificates."""
    know(journal, certificate(1), session(1), feedback(1))
    assert seen(client, "ben") == nothing("ben", badges=False, certificates=False)


def test_a_disabled_certificate(client: Client, journal: Journal) -> None:
    """Rule 11: disabling hides progress, and takes no award away."""
    told(journal)
    full = seen(client, "ben")["certificates"]
    know(journal, certificate_disabled("p1"), certificate_disabled("p2"))
    found = seen(client, "ben")["certificates"]
    assert found["earned"] == full["earned"]
    assert [item["program_id"] for item in found["unearned"]] == ["p3"]
