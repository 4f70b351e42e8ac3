"""The engine's objects: list, inspect and change them."""
