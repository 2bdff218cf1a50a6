"""Words, numbers and Markdown, as far as counting and comparing need them. Pure."""
