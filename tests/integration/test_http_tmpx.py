"""The OpenAPI document tells all that the API answers: a tester that reads it finds nothing else."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from devstack import Addresses
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

EXAMPLES = 80
PATIENCE_SECONDS = 20
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
KNOWN: Mapping[str, st.SearchStrategy[str]] = {
    "organization_id": st.just("acme"),
    "user_id": st.sampled_from(["mia", "ben", "gone", "me", "nobody"]),
    "program_id": st.sampled_from(["p1", "p1", "p2", "none"]),
    "code": st.sampled_from(["certificate", "mentor", "connector", "none"]),
}
"""What is there: most of what a tester thinks of itself isn't."""
CALLERS = st.sampled_from(
    [("boss", "admin"), ("boss", "admin"), ("olga", "operator"), ("mia", "member"), None]
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


def test_a_tester_finds_nothing_undocumented(app: Api, address: str) -> None:
    """Whatever is sent, by whomever: no fault of ours, and no answer that the document does not tell of."""
    schema: Any = schemathesis.openapi.from_dict(app.openapi())
    for found in schema.get_all_operations():
        operation = found.ok()
        strategy = st.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )
        try_out(strategy, address)


def try_out(cases: st.SearchStrategy[Case], address: str) -> None:
    """Sends some of these cases, most of them about what is there."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases, st.fixed_dictionaries({}, optional=dict(KNOWN)), CALLERS)
    def send(case: Case, known: dict[str, str], caller: tuple[str, str] | None) -> None:
        parameters: Any = case.path_parameters or {}
        for name in known.keys() & parameters.keys():
            parameters[name] = known[name]
        headers = {} if caller is None else bearer(*caller)
        response = case.call(base_url=address, headers=headers)
        open("/tmp/st.log","a").write(f"{case.operation.label} {response.status_code} {caller}\n")
        case.validate_response(response, checks=CHECKS)

    send()
