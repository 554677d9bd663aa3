"""Decision tables, networks of decision tables, and the fold over all combinations of facts, without any MCP code."""
