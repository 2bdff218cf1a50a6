"""Attune over HTTP, for programs, and for operators in a browser."""
