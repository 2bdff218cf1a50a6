"""Speaks to people: knows the engine, not how it is built."""
