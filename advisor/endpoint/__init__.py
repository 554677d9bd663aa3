"""A client of a live MCP endpoint for hostile surroundings: bounded in time, bytes, requests and rate."""
