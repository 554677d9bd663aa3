"""The checks of an endpoint. Each sends requests and sets observations; none judges."""
