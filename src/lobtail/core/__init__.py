"""Bytes in, values out: no sockets, no clock, no event loop. The caller passes the time."""
