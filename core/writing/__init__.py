"""Texts made from documents: asked for, read for, written and kept to their limits."""
