"""The many ways to write a step → one form, so that a mistake gives one error.

A step becomes `{action: {op: …, options…}, name, from, when, component, marks}`; branches become a list of
`{key, layers}`; a bare word, a call by name and a call by expression become one. What is written keeps its
marks, so that every later error finds its place. Components of node names are settled here too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnx.errors import Problem, RuleError, brief, nearest
from cnnx.spec.actions import JOINS, OPERATIONS, options_of
from cnnx.spec.components import number_components
from cnnx.spec.each import rows_of, with_a_call
from cnnx.spec.module_names import MODULE_NAMES
from cnnx.spec.names import check_name
from cnnx.spec.places import fixed_word
from cnnx.spec.yaml_reader import Mark, MarkedDict, MarkedList, Source

BESIDE = ("name", "from", "when")
STEP_KEYS = (*BESIDE, "with")


class _NotedError(Exception):
    """A problem has been noted that leaves no action to go on with."""


class Normalizer:
    """Normalises the steps of one file and collects every problem on the way."""

    def __init__(self, source: Source, is_spec: Callable[[str], bool], spec_names: Callable[[], list[str]]) -> None:
        self.source = source
        self.is_spec = is_spec
        self.spec_names = spec_names
        self.problems: list[Problem] = []
        self.defaults: MarkedDict = MarkedDict()
        self.blocks: frozenset[str] = frozenset()

    def problem(self, at: Mark, message: str, hint: str = "") -> None:
        """Note a problem and go on."""
        self.source.note(self.problems, at, message, hint)

    def body(self, data: MarkedDict) -> MarkedDict:
        """Normalise the `layers` and the `input` of a spec or a local block; leave its other keys."""
        body = data.without()
        if "layers" in data:
            body["layers"] = self.steps(data["layers"], data.values_at["layers"])
        if "input" in data and not isinstance(data["input"], list | dict):
            self.problem(data.values_at["input"], "an input is [channels, height, width], or several by their names")
            body["input"] = MarkedDict()
        if isinstance(data.get("input"), list):
            single = MarkedDict()
            at = data.values_at["input"]
            single.put("input", data["input"], at, at)
            body["input"] = single
        return body

    def steps(self, written: Any, at: Mark) -> MarkedList:
        """Normalise a list of steps and settle their components."""
        steps = MarkedList()
        if not isinstance(written, MarkedList):
            self.problem(at, "a list of steps is needed here, each on a line with `- `")
            return steps
        for step, step_at in zip(written, written.items_at, strict=True):
            normal = self.step(step, step_at)
            if normal is not None:
                steps.put(normal, step_at)
        for step in steps:
            if step["component"] in MODULE_NAMES:
                self._reserved(step["component"], "a step", step["marks"].get("name", step["marks"][""]))
        number_components(steps)
        return steps

    def step(self, written: Any, at: Mark) -> MarkedDict | None:
        """Normalise one step, or note why that is impossible."""
        if isinstance(written, str):
            bare = MarkedDict()
            bare.put(written, None, at, at)
            return self._step(bare, written, at)
        if not isinstance(written, MarkedDict):
            self.problem(at, "a step is a word, such as `relu`, or a mapping, such as `conv: {…}`")
            return None
        words = [key for key in written if key not in STEP_KEYS]
        if len(words) > 1:
            self._two_words(written, words)
            return self._step(written.without(*words), "", at)
        if not words and not {"name", "from"} & written.keys():
            self.problem(at, "a step without an operation")
            return None
        return self._step(written, words[0] if words else "", at)

    def _two_words(self, written: MarkedDict, words: list[str]) -> None:
        known = [word for word in words if word in OPERATIONS or word in ("call", "layers")]
        stray = next((word for word in words if word not in known), None) if known else None
        if stray is not None:
            stands = nearest(stray, STEP_KEYS)
            hint = stands or f"`{known[0]}` has its options inside: `{known[0]}: {{…}}`"
            self.problem(written.keys_at[stray], f"unknown key `{stray}` beside `{known[0]}`", hint)
            return
        first, second = words[:2]
        self.problem(
            written.keys_at[second], f"two operations in one step: `{first}` and `{second}`", "begin each with `- `"
        )

    def _step(self, written: MarkedDict, word: str, at: Mark) -> MarkedDict:
        step = MarkedDict()
        for key in BESIDE:
            if key in written:
                step.put(key, written[key], written.keys_at[key], written.values_at[key])
        value, value_at = (written[word], written.values_at[word]) if word else (None, at)
        try:
            action = self._action(word, value, value_at, written)
        except _NotedError:
            action = _tagged("pass", at)
        word_at = written.keys_at[word] if word else at
        if "with" in written and word != "call":
            self.problem(written.keys_at["with"], "`with` stands beside `call:` only")
        step.put("action", action, word_at, value_at)
        step["marks"] = {"": word_at, **{key: step.values_at[key] for key in BESIDE if key in step}}
        step["marks"].update({key: mark for key, mark in action.values_at.items() if key != "op"})
        name = step.get("name")
        step["component"] = name if isinstance(name, str) else word
        return step

    def _action(self, word: str, value: Any, at: Mark, written: MarkedDict) -> MarkedDict:
        if word in JOINS:
            return self._join(word, value, at)
        if word == "layers":
            action = _tagged("layers", at)
            action.put("layers", self.steps(value, at), at, at)
            return action
        if word == "":
            return _tagged("pass", at)
        if word == "call":
            return self._call(value, at, written)
        if word == "repeat":
            return self._looped(word, value, at)
        if word == "each":
            return self._each(value, at)
        if word in OPERATIONS:
            return self._options(word, value, at)
        return self._spec(word, value, at, written)

    def _options(self, word: str, value: Any, at: Mark) -> MarkedDict:
        action = _tagged(word, at)
        options = self._mapping(word, value, at)
        for key in options:
            if key in BESIDE and key not in options_of(word):
                self.problem(options.keys_at[key], f"`{key}` stands beside `{word}:`, not inside it")
            else:
                action.put(key, options[key], options.keys_at[key], options.values_at[key])
        return self._with_defaults(word, action)

    def _with_defaults(self, word: str, action: MarkedDict) -> MarkedDict:
        defaults = self.defaults.get(word)
        if isinstance(defaults, MarkedDict):
            for key in defaults:
                if key not in action:
                    action.put(key, defaults[key], defaults.keys_at[key], defaults.values_at[key])
        return action

    def _mapping(self, word: str, value: Any, at: Mark) -> MarkedDict:
        if value is None:
            return MarkedDict()
        if isinstance(value, MarkedDict):
            return value
        known = options_of(word) if word in OPERATIONS else []
        form = f"{{{known[0]}: …}}" if known else "nothing"
        self.problem(at, f"`{word}` takes {'its options as a mapping: ' if known else ''}{form}")
        raise _NotedError

    def _join(self, word: str, value: Any, at: Mark) -> MarkedDict:
        if isinstance(value, MarkedDict) and list(value) == ["repeat"]:
            return self._join_of_passes(word, value, at)
        action = _tagged(word, at)
        branches: MarkedList | None = MarkedList()
        if value is None:
            branches = None
        elif isinstance(value, MarkedList):
            for number, (branch, branch_at) in enumerate(zip(value, value.items_at, strict=True), start=1):
                branches.put(self._branch(f"branch{number}", branch, branch_at), branch_at)  # type: ignore[union-attr]
        elif isinstance(value, MarkedDict):
            for key, branch in value.items():
                if key in BESIDE:
                    self.problem(value.keys_at[key], f"`{key}` stands beside `{word}:`, not inside it")
                    continue
                self._name(key, "a branch", value.keys_at[key])
                branch_at = value.values_at[key]
                branches.put(self._branch(key, branch, branch_at), branch_at)  # type: ignore[union-attr]
        else:
            self.problem(at, f"`{word}` takes branches: a list, or a mapping that names them")
        if branches is not None and not branches and isinstance(value, MarkedList | MarkedDict) and not value:
            self.problem(at, f"`{word}` without branches; leave the value out to join the streams of `from`")
        action.put("branches", branches, at, at)
        return action

    def _join_of_passes(self, word: str, value: MarkedDict, at: Mark) -> MarkedDict:
        """Make `add: {repeat: …}` a join to which every pass of the loop is a branch."""
        loop_at = value.values_at["repeat"]
        action = _tagged(word, at)
        action.put("branches", None, at, at)
        loop = self._looped("repeat", value["repeat"], loop_at)
        action.put("passes", loop, loop_at, loop_at)
        action.values_at["times"] = loop.values_at.get("times", loop_at)  # so that an error about it points at it
        return action

    def _branch(self, key: str, written: Any, at: Mark) -> MarkedDict:
        branch = MarkedDict()
        branch.put("key", key, at, at)
        if written is None:
            steps = MarkedList()
        elif isinstance(written, MarkedList):
            steps = self.steps(written, at)
        else:
            single = MarkedList()
            single.put(written, at)
            steps = self.steps(single, at)
        branch.put("layers", steps, at, at)
        return branch

    def _looped(self, word: str, value: Any, at: Mark) -> MarkedDict:
        options = self._mapping(word, value, at)
        action = self._options(word, options, at)
        if "layers" in options:
            action["layers"] = self.steps(options["layers"], options.values_at["layers"])
        return action

    def _each(self, value: Any, at: Mark) -> MarkedDict:
        options = self._mapping("each", value, at)
        columns, rows = options.get("columns"), options.get("rows")
        for key in ("columns", "rows"):
            if key in options and not isinstance(options[key], MarkedList):
                self.problem(options.values_at[key], f"`{key}` is a list")
                raise _NotedError
        if isinstance(columns, MarkedList) and isinstance(rows, MarkedList):
            options = options.without()
            options["rows"] = rows_of(columns, rows, self.problem)
        if "call" in options and "layers" not in options:
            options = with_a_call(options, columns if isinstance(columns, MarkedList) else MarkedList())
        elif "call" in options:
            self.problem(options.keys_at["call"], "`each` takes `layers` or `call`, not both")
            options = options.without("call")
        return self._looped("each", options, at)

    def _call(self, value: Any, at: Mark, written: MarkedDict) -> MarkedDict:
        action = _tagged("call", at)
        action.put("spec", value, at, at)
        arguments = written.get("with")
        if arguments is not None and not isinstance(arguments, MarkedDict):
            self.problem(written.values_at["with"], "`with` is a mapping of parameters")
            arguments = None
        self._arguments(action, arguments or MarkedDict(), at)
        return action

    def _spec(self, word: str, value: Any, at: Mark, written: MarkedDict) -> MarkedDict:
        word_at = written.keys_at[word]
        if word not in self.blocks and not self.is_spec(word):
            choices = [*OPERATIONS, *self.blocks, *self.spec_names()]
            self.problem(word_at, f"unknown operation or spec `{brief(word)}`", nearest(word, choices))
            raise _NotedError
        action = _tagged("call", at)
        action.put("spec", fixed_word(word), word_at, word_at)
        arguments = self._mapping(word, value, at)
        for key in arguments:
            if key in BESIDE:
                self.problem(arguments.keys_at[key], f"`{key}` stands beside `{word}:`, not inside it")
        self._arguments(action, arguments.without(*BESIDE), at)
        return action

    def _arguments(self, action: MarkedDict, arguments: MarkedDict, at: Mark) -> None:
        action.put("arguments", arguments, at, at)
        for key in arguments:  # so that an error about one argument points at it
            action.values_at[key] = arguments.values_at[key]

    def _name(self, name: str, what: str, at: Mark) -> None:
        try:
            check_name(name, f"the name of {what}")
        except RuleError as error:
            self.problem(at, error.message)
            return
        if name in MODULE_NAMES:
            self._reserved(name, what, at)

    def _reserved(self, name: str, what: str, at: Mark) -> None:
        self.problem(at, f"`{name}` cannot name {what}: PyTorch's modules use it themselves")


def _tagged(word: str, at: Mark) -> MarkedDict:
    action = MarkedDict()
    action.put("op", word, at, at)
    return action
