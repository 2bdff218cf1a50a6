"""Tests mirror bots/ and core/."""
