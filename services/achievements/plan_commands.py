"""`achievements plan` and `achievements apply`: what they are told and what they show, in the terminal."""

import getpass
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, NoReturn

import msgspec
import typer
from psycopg.errors import LockNotAvailable

from services.achievements import planning
from services.achievements.errors import FarBehindError
from services.achievements.plan_effects import BadgeChange, CertificateChange, Change
from services.achievements.plan_report import MAX_SHOWN, report
from services.achievements.planning import AppliedAlreadyError, OutcomeMovedError, Plan, PlanError
from services.commands import FAILED, WRONG_USAGE, collect_garbage_seldom
from services.journal import Journal

REFUSED: Final = 3
MAX_NAME_LENGTH: Final = 128
_MOST_DIGITS: Final = 18  # far beyond all thresholds

OpenJournal = Callable[[], AbstractContextManager[Journal]]


def add_commands(app: typer.Typer, open_journal: OpenJournal) -> None:
    """Adds both commands."""

    @app.command()
    def plan(
        *,
        organization: Annotated[
            str | None,
            typer.Option(metavar="ID", help="Badges of this organization; of all without it."),
        ] = None,
        badge: Annotated[
            list[str] | None,
            typer.Option(metavar="CODE=N", help="A badge's new threshold; `default` for N undoes."),
        ] = None,
        certificate: Annotated[
            list[str] | None,
            typer.Option(metavar="ORG/PROGRAM=N", help="A certificate's new number of sessions."),
        ] = None,
        out: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Write a plan that can be applied.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    ) -> None:
        """Show what a change of thresholds would do, exactly, changing nothing."""
        change = _change(organization, badge or [], certificate or [])
        collect_garbage_seldom()
        with open_journal() as journal, _refusals_in_plain_words():
            made = planning.make(journal, change, _user(), datetime.now(UTC))
        if out is not None:
            _write(out, made)
        if as_json:
            print(msgspec.json.encode(made.outcome).decode())
            return
        print("\n".join(report(made)))
        done_by = (
            f"To do just this: achievements apply {out}" if out else "--out FILE keeps the plan."
        )
        print(f"Nothing was changed. {done_by}")

    @app.command()
    def apply(
        file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A plan.")],
        *,
        no_email: Annotated[
            bool, typer.Option("--no-email", help="Grant without telling members by mail.")
        ] = False,
        by: Annotated[
            str | None, typer.Option(metavar="WHO", help="Who does it; else this shell's user.")
        ] = None,
    ) -> None:
        """Do just what a plan says, once; exit status 3 where anything else would happen by now."""
        made, who = _read(file), _name(by or _user())
        collect_garbage_seldom()
        with open_journal() as journal, _refusals_in_plain_words():
            done = planning.apply(journal, made, who, datetime.now(UTC), mailed=not no_email)
        print("\n".join(report(done, mailed=not no_email)))
        print(f"Done, by {who}.")


@contextmanager
def _refusals_in_plain_words() -> Iterator[None]:
    """Ends with the contract's exit status where something speaks against a plan."""
    try:
        yield
    except PlanError as error:
        _wrong_usage(str(error))
    except AppliedAlreadyError as error:
        _end(REFUSED, f"Nothing was changed: {error}.")
    except OutcomeMovedError as error:
        shown = error.moved[:MAX_SHOWN]
        if len(error.moved) > MAX_SHOWN:
            shown.append(f"… and {len(error.moved) - MAX_SHOWN} more")
        _end(REFUSED, "Nothing was changed: this is not what was planned.", *shown)
    except FarBehindError:
        _end(FAILED, "Nothing was changed: the read models are too far behind; see `status`.")
    except LockNotAvailable:
        _end(FAILED, "Nothing was changed: others were granting for too long; try again.")


def _end(status: int, message: str, *more: str) -> NoReturn:
    print("\n  ".join((message, *more)), file=sys.stderr)
    raise typer.Exit(status) from None


def _wrong_usage(message: str) -> NoReturn:
    _end(WRONG_USAGE, message)


def _change(organization: str | None, badges: list[str], certificates: list[str]) -> Change:
    if not badges and not certificates:
        _wrong_usage("name a change: --badge CODE=N, --certificate ORG/PROGRAM=N")
    if organization is not None and not badges:
        _wrong_usage("--organization goes with --badge")
    change = Change(
        organization,
        tuple(_badge(text) for text in badges),
        tuple(_certificate(text) for text in certificates),
    )
    if len({badge.code for badge in change.badges}) < len(badges):
        _wrong_usage("--badge: one is named twice")
    programs = {(one.organization_id, one.program_id) for one in change.certificates}
    if len(programs) < len(certificates):
        _wrong_usage("--certificate: one is named twice")
    return change


def _badge(text: str) -> BadgeChange:
    code, equals, number = text.partition("=")
    if not equals:
        _wrong_usage(f"--badge {text[:100]}: must be CODE=N or CODE=default")
    return BadgeChange(code, None if number == "default" else _number("--badge", text, number))


def _certificate(text: str) -> CertificateChange:
    name, _, number = text.rpartition("=")
    organization_id, slash, program_id = name.partition("/")
    if not slash or not organization_id or not program_id:
        _wrong_usage(f"--certificate {text}: must be ORGANIZATION/PROGRAM=N")
    wanted = _number("--certificate", text, number)
    if not 1 <= wanted <= planning.MAX_THRESHOLD:
        _wrong_usage(f"--certificate {text}: N must be 1 to {planning.MAX_THRESHOLD}")
    return CertificateChange(organization_id, program_id, wanted)


def _number(option: str, text: str, number: str) -> int:
    if not number.isascii() or not number.isdecimal() or len(number) > _MOST_DIGITS:
        _wrong_usage(f"{option} {text[:100]}: what follows '=' must be a whole number")
    return int(number)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        return "operator"


def _name(text: str) -> str:
    if not text.isprintable() or not 1 <= len(text) <= MAX_NAME_LENGTH:
        _wrong_usage(f"--by: must be 1 to {MAX_NAME_LENGTH} printable characters")
    return text


def _read(file: Path) -> Plan:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Plan)
    except OSError as error:
        _wrong_usage(f"{file}: {error.strerror}")
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        _wrong_usage(f"{file}: is no plan, make one with `plan --out FILE` ({error})")


def _write(file: Path, plan: Plan) -> None:
    try:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(plan)) + b"\n")
    except OSError as error:
        _wrong_usage(f"--out {file}: {error.strerror}")
