"""Decision tables, networks of them, and the fold over a whole fact space; knows nothing of MCP."""
