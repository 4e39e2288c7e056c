"""What verifying knows of the read models, beside what they are."""

import subprocess
import sys

from projections.badges import BADGES
from projections.rows import TABLES
from services.achievements.verifying.facts import DEFAULT_THRESHOLDS
from services.achievements.verifying.rows import READ_MODELS


def test_every_column_is_verified() -> None:
    """No read model and no column of one is left out of verifying."""
    verified = {model.table: (model.columns, model.key_length) for model in READ_MODELS}
    assert verified.keys() == {table.name for table in TABLES}
    for table in TABLES:
        columns, key_length = verified[table.name]
        assert columns == table.columns
        assert set(columns[:key_length]) == set(table.key)


def test_every_badge_is_verified() -> None:
    """Rule 5: verifying knows all badges, and by itself what their thresholds are."""
    assert {badge.code: badge.default_threshold for badge in BADGES} == DEFAULT_THRESHOLDS


def test_verifying_is_independent() -> None:
    """Verifying uses nothing of the code that it verifies: neither the projections nor what grants."""
    loaded = "import sys, services.achievements.verifying; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    ).stdout.split()
    ours = {name for name in modules if name.startswith(("projections", "services.achievements."))}
    assert {name for name in ours if "verifying" not in name} == {"services.achievements.views"}
