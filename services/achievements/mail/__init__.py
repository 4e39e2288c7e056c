"""Telling members by email what they were granted: product rule 19.

queue: one row for each grant, and what became of its mail · recipients: who is written to, who has unsubscribed ·
languages, rendering: words and their looks · addresses, messages: MIME · smtp: the server · dispatch: sending ·
unsubscribing: the page behind each mail's link · metrics.

No row here holds a name or an address: both are read from `people` at the moment of sending.
"""
