"""One file for each outside system. Only `core.bootstrap` imports from here."""
