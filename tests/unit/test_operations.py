"""Dashboard and alert rules ask for what the processes really show."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

OPERATIONS = Path(__file__).parents[2] / "operations"
OPERATING = Path(__file__).parents[2] / "docs" / "operating.md"
PROMTOOL = shutil.which("promtool")
_OURS = re.compile(r"\b(?:achievements|consumer|follower|http|sharing)_[a-z_]+")
_SHOWING = (
    "services.achievements.backlog",
    "services.achievements.intake",
    "services.following",
    "services.sharing.drawing_pool",
    "services.web.observing",
)


def expressions() -> Iterator[str]:
    rules: dict[str, Any] = yaml.safe_load((OPERATIONS / "alerts.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]
    dashboard = json.loads((OPERATIONS / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def shown() -> set[str]:
    """The names of all samples that the processes can show."""
    for module in _SHOWING:
        import_module(module)
    names: set[str] = set()
    for metric in REGISTRY.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
        names |= {metric.name + suffix for suffix in suffixes.get(metric.type, ("",))}
    return names


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_what_is_asked_for_is_shown(expression: str) -> None:
    """Each metric in an alert rule or on the dashboard is one that a process shows."""
    asked = set(_OURS.findall(expression))
    assert asked, "the expression asks for none of our metrics"
    assert asked <= shown()


def test_what_only_leaders_know_is_asked_of_leaders() -> None:
    """A gauge that is right as the leader sees it goes with who leads: another process shows what it saw long ago."""
    for module in _SHOWING:
        import_module(module)
    known_to_leaders = {
        metric.name
        for metric in REGISTRY.collect()
        if "as the leader sees it" in metric.documentation
    }
    asking = [one for one in expressions() if known_to_leaders & set(_OURS.findall(one))]
    assert asking
    assert all('follower_leads{process="notify"} == 1' in one for one in asking)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool comes with Prometheus")
@pytest.mark.parametrize(
    "arguments", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]]
)
def test_alerts_by_their_own_tool(arguments: list[str]) -> None:
    """Prometheus' own tool takes the rules, and each alert is raised when it must be and not otherwise."""
    subprocess.run([str(PROMTOOL), *arguments], cwd=OPERATIONS, check=True)


def test_every_alert_is_tested() -> None:
    """Each alert has a test for Prometheus' tool."""
    rules: dict[str, Any] = yaml.safe_load((OPERATIONS / "alerts.yml").read_text())
    tests: dict[str, Any] = yaml.safe_load((OPERATIONS / "alerts.test.yml").read_text())
    assert {
        one["alertname"]
        for test in tests["tests"]
        for one in test["alert_rule_test"]
        if one.get("exp_alerts")
    } == {rule["alert"] for group in rules["groups"] for rule in group["rules"]}


def test_alerts_say_what_to_do() -> None:
    """Each alert says what happened and leads to a heading of the operators' guide."""
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lower().lstrip("# ")).strip().replace(" ", "-")
        for line in OPERATING.read_text().splitlines()
        if line.startswith("#")
    }
    rules: dict[str, Any] = yaml.safe_load((OPERATIONS / "alerts.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert rule["annotations"]["summary"]
            path, _, anchor = rule["annotations"]["runbook"].partition("#")
            assert path == "docs/operating.md"
            assert anchor in headings


def test_metrics_in_the_guide_are_shown() -> None:
    """The operators' guide names metrics that exist."""
    for name in re.findall(r"`((?:achievements|consumer)_[a-z_]+)", OPERATING.read_text()):
        assert name in shown()
