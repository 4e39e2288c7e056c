"""Hypothesis strategies: small histories in which everything meets everything."""

from datetime import datetime

from hypothesis import strategies as st

from schemas import learning
from schemas.journal import BadgeThresholdSet, Event
from tests.scenario import (
    ORGANIZATION,
    by_hand,
    certificate,
    certificate_changed,
    certificate_disabled,
    day,
    erased,
    feedback,
    group_session,
    joined,
    organization,
    registered,
    session,
)

USERS = ("ada", "ben", "cleo", "dan")
PROGRAMS = ("p1", "p2")
users = st.sampled_from(USERS)
programs = st.sampled_from(PROGRAMS)
numbers = st.integers(0, 11)
GROUP_SESSION = 11
instants: st.SearchStrategy[datetime] = st.integers(0, 20).map(day)


def numbered_session(number: int) -> learning.SessionCompleted:
    """A session whose content follows from its number, so that the same number never conflicts."""
    if number == GROUP_SESSION:
        return group_session(number, [("ada", "mentor"), ("ben", "mentee"), ("dan", "mentee")])
    mentor = USERS[number % 2]
    mentee = USERS[(number % 2 + 1 + number // 3) % 4]
    if mentor == mentee:
        mentee = USERS[3]
    return session(number, mentor, mentee, at=day(number * 7 % 11), program=PROGRAMS[number // 6])


def numbered_feedback(number: int, who: int, at: datetime) -> learning.FeedbackSubmitted:
    """Feedback by one who took part, or by somebody else."""
    people = [person.user_id for person in numbered_session(number).participants]
    return feedback(number, [*people, "eve"][who % (len(people) + 1)], at=at)


sessions = st.builds(numbered_session, numbers)
feedbacks = st.builds(numbered_feedback, numbers, st.integers(0, 5), instants)
awards_by_hand = st.builds(
    lambda who, at, program: by_hand(*who, at=at, program=program),
    st.lists(users, min_size=1, max_size=3),
    instants,
    programs,
)
memberships = st.one_of(
    st.builds(joined, users, st.sampled_from(("mentor", "mentee")), programs),
    st.builds(registered, users, st.sampled_from(("mentor", "mentee"))),
)
switched_on = st.just(organization())
certificates = st.builds(
    lambda required, program: certificate(required, program=program),
    st.one_of(st.none(), st.integers(1, 4)),
    programs,
)

whatever = st.one_of(
    sessions,
    feedbacks,
    awards_by_hand,
    memberships,
    certificates,
    switched_on,
    st.builds(organization, st.sampled_from(("enterprise", "starter")), st.booleans()),
    st.builds(
        lambda required, program: certificate_changed(required_sessions=required, program=program),
        st.integers(1, 5),
        programs,
    ),
    st.builds(certificate_disabled, programs),
    st.builds(erased, users),
)
"""Any fact, those that tighten too."""

thresholds: st.SearchStrategy[Event] = st.builds(
    lambda code, threshold, everywhere: BadgeThresholdSet(
        organization_id=None if everywhere else ORGANIZATION,
        code=code,
        threshold=threshold,
        by="op",
    ),
    st.sampled_from(("mentor", "mentee", "connector", "super_mentor")),
    st.one_of(st.none(), st.integers(1, 5)),
    st.booleans(),
)
"""What an operator may set."""
