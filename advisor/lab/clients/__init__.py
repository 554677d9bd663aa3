"""MCP clients: the SDK client for both protocol eras, and raw clients that send HTTP requests without an SDK."""
