"""`python -m bench [NAME …]`: all benchmarks, or those named."""

import logging
import sys
from collections.abc import Callable
from typing import Annotated

import structlog
import typer

from bench import certificates, ingest, latency, pages, replay
from devstack import Addresses, shared

BENCHMARKS: dict[str, Callable[[Addresses], None]] = {
    "ingest": ingest.run,
    "latency": latency.run,
    "replay": replay.run,
    "certificates": certificates.run,
    "pages": pages.run,
}


def main(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"Of: {', '.join(BENCHMARKS)}; all without.")
    ] = None,
) -> None:
    """Run benchmarks on real Kafka and PostgreSQL and print rates and ratios."""
    unknown = set(names or ()) - BENCHMARKS.keys()
    if unknown:
        raise typer.BadParameter(f"there is no benchmark {', '.join(sorted(unknown))}")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    with shared() as addresses:
        for name in names or BENCHMARKS:
            BENCHMARKS[name](addresses)


if __name__ == "__main__":
    typer.run(main)
