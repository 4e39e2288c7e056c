"""Per-user progress: what counts, the catalogue of badges, and the read models."""
