"""GitHub's webhooks through durable functions: an app of twelve functions, its demo, and what proves both right."""
