"""The main job on real Kafka and PostgreSQL while its processes are killed; `tests.e2e.chaos` is the long version."""

from pathlib import Path

from devstack import shared
from tests.e2e.chaos import Plan, Run

PLAN = Plan(
    facts=2_500,
    seed=2_026,
    phase_seconds=4,
    pause_seconds=(0.2, 1.2),
    deadline_seconds=120,
)


def test_chaos(tmp_path: Path) -> None:
    """Random facts, interleaved, doubled and poisoned, come to just what the rules give while processes die."""
    with shared() as addresses:
        report = Run(PLAN, addresses, tmp_path).run()
    assert report.problems == []
    assert report.blows.total() > 0
