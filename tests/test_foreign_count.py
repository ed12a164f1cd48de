"""Counting by dispatch: against the static figures, against FlopCounterMode, and on what only functions do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import cnnx
from cnnx.analysis.models.figures import ModelCount
from cnnx.errors import UsageError
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.foreign.count import count_module

NETWORKS = (
    "alexnet", "bn_inception", "d2l_densenet", "d2l_googlenet", "d2l_resnet18", "efficientnet", "inception_resnet_v1",
    "inceptionv3", "lenet5", "mobilenetv1", "mobilenetv2", "mobilenetv3", "nin", "resnet", "resnext", "shufflenetv1",
    "shufflenetv2", "squeezenet", "vgg", "xception", "nasnet_normal", "amoebanet_normal", "se_conv", "factorized_reduction",
)  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_cost_what_their_graphs_do(name: str) -> None:
    graph = cnnx.load(name)
    static = cnnx.count(graph)
    counted = count_module(build(graph, device="meta"), *example_inputs(graph, device="meta"), name=name)
    seen = counted.figures
    assert counted.unknown == ()
    assert (seen.params, seen.buffers, seen.weight_bytes) == (static.params, static.buffers, static.weight_bytes)
    assert (seen.macs, seen.flops) == (static.macs, static.flops)
    assert dict(seen.flops_by_category) == dict(static.flops_by_category)
    assert list(seen.input.values()) == list(static.input.values())
    assert list(seen.output.values()) == list(static.output.values())


@pytest.mark.parametrize("name", ["inceptionv1", "deformable", "deformable_v2", "deformable_s4"])
def test_where_torch_computes_otherwise_multiply_adds_are_equal_all_the_same(name: str) -> None:
    # A local response norm takes each square once where the rule takes it in every window; places are computed too.
    graph = cnnx.load(name)
    static, counted = (
        cnnx.count(graph),
        count_module(build(graph, device="meta"), *example_inputs(graph, device="meta")),
    )
    assert (counted.figures.params, counted.figures.macs) == (static.params, static.macs)
    assert counted.unknown == ()


def flop_counter(module: nn.Module, *inputs: Tensor) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module.eval()(*inputs)
    return int(counter.get_total_flops())


class Case(NamedTuple):
    module: Callable[[], nn.Module]
    shapes: tuple[tuple[int, ...], ...]
    macs: int


MAP = (2, 8, 9, 7)
CASES = {
    "conv": Case(lambda: nn.Conv2d(8, 6, 3), (MAP,), 2 * 6 * 7 * 5 * 8 * 3 * 3),
    "conv strided, dilated": Case(lambda: nn.Conv2d(8, 6, 3, 2, 2, 2), (MAP,), 2 * 6 * 5 * 4 * 8 * 3 * 3),
    "conv grouped": Case(lambda: nn.Conv2d(8, 4, 3, groups=4), (MAP,), 2 * 4 * 7 * 5 * 2 * 3 * 3),
    "conv depthwise": Case(lambda: nn.Conv2d(8, 16, 3, groups=8), (MAP,), 2 * 16 * 7 * 5 * 1 * 3 * 3),
    "conv same": Case(lambda: nn.Conv2d(8, 6, 3, padding="same"), (MAP,), 2 * 6 * 9 * 7 * 8 * 3 * 3),
    "conv reflected": Case(lambda: nn.Conv2d(8, 6, 3, padding=1, padding_mode="reflect"), (MAP,), 2 * 6 * 9 * 7 * 8 * 3 * 3),
    "conv unbatched": Case(lambda: nn.Conv2d(8, 6, 3), ((8, 9, 7),), 6 * 7 * 5 * 8 * 3 * 3),
    "conv 1d": Case(lambda: nn.Conv1d(8, 6, 5), ((2, 8, 20),), 2 * 6 * 16 * 8 * 5),
    "conv 3d": Case(lambda: nn.Conv3d(4, 6, 3), ((1, 4, 5, 6, 7),), 6 * 3 * 4 * 5 * 4 * 3 * 3 * 3),
    "conv transposed": Case(lambda: nn.ConvTranspose2d(8, 6, 3, 2), (MAP,), 2 * 8 * 9 * 7 * 6 * 3 * 3),
    "conv transposed, grouped": Case(lambda: nn.ConvTranspose2d(8, 6, 3, groups=2), (MAP,), 2 * 8 * 9 * 7 * 3 * 3 * 3),
    "linear": Case(lambda: nn.Linear(8, 3), ((4, 8),), 4 * 8 * 3),
    "linear of a vector": Case(lambda: nn.Linear(8, 3), ((8,),), 8 * 3),
    "linear of tokens": Case(lambda: nn.Linear(8, 3, bias=False), ((2, 5, 8),), 2 * 5 * 8 * 3),
    "attention": Case(
        # In and out: 4 projections of 8·8; scores and their sum: 2 heads of 5·5·4 and 5·5·4.
        lambda: nn.MultiheadAttention(8, 2, batch_first=True), ((1, 5, 8),) * 3, 4 * 5 * 8 * 8 + 2 * 2 * 5 * 5 * 4,
    ),
    "encoder": Case(
        lambda: nn.TransformerEncoderLayer(8, 2, 32, batch_first=True), ((1, 5, 8),),
        4 * 5 * 8 * 8 + 2 * 2 * 5 * 5 * 4 + 2 * 5 * 8 * 32,
    ),
    "decoder": Case(
        # Over 5 targets and 7 sources: attention to itself, to the sources, and the two layers behind.
        lambda: nn.TransformerDecoderLayer(8, 2, 32, batch_first=True), ((1, 5, 8), (1, 7, 8)),
        (4 * 5 * 64 + 2 * 2 * 25 * 4) + (2 * 5 * 64 + 2 * 7 * 64 + 2 * 2 * 35 * 4) + 2 * 5 * 8 * 32,
    ),
    "transformer": Case(
        lambda: nn.Transformer(8, 2, 1, 1, 32, batch_first=True), ((1, 7, 8), (1, 5, 8)),
        (4 * 7 * 64 + 2 * 2 * 49 * 4 + 2 * 7 * 256)
        + (4 * 5 * 64 + 2 * 2 * 25 * 4) + (2 * 5 * 64 + 2 * 7 * 64 + 2 * 2 * 35 * 4) + 2 * 5 * 256,
    ),
    # Four gates, each from the input and from the state; 3 steps, 2 sequences.
    "lstm": Case(lambda: nn.LSTM(5, 4), ((3, 2, 5),), 3 * 2 * 4 * (5 * 4 + 4 * 4)),
    "lstm both ways, two layers": Case(
        lambda: nn.LSTM(5, 4, 2, bidirectional=True), ((3, 2, 5),),
        3 * 2 * (2 * 4 * (5 * 4 + 4 * 4) + 2 * 4 * (8 * 4 + 4 * 4)),
    ),
    "gru": Case(lambda: nn.GRU(5, 4, batch_first=True), ((2, 3, 5),), 3 * 2 * 3 * (5 * 4 + 4 * 4)),
    "rnn": Case(lambda: nn.RNN(5, 4), ((3, 2, 5),), 3 * 2 * (5 * 4 + 4 * 4)),
    "lstm cell": Case(lambda: nn.LSTMCell(5, 4), ((2, 5),), 2 * 4 * (5 * 4 + 4 * 4)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_products_are_those_that_torch_counts(case: Case) -> None:
    module, inputs = case.module(), tuple(torch.zeros(shape) for shape in case.shapes)
    counted = count_module(module, *inputs)
    assert counted.unknown == ()
    assert counted.device == "meta"
    on_meta = case.module().to("meta")
    assert 2 * counted.figures.macs == 2 * case.macs == flop_counter(on_meta, *(each.to("meta") for each in inputs))


def compute(function: Callable[..., Any]) -> nn.Module:
    class Function(nn.Module):
        def forward(self, *inputs: Tensor) -> Any:
            return function(*inputs)

    return Function()


QUERIES = torch.zeros(2, 4, 5, 8)  # 2 sequences, 4 heads, 5 places
KEYS = torch.zeros(2, 4, 7, 8)


@pytest.mark.parametrize(
    ("function", "inputs", "macs"),
    [
        (functional.scaled_dot_product_attention, (QUERIES, KEYS, KEYS), 2 * 4 * 5 * 7 * (8 + 8)),
        (torch.matmul, (QUERIES, KEYS.transpose(2, 3)), 2 * 4 * 5 * 7 * 8),
        (torch.bmm, (QUERIES[0], KEYS[0].transpose(1, 2)), 4 * 5 * 7 * 8),
        (lambda one, other: torch.einsum("bhsd,bhtd->bhst", one, other), (QUERIES, KEYS), 2 * 4 * 5 * 7 * 8),
        (functional.linear, (torch.zeros(3, 8), torch.zeros(6, 8)), 3 * 8 * 6),
        (torch.addmm, (torch.zeros(7), QUERIES[0, 0], KEYS[0, 0].T), 5 * 7 * 8),
        (torch.baddbmm, (torch.zeros(1), QUERIES[0], KEYS[0].mT), 4 * 5 * 7 * 8),
    ],
    ids=["attention", "matmul", "bmm", "einsum", "linear", "addmm", "baddbmm"],
)
def test_functions_are_seen(function: Callable[..., Any], inputs: tuple[Tensor, ...], macs: int) -> None:
    counted = count_module(compute(function), *inputs)
    assert (counted.figures.macs, counted.device) == (macs, "meta")
    assert flop_counter(compute(function), *[tensor.to("meta") for tensor in inputs]) == 2 * macs


def test_all_of_attention_is_counted_alike_in_one_kernel_and_in_several() -> None:
    whole = compute(lambda query, key: functional.scaled_dot_product_attention(query, key, key))
    needs_numbers = compute(lambda query, key: whole(query, key) if query.sum() < 1 else query)
    several, one = count_module(whole, QUERIES, KEYS), count_module(needs_numbers, QUERIES, KEYS)
    assert (several.device, one.device) == ("meta", "cpu")
    # Both factors scaled; 3 for each of the softmax's scores.
    other = QUERIES.numel() + KEYS.numel() + 3 * 2 * 4 * 5 * 7
    assert several.figures.flops == 2 * several.figures.macs + other
    # The sum, and the comparison of a single number, beside it.
    assert one.figures.flops == several.figures.flops + QUERIES.numel() + 1
    assert one.unknown == ()


class Twice(nn.Module):
    """A layer that is called twice, and an output layer that shares the weights of an embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 4)
        self.shared = nn.Linear(4, 4)
        self.out = nn.Linear(4, 11, bias=False)
        self.out.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.out(functional.relu(self.shared(self.shared(self.embedding(tokens)))))
        return out


