"""What the commands of both services share: how they are told to stop, and how they say that they failed."""

import gc
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import psycopg
from kafka.errors import KafkaError
from psycopg_pool import PoolTimeout

from services.environment import ListenError, SettingsError
from services.kafka import PositionOutOfRangeError, TopicRecreatedError

FAILED: Final = 1
WRONG_USAGE: Final = 2

_FAILURES: Final = (
    KafkaError,
    ListenError,
    PoolTimeout,
    PositionOutOfRangeError,
    TopicRecreatedError,
    psycopg.Error,
)


def told_to_stop() -> threading.Event:
    """An event that SIGTERM and Ctrl-C set."""
    stop = threading.Event()

    def set_it(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, set_it)
    return stop


def silence_kafka() -> None:
    """For commands that say themselves what became of their questions to Kafka."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


def collect_garbage_seldom() -> None:
    """For processes that make objects by the thousands and drop them again, hardly any of them in cycles.

    Python's collector would look through them several times: a third of the time to record a batch, and as much
    of that to answer readers who wait for the database together.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


def switch_threads_seldom() -> None:
    """For processes in which two threads have batches to work on: one decodes while the other decides.

    Each takes its turn while the other waits for a server. By Python's usual 5 ms they would interrupt each other all
    the time, which costs a tenth of their speed.
    """
    sys.setswitchinterval(0.05)


@contextmanager
def failures_in_plain_words() -> Iterator[None]:
    """Ends the process with the contract's exit status where a command fails for a reason outside of it."""
    try:
        yield
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(WRONG_USAGE) from None
    except psycopg.errors.UndefinedTable as error:
        print(
            f"The database lacks a table of this service ({error.diag.message_primary}): run its command"
            " `migrate`, or look whether the address is that of the right database.",
            file=sys.stderr,
        )
        raise SystemExit(FAILED) from None
    except _FAILURES as error:
        name = type(error).__name__
        print(f"{name}: {str(error).removeprefix(f'{name}: ')}".strip(": "), file=sys.stderr)
        raise SystemExit(FAILED) from None
