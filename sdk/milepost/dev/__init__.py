"""The development runner: the local cloud in a terminal, begun anew when the code changes."""
