"""What people ask for, and which lines and containers that is.

No I/O, no clock: the caller passes the time.
"""
