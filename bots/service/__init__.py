"""What `attune serve` and `attune worker` are made of."""
