"""Requests for `bench.pages`: `python -m bench.pages_load ADDRESS LINKS RATE` prints figures as JSON."""

import asyncio
import json
import random
import sys
from collections.abc import Callable, Iterator
from operator import truediv
from statistics import median
from time import perf_counter
from typing import cast

import uvloop

from bench.pages_server import HELLO
from services.sharing.public import PREFIX

CONNECTIONS = 32
POPULAR = 500
ROUNDS = 12
SECONDS = 0.4
WARM_SECONDS = 1.0
STEADY_SECONDS = 10

Requests = Iterator[bytes]


class Connection(asyncio.Protocol):
    """One request at a time; an answer's body is counted, not kept."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._head = b""
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError())

    def ask(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Status and head of the answer, once it is whole."""
        self._answer = asyncio.get_running_loop().create_future()
        self._head, self._left = b"", -1
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            self._head += data
            head, found, body = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            self._head = head
            self._left = _length(head) - len(body)
        else:
            self._left -= len(data)
        if not self._left and self._answer is not None:
            self._answer.set_result((int(self._head[9:12]), self._head))

    def close(self) -> None:
        self._transport.close()


def _length(head: bytes) -> int:
    _, found, rest = head.partition(b"content-length: ")
    return int(rest.partition(b"\r\n")[0]) if found and head[9:12] != b"304" else 0


def request(path: str, *headers: str) -> bytes:
    lines = (f"GET {path} HTTP/1.1", "Host: bench", "Accept-Language: en", *headers, "", "")
    return "\r\n".join(lines).encode()


async def rates(connections: list[Connection], *asked: tuple[Requests, int]) -> list[list[float]]:
    """Answers per second of a server that is never left without a request, for each kind of requests with the status
    expected. They take turns: whatever else the machine does meets all of a round.
    """
    for requests, expected in asked:
        await _for(WARM_SECONDS, connections, requests, expected)
    found: list[list[float]] = [[] for _ in asked]
    for _ in range(ROUNDS):
        for taken, (requests, expected) in zip(found, asked, strict=True):
            started = perf_counter()
            answers = await _for(SECONDS, connections, requests, expected)
            taken.append(answers / (perf_counter() - started))
    return found


async def _for(
    seconds: float, connections: list[Connection], requests: Requests, expected: int
) -> int:
    end = perf_counter() + seconds

    async def keep_asking(connection: Connection) -> int:
        answers = 0
        while perf_counter() < end:
            status, _ = await connection.ask(next(requests))
            assert status == expected, status
            answers += 1
        return answers

    return sum(await asyncio.gather(*map(keep_asking, connections)))


async def latencies(
    connections: list[Connection], requests: Requests, per_second: int
) -> list[float]:
    """Seconds from the moment when each request was due to the end of its answer, sorted."""
    free = asyncio.Queue[Connection]()
    for connection in connections:
        free.put_nowait(connection)
    taken: list[float] = []

    async def ask(due: float) -> None:
        connection = await free.get()
        await connection.ask(next(requests))
        taken.append(perf_counter() - due)
        free.put_nowait(connection)

    started = perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(per_second * STEADY_SECONDS):
            due = started + number / per_second
            if (early := due - perf_counter()) > 0:
                await asyncio.sleep(early)
            tasks.create_task(ask(due))
    return sorted(taken)


def _pages(links: list[int]) -> Requests:
    requests = [request(f"{PREFIX}token-{number}") for number in links]
    return _any_of(requests)


def _any_of(requests: list[bytes]) -> Requests:
    while True:
        yield random.choice(requests)


async def _unchanged(connection: Connection, links: list[int]) -> Requests:
    requests = []
    for number in links:
        path = f"{PREFIX}token-{number}"
        _, head = await connection.ask(request(path))
        tag = head.partition(b"etag: ")[2].partition(b"\r\n")[0].decode()
        requests.append(request(path, f"If-None-Match: {tag}"))
    return _any_of(requests)


async def measure(host: str, port: int, links: int, per_second: int) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    factory: Callable[[], Connection] = Connection
    connections = [
        (await loop.create_connection(factory, host, port))[1] for _ in range(CONNECTIONS)
    ]
    random.seed(1)
    popular = random.sample(range(1, links + 1), POPULAR)
    others = _pages(list(set(range(1, links + 1)) - set(popular)))
    unchanged = await _unchanged(connections[0], popular)
    hello, page, same = await rates(
        connections, (_any_of([request(HELLO)]), 200), (_pages(popular), 200), (unchanged, 304)
    )
    steady = await latencies(connections, _pages(popular), per_second)
    (rest,) = await rates(connections, (others, 200))
    found = {
        "hello": median(hello),
        "page": median(page),
        "page_to_hello": median(map(truediv, page, hello)),
        "unchanged": median(same),
        "unchanged_to_hello": median(map(truediv, same, hello)),
        "median": 1000 * steady[len(steady) // 2],
        "p99": 1000 * steady[len(steady) * 99 // 100],
        "others": median(rest),
    }
    for connection in connections:
        connection.close()
    return found


def main() -> None:
    address, links, per_second = sys.argv[1:]
    host, _, port = address.rpartition(":")
    found = uvloop.run(measure(host, int(port), int(links), int(per_second)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
