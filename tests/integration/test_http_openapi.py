"""The OpenAPI document tells all that the API answers: a tester that reads it finds nothing else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from threading import Thread
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from devstack import Addresses
from schemas import learning
from services.environment import Address
from services.journal import Journal
from services.web import Api
from services.web.server import listening, uvicorn_server
from tests.integration.http_calls import bearer, know, make_api
from tests.integration.service import migrated
from tests.integration.sharing_processes import fresh_database
from tests.scenario import (
    certificate,
    erased,
    feedback,
    organization,
    registered,
    session,
)

EXAMPLES = 8
PATIENCE_SECONDS = 20
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ACME = {"name": "Acme", "plan": "enterprise", "badges_enabled": True}
DESIGN = {"name": "Spring", "text": "Well done", "colour": "#0a5c36"}
BODIES: dict[str, list[Any]] = {
    "put_settings": [ACME, ACME | {"plan": "professional"}],
    "enable_certificate": [DESIGN | {"required_sessions": 1}, DESIGN | {"required_sessions": 2}],
    "change_certificate": [{"guidance": "Take part"}, {"required_sessions": 3}],
    "preview_certificate": [{"required_sessions": 1}],
    "award_by_hand": [{"user_ids": ["mia", "zoe"]}, {"user_ids": ["gone"]}],
    "revoke_award": [{"reason": "wrong"}],
}
"""What makes sense: most of what a tester thinks of itself doesn't."""
CALLERS = st.sampled_from(
    [*[("boss", "admin")] * 5, ("olga", "operator"), ("mia", "member"), ("ben", "member"), None]
)


@contextmanager
def serving(app: Api) -> Iterator[str]:
    """The application behind a real server, in a thread; gives its address."""
    with listening(Address("127.0.0.1", 0)) as listener:
        server = uvicorn_server(app)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def journal(stack: Addresses) -> Iterator[Journal]:
    with fresh_database(stack) as url, migrated(url) as journal:
        know(
            journal,
            organization(),
            learning.ProgramConfigured(
                organization_id="acme", program_id="p1", program_type="one_to_one", name="Spring"
            ),
            certificate(1),
            registered("mia", name="Mia"),
            session(1),
            session(2),
            feedback(1),
            erased("gone"),
        )
        yield journal


@pytest.fixture(scope="module")
def app(journal: Journal) -> Api:
    return make_api(journal)


@pytest.fixture(scope="module")
def address(app: Api) -> Iterator[str]:
    with serving(app) as address:
        yield address


def test_every_call_is_described(app: Api) -> None:
    """Each of the contract's calls is in the document, with words of its own and every answer described."""
    document = app.openapi()
    organizations = "/v1/organizations/{organization_id}"
    told = {
        f"{method.upper()} {path.removeprefix(organizations)}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert told >= {
        "GET /members/{user_id}/activity",
        "GET /members/{user_id}/home",
        "GET /members/{user_id}/explanations/{code}",
        "GET /programs/{program_id}/certificate",
        "POST /programs/{program_id}/certificate/previews",
        "PUT /programs/{program_id}/certificate",
        "PATCH /programs/{program_id}/certificate",
        "DELETE /programs/{program_id}/certificate",
        "POST /programs/{program_id}/certificate/awards",
        "GET /programs/{program_id}/certificate/report",
        "POST /awards/{award_id}/revocation",
        "PUT /assets/{sha256}",
        "GET /assets/{sha256}",
        "GET /settings",
        "PUT /settings",
    }
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description") or operation.get("summary"), (method, path)
            assert all(answer["description"] for answer in operation["responses"].values())


def test_a_tester_finds_nothing_undocumented(
    app: Api, address: str, usual: dict[str, list[str]]
) -> None:
    """Whatever is sent, by whomever: no fault of ours, and no answer that the document does not tell of."""
    schema: Any = schemathesis.openapi.from_dict(app.openapi())
    for found in schema.include(path_regex="^/v1").get_all_operations():
        operation = found.ok()
        positive = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        negative = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        bodies = BODIES.get(operation.definition.raw["operationId"], [])
        try_out(st.one_of(positive, positive, negative), usual, bodies, address)


@pytest.fixture(scope="module")
def usual(journal: Journal, address: str) -> dict[str, list[str]]:
    """Parts of addresses, most of which lead to something; those that a tester thinks of seldom do."""
    with journal.connection() as connection:
        awards = connection.execute("SELECT award_id FROM award").fetchall()
    into = BytesIO()
    Image.new("RGB", (3, 2)).save(into, "PNG")
    image = sha256(into.getvalue()).hexdigest()
    path = f"{address}/v1/organizations/acme/assets/{image}"
    httpx.put(path, content=into.getvalue(), headers=bearer("boss", "admin")).raise_for_status()
    return {
        "organization_id": [*["acme"] * 9, "other"],
        "user_id": ["mia", "ben", "gone", "me", "nobody"],
        "program_id": ["p1", "p1", "p1", "p2", "none"],
        "award_id": [*(award_id for (award_id,) in awards), "none"],
        "code": ["certificate", "mentor", "connector", "none"],
        "sha256": [image, "none"],
    }


def try_out(
    cases: st.SearchStrategy[Case[Any]],
    usual: dict[str, list[str]],
    bodies: list[Any],
    address: str,
) -> None:
    """Sends some of these cases, most of them about what is there."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases, st.data(), CALLERS)
    def send(case: Case[Any], data: st.DataObject, caller: tuple[str, str] | None) -> None:
        parameters: Any = case.path_parameters or {}
        for name in sorted(parameters.keys() & usual.keys()):
            if name == "organization_id" or data.draw(st.booleans()):
                parameters[name] = data.draw(st.sampled_from(usual[name]))
        assume(not {".", "..", ""} & set(parameters.values()))  # they make another address
        if data.draw(st.booleans()) and bodies:
            case.body = data.draw(st.sampled_from(bodies))
        headers = {} if caller is None else bearer(*caller)
        response = case.call(base_url=address, headers=headers)
        case.validate_response(response, checks=CHECKS)

    send()
