"""Language models on an OpenAI-compatible server."""
