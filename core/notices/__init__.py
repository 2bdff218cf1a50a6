"""What is told to people without a question: digests, their hour, and what is new in documents."""