def test_shared_modules_count_each_call_and_tied_weights_once() -> None:
    counted = count_module(Twice(), torch.zeros(1, 3, dtype=torch.int64))
    figures = counted.figures
    assert figures.params == 11 * 4 + 4 * 4 + 4
    assert figures.macs == 2 * 3 * 4 * 4 + 3 * 4 * 11
    assert figures.flops_by_category == {"linear": 2 * figures.macs + 2 * 3 * 4, "activation": 3 * 4}
    by_name = {node.name: node for node in figures.by_node}
    assert by_name["shared"].op.describe() == "×2"
    assert by_name["shared"].params == 4 * 4 + 4
    assert (by_name["embedding"].params, by_name["out"].params) == (11 * 4, 0)
    assert by_name["relu"].flops == 3 * 4  # a function of the model itself


def test_weights_that_another_module_works_with_stand_at_their_own() -> None:
    figures = count_module(nn.MultiheadAttention(8, 2, batch_first=True), *[torch.zeros(1, 5, 8)] * 3).figures
    assert figures.params == 3 * 8 * 8 + 3 * 8 + 8 * 8 + 8
    weights = next(node for node in figures.by_node if node.name == "out_proj")
    assert (weights.op.word, weights.params, weights.macs) == ("weights", 8 * 8 + 8, 0)


