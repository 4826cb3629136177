"""Speed and cost, measured beside the disk they stand on: `make bench`, `make bench-peers`, `make bench-curves`.

docs/benchmarks.md says what each figure is and shows the last ones.
"""
