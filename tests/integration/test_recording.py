"""Facts into the journal of a real database: every type, every order, delivered once or often."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import repeat
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from msgspec import UNSET
from msgspec.structs import replace
from psycopg import errors, sql

from schemas.journal import AwardGranted, AwardRevoked, Event, SessionCompleted
from services.achievements import dead_letters
from services.achievements.dead_letters import DeadLetter
from services.achievements.intake import Intake
from services.achievements.metrics import FACTS
from services.journal import Entry, Journal, stream_id
from services.kafka import Message
from tests.golden.stored_events import STORED_EVENTS
from tests.integration.service import append, project
from tests.integration.test_journal import until_a_writer_waits
from tests.unit.test_schemas_samples import (
    LOGO,
    NINE,
    SAMPLES,
    STRUCTURED,
    Headers,
    envelope,
    to_bytes,
)

AWARD_ID: Final[str] = SAMPLES["AwardRevoked"]["award_id"]
GRANTED: Final = replace(STORED_EVENTS["award-granted.1"], award_id=AWARD_ID)


def raw(
    value: bytes | None, *, key: bytes | None = b"acme:p1", headers: Headers = STRUCTURED
) -> Message:
    """A message with these bytes."""
    return Message("a.topic", 3, 41, key, value, headers)


def message(name: str, id_: str | None = None, /, **fields: Any) -> Message:
    """The sample of a type as a message, with some fields otherwise, under an event id of its own or this one."""
    data = {**SAMPLES[name], **fields}
    return raw(to_bytes(envelope(name, data, id=id_ or uuid4().hex)))


def take(journal: Journal, *messages: Message) -> None:
    """Takes messages in as one batch, as the consumer does."""
    work = Intake(journal)(messages)
    with journal.transaction() as connection:
        work(connection)


def events(journal: Journal) -> list[Event]:
    with journal.connection() as connection:
        return [one.event for one in journal.read(connection, 0, 1_000)]


def letters(journal: Journal) -> list[DeadLetter]:
    with journal.connection() as connection:
        return dead_letters.read(connection, 0, 1_000)


def codes(journal: Journal) -> list[str]:
    return [letter.code for letter in letters(journal)]


def everything(journal: Journal) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables of the database, but for PostgreSQL's own."""
    with journal.connection() as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        return {
            f"{schema}.{table}": sorted(
                connection.execute(
                    sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table))
                ).fetchall(),
                key=repr,
            )
            for schema, table in tables
        }


def grant(journal: Journal) -> None:
    """Has the award of the samples granted, to Ada."""
    append(journal, [Entry(UUID(AWARD_ID), 1, GRANTED)])


def told(journal: Journal, name: str) -> Message:
    """The sample of a type, where all that it needs is known already."""
    if name in {"CertificateChanged", "CertificateDisabled"}:
        take(journal, message("CertificateEnabled"))
    if name == "AwardRevoked":
        grant(journal)
    return message(name)


STORED: Final[Sequence[tuple[str, tuple[str, ...], dict[str, Any]]]] = [
    (
        "OrganizationConfigured",
        ("organization",),
        {"name": "Acme", "timezone": "Europe/Paris", "logo": LOGO},
    ),
    ("ProgramConfigured", ("program", "p1"), {"name": "Spring", "program_type": "development"}),
    ("ProgramJoined", ("member", "ada"), {"role": "mentor", "joined_at": NINE}),
    ("MemberRegistered", ("member", "ada"), {"roles": ("mentee", "mentor")}),
    ("MemberErased", ("member", "ada"), {"user_id": "ada"}),
    ("SessionCompleted", ("session", "s1"), {"match_id": "m1", "completed_at": NINE}),
    ("FeedbackSubmitted", ("session", "s1"), {"user_id": "ben", "submitted_at": NINE}),
    ("CertificateEnabled", ("program", "p1"), {"required_sessions": 3, "enabled_at": NINE}),
    ("CertificateChanged", ("program", "p1"), {"required_sessions": 5, "changed_by": "root"}),
    ("CertificateDisabled", ("program", "p1"), {"disabled_by": "root", "disabled_at": NINE}),
    ("ManualAward", ("program", "p1"), {"user_ids": ("ada", "ben"), "awarded_at": NINE}),
    ("AwardRevoked", ("award",), {"award_id": AWARD_ID, "user_id": "ada", "code": "certificate"}),
]


