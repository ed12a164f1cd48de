"""Operations that work on every element by itself, and batch normalisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cnnx.errors import RuleError
from cnnx.graph.autograd import Batch, Function
from cnnx.graph.operation import Asked, Category, Operation, Saves, Shape, Storage, check_map, elements


@dataclass(frozen=True, slots=True)
class BatchNorm(Operation):
    """Batch normalisation of a map or a vector, at inference."""

    word: ClassVar[str] = "batchnorm"
    category: ClassVar[Category] = Category.NORM
    saves: ClassVar[Saves] = Saves.INPUTS

    channels: int
    eps: float = 1e-5

    def __post_init__(self) -> None:
        if self.eps < 0:
            raise RuleError(f"eps={self.eps} is negative", option="eps")

    def shape(self, *inputs: Shape) -> Shape:
        """(C, …) → (C, …)."""
        if inputs[0][0] != self.channels:
            raise RuleError(f"channels={self.channels}, but {inputs[0][0]} channels enter")
        return inputs[0]

    def weights(self) -> dict[str, Shape]:
        """2·C: a factor and an offset for each channel."""
        return {"weight": (self.channels,), "bias": (self.channels,)}

    def buffers(self) -> dict[str, Shape]:
        """2·C: running mean and variance (PyTorch's counter of batches serves training only)."""
        return {"running_mean": (self.channels,), "running_var": (self.channels,)}

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """2 an element: one product, one sum."""
        return 2 * elements(output)

    def saved_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int, batch: int) -> int:
        """Mean and inverse deviation of the whole batch: 2·C."""
        return 2 * self.channels * element_bytes


@dataclass(frozen=True, slots=True)
class Lrn(Operation):
    """x / (k + alpha/size · Σ x²)^beta over `size` neighbouring channels.

    Source: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks",
    2012; with alpha divided by the size, as Caffe and PyTorch have it.
    """

    word: ClassVar[str] = "lrn"
    category: ClassVar[Category] = Category.NORM
    saves: ClassVar[Saves] = Saves.INPUTS

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    def shape(self, *inputs: Shape) -> Shape:
        """(C, H, W) → (C, H, W)."""
        return check_map(inputs[0], self.word)

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """2·size + 3 an element: squares and their sum, then factor, offset and power, and the quotient.

        By count: `size` products and `size` − 1 sums, a factor, an offset, a power (one), a quotient.
        """
        return (2 * self.size + 3) * elements(output)

    def scratch_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int) -> int:
        """The squares and the divisor: two inputs."""
        return 2 * elements(output) * element_bytes

    def saved_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int, batch: int) -> int:
        """The squares, padded by `size` − 1 channels, their mean with factor and offset, and its power."""
        channels, height, width = output
        return (channels + self.size - 1 + 2 * channels) * height * width * element_bytes * batch

    def functions(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked, batch: Batch) -> tuple[Function, ...]:
        """x·x, padded by channels, their mean, a factor, an offset, a power; x over it."""
        channels, height, width = output
        whole, padded = batch.bytes(elements(output)), batch.bytes((channels + self.size - 1) * height * width)
        return (
            Function((0, 0), whole, keeps=(0, 1)),
            Function((1,), padded),
            Function((2,), whole, keeps=(0,)),
            Function((3,), whole),
            Function((4,), whole, passes=True),
            # p·x^(p − 1): the power, and the product with p
            Function((5,), whole, keeps=(0,), scratch_bytes=2 * whole, holds=(3,)),
            # That of the divisor, −gradient·(x/d)/d, comes first: beside it two quotients and the sign, and not x's yet
            Function((0, 6), whole, keeps=(0, 1), scratch_bytes=2 * whole),
        )

    def describe(self) -> str:
        """Say `over 5`."""
        return f"over {self.size}"


class Activation(Operation):
    """The base of the activations: 1 FLOP an element, written over the input where nobody else reads it."""

    __slots__ = ()
    category: ClassVar[Category] = Category.ACTIVATION
    storage: ClassVar[Storage] = Storage.IN_PLACE
    saves: ClassVar[Saves] = Saves.INPUTS

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """1 an element."""
        return elements(output)


