"""Attune on many machines."""
