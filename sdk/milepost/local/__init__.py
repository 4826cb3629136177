"""The local cloud: the ports on one SQLite file."""
