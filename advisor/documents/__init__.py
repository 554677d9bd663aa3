"""Declarations of JSON documents. The data and the JSON Schema of a document come from one declaration."""

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
