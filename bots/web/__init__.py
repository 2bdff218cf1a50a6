"""Attune over HTTP, for programs."""
