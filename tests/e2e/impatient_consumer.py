"""`achievements consume`, but for how long Kafka waits for a member of the group that fell silent.

With the 45 seconds of the command a test would spend most of its time waiting after each consumer that it kills.
"""

import sys
from functools import partial
from unittest.mock import patch

from services.achievements.__main__ import main
from services.kafka import consume

SESSION_TIMEOUT_MS = 6_000

if __name__ == "__main__":
    impatiently = partial(consume, session_timeout_ms=SESSION_TIMEOUT_MS)
    with patch("services.achievements.__main__.consume_topics", impatiently):
        sys.argv[1:] = ["consume"]
        main()
