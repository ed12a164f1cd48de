"""What a step can do: the operations of the language with their options, joins, loops and calls.

The table in LANGUAGE order. Every class lists the words that it answers to in `op`; its other fields are
the options, with their defaults. What they cost and what shapes they give is told in `cnnx.graph`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from cnnx.spec.places import (
    Condition,
    Count,
    Data,
    Flag,
    Index,
    Number,
    PaddingPlace,
    Pair,
    Sides,
    Sources,
    StreamNames,
    Word,
    check_free_name,
    read_count,
    read_flag,
    read_index,
    read_number,
    read_padding,
    read_pair,
    read_word,
)
from cnnx.spec.yaml_reader import Mark

Activation = Literal[
    "relu", "relu6", "leaky_relu", "sigmoid", "hardsigmoid", "hardswish", "silu", "tanh", "gelu", "softmax"
]
JoinWord = Literal["add", "multiply", "concat"]


class Strict(BaseModel):
    """The base of every part of a spec: frozen, strict, and unknown keys are errors."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True)


class Convolution(Strict):
    """The options that all convolutions share."""

    kernel: Pair
    stride: Pair = read_pair(1)
    padding: PaddingPlace = read_padding("same")
    dilation: Pair = read_pair(1)
    bias: Flag = read_flag(False)
    norm: Word = read_word("none")
    act: Word = read_word("none")


class Conv(Convolution):
    """A convolution; `norm` and `act` append nodes."""

    op: Literal["conv"]
    out: Count
    groups: Count = read_count(1)


class Depthwise(Convolution):
    """A convolution of every channel by itself, to `multiplier` channels each."""

    op: Literal["depthwise"]
    multiplier: Count = read_count(1)


class Linear(Strict):
    """A matrix product with a vector."""

    op: Literal["linear"]
    out: Count
    bias: Flag = read_flag(True)
    act: Word = read_word("none")


class BatchNorm(Strict):
    """Batch normalisation of a map or a vector."""

    op: Literal["batchnorm"]
    eps: Number = read_number(1e-5)


class Lrn(Strict):
    """Local response normalisation over `size` neighbouring channels (AlexNet, 2012; constants as in Caffe)."""

    op: Literal["lrn"]
    size: Count = read_count(5)
    alpha: Number = read_number(1e-4)
    beta: Number = read_number(0.75)
    k: Number = read_number(1.0)


class Pool(Strict):
    """Max or average pooling; `stride` is the kernel where it is not given, as in PyTorch."""

    op: Literal["maxpool", "avgpool"]
    kernel: Pair
    stride: Pair | None = None
    padding: PaddingPlace = read_padding("valid")
    ceil: Flag = read_flag(False)
    count_padding: Flag = read_flag(True)


class AdaptiveAvgPool(Strict):
    """Average pooling to a given size."""

    op: Literal["adaptive_avgpool"]
    size: Pair


class Plain(Strict):
    """An operation without options."""

    op: Activation | Literal["global_avgpool", "flatten", "identity"]


class Dropout(Strict):
    """Dropout; nothing at inference."""

    op: Literal["dropout"]
    p: Number = read_number(0.5)


class Scale(Strict):
    """Multiplication by a constant."""

    op: Literal["scale"]
    factor: Number


class ChannelShuffle(Strict):
    """The transposition (g, c/g) → (c/g, g) of the channels."""

    op: Literal["channel_shuffle"]
    groups: Count


class Slice(Strict):
    """The channels from `start` up to `end`, `end` not included."""

    op: Literal["slice"]
    start: Index = read_index(0)
    end: Index


class Resize(Strict):
    """Interpolation to a size, or by a factor; `mode` is bilinear or nearest."""

    op: Literal["resize"]
    size: Pair | None = None
    factor: Number | None = None
    mode: Word = read_word("bilinear")


class PadOrCrop(Strict):
    """Rows and columns of zeros added, or rows and columns taken away, on four sides."""

    op: Literal["pad", "crop"]
    sides: Sides


class Branch(Strict):
    """One branch of a join: its key in node names, and its steps; no steps are the identity."""

    key: str
    layers: list[Step]


class Join(Strict):
    """Several streams into one: branches of one stream, the passes of a loop, or the streams of `from`."""

    op: JoinWord
    branches: list[Branch] | None
    passes: Repeat | None = None  # each a branch of its own


class Group(Strict):
    """Steps that share a name, a source and a condition."""

    op: Literal["layers"]
    layers: list[Step]


class Repeat(Strict):
    """Steps run `times` times; `as` names the counter."""

    op: Literal["repeat"]
    times: Index
    counter: Annotated[str, PlainValidator(lambda name: check_free_name(name, "a counter"))] = Field("i", alias="as")
    layers: list[Step]


class Call(Strict):
    """Another spec's layers, with these parameters."""

    op: Literal["call"]
    spec: Word
    arguments: dict[str, Data]


class Each(Strict):
    """A paper's table, row by row: the columns are parameters of the steps, or of the spec in `call`."""

    op: Literal["each"]
    columns: Annotated[
        list[Annotated[str, PlainValidator(lambda name: check_free_name(name, "a column"))]], Field(min_length=1)
    ]
    rows: list[list[Data]]
    layers: list[Step]


class Pass(Strict):
    """No operation: the stream passes on, under a name or from one."""

    op: Literal["pass"]


Action = Annotated[
    Conv
    | Depthwise
    | Linear
    | BatchNorm
    | Lrn
    | Pool
    | AdaptiveAvgPool
    | Plain
    | Dropout
    | Scale
    | ChannelShuffle
    | Slice
    | Resize
    | PadOrCrop
    | Join
    | Group
    | Repeat
    | Each
    | Call
    | Pass,
    Field(discriminator="op"),
]


class Step(Strict):
    """One step: an action, and what may stand beside it.

    `component` is its part in the names of its nodes; `marks` says where it and its options stand.
    """

    action: Action
    name: StreamNames | None = None
    source: Annotated[Sources | None, Field(alias="from")] = None
    when: Condition | None = None
    component: str
    marks: Annotated[dict[str, Mark], PlainValidator(lambda marks: marks)]

    def mark(self, option: str = "") -> Mark:
        """Give the place of an option, or of the step where the option was not written."""
        return self.marks.get(option, self.marks[""])


_ALL = (
    Conv, Depthwise, Linear, BatchNorm, Lrn, Pool, AdaptiveAvgPool, Plain, Dropout, Scale, ChannelShuffle, Slice,
    Resize, PadOrCrop, Join, Group, Repeat, Each, Call, Pass,
)  # fmt: skip


def _words(model: type[Strict]) -> list[str]:
    found: list[str] = []

    def collect(annotation: Any) -> None:
        for argument in getattr(annotation, "__args__", ()):
            if isinstance(argument, str):
                found.append(argument)
            else:
                collect(argument)

    collect(model.model_fields["op"].annotation)
    return found


ACTIONS: dict[str, type[Strict]] = {word: model for model in _ALL for word in _words(model)}
INTERNAL = frozenset({"call", "pass", "layers"})  # words with a form of their own in a step
OPERATIONS = frozenset(ACTIONS) - INTERNAL
ACTIVATIONS = frozenset(Activation.__args__)  # type: ignore[attr-defined]  # a Literal's words
JOINS = frozenset(JoinWord.__args__)  # type: ignore[attr-defined]


def options_of(word: str) -> list[str]:
    """Give the names of an operation's options, as they are written."""
    return [field.alias or name for name, field in ACTIONS[word].model_fields.items() if name != "op"]
