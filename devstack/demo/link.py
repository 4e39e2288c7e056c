"""The last chapter: an award becomes a public page, and the page goes again."""

from __future__ import annotations

from typing import Any

import httpx

from devstack.demo import credential, story
from devstack.demo.apis import page_text
from devstack.demo.story import NAMES, PROGRAMS_BY_ID
from devstack.demo.telling import Demo

OWNER = "leila"
PROGRAM = "borders"
_SHARING = ("sharing serve", "sharing consume")


def a_link(demo: Demo) -> None:
    """Its owner shares an award; a stranger opens the page; the owner takes it down."""
    award_id = _award_id(demo)
    path = f"/v1/awards/{award_id}/link"
    link = demo.apis.call("sharing", "PUT", path, OWNER)
    url = link.json()["url"]
    demo.screen.say(f"{OWNER.capitalize()} shares her certificate:")
    _show_call(demo, "PUT", path, link)
    demo.screen.verbatim(url)
    _live_page(demo, url)
    badge = credential.checked(demo, url)
    demo.screen.gap()
    demo.screen.say(f"{OWNER.capitalize()} takes it down:")
    _show_call(demo, "DELETE", path, demo.apis.call("sharing", "DELETE", path, OWNER))
    _dead_page(demo, url)
    credential.revoked(demo, badge)


def share(demo: Demo) -> str:
    """The address of the award's active link, a new one where there is none."""
    path = f"/v1/awards/{_award_id(demo)}/link"
    url: str = demo.apis.call("sharing", "PUT", path, OWNER).json()["url"]
    return url


def _award_id(demo: Demo) -> str:
    found: list[Any] = []

    def difference() -> str | None:
        awards = demo.apis.awards(OWNER)
        found[:] = [one["award_id"] for one in awards if one["program_id"] == PROGRAM]
        return None if found else f"{len(awards)} other awards"

    with demo.screen.waiting("Waiting for sharing to hear of the award …"):
        expected = f"the certificate among the awards of {OWNER}"
        demo.running.until(expected, difference, *_SHARING, "achievements relay")
    return str(found[0])


def _live_page(demo: Demo, url: str) -> None:
    title = str(PROGRAMS_BY_ID[PROGRAM].certificate)
    wanted = {title, NAMES[OWNER], f"Issued by: {story.ORGANIZATION_NAME}"}
    answers: list[httpx.Response] = []

    def difference() -> str | None:
        answers[:] = [demo.apis.open(url)]
        lines = page_text(answers[0].text)
        missing = wanted - set(lines)
        return f"{answers[0].status_code}, without {missing}" if missing else None

    demo.running.until(f"a page with {wanted}", difference, *_SHARING)
    demo.screen.gap()
    demo.screen.say("A stranger opens the link, without signing in:")
    _check_page(demo, answers[0], 200, "no-cache")


def _dead_page(demo: Demo, url: str) -> None:
    demo.screen.gap()
    demo.screen.say("The stranger opens the link again:")
    answer = demo.apis.open(url)
    _check_page(demo, answer, 410, "no-store")
    told = [word for word in (NAMES[OWNER], story.ORGANIZATION_NAME) if word in answer.text]
    demo.check(not told, "nothing about its owner", told, *_SHARING)


def _check_page(demo: Demo, answer: httpx.Response, status: int, cache: str) -> None:
    headers = answer.headers
    found = (answer.status_code, headers["cache-control"], headers["x-robots-tag"])
    expected = (status, cache, "noindex, noarchive")
    demo.check(found == expected, str(expected), found, *_SHARING)
    _show_call(demo, "GET", answer.request.url.path, answer)
    demo.screen.page(page_text(answer.text))


def _show_call(demo: Demo, method: str, path: str, answer: httpx.Response) -> None:
    cache = f"  Cache-Control: {answer.headers['cache-control']}" if method == "GET" else ""
    demo.screen.verbatim(f"{method} {path} → {answer.status_code}{cache}", style="dim")
