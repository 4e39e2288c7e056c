"""Commands: `python -m devstack --help`."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import Annotated

import typer

from devstack import cleaning, progress
from devstack.addresses import DevstackError
from devstack.shared import joined

COMMAND_NOT_FOUND = 127

app = typer.Typer(
    help="Real Apache Kafka and PostgreSQL for this checkout, with nothing but Python.\n\n"
    "They are started by whoever comes first, shared by all who come meanwhile, and stopped soon "
    "after the last has gone. Where KAFKA_BOOTSTRAP_SERVERS or DATABASE_URL is set, that server is "
    "used and none is started.\n\n"
    "Data go to .devstack at the top of the checkout (or DEVSTACK_FOLDER) and are removed when the "
    "servers stop, DEVSTACK_LINGER_SECONDS (3) after their last user. Downloads stay in the user's "
    "cache folder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command("run")
def run() -> None:
    """Keep both servers running until Ctrl-C. Prints their addresses as KEY=VALUE lines."""
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    with joined() as membership:
        for key, value in membership.addresses.as_environment().items():
            print(f"{key}={value}", flush=True)
        progress.say("Ready. Ctrl-C ends it.")
        with suppress(KeyboardInterrupt):
            while True:
                membership.raise_if_over()
                time.sleep(0.5)


@app.command("exec")
def execute(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND", show_default=False)],
) -> None:
    """Run COMMAND with KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL set; its exit code is ours.

    Put -- before COMMAND, so that its options are not taken for ours.
    """
    if shutil.which(command[0]) is None:
        progress.say(f"there is no command {command[0]}")
        sys.exit(COMMAND_NOT_FOUND)
    with joined() as membership:
        if membership.lease is not None:
            os.set_inheritable(membership.lease, True)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, COMMAND should not
        # COMMAND takes our place and with it the lease, which it and its children hold until the
        # last of them has ended, however they end.
        os.execvpe(command[0], command, os.environ | membership.addresses.as_environment())


@app.command("clean")
def clean() -> None:
    """Remove data and logs of earlier runs. Refuses while the servers are in use."""
    cleaning.clean()


def _as_ctrl_c(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    try:
        app(prog_name="python -m devstack")
    except DevstackError as error:
        progress.say(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
