"""From what was counted on a model to its figures: a node for each operator in each module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from cnnx.analysis.figures import ELEMENT_BYTES, Figures, NodeFigures
from cnnx.analysis.models.figures import Dispatched, UnknownOperator
from cnnx.graph.operation import Category, Shape
from cnnx.pytorch.foreign.dispatch import DispatchCounter, Tally, name_of
from cnnx.pytorch.foreign.owned import Owned, owned_by_module
from cnnx.pytorch.foreign.stage import Inputs

OTHER_THREADS = "operators of other threads"  # stands for what modules call where torch does not show it
WEIGHTS = "weights"  # stands for an operator where a module has weights, and another one works with them


def figures_of(
    model: nn.Module,
    counter: DispatchCounter,
    inputs: Inputs,
    outputs: Mapping[str, Tensor],
    name: str,
    arguments: Mapping[str, object],
) -> Figures:
    """Give the figures of a model, for the inputs that it was called with; shapes are without the batch."""
    owned = owned_by_module(model)
    given = [leaf for leaf in tree_leaves(inputs) if isinstance(leaf, Tensor)]
    batch = given[0].shape[0] if given and given[0].dim() else 0
    nodes = tuple(_nodes(counter, owned, batch))
    return Figures(
        name=name,
        parameters=dict(arguments),
        input={key: _without_batch(tuple(tensor.shape), batch) for key, tensor in _numbered(given)},
        output={key: _without_batch(tuple(tensor.shape), batch) for key, tensor in outputs.items()},
        dtype=_dtype(model),
        params=sum(each.params for each in owned.values()),
        buffers=sum(each.buffers for each in owned.values()),
        macs=sum(node.macs for node in nodes),
        flops=sum(node.flops for node in nodes),
        flops_by_category=_by_category(nodes),
        weight_bytes=sum(each.weight_bytes for each in owned.values()),
        buffer_bytes=sum(each.buffer_bytes for each in owned.values()),
        activation_elements=sum(node.activation_elements for node in nodes),
        memory_access_elements=sum(node.memory_access_elements for node in nodes),
        receptive_field={},
        by_node=nodes,
    )


def _by_category(nodes: Iterable[NodeFigures]) -> dict[str, int]:
    # Here the category is an operator's own, not that of its type.
    totals: dict[str, int] = {}
    for node in nodes:
        if node.flops:
            totals[node.op.category] = totals.get(node.op.category, 0) + node.flops
    return {str(category): flops for category, flops in totals.items()}


def _numbered(tensors: list[Tensor]) -> Iterator[tuple[str, Tensor]]:
    if len(tensors) == 1:
        return iter([("input", tensors[0])])
    return ((f"input{number}", tensor) for number, tensor in enumerate(tensors, 1))


def _without_batch(shape: Shape, batch: int) -> Shape:
    return shape[1:] if len(shape) > 1 and shape[0] == batch else shape


def _dtype(model: nn.Module) -> str:
    """Give the type of the first weights that are real numbers; other types than cnnx knows count as float32."""
    kinds = (str(weight.dtype).removeprefix("torch.") for weight in model.parameters())
    return next((kind for kind in kinds if kind in ELEMENT_BYTES), "float32")


def _nodes(counter: DispatchCounter, owned: Mapping[str, Owned], batch: int) -> Iterator[NodeFigures]:
    """Give a node for each operator in each module, then one for each module whose weights another one works with."""
    by_path: dict[str, list[tuple[str, Tally]]] = {}
    for (path, func), tally in counter.tallies.items():
        by_path.setdefault(path, []).append((short_name(name_of(func)), tally))
    left = {path: each for path, each in owned.items() if each.params or each.buffers}
    names = set(owned)
    for path, found in by_path.items():
        # The weights of a module stand at the operator that does most of its work or, if none multiplies, reads most.
        heaviest = max(found, key=lambda pair: (pair[1].macs, pair[1].weight_elements))[1]
        for operator, tally in found:
            name = _fresh(".".join(filter(None, [path, operator])), names) if len(found) > 1 or not path else path
            own = left.pop(path, Owned()) if tally is heaviest else Owned()
            op = Dispatched(operator, tally.rule.category, tally.calls, path, tally.weight_elements)
            yield _node(name, op, tally, own, batch)
    for path, each in left.items():
        op = Dispatched(WEIGHTS, Category.LAYOUT, 0, path)
        yield NodeFigures(path or WEIGHTS, op, (), (), each.params, each.buffers, 0, 0, 0, 0)


def _fresh(name: str, taken: set[str]) -> str:
    """Give a name that no module or node has yet, and take it."""
    number, fresh = 2, name
    while fresh in taken:
        number, fresh = number + 1, f"{name}_{number}"
    taken.add(fresh)
    return fresh


def _node(name: str, op: Dispatched, tally: Tally, owned: Owned, batch: int) -> NodeFigures:
    return NodeFigures(
        name,
        op,
        inputs=tuple([_without_batch(shape, batch) for shape in tally.inputs]),
        output=_without_batch(tally.output, batch),
        params=owned.params,
        buffers=owned.buffers,
        macs=tally.macs,
        flops=2 * tally.macs + tally.other_flops,
        activation_elements=tally.made_elements,
        memory_access_elements=tally.moved_elements + tally.weight_elements,
    )


def short_name(operator: str) -> str:
    """Give an operator's name without that of torch's own library, and without the mark of writing over its input."""
    name = operator.removeprefix("aten::")
    return name if name.endswith("__") else name.removesuffix("_")


def unknown_operators(counter: DispatchCounter, elsewhere: Mapping[str, int]) -> tuple[UnknownOperator, ...]:
    """Give what was called and is in no rule, the most often called first; `elsewhere`, modules on other threads."""
    found: dict[str, dict[str, int]] = {OTHER_THREADS: dict(elsewhere)} if elsewhere else {}
    for func, by_module in counter.unknown.items():
        merged = found.setdefault(name_of(func), {})
        for path, calls in by_module.items():
            merged[path] = merged.get(path, 0) + calls
    operators = [UnknownOperator(name, by_module) for name, by_module in found.items()]
    return tuple(sorted(operators, key=lambda each: -each.calls))
