"""A language model over a real corpus: split, read with bounded concurrency, merge, ask a person, publish.

Offline unless ``AI_PIPELINE_MODEL`` names a model of Amazon Bedrock: see README.md.
"""
