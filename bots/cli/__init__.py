"""What the `attune` command does besides talking: its views, reports and checks."""
