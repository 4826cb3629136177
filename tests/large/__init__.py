"""Runs as large as promised, each in a process of its own."""
