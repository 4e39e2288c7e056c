"""The rows of the read models between PostgreSQL and memory: just what a run of events can touch, in sets."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import psycopg

from projections.badges import BADGES, CERTIFICATE
from projections.entitlement import may_come_due
from projections.progress import Progress, Touched
from projections.rows import (
    AWARDS,
    BADGE_PROGRAM,
    BADGE_THRESHOLDS,
    CERTIFICATES,
    ENROLMENTS,
    MEMBERS,
    ORGANIZATIONS,
    PARTICIPATIONS,
    PLATFORM,
    PROGRAMS,
    SESSIONS,
    TABLES,
    WAITING_AWARDS,
    Session,
    Table,
)
from schemas import journal

Connection = psycopg.Connection[Any]

_COUNTING = (journal.SessionCompleted, journal.FeedbackSubmitted, journal.AwardedByHand)
"""Events by which something may come due to the members that they touch."""


def create_tables(connection: Connection) -> None:
    """Creates what is missing of the read models' tables, in the first schema of the connection's path."""
    for table in TABLES:
        for statement in table.create_statements():
            connection.execute(statement)


def save(connection: Connection, progress: Progress) -> None:
    """Writes what has changed since it was loaded or saved, in few round trips."""
    changed = [table for table in TABLES if progress.changed[table.name]]
    if changed:
        connection.execute(";".join(table.create_staging for table in changed))
        for table in changed:
            rows = progress.rows[table.name]
            table.stage(connection, (rows[key] for key in progress.changed[table.name]))
        connection.execute(";".join(table.write_staged for table in changed))
    for table in TABLES:
        table.delete(connection, list(progress.deleted[table.name]))
    progress.changed.clear()
    progress.deleted.clear()


def load(connection: Connection, events: Sequence[journal.Event]) -> Progress:
    """All rows that folding these events, and finding out what is due by them, can touch."""
    progress = Progress()
    for session in SESSIONS.select(connection, sessions_of(events)):
        progress.put_loaded(SESSIONS, session)
    counting = [event for event in events if isinstance(event, _COUNTING)]
    others = [event for event in events if not isinstance(event, _COUNTING)]
    times_touched = Counter(touched_by(progress, counting))
    touched = {*times_touched, *touched_by(progress, others)}
    with connection.pipeline():
        answers = _ask(connection, events, touched)
        met = ask_met(connection, events)
    _take_in(progress, answers)
    progress.met.update(met or ())
    close = {one for one, times in times_touched.items() if may_come_due(progress, one, times)}
    _load_participations(connection, progress, close)
    return progress


def load_members(connection: Connection, touched: Iterable[Touched]) -> Progress:
    """All rows that tell what is due to these members."""
    progress = Progress()
    those = set(touched)
    with connection.pipeline():
        answers = _ask(connection, (), those)
    _take_in(progress, answers)
    _load_participations(connection, progress, those)
    return progress


def sessions_of(events: Iterable[journal.Event]) -> set[tuple[str, str]]:
    return {
        (event.organization_id, event.session_id)
        for event in events
        if isinstance(event, journal.SessionCompleted | journal.FeedbackSubmitted)
    }


def touched_by(progress: Progress, events: Iterable[journal.Event]) -> Iterator[Touched]:
    """The members that the events concern, once for each session that may come to count."""
    participants = {
        (event.organization_id, event.session_id): (
            event.program_id,
            [p.user_id for p in event.participants],
        )
        for event in events
        if isinstance(event, journal.SessionCompleted)
    }
    for event in events:
        match event:
            case journal.SessionCompleted() | journal.FeedbackSubmitted():
                key = (event.organization_id, event.session_id)
                known: Session | None = progress.get(SESSIONS, *key)
                program_id, users = participants.get(key) or (
                    (known.program_id, known.participants) if known else (None, [])
                )
                for user_id in users:
                    yield Touched(event.organization_id, user_id)
                    yield Touched(event.organization_id, user_id, program_id or BADGE_PROGRAM)
            case journal.AwardedByHand():
                for user_id in event.user_ids:
                    yield Touched(event.organization_id, user_id, event.program_id)
            case journal.ProgramJoined():
                yield Touched(event.organization_id, event.user_id, event.program_id)
            case (
                journal.MemberRegistered()
                | journal.MemberErased()
                | journal.AwardGranted()
                | journal.AwardRevoked()
            ):
                yield Touched(
                    event.organization_id, event.user_id, getattr(event, "program_id", None) or ""
                )


Answer = psycopg.Cursor[tuple[Any, ...]] | None


def _ask(
    connection: Connection, events: Iterable[journal.Event], touched: Collection[Touched]
) -> list[tuple[Table[Any], Answer]]:
    """Asks for the configuration that holds for members and events, and for what is known of the members."""
    organizations, programs = _configured_things(events, touched)
    members = {(one.organization_id, one.user_id) for one in touched}
    enrolments = {
        (one.organization_id, one.program_id, one.user_id)
        for one in touched
        if one.program_id != BADGE_PROGRAM
    }
    of_organization, of_member = ("organization_id",), ("organization_id", "user_id")
    return [
        (ORGANIZATIONS, ORGANIZATIONS.ask(connection, organizations)),
        (
            BADGE_THRESHOLDS,
            BADGE_THRESHOLDS.ask(connection, {*organizations, (PLATFORM,)}, of_organization),
        ),
        (PROGRAMS, PROGRAMS.ask(connection, programs)),
        (CERTIFICATES, CERTIFICATES.ask(connection, programs)),
        (MEMBERS, MEMBERS.ask(connection, members)),
        (AWARDS, AWARDS.ask(connection, members, of_member)),
        (ENROLMENTS, ENROLMENTS.ask(connection, enrolments)),
        (WAITING_AWARDS, WAITING_AWARDS.ask(connection, members, of_member)),
    ]


def _configured_things(
    events: Iterable[journal.Event], touched: Iterable[Touched]
) -> tuple[set[tuple[str]], set[tuple[str, str]]]:
    organizations = {(one.organization_id,) for one in touched}
    programs = {
        (one.organization_id, one.program_id) for one in touched if one.program_id != BADGE_PROGRAM
    }
    for event in events:
        organization_id = getattr(event, "organization_id", None)
        program_id = getattr(event, "program_id", None)
        if organization_id is not None:
            organizations.add((organization_id,))
            if program_id is not None:
                programs.add((organization_id, program_id))
    return organizations, programs


def _take_in(progress: Progress, answers: Iterable[tuple[Table[Any], Answer]]) -> None:
    for table, answer in answers:
        for row in table.rows(answer):
            progress.put_loaded(table, row)


def _load_participations(
    connection: Connection, progress: Progress, touched: Iterable[Touched]
) -> None:
    members = {(one.organization_id, one.user_id) for one in touched}
    for part in PARTICIPATIONS.select(connection, members, by=("organization_id", "user_id")):
        progress.put_loaded(PARTICIPATIONS, part)


def ask_met(connection: Connection, events: Iterable[journal.Event]) -> Answer:
    """Asks which of those who meet in the events had met before."""
    pairs: set[tuple[str, str, str]] = set()
    for event in events:
        if isinstance(event, journal.SessionCompleted) and event.program_type == "one_to_one":
            one, other = (person.user_id for person in event.participants)
            pairs |= {(event.organization_id, one, other), (event.organization_id, other, one)}
    if not pairs:
        return None
    organizations, users, partners = (list(values) for values in zip(*pairs, strict=True))
    return connection.execute(
        """
        SELECT organization_id, user_id, partner_id
        FROM unnest(%s::text[], %s::text[], %s::text[]) AS asked (organization_id, user_id, partner_id)
        WHERE EXISTS (SELECT FROM participation AS known
                      WHERE known.organization_id = asked.organization_id
                        AND known.user_id = asked.user_id AND known.partner_id = asked.partner_id)
        """,
        (organizations, users, partners),
    )


def members_due(connection: Connection, event: journal.Event) -> list[Touched]:
    """Everybody to whom something may be due by an event that concerns many, once it is folded and saved."""
    match event:
        case journal.AvailabilityChanged(organization_id=organization_id):
            return [
                *_badge_candidates(connection, organization_id),
                *_certificate_candidates(connection, organization_id, None),
            ]
        case journal.BadgeThresholdSet(organization_id=organization_id):
            return _badge_candidates(connection, organization_id)
        case journal.CertificateEnabled() | journal.CertificateChanged():
            return _certificate_candidates(connection, event.organization_id, event.program_id)
    raise TypeError(f"{type(event).__name__} does not concern many")


def _badge_candidates(connection: Connection, organization_id: str | None) -> list[Touched]:
    candidates: set[tuple[str, str]] = set()
    for badge in BADGES:
        candidates.update(
            connection.execute(
                f"""
                SELECT member.organization_id, user_id
                FROM member JOIN organization USING (organization_id)
                LEFT JOIN badge_threshold AS own
                       ON own.organization_id = member.organization_id AND own.code = %(code)s
                LEFT JOIN badge_threshold AS platform
                       ON platform.organization_id = %(platform)s AND platform.code = %(code)s
                WHERE organization.badges AND NOT member.erased
                  AND (%(organization_id)s::text IS NULL OR member.organization_id = %(organization_id)s)
                  AND {badge.measure.counter}
                      >= coalesce(own.threshold, platform.threshold, %(default_threshold)s)
                  AND NOT EXISTS (SELECT FROM award
                                  WHERE award.organization_id = member.organization_id
                                    AND award.user_id = member.user_id AND award.code = %(code)s)
                """,
                {
                    "platform": PLATFORM,
                    "code": badge.code,
                    "organization_id": organization_id,
                    "default_threshold": badge.default_threshold,
                },
            )
        )
    return [Touched(*key) for key in sorted(candidates)]


def _certificate_candidates(
    connection: Connection, organization_id: str, program_id: str | None
) -> list[Touched]:
    rows = connection.execute(
        """
        SELECT organization_id, user_id, program_id
        FROM enrolment
        JOIN certificate USING (organization_id, program_id)
        JOIN organization USING (organization_id)
        LEFT JOIN waiting_award USING (organization_id, program_id, user_id)
        WHERE organization.certificates AND certificate.enabled
          AND organization_id = %(organization_id)s
          AND (%(program_id)s::text IS NULL OR program_id = %(program_id)s)
          AND (sessions_counted >= required_sessions OR waiting_award.awarded_at IS NOT NULL)
          AND NOT EXISTS (SELECT FROM award
                          WHERE award.organization_id = enrolment.organization_id
                            AND award.user_id = enrolment.user_id AND award.code = %(certificate)s
                            AND award.program_id = enrolment.program_id AND NOT award.revoked)
        ORDER BY program_id, user_id
        """,
        {"organization_id": organization_id, "program_id": program_id, "certificate": CERTIFICATE},
    )
    return [Touched(*row) for row in rows]
