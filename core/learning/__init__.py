"""Learning from the documents: courses, quiz questions and their reviews."""
