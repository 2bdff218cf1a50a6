"""The web console: Attune looked after in a browser."""
