"""One module for each engine that is measured: Milepost and its peers, each in a process and an environment of its own.

What a side does, `protocol.py` says; it imports the standard library and its own engine, nothing of milepost.
"""
