"""What achievements counts for its operators, beside what the shared rooms count."""

from prometheus_client import Counter, Gauge

FACTS = Counter(
    "achievements_facts_total",
    "Facts consumed, by what became of them: recorded, unchanged, dropped, or a dead-letter code.",
    ["outcome"],
)
GRANTS = Counter(
    "achievements_grants_total",
    "Awards granted by `project` and by calls of admins, by kind and how.",
    ["kind", "how"],
)
POSITION = Gauge("achievements_position", "How far a reader of the journal has come.", ["reader"])
DEAD_LETTERS_TOO_LARGE = Counter(
    "achievements_dead_letters_too_large_total",
    "Dead letters too large to publish; they are in the database.",
)
