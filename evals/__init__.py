"""Quality and speed, measured: each module is one benchmark and writes one file in `results/`."""
