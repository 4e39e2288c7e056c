"""A program's certificate and its report over HTTP: product rules 2, 14 and 15."""

import csv
from io import StringIO
from typing import Any

import pytest

from services.achievements.api import programs
from services.journal import Journal
from tests.integration.http_calls import Client, know
from tests.scenario import (
    by_hand,
    certificate,
    certificate_changed,
    certificate_disabled,
    erased,
    feedback,
    joined,
    organization,
    registered,
    revoked,
    session,
)

INFO = "/programs/p1/certificate"
REPORT = f"{INFO}/report"
CSV = {"Accept": "text/csv"}
NULLS = dict.fromkeys(("required_sessions", "guidance", "name", "text", "colour", "banner", "logo"))
NEVER_ENABLED = {"available": True, "enabled": False} | NULLS


def informed(client: Client) -> Any:
    answer = client.get(INFO, "anybody", "member")
    assert answer.status_code == 200
    return answer.json()


def table(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text, newline=""), strict=True))


def test_what_anybody_can_learn_of_a_certificate(client: Client, journal: Journal) -> None:
    """Rule 14: anyone in the organization sees whether there is a certificate, what it takes, and its guidance."""
    know(journal, organization())
    assert informed(client) == NEVER_ENABLED
    logo = f"sha256:{'0' * 64}"
    know(journal, certificate(3, guidance="Take part", logo=logo))
    enabled = {
        "available": True,
        "enabled": True,
        "required_sessions": 3,
        "guidance": "Take part",
        "name": "Spring certificate",
        "text": "For taking part",
        "colour": "#0a5c36",
        "banner": None,
        "logo": logo,
    }
    assert informed(client) == enabled
    know(journal, certificate_changed(required_sessions=None), certificate_disabled())
    disabled = enabled | {"enabled": False, "required_sessions": None}
    assert informed(client) == disabled, "a disabled one keeps its values"
    know(journal, organization("starter"))
    assert informed(client) == NEVER_ENABLED | {"available": False}
    know(journal, organization(badges=False))
    assert informed(client) == disabled


def test_who_may_learn_of_it(client: Client, journal: Journal) -> None:
    """Rule 26: only those of the organization, and its report only its admins."""
    know(journal, organization())
    assert client.call("GET", INFO).status_code == 401
    assert client.get(f"/v1/organizations/other{INFO}").status_code == 404
    assert client.get(REPORT, "mia", "member").status_code == 403
    assert client.get(REPORT, "olga", "operator").status_code == 403
    assert client.get("/programs/a%3Ab/certificate").status_code == 404
    assert client.get(f"{REPORT}?limit=0").status_code == 422
    assert client.get(f"{REPORT}?cursor=x").json()["errors"][0]["field"] == "cursor"


def test_the_report(client: Client, journal: Journal) -> None:
    """Rule 15: for each member what was completed, what counts, what lacks feedback, and what was granted how."""
    know(
        journal,
        organization(),
        certificate(1),
        registered("ben", name="Ben"),
        registered("outsider"),
        *(session(n) for n in (3, 1, 2)),
        session(4, program="p2"),
        feedback(2),
        joined("joe"),
        by_hand("nora"),
        joined("gone"),
        erased("gone"),
    )
    (granted,) = client.get("/members/ben/activity").json()["certificates"]["earned"]
    answer = client.get(REPORT)
    assert (answer.status_code, answer.json()["next"]) == (200, None)
    ben, joe, mia, nora = answer.json()["items"]
    award = {name: granted[name] for name in ("award_id", "earned_at", "granted_at", "how")}
    assert ben == {
        "user_id": "ben",
        "display_name": "Ben",
        "sessions_completed": 3,
        "sessions_counted": 1,
        "sessions_without_feedback": ["s1", "s3"],
        "award": award,
    }
    assert award["how"] == "automatic"
    assert award["earned_at"] == "2026-01-03T21:00:00Z"
    assert joe == {
        "user_id": "joe",
        "display_name": None,
        "sessions_completed": 0,
        "sessions_counted": 0,
        "sessions_without_feedback": [],
        "award": None,
    }
    assert (mia["user_id"], nora["award"]["how"]) == ("mia", "manual")
    know(journal, revoked(award["award_id"]))
    assert client.get(REPORT).json()["items"][0]["award"] is None, "a revoked award"
    know(journal, organization("starter"))
    assert client.get(REPORT).json() == {"items": [], "next": None}, "unavailable"
    assert len(table(client.get(REPORT, headers=CSV).text)) == 1


def test_the_report_in_pages(client: Client, journal: Journal) -> None:
    """Pages go by user id, by code point whatever the database's collation: all of them, each once."""
    users = ["Zoe", "_x", "ada", "ab", "a b", "a-c", "éa", "zed", "😀", "\uffee", "10", "9"]
    know(journal, organization(), *(joined(user_id) for user_id in users))
    for limit in (1, 5, 12):
        found: list[str] = []
        query: dict[str, Any] = {"limit": limit}
        while True:
            page = client.get(REPORT, params=query).json()
            found += [item["user_id"] for item in page["items"]]
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
        assert found == sorted(users)


def test_the_report_as_csv(
    client: Client, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 15: CSV is whole, as spreadsheets like it (RFC 4180, with a byte order mark), and no cell is a formula."""
    monkeypatch.setattr(programs, "CSV_PAGE", 2)
    know(
        journal,
        organization(),
        certificate(1),
        registered("ben", name='=HYPERLINK("http://x";"y")'),
        registered("mia", name='Mia "M", née Müller\r\n;=1+1'),
        session(1),
        session(2),
        session(3),
        feedback(1),
        *(joined(user_id) for user_id in ("-1", "@x", "+2")),
    )
    answer = client.get(f"{REPORT}?limit=1", headers=CSV)
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert answer.headers["vary"] == "Accept"
    assert (
        answer.headers["content-disposition"] == 'attachment; filename="certificate-report-p1.csv"'
    )
    assert answer.content.startswith(b"\xef\xbb\xbfuser_id,")
    assert answer.content.endswith(b"\r\n")
    header, *lines = table(answer.content.decode("utf-8-sig"))
    assert header == [
        *("user_id", "display_name", "sessions_completed", "sessions_counted"),
        *("sessions_without_feedback", "award_id", "earned_at", "granted_at", "how"),
    ]
    by_user = {line[0]: line[1:] for line in lines}
    assert list(by_user) == ["'+2", "'-1", "'@x", "ben", "mia"]
    (award,) = client.get("/members/ben/activity").json()["certificates"]["earned"]
    granted = [award[name] for name in ("award_id", "earned_at", "granted_at", "how")]
    assert by_user["ben"] == ['\'=HYPERLINK("http://x";"y")', "3", "1", "s2 / s3", *granted]
    assert by_user["mia"][0] == 'Mia "M", née Müller\r\n;\'=1+1'
    assert by_user["'-1"] == ["", "0", "0", "", "", "", "", ""]


def test_the_name_of_the_csv_is_safe(client: Client, journal: Journal) -> None:
    """Whatever a program is called, its file's name is plain."""
    know(journal, organization())
    answer = client.get('/programs/..%5C"é; x/certificate/report', headers=CSV)
    assert (
        answer.headers["content-disposition"] == 'attachment; filename="certificate-report-_x.csv"'
    )
