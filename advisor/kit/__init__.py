"""The kit: everything that a team needs to deploy a decision, rendered from it."""
