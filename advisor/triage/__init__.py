"""Applies what a team decided about findings: ignore comments, a configuration file, and a baseline."""

from advisor.triage.model import Suppression, Triaged, TriagedFinding
from advisor.triage.triage import TriageOrder, triaged

__all__ = ["Suppression", "TriageOrder", "Triaged", "TriagedFinding", "triaged"]
