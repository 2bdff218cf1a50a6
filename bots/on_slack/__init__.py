"""The parts of the Slack bot."""
