"""A process that draws, for `services.sharing.drawing_pool` alone: jobs come in, answers go out.

It decodes pictures and shapes text that strangers made, so it is given nothing worth stealing, and
less memory than a machine has. It ends as soon as nobody can send it jobs any more, however its
parent ended; also over a job that never ends.
"""

import gc
import os
import resource
import signal
import sys
import traceback
from contextlib import suppress
from select import select
from time import monotonic
from typing import BinaryIO, Final

from services.sharing import drawing
from services.sharing.drawing_jobs import HEAD_BYTES, Done, Failed, decode_job, do, framed

MEMORY_BYTES: Final = 1024 * 1024 * 1024  # of addresses; a certificate with photographs needs 0.4
LONGEST_JOB_SECONDS: Final = 15
"""More than the parent waits: it matters only where no parent is left to end a job."""
FORGET_SECONDS: Final = 540.0
"""So long words once set are kept, as most stand on the next certificate too. They hold names: with
the jobs before and after, it makes less than ten minutes.
"""


def main() -> None:
    """Answers jobs one after the other until there are no more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold people's names
    with os.fdopen(os.dup(1), "wb") as answers, suppress(BrokenPipeError):
        os.dup2(2, 1)  # what a library may print goes to the log, not among the answers
        serve(sys.stdin.buffer, answers)


def serve(jobs: BinaryIO, answers: BinaryIO) -> None:
    """Answers each framed job; ends with the stream of them. The next job must wait for the answer."""
    forget_at: float | None = None
    while True:
        if forget_at is not None and _is_over(forget_at, jobs):
            drawing.forget()
            gc.collect()  # drawing leaves cycles, and a process at rest never collects them
            forget_at = None
        head = jobs.read(HEAD_BYTES)
        if len(head) < HEAD_BYTES:
            return
        signal.alarm(LONGEST_JOB_SECONDS)  # which ends the process
        answers.write(framed(_answer(jobs.read(int.from_bytes(head)))))
        answers.flush()
        signal.alarm(0)
        if forget_at is None:
            forget_at = monotonic() + FORGET_SECONDS


def _is_over(end: float, jobs: BinaryIO) -> bool:
    """Waits for the end or the next job, whichever comes first; tells whether it was the end."""
    select([jobs], [], [], max(0.0, end - monotonic()))
    return monotonic() >= end


def _answer(message: bytes) -> Done | Failed:
    try:
        return Done(do(decode_job(message)))
    except Exception as error:  # a job that can't be done must not keep others from being done
        place = traceback.extract_tb(error.__traceback__)[-1]
        return Failed(
            f"{type(error).__name__} at {os.path.basename(place.filename)}:{place.lineno}"
        )


if __name__ == "__main__":
    main()
