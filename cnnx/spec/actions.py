"""What a step can do: an operation with its options, a join, a loop, a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, PlainValidator

from cnnx.spec.names import check_free_name
from cnnx.spec.options import OPTIONS, Action, Activation, Strict
from cnnx.spec.places import Condition, Data, Index, Sources, StreamNames, Word
from cnnx.spec.yaml_reader import Mark

JoinWord = Literal["add", "multiply", "concat", "warp"]


class Branch(Strict):
    """One branch of a join: its key in node names, and its steps; no steps are the identity."""

    key: str
    layers: list[Step]


class Join(Action):
    """Several streams into one: branches of one stream, the passes of a loop, or the streams of `from`."""

    op: JoinWord
    branches: list[Branch] | None
    passes: Repeat | None = None  # each a branch of its own


class Group(Action):
    """Steps that share a name, a source and a condition."""

    op: Literal["layers"]
    layers: list[Step]


class Repeat(Action):
    """Steps run `times` times; `as` names the counter."""

    op: Literal["repeat"]
    times: Index
    counter: Annotated[str, PlainValidator(lambda name: check_free_name(name, "a counter"))] = Field("i", alias="as")
    layers: list[Step]


class Call(Action):
    """Another spec's layers, with these parameters."""

    op: Literal["call"]
    spec: Word
    arguments: dict[str, Data]


class Each(Action):
    """A paper's table, row by row: the columns are parameters of the steps, or of the spec in `call`."""

    op: Literal["each"]
    columns: Annotated[
        list[Annotated[str, PlainValidator(lambda name: check_free_name(name, "a column"))]], Field(min_length=1)
    ]
    rows: list[list[Data]]
    layers: list[Step]


class Pass(Action):
    """No operation: the stream passes on, under a name or from one."""

    op: Literal["pass"]


def read_action(data: dict[str, Any]) -> Any:
    """Validate an action by the model of its operation, which is built when a spec first uses it."""
    return ACTIONS[data["op"]].model_validate(data)


if TYPE_CHECKING:
    ActionPlace = Action
else:
    ActionPlace = Annotated[Any, PlainValidator(read_action)]


class Step(Strict):
    """One step: an action, and what may stand beside it.

    `component` is its part in the names of its nodes; `marks` says where it and its options stand.
    """

    action: ActionPlace
    name: StreamNames | None = None
    source: Annotated[Sources | None, Field(alias="from")] = None
    when: Condition | None = None
    component: str
    marks: Annotated[dict[str, Mark], PlainValidator(lambda marks: marks)]

    def mark(self, option: str = "") -> Mark:
        """Give the place of an option, or of the step where the option was not written."""
        return self.marks.get(option, self.marks[""])


def _words(model: type[Action]) -> list[str]:
    found: list[str] = []

    def collect(annotation: Any) -> None:
        for argument in getattr(annotation, "__args__", ()):
            if isinstance(argument, str):
                found.append(argument)
            else:
                collect(argument)

    collect(model.model_fields["op"].annotation)
    return found


_MODELS: tuple[type[Action], ...] = (*OPTIONS, Join, Group, Repeat, Each, Call, Pass)
ACTIONS: Mapping[str, type[Action]] = {word: model for model in _MODELS for word in _words(model)}
INTERNAL = frozenset({"call", "pass", "layers"})  # words with a form of their own in a step
OPERATIONS = frozenset(ACTIONS) - INTERNAL
ACTIVATIONS = frozenset(Activation.__args__)  # type: ignore[attr-defined]  # a Literal's words
JOINS = frozenset(JoinWord.__args__)  # type: ignore[attr-defined]


def options_of(word: str) -> list[str]:
    """Give the names of an operation's options, as they are written."""
    return [field.alias or name for name, field in ACTIONS[word].model_fields.items() if name != "op"]
