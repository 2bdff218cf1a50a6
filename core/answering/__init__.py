"""The equation: one module a factor, from what is asked to what is cited."""
