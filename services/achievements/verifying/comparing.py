"""What must be, beside what is: the differences, by member."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import psycopg
from msgspec import Struct
from psycopg import sql

from schemas.journal import AwardGranted
from services.achievements.verifying.facts import BADGE, Organization
from services.achievements.verifying.history import Told
from services.achievements.verifying.rows import READ_MODELS, Awards, ReadModel, Row

Connection = psycopg.Connection[Any]

_BATCH_ROWS: Final = 5_000
_OF_A_GRANT: Final = (
    "user_id",
    "code",
    "program_id",
    "how",
    "first_at",
    "earned_at",
    "threshold",
    "threshold_from",
    "grant_number",
    "decided_at_position",
)


class Difference(Struct, frozen=True):
    """Something that is not as it must be: a row of a read model (`what` is its table), or a `grant` in the journal.

    Of both, `expected` and `found` hold what differs; one is null where there must be none, or is none.
    """

    organization_id: str
    user_id: str | None
    what: str
    key: dict[str, Any]
    expected: dict[str, Any] | None
    found: dict[str, Any] | None


def misplaced(told: Told) -> Difference:
    """An event that is where it can't be: in a stream where it doesn't belong, or in its own for a second time."""
    event = told.event
    return Difference(
        organization_id=getattr(event, "organization_id", None) or "",
        user_id=getattr(event, "user_id", None),
        what="grant" if isinstance(event, AwardGranted) else type(event).__name__,
        key={"position": told.position},
        expected=None,
        found={"stream": str(told.stream)},
    )


def compare_grants(
    organization: Organization, granted: Mapping[str, AwardGranted], erased: Collection[str]
) -> Iterator[Difference]:
    """Compares the grants that had to be made with those that were made, which are given by award id.

    Who was erased may have been so before their grant was written down. Grants made before `first_at` was noted lack it.
    """
    must = {grant.award_id: grant for grants in organization.grants.values() for grant in grants}
    for award_id, event in granted.items():
        grant = must.pop(award_id, None)
        names = [name for name in _OF_A_GRANT if name != "first_at" or event.first_at is not None]
        expected = {name: getattr(grant, name) for name in names} if grant else None
        found = {name: getattr(event, name) for name in names}
        found["program_id"] = found["program_id"] or BADGE
        if expected != found:
            yield _difference(
                organization,
                event.user_id,
                "grant",
                {"award_id": award_id},
                expected=expected,
                found=found,
            )
    for award_id, grant in must.items():
        if grant.user_id not in erased:
            expected = {name: getattr(grant, name) for name in _OF_A_GRANT}
            key = {"award_id": award_id}
            yield _difference(
                organization, grant.user_id, "grant", key, expected=expected, found=None
            )


def compare_rows(
    connection: Connection, organization: Organization, awards: Awards
) -> Iterator[Difference]:
    """Compares the rows of all read models of an organization with what they must be."""
    for model in READ_MODELS:
        must = {row[: model.key_length]: row for row in model.rows(organization, awards)}
        for row in _rows(connection, model, organization.organization_id):
            expected = must.pop(row[: model.key_length], None)
            if expected != row:
                yield _row_difference(organization, model, expected, row)
        for row in must.values():
            yield _row_difference(organization, model, row, None)


def organizations_with_rows(connection: Connection) -> set[str]:
    """All organizations of which any read model holds anything."""
    statement = " UNION ".join(
        f"SELECT organization_id FROM {model.table}" for model in READ_MODELS
    )
    return {organization_id for (organization_id,) in connection.execute(statement)}


def _rows(connection: Connection, model: ReadModel, organization_id: str) -> Iterator[Row]:
    with connection.cursor("verified", binary=True) as cursor:
        cursor.itersize = _BATCH_ROWS
        cursor.execute(
            sql.SQL("SELECT {} FROM {} WHERE organization_id = %s").format(
                sql.SQL(", ").join(map(sql.Identifier, model.columns)), sql.Identifier(model.table)
            ),
            (organization_id,),
        )
        yield from cursor


def _row_difference(
    organization: Organization, model: ReadModel, expected: Row | None, found: Row | None
) -> Difference:
    present = expected or found or ()
    key = dict(zip(model.columns[1 : model.key_length], present[1:], strict=False))
    return _difference(
        organization,
        key.pop("user_id", None),
        model.table,
        key,
        expected=dict(zip(model.columns, expected, strict=True)) if expected else None,
        found=dict(zip(model.columns, found, strict=True)) if found else None,
    )


def _difference(
    organization: Organization,
    user_id: str | None,
    what: str,
    key: dict[str, Any],
    *,
    expected: dict[str, Any] | None,
    found: dict[str, Any] | None,
) -> Difference:
    if expected is not None and found is not None:
        differing = [name for name in expected if expected[name] != found[name]]
        expected = {name: expected[name] for name in differing}
        found = {name: found[name] for name in differing}
    return Difference(organization.organization_id, user_id, what, key, expected, found)
