"""A process that draws, for `services.sharing.drawing_pool` alone: jobs come in, answers go out.

It decodes pictures and shapes text that strangers made, so it is given nothing worth stealing, and
less memory than a machine has. It ends as soon as nobody can send it jobs any more, however its
parent ended.
"""

import os
import resource
import sys
import traceback
from contextlib import suppress
from typing import BinaryIO, Final

from services.sharing.drawing_jobs import HEAD_BYTES, Done, Failed, decode_job, do, framed

MEMORY_BYTES: Final = 1024 * 1024 * 1024  # of addresses; a certificate with photographs needs 0.4


def main() -> None:
    """Answers jobs one after the other until there are no more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold people's names
    with os.fdopen(os.dup(1), "wb") as answers, suppress(BrokenPipeError):
        os.dup2(2, 1)  # what a library may print goes to the log, not among the answers
        serve(sys.stdin.buffer, answers)


def serve(jobs: BinaryIO, answers: BinaryIO) -> None:
    """Answers each framed job; ends with the stream of them."""
    while len(head := jobs.read(HEAD_BYTES)) == HEAD_BYTES:
        answers.write(framed(_answer(jobs.read(int.from_bytes(head)))))
        answers.flush()


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
