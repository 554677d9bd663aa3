"""Readers of the configurations of proxies."""
