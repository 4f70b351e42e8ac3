"""The only code that talks to an engine: endpoint → transport → HTTP → client.

Each module knows the one before it and nothing of the ones behind it.
"""
