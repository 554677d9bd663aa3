"""The type `Finding`: a problem in a file, a rule, a deployment or a measurement."""

from advisor.findings.finding import SEVERITIES, Confidence, Finding, Fix, Location, Severity, input_problem

__all__ = ["SEVERITIES", "Confidence", "Finding", "Fix", "Location", "Severity", "input_problem"]
