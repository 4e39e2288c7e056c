"""What a member must see, by the oracle: the contract's activity and home."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from tests.e2e.known import CERTIFICATE
from tests.oracle import NAMES, ROLES, THRESHOLDS, Achievement, Grant, Json, Oracle, instant


def activity(oracle: Oracle, organization_id: str, user_id: str, feedback_url: str) -> Json:
    """The activity view; `feedback_url` is the template of the address where feedback is given."""
    badges, certificates = oracle.available(organization_id)
    person = organization_id, user_id
    earned = [] if person in oracle.erased else [*_earned(oracle, *person)]
    in_progress = _in_progress(oracle, *person)
    unearned = _unearned(oracle, *person)
    without_feedback = _without_feedback(oracle, *person, feedback_url)
    return {
        "organization_id": organization_id,
        "user_id": user_id,
        "available": {"badges": badges, "certificates": certificates},
        "badges": {
            "earned": [_badge(event) for event in earned if badges and event["kind"] == "badge"],
            "in_progress": [*in_progress] if badges else [],
        },
        "certificates": {
            "earned": [
                _certificate(event)
                for event in earned
                if certificates and event["kind"] == "certificate"
            ],
            "unearned": [*unearned] if certificates else [],
        },
        "sessions_without_feedback": [*without_feedback] if certificates else [],
    }


def home(seen: Json) -> Json:
    """Of an activity, only what is in progress."""
    return {
        "badges": [badge for badge in seen["badges"]["in_progress"] if badge["count"] >= 1],
        "certificates": [
            certificate
            for certificate in seen["certificates"]["unearned"]
            if certificate["required_sessions"] is not None
        ],
    }


def _earned(oracle: Oracle, organization_id: str, user_id: str) -> Iterator[Json]:
    """The awards held, as they were told: badges by code, then certificates by program."""
    whats = [(code, "") for code in sorted(NAMES)]
    whats += [(CERTIFICATE, one) for one in sorted(oracle.programs_of[organization_id, user_id])]
    for code, program_id in whats:
        achievement = Achievement(organization_id, user_id, code, program_id)
        grants: list[Grant] = oracle.grants.get(achievement, [])
        yield from (grant.event for grant in grants if grant.event and not grant.revoked)


def _in_progress(oracle: Oracle, organization_id: str, user_id: str) -> Iterator[Json]:
    is_erased = (organization_id, user_id) in oracle.erased
    roles = set() if is_erased else _roles(oracle, organization_id, user_id)
    for code in sorted(NAMES):
        achievement = Achievement(organization_id, user_id, code)
        if code != "connector" and ROLES[code] not in roles:
            continue
        if oracle.is_held(achievement) and not is_erased:
            continue
        count = 0 if is_erased else len(oracle.badge_series(achievement).all)
        yield {
            "code": code,
            "name": NAMES[code],
            "count": count,
            "threshold": THRESHOLDS[code],
            "missing": max(0, THRESHOLDS[code] - count),
            "revoked": achievement in oracle.grants and not is_erased,
        }


def _roles(oracle: Oracle, organization_id: str, user_id: str) -> set[Any]:
    sessions = oracle.sessions_with(organization_id, user_id)
    return {
        *oracle.registered.get((organization_id, user_id), ()),
        *oracle.joined[organization_id, user_id],
        *(s.roles[user_id] for _, s in sessions if s.program_type == "one_to_one"),
    }


def _unearned(oracle: Oracle, organization_id: str, user_id: str) -> Iterator[Json]:
    if (organization_id, user_id) in oracle.erased:
        return
    for program_id in sorted(oracle.programs_of[organization_id, user_id]):
        certificate = oracle.certificates.get((organization_id, program_id))
        achievement = Achievement(organization_id, user_id, CERTIFICATE, program_id)
        if certificate is None or not certificate.enabled or oracle.is_held(achievement):
            continue
        count = len(oracle.certificate_series(achievement).all)
        required = certificate.now.get("required_sessions")
        yield {
            "program_id": program_id,
            "title": certificate.now["name"],
            "count": count,
            "required_sessions": required,
            "missing": None if required is None else max(0, required - count),
            "guidance": certificate.now.get("guidance"),
            "revoked": achievement in oracle.grants,
        }


def _without_feedback(
    oracle: Oracle, organization_id: str, user_id: str, feedback_url: str
) -> Iterator[Json]:
    if (organization_id, user_id) in oracle.erased:
        return
    sessions = oracle.sessions_with(organization_id, user_id)
    for session_id, session in sorted(sessions, key=lambda one: (one[1].completed.at, one[0])):
        if session.program_type != "one_to_one":
            continue
        if oracle.valid_feedback(organization_id, session_id):
            continue
        yield {
            "session_id": session_id,
            "program_id": session.program_id,
            "completed_at": session.completed.at,
            "feedback_url": feedback_url.format(
                organization_id=quote(organization_id, safe=""),
                program_id=quote(session.program_id, safe=""),
                session_id=quote(session_id, safe=""),
            ),
        }


def _badge(event: Json) -> Json:
    return {
        "award_id": event["award_id"],
        "code": event["code"],
        "name": event["title"],
        "earned_at": instant(event["earned_at"]),
        "granted_at": instant(event["granted_at"]),
    }


def _certificate(event: Json) -> Json:
    return {
        "award_id": event["award_id"],
        "program_id": event["program_id"],
        "title": event["title"],
        "earned_at": instant(event["earned_at"]),
        "granted_at": instant(event["granted_at"]),
        "how": event["how"],
    }
