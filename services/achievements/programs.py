"""A program, its certificate and what is awarded by hand: product rules 6, 7, 9, 11 and 12."""

from collections.abc import Sequence

from msgspec import UNSET, Struct
from msgspec.structs import replace

from schemas import learning
from schemas.journal import (
    AwardedByHand,
    CertificateChanged,
    CertificateDisabled,
    CertificateEnabled,
    Event,
    ProgramConfigured,
)
from schemas.learning import ProgramType
from services.achievements.deciding import Decider
from services.achievements.errors import CertificateNotAllowedError, UnknownCertificateError
from services.causes import Causes

Command = (
    learning.ProgramConfigured
    | learning.CertificateEnabled
    | learning.CertificateChanged
    | learning.CertificateDisabled
    | learning.ManualAward
)


class Program(Struct, frozen=True):
    """`certificate_type` is the type of program that its certificate was enabled for, None before."""

    certificate_type: ProgramType | None = None
    causes: Causes = Causes()


def decide(command: Command, cause: str | None, program: Program) -> Sequence[Event]:
    if cause in program.causes:
        return []
    match command:
        case learning.ProgramConfigured():
            return [_configured(command, cause)]
        case learning.CertificateEnabled():
            return [_enabled(command, cause)]
        case learning.CertificateChanged():
            return [_changed(command, cause, program)]
        case learning.CertificateDisabled():
            return [_disabled(command, cause, program)]
        case learning.ManualAward():
            return [_awarded(command, cause)]


def _configured(command: learning.ProgramConfigured, cause: str | None) -> Event:
    return ProgramConfigured(
        cause=cause,
        organization_id=command.organization_id,
        program_id=command.program_id,
        program_type=command.program_type,
        name=command.name,
        banner=command.banner,
    )


def _enabled(command: learning.CertificateEnabled, cause: str | None) -> Event:
    if command.program_type == "group":
        raise CertificateNotAllowedError("program_type: a group program can't have a certificate")
    _check_required_sessions(command.program_type, command.required_sessions)
    return CertificateEnabled(
        cause=cause,
        organization_id=command.organization_id,
        program_id=command.program_id,
        program_type=command.program_type,
        program_name=command.program_name,
        required_sessions=command.required_sessions,
        name=command.name,
        text=command.text,
        colour=command.colour,
        banner=command.banner,
        logo=command.logo,
        guidance=command.guidance,
        enabled_by=command.enabled_by,
        enabled_at=command.enabled_at,
    )


def _changed(command: learning.CertificateChanged, cause: str | None, program: Program) -> Event:
    if program.certificate_type is None:
        raise UnknownCertificateError("program_id: its certificate was never enabled")
    if command.required_sessions is not UNSET:
        _check_required_sessions(program.certificate_type, command.required_sessions)
    return CertificateChanged(
        cause=cause,
        organization_id=command.organization_id,
        program_id=command.program_id,
        required_sessions=command.required_sessions,
        name=command.name,
        text=command.text,
        colour=command.colour,
        banner=command.banner,
        logo=command.logo,
        guidance=command.guidance,
        changed_by=command.changed_by,
        changed_at=command.changed_at,
    )


def _disabled(command: learning.CertificateDisabled, cause: str | None, program: Program) -> Event:
    if program.certificate_type is None:
        raise UnknownCertificateError("program_id: its certificate was never enabled")
    return CertificateDisabled(
        cause=cause,
        organization_id=command.organization_id,
        program_id=command.program_id,
        disabled_by=command.disabled_by,
        disabled_at=command.disabled_at,
    )


def _awarded(command: learning.ManualAward, cause: str | None) -> Event:
    return AwardedByHand(
        cause=cause,
        organization_id=command.organization_id,
        program_id=command.program_id,
        user_ids=tuple(dict.fromkeys(command.user_ids)),
        awarded_by=command.awarded_by,
        awarded_at=command.awarded_at,
    )


def _check_required_sessions(program_type: ProgramType, required_sessions: int | None) -> None:
    if program_type == "development" and required_sessions is not None:
        raise CertificateNotAllowedError(
            "required_sessions: a development program's certificate is awarded by hand only"
        )


def evolve(program: Program, event: Event) -> Program:
    match event:
        case CertificateEnabled(program_type=program_type, cause=cause):
            program = replace(program, certificate_type=program_type)
        case (
            ProgramConfigured(cause=cause)
            | CertificateChanged(cause=cause)
            | CertificateDisabled(cause=cause)
            | AwardedByHand(cause=cause)
        ):
            pass
        case _:
            raise TypeError(f"a program knows no {type(event).__name__}")
    return program if cause is None else replace(program, causes=program.causes.adding(cause))


PROGRAM = Decider(Program(), decide, evolve)
