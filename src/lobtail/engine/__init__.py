"""The only code that talks to an engine.

``config`` finds it, ``net`` asks it, ``objects`` are its answers, ``streams`` what it sends for as
long as one listens, ``api`` what can be done with its objects. ``client`` puts them together.
"""
