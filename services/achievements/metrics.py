"""What achievements counts for its operators, beside what the shared rooms count."""

from prometheus_client import Counter

FACTS = Counter(
    "achievements_facts_total",
    "Facts consumed, by what became of them: recorded, unchanged, dropped, or a dead-letter code.",
    ["outcome"],
)
GRANTS = Counter("achievements_grants_total", "Awards granted, by kind and how.", ["kind", "how"])
