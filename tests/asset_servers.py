"""Servers that stand where achievements should: well-behaved, slow, lying or not there at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from io import BytesIO
from typing import Any

from PIL import Image

Serve = Callable[[asyncio.StreamWriter], Awaitable[None]]


class AssetServer:
    """A server on loopback; `requests` are the heads of all that it was asked."""

    def __init__(self, serve: Serve) -> None:
        self.serve = serve
        self.requests: list[str] = []
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head.decode())
            await self.serve(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # who asked has gone
        finally:
            writer.close()


@asynccontextmanager
async def asset_server(serve: Serve) -> AsyncIterator[AssetServer]:
    """A server for the block, on a free port."""
    ours = AssetServer(serve)
    server = await asyncio.start_server(ours.answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    ours.url = f"http://{host}:{port}"
    async with server:
        yield ours


def answering(content: bytes, status: str = "200 OK", **headers: str) -> Serve:
    """Says just that to whatever it is asked."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]

    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join([*lines, "", ""]).encode() + content)

    return serve


async def dripping(writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def endless(writer: asyncio.StreamWriter) -> None:
    """More than anybody wants."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(bytes(64 * 1024))
        await writer.drain()


async def hanging_up(writer: asyncio.StreamWriter) -> None:
    """Half an answer."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhalf")


def picture(colour: str, kind: str = "PNG", **options: Any) -> bytes:
    """A file that can be shown."""
    file = BytesIO()
    Image.new("RGB", (60, 40), colour).save(file, kind, **options)
    return file.getvalue()


def asset_id(content: bytes) -> str:
    """What a file is asked for by."""
    return f"sha256:{sha256(content).hexdigest()}"
