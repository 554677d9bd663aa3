"""The kit: all files that a team needs to deploy a decision."""