class Spectrum(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = compute(lambda x: torch.fft.fft(x).real)
        self.layer = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(self.inner(self.inner(x))) + torch.fft.fft(x).real
        return out


def test_unknown_operators_are_told_with_their_places() -> None:
    counted = count_module(Spectrum(), torch.zeros(1, 8))
    (unknown,) = counted.unknown
    assert unknown.name.startswith("aten::_fft")
    assert unknown.calls == 3
    assert dict(unknown.calls_by_module) == {"inner": 2, "": 1}
    assert counted.figures.macs == 8 * 8


def test_what_is_compiled_is_counted_as_it_stands() -> None:
    def compiler(graph: object, inputs: object) -> Callable[..., Any]:
        raise AssertionError

    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    module[0].compile(backend=compiler)
    assert count_module(module, torch.zeros(1, 2)).figures.macs == 2 * 3


class Pool(nn.Module):
    """Runs layers in threads of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2))])

    def forward(self, x: Tensor) -> Tensor:
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(lambda layer: layer(x), self.layers), x)


def test_what_other_threads_do_is_told_as_unknown() -> None:
    counted = count_module(Pool(), torch.zeros(1, 2))
    assert [(each.name, each.calls_by_module) for each in counted.unknown] == [
        ("operators of other threads", {"layers.0": 1, "layers.1": 1, "layers.1.0": 1}),
    ]  # fmt: skip


def test_figures_are_for_the_inputs_as_they_are() -> None:
    one, three = (count_module(nn.Linear(8, 3), torch.zeros(batch, 8)).figures for batch in (1, 3))
    assert (one.macs, three.macs) == (8 * 3, 3 * 8 * 3)
    assert one.input == three.input == {"input": (8,)}
    assert one.output == three.output == {"output": (3,)}


def test_a_model_of_any_size_is_counted_without_its_data() -> None:
    with torch.device("meta"):
        huge = nn.Sequential(nn.Linear(10**6, 10**6), nn.ReLU(), nn.Linear(10**6, 10**6))
    counted = count_module(huge, torch.empty(1, 10**6, device="meta"))
    assert counted.figures.macs == 2 * 10**12
    assert counted.figures.params == 2 * (10**12 + 10**6)


class Chooses(nn.Module):
    """Takes one way or the other, by its input's numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow, self.wide = nn.Linear(4, 2), nn.Linear(4, 8)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.wide(x) if x.sum() > 0 else self.narrow(x)
        return out


def test_a_model_that_asks_for_numbers_runs_on_the_cpu_and_the_note_says_so() -> None:
    narrow, wide = (count_module(Chooses(), torch.full((1, 4), value)) for value in (0.0, 1.0))
    assert (narrow.device, narrow.figures.macs, wide.figures.macs) == ("cpu", 4 * 2, 4 * 8)
    assert narrow.notes[0].startswith("counted on the CPU, as it cannot run without data: RuntimeError: ")
    assert narrow.unknown == ()


class Places(nn.Module):
    """Makes tensors on the way, on no device in particular, and has one that is no buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Embedding(16, 4)
        self.mask = torch.ones(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = (x + self.positions(torch.arange(x.shape[1]))) * self.mask + torch.zeros(4)
        return out


def test_tensors_made_on_the_way_are_made_where_the_model_is_counted() -> None:
    counted = count_module(Places(), torch.zeros(1, 5, 4))
    assert (counted.device, counted.figures.flops) == ("meta", 3 * 5 * 4)


@dataclass
class Answer:
    logits: Tensor
    hidden: list[Tensor]
    name: str = "x"


class Split(NamedTuple):
    first: Tensor
    second: Tensor


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (lambda x: x + 1, {"output": (4,)}),
        (lambda x: (x + 1, x[:, :2]), {"output1": (4,), "output2": (2,)}),
        (lambda x: {"logits": x + 1, "loss": x.sum()}, {"logits": (4,), "loss": ()}),
        (lambda x: Answer(x + 1, [x, x[:, :2]]), {"logits": (4,), "hidden.output1": (4,), "hidden.output2": (2,)}),
        (lambda x: Split(x, x[:, :2]), {"first": (4,), "second": (2,)}),
        (lambda x: x.max(1), {"output1": (1,), "output2": (1,)}),  # named in torch alone
    ],
    ids=["tensor", "tuple", "dictionary", "dataclass", "named tuple", "torch's own"],
)
def test_outputs_of_every_kind(function: Callable[..., Any], names: dict[str, tuple[int, ...]]) -> None:
    assert count_module(compute(function), torch.zeros(1, 4)).figures.output == names


@pytest.mark.parametrize(("result", "told"), [(None, "gives nothing"), (3, "type int"), ({}, "type dict")])
def test_no_tensor_among_the_outputs(result: object, told: str) -> None:
    with pytest.raises(UsageError, match=f"{told}, in which there is no tensor"):
        count_module(compute(lambda x: result), torch.zeros(1, 4))


def test_wrong_inputs_are_told_with_what_forward_takes() -> None:
    with pytest.raises(UsageError, match=r"was given 2 inputs, and its forward takes \(tokens.*\)"):
        count_module(Twice(), torch.zeros(1, 3), torch.zeros(1, 3))
    with pytest.raises(UsageError, match=r"`Linear` cannot be run on 1×3: RuntimeError: mat1 and mat2 .*takes \(input"):
        count_module(nn.Linear(8, 3), torch.zeros(1, 3))


def test_what_is_no_module_or_does_not_know_its_shapes() -> None:
    with pytest.raises(UsageError, match=r"is of type int, not an nn\.Module"):
        count_module(3, torch.zeros(1, 3))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="does not know the shape of `weight` yet; run the model once first"):
        count_module(nn.LazyLinear(3), torch.zeros(1, 3))


def counts_beside(counted: ModelCount) -> dict[str, int | None]:
    return {each.counter: each.macs for each in counted.others}


def test_others_count_beside() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))
    macs = 4 * 6 * 6 * 3 * 3 * 3 + 4 * 36 * 5
    counted = count_module(module, torch.zeros(1, 3, 8, 8), beside=True)
    assert counts_beside(counted) == {"torch": macs, "fvcore": macs}
    assert count_module(module, torch.zeros(1, 3, 8, 8)).others == ()


def test_why_fvcore_counts_nothing() -> None:
    module = compute(lambda pair: pair[0] + pair[1])
    fvcore = count_module(module, (torch.zeros(1, 3), torch.zeros(1, 3)), beside=True).others[1]
    assert (fvcore.macs, fvcore.note) == (None, "left out: it traces modules that take tensors only")
    large = nn.Conv2d(512, 512, 3, padding=1, device="meta")
    fvcore = count_module(large, torch.empty(1, 512, 512, 512, device="meta"), beside=True).others[1]
    assert fvcore.note.startswith("left out: it runs the module, and above 200 G multiply–adds")


def test_the_weights_of_a_norm_stand_at_the_operator_that_reads_them() -> None:
    counted = count_module(nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8)), torch.zeros(1, 3, 4, 4))
    weights = {node.name: node.params for node in counted.figures.by_node if node.params}
    assert weights == {"0": 3 * 8 + 8, "1": 2 * 8}
