"""What people type into our own APIs: free text within bounds, far wider than anybody needs, so that all of it can be
kept, shown and mailed. What publishers send (`schemas.learning`) is bounded by its message alone."""

from typing import Annotated

from msgspec import Meta

from schemas.learning import Text

ShortText = Annotated[Text, Meta(max_length=500)]
"""A name, or an id of somebody else's."""
LongText = Annotated[Text, Meta(max_length=5_000)]
"""Sentences."""