@pytest.mark.parametrize(("name", "kind", "fields"), STORED)
def test_every_type_takes_effect_in_its_aggregate(
    journal: Journal, name: str, kind: tuple[str, ...], fields: dict[str, Any]
) -> None:
    """Each inbound type is recorded in the stream of the thing that it is about."""
    what = told(journal, name)
    before = len(events(journal))
    take(journal, what)
    with journal.connection() as connection:
        recorded = journal.read(connection, before, 1)[0]
    stream = UUID(AWARD_ID) if kind == ("award",) else stream_id("acme", *kind)
    assert recorded.originator_id == stream
    assert type(recorded.event).__name__ == {"ManualAward": "AwardedByHand"}.get(name, name)
    assert fields.items() <= {f: getattr(recorded.event, f) for f in fields}.items()
    assert codes(journal) == []


def test_who_and_what_was_said_lies_beside_the_journal(journal: Journal) -> None:
    """Rule 27: names, addresses and an admin's words are rows of their own, and in no event."""
    grant(journal)
    take(journal, *(message(name) for name in ("MemberRegistered", "ManualAward", "AwardRevoked")))
    tables = everything(journal)
    assert tables["achievements.person"] == [
        ("acme", "ada", "Ada Lovelace", "ada@example.org", "fr-CA")
    ]
    assert sorted(words for *_, words in tables["achievements.remark"]) == [
        "By mistake",
        "Well done",
    ]
    told_in = repr(tables["achievements.journal"])
    assert not any(
        words in told_in for words in ("Lovelace", "example.org", "mistake", "Well done")
    )


def test_a_batch_is_told_of_once_it_is_committed(journal: Journal) -> None:
    """The counter and what is logged of a batch tell what was committed, and where it lies in the journal; what was rolled
    back and done again is told once."""
    take(journal, message("ProgramJoined"))
    facts = [message("SessionCompleted"), message("FeedbackSubmitted"), message("SessionCompleted")]
    work = Intake(journal)([*facts, Message("b.topic", 0, 7, None, b"{", ())])
    before = counted()
    with suppress(InterruptedError), journal.transaction() as connection:
        work(connection)
        raise InterruptedError
    with journal.transaction() as connection:
        committed = work(connection)
        head = journal.head(connection)
    assert counted() - before == Counter()
    assert committed is not None
    told = {"recorded": 2, "unchanged": 1, "not_json": 1, "positions": (head - 1, head)}
    assert committed() == told
    assert counted() - before == Counter(recorded=2, unchanged=1, not_json=1)


def counted() -> Counter[str]:
    """What the metric says by now."""
    return Counter(
        {
            sample.labels["outcome"]: int(sample.value)
            for metric in FACTS.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        }
    )


def test_two_writers_in_one_session(journal: Journal) -> None:
    """Where two transactions meet in a session's stream one gets UniqueViolation; the same work again succeeds."""
    completed = Intake(journal)([message("SessionCompleted"), message("ProgramJoined")])
    given = Intake(journal)([message("FeedbackSubmitted"), message("ProgramJoined", user_id="ben")])

    def give() -> None:
        with journal.transaction() as connection:
            given(connection)

    with ThreadPoolExecutor(1) as threads:
        with journal.transaction() as connection:
            completed(connection)
            second = threads.submit(give)
            until_a_writer_waits(journal)  # it has loaded an empty stream by then
            assert not second.done()
        with pytest.raises(errors.UniqueViolation):
            second.result(timeout=10)
    assert len(events(journal)) == 2
    give()
    assert len(events(journal)) == 4
    with journal.connection() as connection:
        (stream,) = journal.load(connection, [stream_id("acme", "session", "s1")]).values()
    assert [type(one.event).__name__ for one in stream] == ["SessionCompleted", "FeedbackSubmitted"]


