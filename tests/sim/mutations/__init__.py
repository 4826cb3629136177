"""Bugs to plant into the running engine, by what they are bugs of. mutants.py shows that the simulator finds each."""
