"""Requests to an engine: transports, TLS, ssh and HTTP."""
