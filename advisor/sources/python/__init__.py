"""Reads the code of Python servers without importing or running it."""

from advisor.sources.code_model import CodeValue, ScannedTree, ServerCode

__all__ = ["CodeValue", "ScannedTree", "ServerCode"]
