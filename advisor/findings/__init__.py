"""The type `Finding`: a problem in a file, a rule, a deployment or a measurement."""

from advisor.findings.finding import SEVERITIES, Finding, Fix, Location, Severity, input_problem

__all__ = ["SEVERITIES", "Finding", "Fix", "Location", "Severity", "input_problem"]
