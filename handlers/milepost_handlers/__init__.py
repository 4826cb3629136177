"""The Lambda functions of a deployed app. Each is its environment and one call: what they do is the SDK's."""
