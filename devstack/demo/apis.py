"""The HTTP APIs as their callers use them: signed-in people, and strangers without a token."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any, Final

import httpx
import jwt
from prometheus_client.parser import text_string_to_metric_families

from devstack.demo.failures import DemoError
from devstack.demo.running import Running
from devstack.demo.story import ADMIN, ORGANIZATION

TOKEN_HOURS: Final = 12
_SERVE: Final = {"achievements": "achievements serve", "sharing": "sharing serve"}
_FACTS: Final = "achievements_facts"


class Apis:
    """Calls that must succeed raise DemoError with the answer where they don't."""

    def __init__(self, running: Running, secret: bytes) -> None:
        self._running = running
        self._secret = secret
        self._client = httpx.Client(timeout=10)

    def token(self, user_id: str, *roles: str) -> str:
        """What the platform's sign-in gives a user: the contract's claims, signed with the secret."""
        claims = {
            "sub": user_id,
            "org": ORGANIZATION,
            "roles": roles or ("member",),
            "aud": "achievements",
            "exp": datetime.now(UTC) + timedelta(hours=TOKEN_HOURS),
        }
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def activity(self, user_id: str) -> dict[str, Any]:
        """As the member gets it."""
        path = f"/v1/organizations/{ORGANIZATION}/members/me/activity"
        answer = self.call("achievements", "GET", path, user_id)
        activity: dict[str, Any] = answer.json()
        return activity

    def explanation(self, user_id: str, code: str, program_id: str | None) -> dict[str, Any]:
        """Why the member's number is what it is; `program_id` is that of a certificate."""
        path = f"/v1/organizations/{ORGANIZATION}/members/me/explanations/{code}"
        query = f"?program_id={program_id}" if program_id else ""
        explanation: dict[str, Any] = self.call("achievements", "GET", path + query, user_id).json()
        return explanation

    def awards(self, user_id: str) -> list[dict[str, Any]]:
        """The member's awards, as sharing knows them."""
        awards: list[dict[str, Any]] = self.call("sharing", "GET", "/v1/awards", user_id).json()[
            "items"
        ]
        return awards

    def call(self, service: str, method: str, path: str, user_id: str) -> httpx.Response:
        name = _SERVE[service]
        roles = ("member", "admin") if user_id == ADMIN else ()
        answer = self._client.request(
            method,
            self._running.url(name) + path,
            headers={"Authorization": f"Bearer {self.token(user_id, *roles)}"},
        )
        if not answer.is_success:
            seen = f"{answer.status_code} {answer.text}"
            raise DemoError(f"success of {method} {path} for {user_id}", seen, name)
        return answer

    def open(self, url: str, accept: str = "*/*") -> httpx.Response:
        """As a stranger: no token, whatever the answer."""
        return self._client.get(url, headers={"Accept": accept})

    def facts(self) -> Counter[str]:
        """How many facts `consume` has taken in so far, by what became of them."""
        text = self._client.get(f"{self._running.url('achievements consume')}/metrics").text
        return Counter(
            {
                sample.labels["outcome"]: int(sample.value)
                for family in text_string_to_metric_families(text)
                if family.name == _FACTS
                for sample in family.samples
                if sample.name == f"{_FACTS}_total"
            }
        )


_IN_A_LINE = frozenset({"a", "bdi", "strong", "time"})


class _PageText(HTMLParser):
    """The text of a page's body, a line for each block of it; a term and its description are one."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._inside: list[str] = []
        self._line = ""
        self._term = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._end_line(tag)
        if tag in ("main", "style", "script", "svg", "dt"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._end_line(tag)
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._inside in (["main"], ["main", "dt"]):
            self._line += data

    def _end_line(self, tag: str) -> None:
        text = " ".join(self._line.split())
        if not text or tag in _IN_A_LINE:
            return
        self._line = ""
        if self._inside == ["main", "dt"]:
            self._term = f"{text}: "
        else:
            self.lines.append(f"{self._term}{text}")
            self._term = ""


def page_text(html: str) -> list[str]:
    """What a reader of the page reads, line by line."""
    page = _PageText()
    page.feed(html)
    return page.lines
