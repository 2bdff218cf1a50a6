"""What models there are and where they come from. `core.models.store` is the face."""
