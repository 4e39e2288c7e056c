"""`achievements plan` and `achievements apply`: what they are told and what they show, in the terminal."""

import getpass
import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, NoReturn, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from services.achievements import planning
from services.achievements.planning import (
    BadgeChange,
    Below,
    CertificateChange,
    Change,
    Gain,
    Outcome,
    OutcomeMovedError,
    Plan,
    PlanError,
)
from services.commands import WRONG_USAGE
from services.journal import Journal

REFUSED: Final = 3
MAX_SHOWN: Final = 20

Item = TypeVar("Item", Gain, Below)
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
        with open_journal() as journal:
            try:
                made = planning.make(journal, change, datetime.now(UTC))
            except PlanError as error:
                _wrong_usage(str(error))
        if out is not None:
            out.write_bytes(msgspec.json.format(msgspec.json.encode(made)) + b"\n")
        if as_json:
            print(msgspec.json.encode(made.outcome).decode())
            return
        _print_outcome(made.outcome, "would be")
        if out is not None:
            print(f"\nThe plan is in {out}. To do just this: achievements apply {out}")

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
        made = _read(file)
        with open_journal() as journal:
            try:
                outcome = planning.apply(
                    journal, made, by or getpass.getuser(), datetime.now(UTC), mailed=not no_email
                )
            except PlanError as error:
                _wrong_usage(str(error))
            except OutcomeMovedError as error:
                print("Nothing was changed: the outcome would be another by now.", file=sys.stderr)
                for line in error.moved[:MAX_SHOWN]:
                    print(f"  {line}", file=sys.stderr)
                if len(error.moved) > MAX_SHOWN:
                    print(f"  … and {len(error.moved) - MAX_SHOWN} more", file=sys.stderr)
                print("Make a fresh plan.", file=sys.stderr)
                raise typer.Exit(REFUSED) from None
        _print_outcome(outcome, "were")


def _change(organization: str | None, badges: list[str], certificates: list[str]) -> Change:
    if not badges and not certificates:
        _wrong_usage("name a change: --badge CODE=N, --certificate ORG/PROGRAM=N")
    if organization is not None and not badges:
        _wrong_usage("--organization goes with --badge")
    return Change(
        organization,
        tuple(_badge(text) for text in badges),
        tuple(_certificate(text) for text in certificates),
    )


def _badge(text: str) -> BadgeChange:
    code, _, number = text.partition("=")
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
    if not number.isascii() or not number.isdecimal():
        _wrong_usage(f"{option} {text}: what follows '=' must be a whole number")
    return int(number)


def _read(file: Path) -> Plan:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Plan)
    except msgspec.MsgspecError as error:
        _wrong_usage(f"{file}: is not a plan: {error}")


def _wrong_usage(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(WRONG_USAGE)


def _print_outcome(outcome: Outcome, verb: str) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120, markup=False, highlight=False)
    console.print(
        f"{len(outcome.grants)} awards {verb} granted, {outcome.emails} emails {verb} sent."
    )
    _print_groups(console, outcome.grants, _gains)
    if outcome.below:
        console.print(f"\n{len(outcome.below)} members keep what they have though below:")
        _print_groups(console, outcome.below, lambda group: [one.user_id for one in group])


def _print_groups(
    console: Console, items: tuple[Item, ...], lines: Callable[[list[Item]], list[str]]
) -> None:
    """One table: for each organization and achievement how many, and the first of them."""
    groups: defaultdict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        achievement = item.code + (f" of {item.program_id}" if item.program_id else "")
        groups[item.organization_id, achievement].append(item)
    if not groups:
        return
    table = Table("organization", "achievement", "members", "who", box=None)
    for (organization_id, achievement), group in groups.items():
        shown = lines(group[:MAX_SHOWN])
        if len(group) > MAX_SHOWN:
            shown.append(f"… and {len(group) - MAX_SHOWN} more")
        table.add_row(organization_id, achievement, str(len(group)), "\n".join(shown))
    console.print(table)


def _gains(group: list[Gain]) -> list[str]:
    return [f"{one.user_id}, earned {one.earned_at:%Y-%m-%d %H:%M} UTC" for one in group]
