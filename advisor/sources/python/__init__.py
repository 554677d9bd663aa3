"""Reads the code of Python servers without importing or running it."""

from advisor.sources.code_model import CodeValue, ScannedTree, ServerCode
from advisor.sources.python.scan import scan, scan_files

__all__ = ["CodeValue", "ScannedTree", "ServerCode", "scan", "scan_files"]
