"""Language models and embedders in this process."""
