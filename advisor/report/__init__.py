"""Renderings of a decision: data (JSON, YAML), text for a terminal, Markdown for a repository. They decide nothing."""
