"""The parts of the Telegram bot."""
