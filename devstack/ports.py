"""Free ports which stay ours."""

from __future__ import annotations

import os
import socket
import sys
import weakref
from dataclasses import dataclass


@dataclass(frozen=True)
class Port:
    """A TCP port of 127.0.0.1 that nobody else gets while this object lives."""

    number: int


def reserve_port() -> Port:
    """A port that was free a moment ago, kept for a server of ours, also while that server is down.

    Linux lets a server listen on a port that another socket is bound to, if both have SO_REUSEADDR
    and the other does not listen, as it is here; yet the kernel gives a bound port to nobody who
    asks for a free one. Elsewhere the reservation would lock our server out: there it ends at once.
    """
    reservation = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(("127.0.0.1", 0))
    port = Port(reservation.getsockname()[1])
    if sys.platform == "linux":
        weakref.finalize(port, os.close, reservation.detach())
    else:
        reservation.close()
    return port
