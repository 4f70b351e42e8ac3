"""Where an engine is and how to reach it: hosts, contexts, docker's settings, certificates."""
