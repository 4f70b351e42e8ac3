"""Where logs come from: an engine's API, its files, a swarm's manager. Each gives records."""
