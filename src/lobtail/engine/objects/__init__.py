"""What engines answer, typed: a module for each kind of object.

Unknown fields are ignored and missing ones have a default. Engines differ by ten years of versions,
and Podman in places: only what is the same in all, or missing in some, is named here. Go encodes an
empty map or list as ``null``, hence the many ``None``.
"""
