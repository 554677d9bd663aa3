"""JSON documents that describe themselves: declared once, with data and JSON Schema derived from the declaration."""

from advisor.documents.declaration import (
    OPTIONAL,
    Count,
    Day,
    Hundredths,
    Number,
    OneOf,
    Rounded,
    Tenths,
    document,
    plain,
)

__all__ = ["OPTIONAL", "Count", "Day", "Hundredths", "Number", "OneOf", "Rounded", "Tenths", "document", "plain"]
