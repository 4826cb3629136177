"""The peers beside us: their environments, the harness that asks all by turns, and its table. `make bench-peers`."""
