"""Text → `SpecFile`: read, normalise, validate, check; all problems of a file at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cnnx.errors import CnnxError, Problem, SpecError, nearest
from cnnx.spec.actions import ACTIONS, JOINS, OPERATIONS, options_of
from cnnx.spec.checks import check_spec
from cnnx.spec.model import Block, Origin, Published, Spec, SpecFile, Worked, find_mark
from cnnx.spec.normalize import Normalizer
from cnnx.spec.options import Appended, BatchNorm, LeakyRelu, Strict
from cnnx.spec.values import describe
from cnnx.spec.yaml_reader import MAX_PROBLEMS, MarkedDict, Source, read_yaml

# What pydantic finds wrong, in the words of YAML: {} is what was written there.
_IN_OUR_WORDS: Mapping[str, str] = {
    "string_type": "{}; text is needed here",
    "string_too_short": "empty text; leave the key out, or say something",
    "int_type": "{}; an integer is needed here",
    "list_type": "{}; a list is needed here",
    "dict_type": "{}; a mapping is needed here",
    "model_type": "{}; a mapping is needed here",
    "too_short": "an empty list; one item at least is needed here",
    "greater_than_equal": "{}; a year from 1900 to 2100 is needed here",
    "less_than_equal": "{}; a year from 1900 to 2100 is needed here",
}
WITH_DEFAULTS = OPERATIONS - JOINS - {"repeat", "each"}


def parse_spec(
    source: Source, name: str, is_spec: Callable[[str], bool], spec_names: Callable[[], list[str]]
) -> SpecFile:
    """Parse the text of a spec.

    `is_spec` says whether a name is that of another spec; `spec_names` lists them, for a hint.
    Raises `SpecError` with every problem of the file.
    """
    data = read_yaml(source)
    if "claims" in data and "layers" not in data:
        at = data.keys_at["claims"]
        raise SpecError([source.problem(at, "these are claims and no spec", "`cnnx reproduce` reads them")])
    normalizer = Normalizer(source, is_spec, spec_names)
    normal = _normalize(data, normalizer)
    problems = normalizer.problems
    problems += _check_defaults(data, source)
    spec = None
    try:
        spec = Spec.model_validate(normal)
    except ValidationError as error:
        problems += _problems(error, normal, source)
    if spec is not None:
        problems += check_spec(spec, normal, source, is_spec, spec_names)
    if problems or spec is None:
        raise SpecError(problems)
    return SpecFile(name, Path(source.file), source, data, spec, _appended(spec.defaults))


def _appended(defaults: dict[str, dict[str, Any]]) -> Appended:
    norm = BatchNorm.model_validate({"op": "batchnorm", **defaults.get("batchnorm", {})})
    return Appended(norm, LeakyRelu.model_validate({"op": "leaky_relu", **defaults.get("leaky_relu", {})}))


def _normalize(data: MarkedDict, normalizer: Normalizer) -> MarkedDict:
    if isinstance(data.get("defaults"), MarkedDict):
        normalizer.defaults = data["defaults"]
    blocks = data.get("blocks")
    if isinstance(blocks, MarkedDict):
        normalizer.blocks = frozenset(blocks)
    normal = normalizer.body(data)
    if isinstance(blocks, MarkedDict):
        bodies = MarkedDict()
        for name, block in blocks.items():
            body = normalizer.body(block) if isinstance(block, MarkedDict) else block
            bodies.put(name, body, blocks.keys_at[name], blocks.values_at[name])
        normal["blocks"] = bodies
    variants = data.get("variants")
    if isinstance(variants, MarkedDict) and "default" in variants:
        normal["variants"] = variants.without("default")
        at = variants.values_at["default"]
        normal.put("default", variants["default"], at, at)
    elif "default" in data:
        normalizer.problem(data.keys_at["default"], "unknown key `default`", "it stands among the `variants`")
        del normal["default"]
    return normal


def _check_defaults(data: MarkedDict, source: Source) -> list[Problem]:
    """Validate the options in `defaults`, used or not; which of them an operation needs is told at its steps."""
    defaults = data.get("defaults")
    if not isinstance(defaults, MarkedDict):
        return []
    problems = []
    for word, options in defaults.items():
        if word not in WITH_DEFAULTS:
            hint = nearest(word, WITH_DEFAULTS)
            problems.append(source.problem(defaults.keys_at[word], f"`{word}` has no options to set", hint))
        elif isinstance(options, MarkedDict):
            try:
                ACTIONS[word].model_validate({"op": word, **options})
            except ValidationError as error:
                problems += _problems(error, options, source, within=word)
    return problems


def _problems(error: ValidationError, data: Any, source: Source, within: str = "") -> list[Problem]:
    """Give one problem for each mistake: a misspelt key is not also a missing one, and `defaults` miss nothing."""
    found = list(islice(_flat(error), MAX_PROBLEMS))
    unknown = [details["loc"] for details in found if details["type"] == "extra_forbidden"]
    problems = []
    for details in found:
        *parent, key = details["loc"] or ("",)
        if details["type"] == "missing" and (
            within or any(list(loc[:-1]) == parent and nearest(str(loc[-1]), [str(key)]) for loc in unknown)
        ):
            continue
        problems.append(_problem(details, data, source, within))
    return problems


def _flat(error: ValidationError, before: tuple[int | str, ...] = ()) -> Iterator[ErrorDetails]:
    """Give the errors of a model and of the actions in it, which are models of their own, with their whole paths."""
    for details in error.errors(include_url=False):
        inner = details.get("ctx", {}).get("error")
        path = (*before, *details["loc"])
        if isinstance(inner, ValidationError):
            yield from _flat(inner, path)
        else:
            yield {**details, "loc": path}


def _problem(details: ErrorDetails, data: Any, source: Source, within: str) -> Problem:
    """Say in our words, and at its place, what pydantic found."""
    keys = list(details["loc"])
    kind, last = details["type"], keys[-1] if keys else ""
    word = within or _operation(keys, data)
    if kind == "extra_forbidden":
        at = find_mark(data, keys, of_key=True)
        where = f" in `{word}`" if word else ""
        return source.problem(at, f"unknown key `{last}`{where}", nearest(str(last), _known_keys(keys, word)))
    if kind == "missing":
        # An operation that lacks an option is pointed at itself, not at the options that it has.
        at = find_mark(data, keys[: _last(keys, "action") + 1] if word and not within else keys, of_key=True)
        return source.problem(at, f"`{word}` needs `{last}`" if word else f"the key `{last}` is missing")
    at = find_mark(data, keys)
    reason = details.get("ctx", {}).get("error")
    name = next((str(key) for key in reversed(keys) if isinstance(key, str) and key != "[key]"), "")
    if isinstance(reason, CnnxError):
        message = reason.message if keys[-1:] == ["[key]"] else f"{name}: {reason.message}"
        return source.problem(at, message, reason.hint)
    return source.problem(at, f"{name}: {in_our_words(details)}")


def in_our_words(details: ErrorDetails) -> str:
    """Say what was written and what is needed there, as far as pydantic finds only types and sizes wrong."""
    told = _IN_OUR_WORDS.get(details["type"], details["msg"][:1].lower() + details["msg"][1:])
    return told.replace("{}", describe(details["input"]))


def _operation(keys: list[str | int], data: Any) -> str:
    """Find the word of the operation whose option the path leads to, if it leads to one."""
    if "action" not in keys or _last(keys, "action") != len(keys) - 2:
        return ""
    for key in keys[:-1]:
        data = data[key]
    return str(data["op"])


def _last(keys: list[str | int], key: str) -> int:
    return len(keys) - 1 - keys[::-1].index(key)


def _known_keys(keys: list[str | int], word: str) -> list[str]:
    if word:
        return options_of(word)
    if len(keys) == 1:
        return list(Spec.model_fields)
    if keys[0] == "blocks":
        return list(Block.model_fields)
    named = {"published": "published", "worked": "worked", "source": "source"}
    return _fields_of(named.get(str(keys[0]), ""))


def _fields_of(part: str) -> list[str]:
    models: dict[str, type[Strict]] = {"published": Published, "worked": Worked, "source": Origin}
    if part not in models:
        return []
    return [field.alias or name for name, field in models[part].model_fields.items()]
