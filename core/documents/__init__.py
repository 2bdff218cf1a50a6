"""Files to passages: finding, reading, parsing and splitting. `core.documents.ingest` brings the index in step."""
