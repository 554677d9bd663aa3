"""mcp-advisor decides how to deploy an MCP server with more than one instance."""

__version__ = "0.1.0"
