"""Somebody's own questions, asked of their own documents."""
