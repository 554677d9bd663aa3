"""Readers of the configurations of proxies. The module of each product has the same three functions."""
