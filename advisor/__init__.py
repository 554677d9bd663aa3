"""mcp-advisor: how to deploy an MCP server so that it still works with more than one instance."""

__version__ = "0.1.0"
