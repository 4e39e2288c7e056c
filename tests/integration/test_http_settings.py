"""An organization's settings over HTTP: product rules 1, 2 and 26."""

from threading import Thread
from typing import Any

import httpx
import pytest

from schemas.journal import OrganizationConfigured
from services.achievements.application import Application
from services.achievements.organization_settings import PlanChangeError
from services.journal import Journal
from tests.integration.http_calls import Client, bearer, know
from tests.integration.service import take
from tests.scenario import certificate, feedback, organization, session

PATH = "/settings"
ACME = {
    "name": "Acme",
    "plan": "enterprise",
    "badges_enabled": True,
    "timezone": "UTC",
    "logo": None,
    "linkedin_organization_id": None,
}


def put(client: Client, body: Any, *roles: str) -> httpx.Response:
    return client.call("PUT", PATH, bearer("boss", *(roles or ("admin",))), json=body)


def test_settings_are_read_and_replaced(client: Client, journal: Journal) -> None:
    """Settings are what was told last, be it by Kafka or here; what is left out is cleared."""
    assert client.get(PATH).status_code == 404, "never configured"
    take(journal, organization(timezone="Europe/Paris", linkedin_organization_id="12"))
    told = ACME | {"timezone": "Europe/Paris", "linkedin_organization_id": "12"}
    assert client.get(PATH).json() == told
    logo = f"sha256:{'0' * 64}"
    answer = put(client, {**ACME, "name": "Acme & Co", "logo": logo, "timezone": "Asia/Tokyo"})
    changed = ACME | {"name": "Acme & Co", "logo": logo, "timezone": "Asia/Tokyo"}
    assert (answer.status_code, answer.json()) == (200, changed)
    assert client.get(PATH).json() == changed
    bare = {"name": "Acme", "plan": "enterprise", "badges_enabled": True, "timezone": None}
    assert put(client, bare).json() == ACME


def test_what_becomes_due_is_granted_at_once(client: Client, journal: Journal) -> None:
    """Rules 1 and 2: when it becomes available, all that is due is granted by the time the answer is there."""
    know(journal, organization("starter"))
    take(journal, certificate(1), session(1), feedback(1))
    assert put(client, ACME, "operator").status_code == 200
    activity = client.get("/members/ben/activity").json()
    assert activity["available"] == {"badges": True, "certificates": True}
    assert [one["program_id"] for one in activity["certificates"]["earned"]] == ["p1"]
    assert put(client, ACME | {"badges_enabled": False}).status_code == 200
    activity = client.get("/members/ben/activity").json()
    assert activity["available"] == {"badges": False, "certificates": True}
    assert activity["certificates"]["earned"]


def test_another_plan_is_for_operators(client: Client, journal: Journal) -> None:
    """An admin changes all but the plan; the first plan and another one are for operators."""
    assert put(client, ACME).status_code == 403
    assert client.get(PATH).status_code == 404
    assert put(client, ACME, "operator").status_code == 200
    assert put(client, ACME | {"name": "New"}).status_code == 200
    answer = put(client, ACME | {"plan": "professional"})
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert client.get(PATH).json() == ACME | {"name": "New"}
    assert put(client, ACME | {"plan": "starter"}, "admin", "operator").status_code == 200
    assert client.get(PATH, "olga", "operator").json()["plan"] == "starter"


def test_a_change_of_plan_is_not_undone(journal: Journal) -> None:
    """An admin who saves what they saw before an operator changed the plan is refused, whoever is first."""
    know(journal, organization())
    application = Application(journal)
    refused: list[bool] = []

    def save() -> None:
        try:
            application.change_settings(organization(name="Saved"))
            refused.append(False)
        except PlanChangeError:
            refused.append(True)

    operator = Thread(target=application.configure_organization, args=[organization("starter")])
    admins = [Thread(target=save) for _ in range(3)]
    for thread in (admins[0], operator, *admins[1:]):
        thread.start()
    for thread in (operator, *admins):
        thread.join()
    with journal.connection() as connection:
        name = journal.mapper.names[OrganizationConfigured]
        told = [one.event for one in journal.read(connection, 0, 100, [name])]
    plans = [event.plan for event in told]
    assert plans == ["enterprise"] * (1 + refused.count(False)) + ["starter"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**ACME, "name": None}, "name"),
        ({**ACME, "plan": 1}, "plan"),
        ({name: value for name, value in ACME.items() if name != "plan"}, "plan"),
        ({**ACME, "badges_enabled": "yes"}, "badges_enabled"),
        ({**ACME, "timezone": "Mars/Olympus"}, "timezone"),
        ({**ACME, "logo": "https://example.org/logo.png"}, "logo"),
        ({**ACME, "linkedin_organization_id": "\0"}, "linkedin_organization_id"),
        ([], "body"),
    ],
)
def test_what_is_refused(client: Client, journal: Journal, body: Any, field: str) -> None:
    """Bad input is named, and changes nothing."""
    know(journal, organization())
    answer = put(client, body)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert client.get(PATH).json() == ACME


def test_who_may(client: Client, journal: Journal) -> None:
    """Rule 26: admins and operators of the organization, nobody else."""
    know(journal, organization())
    assert client.call("GET", PATH).status_code == 401
    assert client.get(f"/v1/organizations/other{PATH}").status_code == 404
    for method in ("GET", "PUT"):
        answer = client.call(method, PATH, bearer("mia", "member"), content=b"no JSON")
        assert answer.status_code == 403


@pytest.mark.parametrize("field", ["name", "plan", "linkedin_organization_id"])
def test_what_is_typed_is_bounded(client: Client, journal: Journal, field: str) -> None:
    """Free text is taken up to a bound, and refused beyond it by the field's name."""
    refused = put(client, ACME | {field: "é" * 501}, "operator")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    assert put(client, ACME | {field: "é" * 500}, "operator").json()[field] == "é" * 500
