"""Clients of MCP: the SDK client of both protocol eras, and a client that speaks plain HTTP."""
