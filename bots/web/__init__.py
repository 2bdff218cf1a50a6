"""What Attune serves over HTTP: the web console, and doors for programs."""
