"""What admins tell achievements: verbs of the domain over the journal, each in one transaction.

A write first brings the read models to the journal's head, with nobody else appending; then it decides, appends,
grants what is due by it, and commits. So a preview is confirmed exactly, and a write can be read once it is answered.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from msgspec import UNSET, UnsetType, structs

from projections.badges import CERTIFICATE
from projections.rows import AWARDS, CERTIFICATES, PROGRAMS, Certificate
from schemas import learning
from schemas.journal import AwardGranted
from services.achievements import people, previews
from services.achievements.announcing import announce
from services.achievements.errors import (
    CertificateNotAllowedError,
    ErasedMemberError,
    PreviewNeededError,
    ProgramNotConfiguredError,
    StalePreviewError,
    UnknownAwardError,
    UnknownCertificateError,
)
from services.achievements.grants import advance_to_head, at_head
from services.achievements.organization_settings import check_plan_stays
from services.achievements.people import Erasure
from services.achievements.previews import Outcome, Preview
from services.achievements.recording import Streams, award_route, program_route, remarks, route
from services.journal import Journal

WRITE_SECONDS: Final = 60
"""How long a request may keep everybody else from writing: time to grant to all members of a large program."""

CertificateCommand = learning.CertificateEnabled | learning.CertificateChanged


class AwardedByHand(NamedTuple):
    """What became of the members named in a manual award."""

    granted: list[AwardGranted]
    already_held: list[str]
    pending: list[str]


class Application:
    """The verbs. They raise `DomainError` where the rules refuse, `FarBehindError` where the read models are too far
    behind to wait for, and psycopg's `OperationalError` where the database or a lock can't be had in time."""

    def __init__(
        self, journal: Journal, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._journal = journal
        self._now = now

    def configure_organization(self, command: learning.OrganizationConfigured) -> None:
        """Replaces an organization's settings."""
        with self._at_head() as connection:
            self._tell(connection, command)

    def change_settings(self, command: learning.OrganizationConfigured) -> None:
        """Replaces an organization's settings but for the plan: `PlanChangeError` where that would be another."""
        with self._at_head() as connection:
            check_plan_stays(self._journal, connection, command)
            self._tell(connection, command)

    def preview_certificate(
        self, organization_id: str, program_id: str, required_sessions: int | None
    ) -> Preview:
        """Who would be granted a program's certificate at once, were it enabled with this number."""
        with self._at_head() as connection:
            program_type, _ = _enabled_or_configured(connection, organization_id, program_id)
            key = (organization_id, program_id)
            outcome = self._outcome(connection, key, program_type, required_sessions)
            return previews.keep(connection, outcome, self._now())

    def enable_certificate(
        self, command: learning.CertificateEnabled, preview_id: UUID | None
    ) -> Certificate:
        """Enables a program's certificate, or replaces it; the program's configured type and name hold.

        Where it is not enabled yet, or with another number, `preview_id` names what is confirmed:
        `PreviewNeededError` without it, `StalePreviewError` where the outcome would be another.
        """
        with self._at_head() as connection:
            program_type, program_name = _enabled_or_configured(
                connection, command.organization_id, command.program_id
            )
            command = structs.replace(command, program_type=program_type, program_name=program_name)
            told = self._tell_confirmed(connection, command, program_type, preview_id)
        return _unless_refused(told, preview_id)

    def change_certificate(
        self, command: learning.CertificateChanged, preview_id: UUID | None
    ) -> Certificate:
        """Changes some of a certificate; another number needs a preview, as enabling does."""
        with self._at_head() as connection:
            known = _certificate(connection, command.organization_id, command.program_id)
            if known is None:
                raise UnknownCertificateError("program_id: its certificate was never enabled")
            told = self._tell_confirmed(connection, command, known.program_type, preview_id)
        return _unless_refused(told, preview_id)

    def disable_certificate(self, command: learning.CertificateDisabled) -> None:
        """Stops new awards; changes nothing where it is disabled already."""
        with self._at_head() as connection:
            known = _certificate(connection, command.organization_id, command.program_id)
            if known is None or known.enabled:
                self._tell(connection, command)

    def award_by_hand(self, command: learning.ManualAward) -> AwardedByHand:
        """Awards a program's certificate to members, or has it wait for being enabled and available."""
        with self._at_head() as connection:
            organization_id, program_id = command.organization_id, command.program_id
            _check_not_erased(connection, organization_id, command.user_ids)
            _check_can_be_awarded(connection, organization_id, program_id)
            holders = _holders(connection, organization_id, program_id, command.user_ids)
            named = list(dict.fromkeys(command.user_ids))
            others = tuple(user_id for user_id in named if user_id not in holders)
            granted: list[AwardGranted] = []
            if others:
                granted = self._tell(connection, structs.replace(command, user_ids=others))
            just_granted = {award.user_id for award in granted}
            return AwardedByHand(
                granted=granted,
                already_held=[user_id for user_id in named if user_id in holders],
                pending=[user_id for user_id in others if user_id not in just_granted],
            )

    def revoke_award(self, command: learning.AwardRevoked) -> None:
        """Revokes an award; changes nothing where it is revoked already."""
        with self._at_head() as connection:
            self._tell(connection, command)

    def check_certificate(self, organization_id: str, program_id: str) -> None:
        """`UnknownCertificateError` where the program's certificate was never enabled."""
        its_route = program_route(organization_id, program_id)
        with self._journal.connection() as connection:
            streams = Streams(self._journal, connection, [its_route])
        if streams.state(its_route).certificate_type is None:
            raise UnknownCertificateError("program_id: its certificate was never enabled")

    def check_award(self, organization_id: str, award_id: str) -> None:
        """`UnknownAwardError` where the organization has no such award."""
        its_route = award_route(organization_id, award_id)
        with self._journal.connection() as connection:
            streams = Streams(self._journal, connection, [its_route])
        granted = streams.state(its_route).granted
        if granted is None or granted.organization_id != organization_id:
            raise UnknownAwardError("award_id: the organization has no such award")

    def _at_head(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        return at_head(self._journal, announce, seconds=WRITE_SECONDS)

    def _tell(
        self, connection: psycopg.Connection[Any], command: learning.Inbound
    ) -> list[AwardGranted]:
        """Decides a command, appends what it leads to, and grants what is due by that."""
        its_route = route(command)
        streams = Streams(self._journal, connection, [its_route])
        added = streams.handle(its_route, command, None)
        self._journal.append(connection, added)
        people.save_remarks(connection, list(remarks(command, added)))
        return advance_to_head(self._journal, connection)

    def _tell_confirmed(
        self,
        connection: psycopg.Connection[Any],
        command: CertificateCommand,
        program_type: learning.ProgramType,
        preview_id: UUID | None,
    ) -> Certificate | Preview:
        """Tells where nobody needs to be warned, or just that was confirmed; else gives a fresh preview."""
        key = (command.organization_id, command.program_id)
        required_sessions = _number_to_confirm(command, _certificate(connection, *key))
        if required_sessions is not UNSET:
            outcome = self._outcome(connection, key, program_type, required_sessions)
            if not previews.confirms(connection, preview_id, outcome, self._now()):
                return previews.keep(connection, outcome, self._now())
        self._tell(connection, command)
        told = _certificate(connection, *key)
        if told is None:
            raise LookupError("a certificate is not there after it was told of")
        return told

    def _outcome(
        self,
        connection: psycopg.Connection[Any],
        key: tuple[str, str],
        program_type: learning.ProgramType,
        required_sessions: int | None,
    ) -> Outcome:
        """What enabling would grant: tried, and taken back."""
        trial = learning.CertificateEnabled(
            organization_id=key[0],
            program_id=key[1],
            program_type=program_type,
            program_name="",
            required_sessions=required_sessions,
            name="",
            text="",
            colour="#000000",
            enabled_by="",
            enabled_at=self._now(),
        )
        granted: list[AwardGranted] = []
        with connection.transaction() as attempt:
            granted = self._tell(connection, trial)
            raise psycopg.Rollback(attempt)
        return Outcome.of(*key, required_sessions, granted)


def _unless_refused(told: Certificate | Preview, preview_id: UUID | None) -> Certificate:
    """Raised when the fresh preview is committed."""
    if isinstance(told, Preview):
        raise PreviewNeededError(told) if preview_id is None else StalePreviewError(told)
    return told


def _number_to_confirm(
    command: CertificateCommand, known: Certificate | None
) -> int | UnsetType | None:
    """The `required_sessions` that members may be granted the certificate by; unset where it is in force."""
    if isinstance(command, learning.CertificateEnabled):
        in_force = known is not None and known.enabled
        same = (
            in_force and known is not None and known.required_sessions == command.required_sessions
        )
        return UNSET if same else command.required_sessions
    if known is not None and command.required_sessions == known.required_sessions:
        return UNSET
    return command.required_sessions


def _configured(
    connection: psycopg.Connection[Any], organization_id: str, program_id: str
) -> tuple[learning.ProgramType, str]:
    """A program's type and name, as configured."""
    found = PROGRAMS.select(connection, [(organization_id, program_id)])
    if not found:
        raise ProgramNotConfiguredError("program_id: the program was never configured")
    return found[0].program_type, found[0].name


def _enabled_or_configured(
    connection: psycopg.Connection[Any], organization_id: str, program_id: str
) -> tuple[learning.ProgramType, str]:
    """A later change of a program's type changes nothing already enabled."""
    known = _certificate(connection, organization_id, program_id)
    if known is not None and known.enabled:
        return known.program_type, known.program_name
    return _configured(connection, organization_id, program_id)


def _certificate(
    connection: psycopg.Connection[Any], organization_id: str, program_id: str
) -> Certificate | None:
    found = CERTIFICATES.select(connection, [(organization_id, program_id)])
    return found[0] if found else None


def _check_can_be_awarded(
    connection: psycopg.Connection[Any], organization_id: str, program_id: str
) -> None:
    known = _certificate(connection, organization_id, program_id)
    if known is not None and known.enabled:
        return
    found = PROGRAMS.select(connection, [(organization_id, program_id)])
    if found and found[0].program_type == "group":
        raise CertificateNotAllowedError("program_id: a group program can't have a certificate")


def _check_not_erased(
    connection: psycopg.Connection[Any], organization_id: str, user_ids: Sequence[str]
) -> None:
    erased = people.erased(connection, {Erasure(organization_id, user_id) for user_id in user_ids})
    if erased:
        raise ErasedMemberError(sorted(erasure.user_id for erasure in erased))


def _holders(
    connection: psycopg.Connection[Any],
    organization_id: str,
    program_id: str,
    user_ids: Sequence[str],
) -> set[str]:
    members = {(organization_id, user_id) for user_id in user_ids}
    return {
        award.user_id
        for award in AWARDS.select(connection, members, by=("organization_id", "user_id"))
        if (award.code, award.program_id) == (CERTIFICATE, program_id) and not award.revoked
    }
