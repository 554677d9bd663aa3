"""Declares JSON documents and makes their data from values of the program. `schema` makes their JSON Schema.

A `TypedDict` declares an object of a document. A dataclass or a named tuple of the program with the same keys can also
declare it. The section `Attributes:` of its docstring describes the keys. `Annotated` adds details to a type: a text is
a description, a mapping has keywords of JSON Schema, and the marks of this module have their own meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

T = TypeVar("T")


class OneOf(NamedTuple):
    """Marks a text from a set that the rules define, such as the features. `name` is the name of the set."""

    name: str


class Rounded(NamedTuple):
    """Marks a number that the document rounds to this number of decimals."""

    decimals: int


OPTIONAL = object()
"""Marks a key that is left out if its source has no value, None or "". A None in `given` of `document` stays."""

Count: TypeAlias = Annotated[int, {"minimum": 0}]
Number: TypeAlias = Annotated[float, {"minimum": 0}]
Tenths: TypeAlias = Annotated[float, {"minimum": 0}, Rounded(1)]
Hundredths: TypeAlias = Annotated[float, {"minimum": 0}, Rounded(2)]
Day: TypeAlias = Annotated[str, {"format": "date"}]

UNIONS, LISTS, MAPPINGS = (Union, UnionType), (list, tuple, Sequence), (dict, Mapping)
"""The results of `get_origin` for unions, lists and mappings."""


class Key(NamedTuple):
    """A key of an object.

    Attributes:
        name: the key.
        hint: the type of its value.
        is_optional: whether the key can be missing.
        constant: the only allowed value, or None.
        convert: converts a value to JSON types; None if values already have JSON types.
    """

    name: str
    hint: Any
    is_optional: bool
    constant: Any
    convert: Callable[[Any], Any] | None


def document(declaration: type[T], source: object = None, /, **given: Any) -> T:
    """Return the data of a document, or of an object in it, as JSON types in the order of the declaration.

    Args:
        declaration: the `TypedDict` of the document or object.
        source: an object with the values, as attributes or as keys. An empty text becomes null if the declaration has
            `str | None`.
        given: values that `source` does not have under this name. A dictionary must already have JSON types.

    Raises:
        AttributeError, KeyError: a key has no value.
    """
    return cast(T, _data(declaration, source, given))


def plain(value: Any) -> Any:
    """Return a value as JSON types. Subclasses of text and numbers become plain text and numbers."""
    kind = type(value)
    if kind is str or kind is bool or kind is int or value is None:
        return value
    if isinstance(value, (str, float)):
        return str(value) if isinstance(value, str) else float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value]


@cache
def keys(declaration: Any) -> tuple[Key, ...]:
    """Return the keys of a declared object."""
    return tuple(
        Key(name, hint, OPTIONAL in get_args(hint)[1:], _constant(hint), _converter(hint))
        for name, hint in get_type_hints(declaration, include_extras=True).items()
    )


def is_object(hint: Any) -> bool:
    """Return whether a type declares an object of a document."""
    return is_typeddict(hint) or is_dataclass(hint) or hasattr(hint, "_fields")


def _data(declaration: Any, source: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    data = {}
    for name, _, is_optional, constant, convert in keys(declaration):
        if name in given:
            value = given[name]
        elif constant is not None:
            value = constant
        elif isinstance(source, Mapping):
            value = source.get(name) if is_optional else source[name]
        else:
            value = getattr(source, name, None) if is_optional else getattr(source, name)
        if is_optional and (value is None or value == "") and name not in given:
            continue
        data[name] = value if convert is None else convert(value)
    return data


def _constant(hint: Any) -> Any:
    values = get_args(hint) if get_origin(hint) is Literal else ()
    return values[0] if len(values) == 1 else None


def _converter(hint: Any) -> Callable[[Any], Any] | None:
    """Return a function that converts values of a type to JSON types; None if the values already have JSON types."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        decimals = next((mark.decimals for mark in arguments[1:] if isinstance(mark, Rounded)), None)
        return _converter(arguments[0]) if decimals is None else lambda number: number and round(number, decimals)
    if origin in UNIONS:
        return _of_union([kind for kind in arguments if kind is not NoneType], NoneType in arguments)
    if origin in LISTS:
        item = _converter(arguments[0])
        return list if item is None else lambda values: [item(value) for value in values]
    if origin in MAPPINGS:
        entry = _converter(arguments[1])
        return dict if entry is None else lambda values: {key: entry(value) for key, value in values.items()}
    if is_object(hint):
        return lambda value: value if type(value) is dict else _data(hint, value, {})
    return plain if hint is Any else None


def _of_union(kinds: list[Any], has_none: bool) -> Callable[[Any], Any] | None:
    convert = _converter(kinds[0]) if len(kinds) == 1 else plain
    if not has_none:
        return convert
    if convert is None:
        return lambda value: None if value == "" else value
    return lambda value: None if value is None or value == "" else convert(value)
