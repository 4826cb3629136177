"""The driver of `async def` bodies: see docs/design/async.md for its seventeen rules."""