class Relu(Activation):
    """max(x, 0)."""

    __slots__ = ()
    word: ClassVar[str] = "relu"
    saves: ClassVar[Saves] = Saves.OUTPUT
    saves_output: ClassVar[bool] = True


class Relu6(Activation):
    """min(max(x, 0), 6)."""

    __slots__ = ()
    word: ClassVar[str] = "relu6"


@dataclass(frozen=True, slots=True)
class LeakyRelu(Activation):
    """max(x, slope·x)."""

    word: ClassVar[str] = "leaky_relu"
    saves_output: ClassVar[bool] = True  # where it was written over its input

    slope: float = 0.01

    def __post_init__(self) -> None:
        if not 0 <= self.slope <= 1:  # what is written over x tells of its sign, and the greater one is x above zero
            raise RuleError(f"slope={self.slope} is not between 0 and 1", option="slope")

    def describe(self) -> str:
        """Say `slope 0.2`."""
        return f"slope {self.slope:g}"


class HardSigmoid(Activation):
    """relu6(x + 3)/6."""

    __slots__ = ()
    word: ClassVar[str] = "hardsigmoid"


class HardSwish(Activation):
    """x·relu6(x + 3)/6."""

    __slots__ = ()
    word: ClassVar[str] = "hardswish"


class Silu(Activation):
    """x·sigmoid(x)."""

    __slots__ = ()
    word: ClassVar[str] = "silu"


class Sigmoid(Activation):
    """1/(1 + exp(−x))."""

    __slots__ = ()
    word: ClassVar[str] = "sigmoid"
    storage: ClassVar[Storage] = Storage.FRESH
    saves: ClassVar[Saves] = Saves.OUTPUT
    saves_output: ClassVar[bool] = True


class Tanh(Activation):
    """The hyperbolic tangent."""

    __slots__ = ()
    word: ClassVar[str] = "tanh"
    storage: ClassVar[Storage] = Storage.FRESH
    saves: ClassVar[Saves] = Saves.OUTPUT
    saves_output: ClassVar[bool] = True


class Gelu(Activation):
    """x·Φ(x), with the exact normal distribution."""

    __slots__ = ()
    word: ClassVar[str] = "gelu"
    storage: ClassVar[Storage] = Storage.FRESH


class Softmax(Activation):
    """exp(x)/Σ exp(x) over the channels."""

    __slots__ = ()
    word: ClassVar[str] = "softmax"
    storage: ClassVar[Storage] = Storage.FRESH
    saves: ClassVar[Saves] = Saves.OUTPUT
    saves_output: ClassVar[bool] = True

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """3 an element: exponential, sum, quotient."""
        return 3 * elements(output)


@dataclass(frozen=True, slots=True)
class Scale(Operation):
    """Multiplication by a constant."""

    word: ClassVar[str] = "scale"
    category: ClassVar[Category] = Category.ELEMENTWISE

    factor: float

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """1 an element."""
        return elements(output)

    def describe(self) -> str:
        """Say `×0.17`."""
        return f"×{self.factor:g}"


@dataclass(frozen=True, slots=True)
class Dropout(Operation):
    """Nothing at inference; at training, zeros with probability `p`."""

    word: ClassVar[str] = "dropout"
    storage: ClassVar[Storage] = Storage.ALIAS

    p: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise RuleError(f"p={self.p} is not a probability", option="p")

    def saved_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int, batch: int) -> int:
        """A mask of the elements that stay; none where all do, and a single zero where none does."""
        if self.p in (0, 1):
            return int(self.p) * element_bytes
        return elements(output) * element_bytes * batch

    def functions(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked, batch: Batch) -> tuple[Function, ...]:
        """A product with the mask; nothing where all elements stay."""
        if self.p == 0:
            return ()
        kept = self.saved_bytes(inputs, output, batch.element_bytes, batch.images)
        return (Function((0,), batch.bytes(elements(output)), kept_bytes=kept),)


class Identity(Operation):
    """Nothing."""

    __slots__ = ()
    word: ClassVar[str] = "identity"
    storage: ClassVar[Storage] = Storage.ALIAS

    def functions(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked, batch: Batch) -> tuple[Function, ...]:
        """None: it gives what it took."""
        return ()
