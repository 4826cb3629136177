"""GitHub's webhooks through durable functions: an app of twelve functions, its demo, and what proves both right.

Two of the functions are async and ask services over HTTP with httpx (``pip install httpx``): checksums.py and merges.py. To try
them with ``milepost dev examples.github.app:app``, run ``python -m examples.github.services`` beside it.
"""
