"""Memory, usage and inbox, in a Redis or Valkey."""
