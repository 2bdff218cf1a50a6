"""Training a reader on a team's own documents; README.md leads through it. Not part of the installed product."""
