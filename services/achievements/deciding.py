"""The shape that all deciders share: a pure rule of what a command leads to, and of what an event changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from schemas.journal import Event

State = TypeVar("State")


@dataclass(frozen=True)
class Decider(Generic[State]):
    """`decide(command, cause, state)` gives the events that a command leads to, none where it changes nothing,
    or raises a `DomainError`; `evolve(state, event)` gives the state after an event.

    A command is the data of an inbound fact, or what stands for it on our own API; `cause` is the hash of the
    CloudEvent that brought it, None where it came otherwise.
    """

    initial: State
    decide: Callable[[Any, str | None, State], Sequence[Event]]
    evolve: Callable[[State, Any], State]
