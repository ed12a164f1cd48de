"""The JSON Schema of a spec file, for editors: made of the models, so that it knows every key and option.

It is draft 7, which all editors know. It says what may be written, not what is right: an expression is any text, and
that a convolution has a kernel is left to `cnnx validate`, as `defaults` may give it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, PlainValidator
from pydantic.fields import FieldInfo

from cnnx.spec import model, names, places
from cnnx.spec.actions import ACTIONS, ACTIVATIONS, JOINS, OPERATIONS
from cnnx.spec.model import Block, Origin, Published, Spec, Worked

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
_FIGURE = r"^[0-9]+(\.[0-9]+)?[KMG]?$"
_PADDINGS = ("same", "valid", "tf_same")
_LOOPS = frozenset({"repeat", "each"})


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _either(*schemas: Schema) -> Schema:
    return {"anyOf": [*schemas]}


def _list_of(item: Schema, count: int | None = None) -> Schema:
    size = {} if count is None else {"minItems": count, "maxItems": count}
    return {"type": "array", "items": item, **size}


def _named(values: Schema) -> Schema:
    return {"type": "object", "propertyNames": _ref("name"), "additionalProperties": values}


_EXPRESSION: Schema = {"type": "string", "minLength": 1, "description": "An expression over the parameters."}
_COUNT = _either({"type": "integer", "minimum": 1}, _EXPRESSION)
_INDEX = _either({"type": "integer", "minimum": 0}, _EXPRESSION)

# Which schema stands for a place, by what reads it.
_PLACES: Mapping[Any, str] = {
    places.read_count: "count",
    places.read_index: "index",
    places.read_pair: "pair",
    places.read_padding: "padding",
    places.read_sides: "sides",
    places.read_flag: "flag",
    places.read_condition: "condition",
    places.read_number: "number",
    places.read_word: "word",
    places.read_data: "data",
    names.read_sources: "streams",
    names.read_stream_names: "streams",
    model.read_figure: "figure",
    model.read_percentage: "percentage",
    model.read_shape: "shape",
    model.read_extent: "extent",
    model.read_working: "working",
}


def spec_schema() -> Schema:
    """Give the JSON Schema of a spec file, as plain data."""
    return {
        "$schema": DRAFT,
        "title": "cnnx spec",
        "description": "A convolutional block, a network, or a family of them.",
        **_body(Spec),
        "required": ["input", "layers"],
        "definitions": _definitions(),
    }


def _definitions() -> Schema:
    return {
        **_values(),
        "steps": _list_of(_ref("step")),
        "step": _either({"type": "string", "description": "A bare word.", "examples": sorted(ACTIVATIONS)}, _step()),
        "branch": _either({"type": "null"}, _ref("step"), _ref("steps")),
        "repeat": _loop("repeat", {"layers": _ref("steps")}),
        "each": _loop("each", {"layers": _ref("steps"), "columns": _list_of(_ref("name")), "call": _ref("word")}),
        "call": _either({"type": "null"}, _named(_ref("data"))),
        "block": {**_body(Block), "required": ["layers"]},
        "source": _fields(Origin),
        "published": _fields(Published),
        "worked": _fields(Worked),
    }


def _values() -> Schema:
    """Give what stands in places: numbers, words, shapes, figures."""
    data = {"type": ["number", "boolean", "string", "array"], "items": _ref("data")}
    name = {"type": "string", "pattern": f"^{names.NAME.pattern}$"}
    return {
        "name": name,
        "count": _COUNT,
        "index": _INDEX,
        "pair": _either(*_COUNT["anyOf"], _list_of(_COUNT, 2)),
        "padding": _either({"enum": [*_PADDINGS]}, *_INDEX["anyOf"], _list_of(_INDEX, 2)),
        "sides": {**_list_of(_INDEX, 4), "description": "[top, bottom, left, right]"},
        "flag": _either({"type": "boolean"}, _EXPRESSION),
        "condition": {"type": ["boolean", "number", "string", "array"]},
        "number": _either({"type": "number"}, _EXPRESSION),
        "word": {"type": "string", "minLength": 1},
        "data": data,
        "streams": _either(_ref("name"), {**_list_of(_ref("name")), "minItems": 1}),
        "input": {**_list_of(_COUNT, 3), "description": "[channels, height, width]"},
        "figure": _either({"type": "integer", "minimum": 0}, {"type": "string", "pattern": _FIGURE}),
        "percentage": {"type": "number", "minimum": 0, "maximum": 100},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1, "maxItems": 3},
        "extent": _either({"type": "integer", "minimum": 1}, _list_of({"type": "integer", "minimum": 1}, 2)),
        "working": {"type": ["string", "integer"]},
    }


def _step() -> Schema:
    """Give a step written as a mapping: one operation, and what may stand beside it; any other word calls a spec."""
    operations = {word: _operation(word) for word in sorted(OPERATIONS)}
    beside = {"name": _ref("streams"), "from": _ref("streams"), "when": _ref("condition")}
    forms = {"layers": _ref("steps"), "call": _ref("word"), "with": _named(_ref("data"))}
    return {
        "type": "object",
        "minProperties": 1,
        "properties": {**operations, **forms, **beside},
        "additionalProperties": _ref("call"),
    }


def _operation(word: str) -> Schema:
    told = {"description": _first_sentence(ACTIONS[word])}
    if word in _LOOPS:
        return {**told, "allOf": [_ref(word)]}
    if word in JOINS:
        branches = {"type": "object", "properties": {"repeat": _either(_ref("repeat"), _ref("branch"))}}
        named = {**branches, "additionalProperties": _ref("branch")}
        return {**told, **_either({"type": "null"}, _list_of(_ref("branch")), named)}
    return {**told, **_either({"type": "null"}, _options(word))}


def _options(word: str) -> Schema:
    return {"type": "object", "properties": _properties(ACTIONS[word]), "additionalProperties": False}


def _loop(word: str, parts: Schema) -> Schema:
    own = {key: value for key, value in _properties(ACTIONS[word]).items() if key not in parts}
    if word == "each":
        own["rows"] = _list_of(_ref("data"))
    return {"type": "object", "properties": {**own, **parts}, "additionalProperties": False}


def _body(part: type[BaseModel]) -> Schema:
    """Give the keys of a file or of a local block."""
    inputs = _either(_ref("input"), _named(_ref("input")))
    known = {
        "parameters": _named(_ref("data")),
        "input": inputs,
        "layers": _ref("steps"),
        "source": _ref("source"),
        "defaults": {
            "type": "object",
            "properties": {word: _options(word) for word in sorted(OPERATIONS - JOINS - _LOOPS)},
            "additionalProperties": False,
        },
        "blocks": _named(_ref("block")),
        "variants": {
            "type": "object",
            "properties": {"default": _ref("name")},
            "additionalProperties": _named(_ref("data")),
        },
        "published": _list_of(_ref("published")),
        "worked": _list_of(_ref("worked")),
    }
    keys = [key for key in part.model_fields if key != "default"]  # it stands among the variants
    own = _properties(part)
    return {
        "type": "object",
        "properties": {key: known.get(key, own[key]) for key in keys},
        "additionalProperties": False,
    }


def _fields(part: type[BaseModel]) -> Schema:
    required = [field.alias or name for name, field in part.model_fields.items() if field.is_required()]
    return {
        "type": "object",
        "description": _first_sentence(part),
        "properties": _properties(part),
        "required": required,
        "additionalProperties": False,
    }


def _properties(part: type[BaseModel]) -> Schema:
    return {field.alias or name: _place(name, field) for name, field in part.model_fields.items() if name != "op"}


def _place(name: str, field: FieldInfo) -> Schema:
    """Give the schema of a field, with its default."""
    found = _by_reader(field)
    if name == "act":
        found = _either({"enum": ["none", *sorted(ACTIVATIONS)]}, _EXPRESSION)
    elif name == "norm":
        found = _either({"enum": ["none", "batchnorm"]}, _EXPRESSION)
    written = getattr(field.default, "written", None)
    return found if written is None else {**({"allOf": [found]} if "$ref" in found else found), "default": written}


def _by_reader(field: FieldInfo) -> Schema:
    readers = [each.func for each in _metadata(field) if isinstance(each, PlainValidator)]
    if readers:
        return _ref(_PLACES.get(readers[0], "name"))
    text = str(field.annotation)
    if "dict" in text:
        return _named(_ref("data"))
    if "list" in text:
        return _list_of({"type": "string"})
    return {"type": "integer" if "int" in text else "string"}


def _metadata(field: FieldInfo) -> list[Any]:
    """Give what is annotated to a field, and to what it may be beside None."""
    within = [each for part in getattr(field.annotation, "__args__", ()) for each in getattr(part, "__metadata__", ())]
    direct = [*field.metadata]
    return direct if "dict" in str(field.annotation) else [*direct, *within]


def _first_sentence(part: type[BaseModel]) -> str:
    return (part.__doc__ or "").strip().split("\n")[0]
