"""Asks a live endpoint: the checks of `endpoint` in their order, judged with the words of rules/findings/."""
