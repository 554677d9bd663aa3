"""Documents of a team about a decision: a subject and a template make the text, and a fingerprint keeps it fresh."""
