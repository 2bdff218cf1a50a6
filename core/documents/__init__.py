"""Files to passages: finding, reading, parsing and splitting. `core.ingest` brings the index in step."""
