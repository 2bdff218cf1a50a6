"""What models there are and where they come from. `core.model_store` is the face."""
