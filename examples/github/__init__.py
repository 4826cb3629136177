"""GitHub's webhooks through durable functions: an app of eleven functions, its demo, and what proves both right."""
