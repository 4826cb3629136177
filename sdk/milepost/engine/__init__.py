"""The durable engine: every protocol, written once, on ports only (no boto3, no sqlite3, no clock, no random)."""
