"""Writes the lock file anew: `python -m devstack.relock`, after a change of the versions below.

With log4j instead of slf4j-simple, jgo resolves versions that don't fit together.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from jgo.maven import Artifact, MavenContext

from devstack.jars import LOCK_FILE

COORDINATES = ("org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:1.7.36")
HEADER = "# Kafka and all it needs: coordinate, SHA-256, size in bytes. Made by devstack/relock.py."


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = sorted(map(_lock_line, _resolve(Path(folder))))
    LOCK_FILE.write_text("\n".join([HEADER, *lines, ""]))
    print(f"{LOCK_FILE}: {len(lines)} jars")


def _resolve(folder: Path) -> list[Artifact]:
    context = MavenContext(repo_cache=folder)
    wanted = [context.create_dependency(coordinate) for coordinate in COORDINATES]
    named, needed = context.resolver.resolve(wanted)
    at_run_time = [one for one in needed if one.scope in ("compile", "runtime")]
    return [dependency.artifact for dependency in [*named, *at_run_time]]


def _lock_line(artifact: Artifact) -> str:
    content = artifact.resolve().read_bytes()
    coordinate = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
    return f"{coordinate} {hashlib.sha256(content).hexdigest()} {len(content)}"


if __name__ == "__main__":
    main()
