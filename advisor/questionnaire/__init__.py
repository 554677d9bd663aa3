"""The questionnaire: what to ask next (pure), and how it looks on a terminal."""
