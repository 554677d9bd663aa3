"""Makes decisions from requirements, and proves the rules."""
