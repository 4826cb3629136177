"""A whole cloud in one process and in virtual time: random programs on it, faults drawn from a seed, and what must hold all the same."""
