"""What was known at an earlier instant, answered from the journal alone.

The read models only tell which streams a member is in; what happened in them by then is folded again. So the answer
is what the same question would have got once all that was recorded by then was projected.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import chain, takewhile
from typing import Any, Final
from uuid import UUID

import psycopg
from msgspec import Struct

from projections.activity import Activity, FeedbackUrl, activity
from projections.progress import Progress, fold
from schemas import journal as events
from services.achievements.errors import FarBehindError
from services.achievements.grants import VIEW
from services.achievements.recording import platform_stream
from services.journal import Journal, Recorded, stream_id

MAX_EVENTS_BEHIND: Final = 20_000


class Part(Struct):
    """What a member takes part in: the streams in which their history lies."""

    sessions: set[str]
    programs: set[str]
    awards: set[str]

    def note(self, event: events.Event, user_id: str) -> None:
        """Adds what an event of the member's organization tells."""
        match event:
            case events.SessionCompleted(participants=people):
                if user_id in {person.user_id for person in people}:
                    self.sessions.add(event.session_id)
                    self.programs.add(event.program_id)
            case events.AwardedByHand(user_ids=user_ids) if user_id in user_ids:
                self.programs.add(event.program_id)
            case events.ProgramJoined() if event.user_id == user_id:
                self.programs.add(event.program_id)
            case events.AwardGranted() if event.user_id == user_id:
                self.awards.add(event.award_id)


class History:
    """Questions about the past."""

    def __init__(self, journal: Journal, feedback_url: FeedbackUrl) -> None:
        self._journal = journal
        self._feedback_url = feedback_url

    def activity(self, organization_id: str, user_id: str, at: datetime) -> Activity:
        """What a member had earned and could earn by what was recorded until `at`; nothing of an erased one.

        FarBehindError where the read models are too far behind to find their way.
        """
        with self._journal.transaction() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            part = self._part(connection, organization_id, user_id, at)
            known = self._known(connection, organization_id, user_id, part)
        progress = Progress()
        for recorded in sorted(known, key=lambda recorded: recorded.position):
            if recorded.recorded_at <= at:
                fold(progress, recorded.event, recorded.recorded_at)
        return activity(progress, organization_id, user_id, self._feedback_url)

    def _part(
        self,
        connection: psycopg.Connection[Any],
        organization_id: str,
        user_id: str,
        at: datetime,
    ) -> Part:
        """By the read models, and by what is not folded into them yet."""
        part = Part(*map(set, _projected(connection, organization_id, user_id)))
        position = self._journal.position(connection, VIEW)
        behind = self._journal.read(connection, position, MAX_EVENTS_BEHIND + 1)
        by_then = list(takewhile(lambda recorded: recorded.recorded_at <= at, behind))
        if len(by_then) > MAX_EVENTS_BEHIND:
            raise FarBehindError
        for recorded in by_then:
            if getattr(recorded.event, "organization_id", None) == organization_id:
                part.note(recorded.event, user_id)
        return part

    def _known(
        self,
        connection: psycopg.Connection[Any],
        organization_id: str,
        user_id: str,
        part: Part,
    ) -> list[Recorded]:
        """The events that the member's activity follows from; for an erased member, those about everybody."""
        about_all = [platform_stream(), stream_id(organization_id, "organization")]
        everybodys = self._load(connection, about_all)
        theirs = self._load(connection, _stream_ids(organization_id, user_id, part))
        if any(isinstance(recorded.event, events.MemberErased) for recorded in theirs):
            return everybodys
        return everybodys + theirs

    def _load(self, connection: psycopg.Connection[Any], streams: Iterable[UUID]) -> list[Recorded]:
        return list(chain.from_iterable(self._journal.load(connection, streams).values()))


def _projected(
    connection: psycopg.Connection[Any], organization_id: str, user_id: str
) -> tuple[list[str], list[str], list[str]]:
    """The sessions, programs and awards that the read models know of a member."""
    row = connection.execute(
        """
        SELECT ARRAY(SELECT session_id FROM participation
                     WHERE organization_id = %(organization_id)s AND user_id = %(user_id)s),
               ARRAY(SELECT program_id FROM enrolment
                     WHERE organization_id = %(organization_id)s AND user_id = %(user_id)s),
               ARRAY(SELECT award_id FROM award
                     WHERE organization_id = %(organization_id)s AND user_id = %(user_id)s)
        """,
        {"organization_id": organization_id, "user_id": user_id},
    ).fetchone()
    return row or ([], [], [])


def _stream_ids(organization_id: str, user_id: str, part: Part) -> Iterable[UUID]:
    yield stream_id(organization_id, "member", user_id)
    yield from (stream_id(organization_id, "session", one) for one in part.sessions)
    yield from (stream_id(organization_id, "program", one) for one in part.programs)
    yield from (UUID(one) for one in part.awards)
