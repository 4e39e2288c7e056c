"""The process that draws: what it holds and for how long, and that it ends by itself."""

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO, Final

import pytest

from services.sharing import drawing_worker
from services.sharing.drawing_jobs import (
    HEAD_BYTES,
    CertificateCard,
    CertificatePage,
    CertificatePdf,
    Done,
    decode_answer,
    framed,
)
from services.sharing.drawing_pool import JOB_SECONDS, WAITING_SECONDS
from services.sharing.drawing_worker import LONGEST_JOB_SECONDS
from tests.drawing_samples import CERTIFICATES, changed

BACKWARDS: Final = "htrowlahtnoZ"
"""A name that nothing in this process holds as it is read, before it is drawn."""
FORMS: Final = (CertificatePdf, CertificatePage, CertificateCard)


@contextmanager
def a_worker() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Where jobs go in and where answers come out, of a worker in this process."""
    jobs_out, jobs_in = os.pipe()
    answers_out, answers_in = os.pipe()
    with os.fdopen(jobs_out, "rb") as jobs, os.fdopen(answers_in, "wb") as answers:
        worker = Thread(target=drawing_worker.serve, args=(jobs, answers))
        worker.start()
        try:
            with os.fdopen(jobs_in, "wb") as asked, os.fdopen(answers_out, "rb") as told:
                yield asked, told
        finally:
            worker.join()


def draw(worker: tuple[BinaryIO, BinaryIO], form: type[Any], number: int = 0) -> None:
    """Has a certificate of the name drawn."""
    asked, told = worker
    name = f"{BACKWARDS[::-1]} {number}"
    asked.write(framed(form(changed(CERTIFICATES["Latin"], recipient_name=name))))
    asked.flush()
    answer = decode_answer(told.read(int.from_bytes(told.read(HEAD_BYTES))))
    assert isinstance(answer, Done)


def is_held() -> bool:
    """Whether anything that lives in this process still holds the name."""
    name = BACKWARDS[::-1]
    seen: set[int] = set()
    to_see: list[Any] = gc.get_objects()
    while to_see:
        for held in gc.get_referents(to_see.pop()):
            if isinstance(held, str):
                if held is not name and name in held:
                    return True
            elif isinstance(held, tuple) and not gc.is_tracked(held) and id(held) not in seen:
                seen.add(id(held))
                to_see.append(held)
    return False


def test_names_leave_a_worker_that_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 27: what was drawn is forgotten before ten minutes are over, though nothing more is drawn."""
    assert drawing_worker.FORGET_SECONDS + LONGEST_JOB_SECONDS + WAITING_SECONDS <= 600
    with a_worker() as worker:
        for form in FORMS:
            draw(worker, form)
    assert is_held()  # else what follows would tell nothing
    monkeypatch.setattr(drawing_worker, "FORGET_SECONDS", 1.0)
    with a_worker() as worker:
        draw(worker, CertificatePdf)
        time.sleep(4)
        assert not is_held()


def test_names_leave_a_worker_that_never_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 27: what was drawn is forgotten in time, however soon the next job follows."""
    monkeypatch.setattr(drawing_worker, "FORGET_SECONDS", 0.0)
    with a_worker() as worker:
        for number in range(3):
            draw(worker, CertificatePdf, number)
    assert not is_held()


def test_a_drawing_that_hangs_ends_with_nobody_there_to_end_it() -> None:
    """A job that never comes to its end takes its process with it, whatever became of who asked for it."""
    assert LONGEST_JOB_SECONDS > JOB_SECONDS
    job = framed(CertificatePdf(CERTIFICATES["Latin"]))
    with subprocess.Popen(
        [sys.executable, "-c", _HANG], stdin=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as hanging:
        assert hanging.stdin is not None
        hanging.stdin.write(job)
        hanging.stdin.flush()
        assert hanging.wait(30) == -signal.SIGALRM


_HANG = """
from services.sharing import drawing_worker

def hang(job):
    while True:
        pass

drawing_worker.LONGEST_JOB_SECONDS = 1
drawing_worker.do = hang
drawing_worker.main()
"""
