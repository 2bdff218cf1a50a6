"""What people wrote to each other, summed up: its points, its decisions, what is to be done, and who said so."""
