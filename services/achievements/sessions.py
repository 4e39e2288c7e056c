"""A session and the feedback about it, told in either order: product rule 8."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from schemas import learning
from schemas.journal import Event, FeedbackSubmitted, SessionCompleted
from services.achievements.deciding import Decider
from services.achievements.errors import ConflictingSessionError


class Session(Struct, frozen=True):
    """`feedback` holds each person's earliest, whoever they are."""

    completed: SessionCompleted | None = None
    feedback: Mapping[str, datetime] = {}


def decide(
    command: learning.SessionCompleted | learning.FeedbackSubmitted,
    _cause: str | None,
    session: Session,
) -> Sequence[Event]:
    match command:
        case learning.SessionCompleted():
            return _complete(command, session.completed)
        case learning.FeedbackSubmitted():
            earliest = session.feedback.get(command.user_id)
            if earliest is not None and earliest <= command.submitted_at:
                return []
            return [
                FeedbackSubmitted(
                    organization_id=command.organization_id,
                    session_id=command.session_id,
                    user_id=command.user_id,
                    submitted_at=command.submitted_at,
                )
            ]


def _complete(
    command: learning.SessionCompleted, known: SessionCompleted | None
) -> Sequence[Event]:
    if known is not None:
        differing = [name for name, ours, theirs in _compared(known, command) if ours != theirs]
        if differing:
            raise ConflictingSessionError(
                f"session_id: known already with another {', '.join(differing)}"
            )
        return []
    return [
        SessionCompleted(
            organization_id=command.organization_id,
            program_id=command.program_id,
            program_type=command.program_type,
            session_id=command.session_id,
            match_id=command.match_id,
            participants=command.participants,
            completed_at=command.completed_at,
        )
    ]


def _compared(
    known: SessionCompleted, command: learning.SessionCompleted
) -> Sequence[tuple[str, object, object]]:
    return (
        ("program_id", known.program_id, command.program_id),
        ("program_type", known.program_type, command.program_type),
        (
            "participants",
            {(person.user_id, person.role) for person in known.participants},
            {(person.user_id, person.role) for person in command.participants},
        ),
        ("completed_at", known.completed_at, command.completed_at),
    )


def evolve(session: Session, event: Event) -> Session:
    match event:
        case SessionCompleted():
            return Session(event, session.feedback)
        case FeedbackSubmitted():
            return Session(
                session.completed, {**session.feedback, event.user_id: event.submitted_at}
            )
    raise TypeError(f"a session knows no {type(event).__name__}")


SESSION = Decider(Session(), decide, evolve)
