"""A way to a server on which it can fall silent: it is there, takes what it is told, and says nothing."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class SilentWay:
    """Carries all connections to a place; `url` leads through it."""

    def __init__(self, url: str) -> None:
        place = conninfo_to_dict(url)
        self._place = str(place["host"]), int(str(place["port"]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = Event()
        self._open.set()
        port = self._listener.getsockname()[1]
        self.url = make_conninfo(url, host="127.0.0.1", port=port)
        Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Nothing gets through in the block; what was held back does behind it."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._place)
                Thread(target=self._carry, args=(near, far), daemon=True).start()
                Thread(target=self._carry, args=(far, near), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with source, suppress(OSError):
            while content := source.recv(65_536):
                self._open.wait()
                target.sendall(content)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextmanager
def silent_way(url: str) -> Iterator[SilentWay]:
    """A way for the block."""
    way = SilentWay(url)
    try:
        yield way
    finally:
        way.close()
