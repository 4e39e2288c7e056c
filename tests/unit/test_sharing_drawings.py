"""Drawings: one for all who ask at once, kept as long as there is room, never for long."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from services.sharing import drawings as module
from services.sharing import recent
from services.sharing.drawing import badge_image
from services.sharing.drawing_jobs import (
    AnyJob,
    BadgePicture,
    CertificateCard,
    CertificatePage,
    CertificatePdf,
)
from services.sharing.drawing_pool import DrawingFailedError, DrawingPool
from services.sharing.drawings import Drawings, tag_of
from tests.drawing_samples import CERTIFICATES, changed

BADGE = BadgePicture("mentor")
LATIN = CERTIFICATES["Latin"]
BROKEN = CertificatePdf(changed(LATIN, colour="no colour"))


class Asked:
    """Makes a job, and counts how often it was needed."""

    def __init__(self, job: AnyJob) -> None:
        self.tag = tag_of(job)
        self.times = 0
        self._job = job

    async def __call__(self) -> AnyJob:
        self.times += 1
        return self._job


def with_drawings(
    test: Callable[[Drawings], Awaitable[None]], kept_bytes: int = module.KEPT_BYTES
) -> None:
    async def run() -> None:
        pool = DrawingPool(processes=1)
        drawings = Drawings(pool, kept_bytes=kept_bytes)
        try:
            await test(drawings)
        finally:
            await drawings.close()
            await pool.close()

    asyncio.run(run())


def test_drawn_once_for_all() -> None:
    """However many ask for the same at once, and again later, it is drawn once."""

    async def test(drawings: Drawings) -> None:
        badge = Asked(BADGE)
        together = await asyncio.gather(*(drawings.drawn(badge.tag, badge) for _ in range(20)))
        assert set(together) == {badge_image("mentor")}
        await drawings.drawn(badge.tag, badge)
        assert badge.times == 1

    with_drawings(test)


def test_one_who_goes_takes_nothing_from_others() -> None:
    """Of several who ask for the same one may go away, and the others get it."""

    async def test(drawings: Drawings) -> None:
        badge = Asked(BADGE)
        first = asyncio.create_task(drawings.drawn(badge.tag, badge))
        second = asyncio.create_task(drawings.drawn(badge.tag, badge))
        await asyncio.sleep(0.05)
        first.cancel()
        assert await second == badge_image("mentor")
        assert badge.times == 1

    with_drawings(test)


def test_there_is_so_much_room_and_no_more() -> None:
    """What was not asked for the longest makes room."""

    async def test(drawings: Drawings) -> None:
        first, second, third = (Asked(BadgePicture(code)) for code in ("mentor", "mentee", "badge"))
        for badge in (first, second, first, third, first, second):
            await drawings.drawn(badge.tag, badge)
        assert [badge.times for badge in (first, second, third)] == [1, 2, 1]

    two = sum(len(badge_image(code)) for code in ("mentor", "mentee", "badge")) - 1
    with_drawings(test, kept_bytes=two)


def test_nothing_is_kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 27: a drawing may hold a name, so no process holds it for more than some minutes."""
    assert recent.KEPT_SECONDS <= 600
    monkeypatch.setattr(recent, "KEPT_SECONDS", 0.01)

    async def test(drawings: Drawings) -> None:
        badge = Asked(BADGE)
        await drawings.drawn(badge.tag, badge)
        await asyncio.sleep(0.1)
        await drawings.drawn(badge.tag, badge)
        assert badge.times == 2

    with_drawings(test)


def test_what_fails_is_not_tried_at_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be drawn costs a process at most once in a while, and is tried again then."""
    monkeypatch.setattr(module, "FAILED_SECONDS", 0.5)

    async def test(drawings: Drawings) -> None:
        broken = Asked(BROKEN)
        for _ in range(3):
            with pytest.raises(DrawingFailedError):
                await drawings.drawn(broken.tag, broken)
        assert broken.times == 1
        await asyncio.sleep(0.6)
        with pytest.raises(DrawingFailedError):
            await drawings.drawn(broken.tag, broken)
        assert broken.times == 2

    with_drawings(test)


def test_an_error_on_the_way_reaches_who_asks_and_is_forgotten() -> None:
    """Where a job can't even be made, everybody who asks is told, and the next one may have more luck."""

    async def no_job() -> AnyJob:
        raise LookupError

    async def test(drawings: Drawings) -> None:
        badge = Asked(BADGE)
        with pytest.raises(LookupError):
            await drawings.drawn(badge.tag, no_job)
        assert await drawings.drawn(badge.tag, badge)

    with_drawings(test)


def test_a_tag_stands_for_all_that_determines_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another design, another form, another picture, another renderer: another strong tag; else the same."""
    job = CertificatePdf(LATIN)
    tags = {
        tag_of(job),
        tag_of(job, "a", None),
        tag_of(job, None, "a"),
        tag_of(CertificatePdf(changed(LATIN, recipient_name="Grace Hopper"))),
        tag_of(CertificatePdf(changed(LATIN, page_url=None))),
        tag_of(CertificatePdf(changed(LATIN, paper="letter"))),
        tag_of(CertificateCard(LATIN)),
        tag_of(CertificatePage(LATIN)),
    }
    assert len(tags) == 8
    assert tag_of(CertificatePdf(changed(LATIN))) == tag_of(job)
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)
    monkeypatch.setattr(module, "renderer_version", lambda: b"another")
    assert tag_of(job) not in tags
