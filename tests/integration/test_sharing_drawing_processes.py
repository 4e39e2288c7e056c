"""Whatever becomes of a process that draws, the service that started it goes on, and leaves nothing behind."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest

from devstack import Addresses
from services.journal import Journal
from tests.integration.sharing_processes import fresh_database, new_journal, serving
from tests.integration.sharing_world import World
from tests.integration.test_sharing_downloads import NOWHERE, OWNERS, share
from tests.sharing_samples import CERTIFICATE


@pytest.fixture(scope="module")
def journal(stack: Addresses) -> Iterator[Journal]:
    with fresh_database(stack) as url, new_journal(url) as journal:
        yield journal


@pytest.fixture
def world(journal: Journal) -> World:
    """Where Ada has a certificate."""
    return World.of_ada(journal, CERTIFICATE)


def test_what_kills_a_process_kills_no_page(journal: Journal, world: World) -> None:
    """A process that draws may die at any time: pages and all else are served on, and soon the file again."""
    with serving(journal.conninfo, **NOWHERE) as http:
        path = f"{share(http, world)}/certificate.pdf"
        assert http.get(path).status_code == 200
        serve = psutil.Process(http.process.process.pid)
        (drawing,) = serve.children()
        drawing.kill()
        world.name("ada", "Ada King", None)
        answers = {http.get(path).status_code for _ in range(3)}
        assert answers <= {200, 503}
        assert http.get(path.removesuffix("/certificate.pdf")).status_code == 200
        world.name("ada", "Ada Byron", None)
        assert http.get(path).status_code == 200
        assert [child.pid for child in serve.children()] != [drawing.pid]


def test_what_hangs_is_ended(journal: Journal, world: World) -> None:
    """A file that can't be drawn in time is 503 with a time to come back, for the owner, too; meanwhile pages are
    served, and soon the file again."""
    with serving(journal.conninfo, **NOWHERE) as http:
        http.timeout = httpx.Timeout(60)
        page = share(http, world)
        assert http.get(f"{page}/image.png").status_code == 200
        (drawing,) = psutil.Process(http.process.process.pid).children()
        drawing.suspend()
        with ThreadPoolExecutor() as threads:
            answer = threads.submit(http.get, f"{page}/certificate.pdf")
            assert http.get(page).status_code == 200
            assert not answer.done()
            late = answer.result()
        for refused in (late, http.get(OWNERS, headers=world.ada)):
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) > 0
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.headers["cache-control"] == "no-store"
            assert "etag" not in refused.headers
        assert not drawing.is_running()
        world.name("ada", "Ada King", None)
        assert http.get(f"{page}/certificate.pdf").status_code == 200
        assert 'sharing_drawings_total{outcome="failed"} 1.0' in http.get("/metrics").text
        for secret in ("Lovelace", page.removeprefix("/s/")):
            assert secret not in http.process.log


def test_nothing_is_left_of_a_service_that_was_killed(journal: Journal, world: World) -> None:
    """Processes that draw end with the service, in order or not."""
    with serving(journal.conninfo, **NOWHERE) as http:
        http.get(f"{share(http, world)}/certificate.pdf")
        drawing = psutil.Process(http.process.process.pid).children()
        assert drawing
    psutil.wait_procs(drawing, timeout=10)
    assert not any(Path(f"/proc/{process.pid}").exists() for process in drawing)