def test_a_batch_is_decided_in_its_order(journal: Journal) -> None:
    """Each fact of a batch meets what those before it have led to, and one that can't be used stops none behind it."""
    changed_name = message("CertificateChanged", name="Autumn", required_sessions=None)
    take(
        journal,
        message("CertificateChanged"),
        message("CertificateEnabled"),
        raw(b"nonsense"),
        changed_name,
        message("SessionCompleted"),
        message("SessionCompleted", program_id="p2"),
        message("FeedbackSubmitted"),
    )
    assert codes(journal) == ["unknown_certificate", "not_json", "conflicting_session"]
    names = [type(event).__name__ for event in events(journal)]
    assert names == [
        "CertificateEnabled",
        "CertificateChanged",
        "SessionCompleted",
        "FeedbackSubmitted",
    ]
    change: Any = events(journal)[1]
    assert (change.name, change.required_sessions, change.text) == ("Autumn", None, "For staying")


def test_a_change_keeps_what_it_does_not_name(journal: Journal) -> None:
    """What a change leaves out stays unset in the journal, what it clears is null."""
    fields: dict[str, Any] = {"organization_id": "acme", "program_id": "p1", "logo": None}
    by = {"changed_by": "root", "changed_at": "2026-03-01T09:30:00Z"}
    take(journal, message("CertificateEnabled"))
    take(journal, raw(to_bytes(envelope("CertificateChanged", fields | by))))
    change: Any = events(journal)[1]
    assert (change.logo, change.banner, change.name) == (None, UNSET, UNSET)


def test_organizations_share_nothing(journal: Journal) -> None:
    """Ids are unique within their organization only: the same ids in another one are other things."""
    take(journal, message("SessionCompleted"), message("MemberErased"))
    take(
        journal,
        message("SessionCompleted", organization_id="globex", program_id="p9"),
        message("MemberRegistered", organization_id="globex"),
    )
    assert codes(journal) == []
    assert len(events(journal)) == 4
    assert everything(journal)["achievements.person"][0][:2] == ("globex", "ada")


def test_an_award_is_revoked_once(journal: Journal) -> None:
    """Rule 20: a revocation names the award's member and achievement; a second one, by whomever, changes nothing."""
    grant(journal)
    take(journal, message("AwardRevoked"), message("AwardRevoked", revoked_by="op"))
    take(journal, message("AwardRevoked", reason="Again"))
    granted, revoked = events(journal)
    assert isinstance(granted, AwardGranted)
    assert isinstance(revoked, AwardRevoked)
    assert (revoked.revoked_by, revoked.program_id) == ("root", "p1")
    assert [words for *_, words in everything(journal)["achievements.remark"]] == ["By mistake"]


def test_ids_of_128_characters_can_be_stored(journal: Journal) -> None:
    """The longest ids of any script fit wherever they are kept."""
    longest = {"organization_id": "日" * 128, "program_id": "👩" * 128, "session_id": "𝔸" * 128}
    people = [{"user_id": c * 128, "role": "mentor"} for c in ("𐍈", "🏁")]
    take(
        journal,
        message("SessionCompleted", **longest, participants=people),
        message("MemberRegistered", organization_id="日" * 128, user_id="𐍈" * 128),
        message("MemberErased", organization_id="日" * 128, user_id="𐍈" * 128),
        message("SessionCompleted", **longest | {"program_id": "p"}, participants=people),
    )
    assert codes(journal) == ["conflicting_session"]
    project(journal, repeat(10))
    completed = events(journal)[0]
    assert isinstance(completed, SessionCompleted)
    assert completed.participants[0].user_id == "𐍈" * 128
