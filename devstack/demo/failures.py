"""What the demo says when something is not as it should be."""

from __future__ import annotations


class DemoError(Exception):
    """What was expected and what was seen instead, and which processes' logs may tell why.

    `concerned` are names of processes (`achievements project`), those most likely to know first.
    """

    def __init__(self, expected: str, seen: str, *concerned: str) -> None:
        super().__init__(f"expected {expected}; seen: {seen}")
        self.expected = expected
        self.seen = seen
        self.concerned = concerned


class EndedError(BaseException):
    """We were told to end: by Ctrl-C, by a signal, or by the end of what started us."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def log_name(process: str) -> str:
    """The file that a process's log goes to, in the folder of the run."""
    return f"{process.replace(' ', '-')}.log"
