"""Somebody who is signed in to the owner's pages, as a browser would be."""

import re
from html import unescape

import httpx

COOKIE = "__Host-awards-session"
PLATFORM = "https://platform.example"
AWARDS = "/me/awards"
ASK = "/me/awards/award-1/disable-link"
OURS = {"Sec-Fetch-Site": "same-origin"}


class Browser:
    """Somebody signed in, with the pages that they were shown."""

    def __init__(self, http: httpx.Client, authorization: dict[str, str]) -> None:
        self._http = http
        self.token = authorization["Authorization"].removeprefix("Bearer ")
        self.headers = {"Cookie": f"{COOKIE}={self.token}"}

    def get(self, path: str = AWARDS) -> httpx.Response:
        return self._http.get(path, headers=self.headers)

    def form_of(self, page: str) -> dict[str, str]:
        """The hidden fields of a page, once each."""
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
        return {name: unescape(value) for name, value in found}

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        """Sends a form of the list, or this one, as a browser sends it from a page of ours."""
        form = self.form_of(self.get().text) if form is None else form
        return self._http.post(path, data=form, headers=self.headers | OURS | headers)

    def link(self, award_id: str = "award-1") -> str | None:
        """The award's active link, as the API tells it."""
        authorization = {"Authorization": f"Bearer {self.token}"}
        link = self._http.get(f"/v1/awards/{award_id}", headers=authorization).json()["link"]
        return None if link is None else str(link["url"])
