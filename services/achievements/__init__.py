"""Decides, remembers and explains: facts become progress, badges and certificates."""
