"""From requirements to a decision: facts, rules, losses, changes, and the proof of the rule set."""
