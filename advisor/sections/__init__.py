"""The sections that Markdown documents about a decision share, and the fingerprint that keeps a document fresh."""
