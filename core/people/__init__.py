"""What is kept of people, and what of it acts on their answers."""
