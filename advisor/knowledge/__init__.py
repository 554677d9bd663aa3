"""The knowledge of mcp-advisor: the YAML files under rules/, validated, typed and cached."""

from advisor.knowledge.store import Knowledge, load

__all__ = ["Knowledge", "load"]
