"""Passages in Qdrant: embedded, shared among processes, or on a server."""
