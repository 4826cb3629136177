"""GitHub's webhooks through durable functions: an app of ten functions, its demo, and what proves both right."""
