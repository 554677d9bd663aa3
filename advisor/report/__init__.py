"""Output of decisions, rules and measurements: JSON, YAML, text for a terminal and Markdown. It makes no decisions."""
