"""The real achievements behind sharing: a process of its own over a database of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from devstack import Addresses
from tests.integration.service import migrated
from tests.integration.sharing_processes import (
    PATIENCE_SECONDS,
    SECRET,
    Running,
    Served,
    fresh_database,
)


@contextmanager
def achievements_serving(stack: Addresses) -> Iterator[Served]:
    """A client to a `serve` process of achievements for the block, over a database of its own."""
    with fresh_database(stack) as url:
        with migrated(url):
            pass
        with serving_from(url) as client:
            yield client


@contextmanager
def serving_from(url: str) -> Iterator[Served]:
    """A client to a `serve` process over this database for the block."""
    variables = os.environ | {
        "DATABASE_URL": url,
        "ACHIEVEMENTS_LISTEN": "127.0.0.1:0",
        "AUTH_SECRET": SECRET.decode(),
        "LOG_FORMAT": "json",
    }
    command = [sys.executable, "-m", "services.achievements", "serve"]
    with NamedTemporaryFile() as log:
        process = subprocess.Popen(command, env=variables, stderr=log)
        try:
            with Served(Running(process, Path(log.name))) as client:
                yield client
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_SECONDS)
