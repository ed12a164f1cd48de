"""What the spec language means: names, streams, conditions, loops, calls."""

from __future__ import annotations

import pytest
import torch

from cnnx.errors import SpecError, UsageError
from cnnx.graph.graph import Graph
from cnnx.graph.pooling import AvgPool
from cnnx.pytorch.build import build
from tests.conftest import Expand

HEAD = "parameters: {c: 8}\ninput: [c, 16, 16]\nlayers:\n"


def names(graph: Graph) -> list[str]:
    return [node.name for node in graph]


def shape(graph: Graph) -> tuple[int, ...]:
    return graph.shapes[graph.outputs[0]]


def test_equal_components_are_numbered_and_shorthands_named(expand_text: Expand) -> None:
    graph = expand_text(
        HEAD + "- conv: {out: 4, kernel: 3, norm: batchnorm, act: relu}\n- relu\n- conv: {out: 4, kernel: 1}\n"
    )
    assert names(graph) == ["conv1", "conv1_norm", "conv1_act", "relu", "conv2"]


def test_numbers_do_not_depend_on_conditions(expand_text: Expand) -> None:
    graph = expand_text(HEAD + "- {conv: {out: 4, kernel: 1}, when: c > 8}\n- conv: {out: 4, kernel: 1}\n")
    assert names(graph) == ["conv2"]


def test_names_of_the_language_page(expand_text: Expand) -> None:
    """`stage2.0.conv2` and `reduction1.s2.branch1.0.depthwise`, as the language writes them."""
    stage = "- repeat: {times: 2, layers: [block]}\n  name: stage2\n- relu\n"
    block = "input: [8, 16, 16]\nlayers:\n- conv: {out: 8, kernel: 1}\n- conv: {out: 8, kernel: 3}\n"
    assert names(expand_text(HEAD + stage, block=block))[:2] == ["stage2.0.conv1", "stage2.0.conv2"]
    cell = (
        "input: [8, 16, 16]\nlayers:\n- relu\n- add:\n"
        "  - repeat: {times: 2, layers: [{depthwise: {kernel: 3}}]}\n  - []\n  name: s2\n"
    )
    graph = expand_text(HEAD + "- {cell: {}, name: reduction}\n- {cell: {}, name: reduction}\n", cell=cell)
    assert names(graph)[1] == "reduction1.s2.branch1.0.depthwise"
    assert "reduction1.s2" in names(graph)


def test_the_only_step_of_a_list_adds_no_component(expand_text: Expand) -> None:
    assert names(expand_text(HEAD + "- repeat: {times: 2, layers: [relu]}\n")) == ["0.relu", "1.relu"]
    assert names(expand_text(HEAD + "- add: {left: relu, right: []}\n")) == ["left.relu", "add"]
    assert names(expand_text(HEAD + "- inner\n", inner="input: [8, 1, 1]\nlayers: [relu]\n")) == ["relu"]


def test_two_nodes_of_one_name_are_an_error(expand_text: Expand) -> None:
    with pytest.raises(SpecError, match="two nodes are named `relu1`"):
        expand_text(HEAD + "- relu\n- relu\n- {gelu: , name: relu1}\n")


def test_a_name_binds_what_leaves_and_alone_what_flows_by(expand_text: Expand) -> None:
    graph = expand_text(
        HEAD
        + "- {conv: {out: 4, kernel: 1}, name: thin}\n- relu\n- name: active\n- sigmoid\n- name: gate\n"
        + "- {multiply: , from: [active, gate]}\n- name: gated\n- {concat: , from: [gated, thin]}\n"
    )
    assert graph.nodes[-1].inputs == ("multiply", "thin")
    assert graph.nodes[-2].inputs == ("relu", "sigmoid")
    assert shape(graph) == (4 + 4, 16, 16)


def test_from_is_resolved_before_name_binds(expand_text: Expand) -> None:
    graph = expand_text(HEAD + "- {relu: , name: x}\n- {gelu: , from: x, name: x}\n- {add: , from: [x, input]}\n")
    assert [node.inputs for node in graph] == [("input",), ("x1",), ("x2", "input")]


def test_from_alone_passes_a_stream_on(expand_text: Expand) -> None:
    graph = expand_text(
        HEAD + "- {relu: , name: a}\n- {gelu: , name: b}\n- from: a\n- {silu: , name: c}\n- {add: , from: [b, c, c]}\n"
    )
    assert [node.inputs for node in graph] == [("input",), ("a",), ("a",), ("b", "c", "c")]


def test_a_false_condition_is_as_if_nothing_were_written(expand_text: Expand) -> None:
    graph = expand_text(
        HEAD + "- {relu: , name: x}\n- {gelu: , name: x, when: c > 8}\n- add: [[], {tanh: , when: 0}]\n"
    )
    assert names(graph) == ["x1", "add"]
    assert graph.nodes[1].inputs == ("x1", "x1")  # a branch whose steps all fall away is the identity


def test_under_a_false_condition_not_even_from_is_looked_at(expand_text: Expand) -> None:
    assert names(expand_text(HEAD + "- relu\n- {tanh: , from: nowhere, when: c > 8}\n")) == ["relu"]


def test_names_bound_in_loops_and_groups_persist_and_those_of_branches_end(expand_text: Expand) -> None:
    graph = expand_text(
        HEAD
        + "- {name: prev}\n- repeat:\n    times: 3\n    layers:\n    - {name: cur}\n"
        + "    - {conv: {out: channels(prev), kernel: 1}}\n    - {add: , from: [cur, prev], when: i == 9}\n"
        + "    - {name: prev}\n"
        + "- layers: [{relu: , name: kept}]\n- {add: , from: [kept, prev]}\n"
    )
    assert shape(graph) == (8, 16, 16)
    with pytest.raises(SpecError, match="there is no stream `x`"):
        expand_text(HEAD + "- add: [[], {relu: , name: x}]\n- {from: x}\n")


def test_a_group_takes_name_from_and_when_for_all_its_steps(expand_text: Expand) -> None:
    graph = expand_text(
        HEAD + "- {relu: , name: a}\n- {layers: [gelu, silu], from: input, name: head}\n- {add: , from: [head, a]}\n"
        "- {layers: [tanh], when: false}\n"
    )
    assert names(graph) == ["a", "head.gelu", "head.silu", "add"]
    assert graph.nodes[1].inputs == ("input",)


def test_loops_count_and_tables_name_their_columns(expand_text: Expand) -> None:
    graph = expand_text(
        HEAD
        + "- repeat: {times: 3, as: n, layers: [{conv: {out: 4 * (n + 1), kernel: 1}}]}\n"
        + "- each: {columns: [k, out], rows: [[1, 4], [3, 2 * c]], layers: [{conv: {out: out + i, kernel: k}}]}\n"
        + "- each: {columns: [out], rows: [5, 6], call: one}\n",
        one="parameters: {out: 1}\ninput: [1, 1, 1]\nlayers: [{conv: {out: out, kernel: 1}}]\n",
    )
    assert [node.shape[0] for node in graph] == [4, 8, 12, 4, 2 * 8 + 1, 5, 6]
    assert names(graph)[-1] == "each2.1.conv"


def test_a_called_spec_takes_its_channels_from_the_stream(expand_text: Expand) -> None:
    inner = "parameters: {c: 256, half: c // 2}\ninput: [c, 56, 56]\nlayers: [{conv: {out: half, kernel: 1}}]\n"
    assert shape(expand_text(HEAD + "- inner\n", inner=inner)) == (4, 16, 16)
    assert shape(expand_text(HEAD + "- inner: {half: 3}\n", inner=inner)) == (3, 16, 16)
    assert shape(expand_text(HEAD + "- inner: {c: 8}\n", inner=inner)) == (4, 16, 16)
    with pytest.raises(SpecError, match="c=7, but the stream that enters is 8×16×16"):
        expand_text(HEAD + "- inner: {c: 7}\n", inner=inner)


def test_a_called_spec_sees_its_parameters_and_inputs_only(expand_text: Expand) -> None:
    with pytest.raises(SpecError, match="unknown name `c`"):
        expand_text(HEAD + "- inner\n", inner="input: [1, 1, 1]\nlayers: [{conv: {out: c, kernel: 1}}]\n")
    with pytest.raises(SpecError, match="there is no stream `kept`"):
        expand_text(HEAD + "- name: kept\n- inner\n", inner="input: [1, 1, 1]\nlayers: [{from: kept}, relu]\n")


def test_a_call_whose_spec_is_a_parameter(expand_text: Expand) -> None:
    text = "parameters: {block: one, width: 2}\ninput: [8, 4, 4]\nlayers:\n- {call: block, with: {out: width}}\n"
    one = "parameters: {out: 1}\ninput: [1, 1, 1]\nlayers: [{conv: {out: out, kernel: 1}}]\n"
    two = one.replace("out: out", "out: out * 10")
    assert shape(expand_text(text, one=one, two=two)) == (2, 4, 4)
    assert shape(expand_text(text, {"block": "two"}, one=one, two=two)) == (20, 4, 4)
    with pytest.raises(SpecError, match="no spec is named `thre`"):
        expand_text(text, {"block": "thre"}, one=one, two=two)


def test_the_key_of_a_step_is_never_looked_up_as_a_parameter(expand_text: Expand) -> None:
    text = "parameters: {inner: true}\ninput: [8, 4, 4]\nlayers:\n- inner: {out: 3}\n  when: inner\n"
    inner = "parameters: {out: 1}\ninput: [1, 1, 1]\nlayers: [{conv: {out: out, kernel: 1}}]\n"
    assert shape(expand_text(text, inner=inner)) == (3, 4, 4)


def test_several_inputs_and_outputs(expand_text: Expand) -> None:
    cell = (
        "input: {h: [8, 4, 4], prev: [4, 4, 4]}\nlayers:\n- {relu: , from: h, name: a}\n- {gelu: , from: prev, name: b}\n"
        "outputs: [a, b]\n"
    )
    text = (
        HEAD
        + "- {conv: {out: 4, kernel: 1}, name: thin}\n- {cell: , from: [input, thin], name: [x, y]}\n- {concat: , from: [y, x]}\n"
    )
    graph = expand_text(text, cell=cell)
    assert graph.nodes[-1].inputs == ("cell.b", "cell.a")
    assert shape(graph) == (4 + 8, 16, 16)
    with pytest.raises(SpecError, match="2 streams leave this step"):
        expand_text(HEAD + "- {conv: {out: 4, kernel: 1}, name: thin}\n- {cell: , from: [input, thin]}\n", cell=cell)
    with pytest.raises(SpecError, match=r"`cell` takes `from: \[h, prev\]`; 1 enter"):
        expand_text(HEAD + "- cell\n", cell=cell)


def test_a_cell_with_several_inputs_has_no_stream_above(expand_text: Expand) -> None:
    with pytest.raises(SpecError, match="no stream enters this step"):
        expand_text("input: {a: [1, 2, 2], b: [1, 2, 2]}\nlayers: [relu]\n")


def test_outputs_are_those_that_were_bound(expand_text: Expand) -> None:
    text = (
        "parameters: {aux: false}\ninput: [1, 2, 2]\nlayers:\n- {relu: , name: main}\n"
        "- {gelu: , name: extra, when: aux}\noutputs: [main, extra]\n"
    )
    assert expand_text(text).outputs == ("main",)
    assert expand_text(text, {"aux": True}).outputs == ("main", "extra")


def test_a_node_that_nothing_reads_is_an_error(expand_text: Expand) -> None:
    with pytest.raises(SpecError, match="nothing reads `relu`, and it is no output"):
        expand_text(HEAD + "- relu\n- {gelu: , from: input}\n")


def test_a_spec_that_calls_itself_is_told_with_its_cycle(expand_text: Expand) -> None:
    with pytest.raises(SpecError, match="a spec that calls itself: mine → mine"):
        expand_text(HEAD + "- mine\n")
    with pytest.raises(SpecError, match="a spec that calls itself: mine → a → b → a"):
        expand_text(HEAD + "- a\n", a="input: [1, 1, 1]\nlayers: [b]\n", b="input: [1, 1, 1]\nlayers: [relu, a]\n")
    with pytest.raises(SpecError, match="mine → x → y → x"):
        expand_text(HEAD + "- x\nblocks: {x: {layers: [y]}, y: {layers: [relu, x]}}\n")


def test_calling_one_spec_twice_is_no_cycle(expand_text: Expand) -> None:
    assert len(expand_text(HEAD + "- a\n- a\n", a="input: [1, 1, 1]\nlayers: [relu]\n")) == 2


def test_defaults_reach_layers_and_blocks_but_no_called_spec(expand_text: Expand) -> None:
    graph = expand_text(
        "defaults: {conv: {norm: batchnorm, act: relu}, batchnorm: {eps: 0.001}}\n"
        + HEAD
        + "- conv: {out: 4, kernel: 1}\n- conv: {out: 4, kernel: 1, act: none}\n- local\n- other\n"
        + "blocks: {local: {layers: [{conv: {out: 4, kernel: 1, norm: none}}]}}\n",
        other="input: [1, 1, 1]\nlayers: [{conv: {out: 4, kernel: 1}}]\n",
    )
    assert names(graph) == [
        "conv1", "conv1_norm", "conv1_act", "conv2", "conv2_norm", "local.conv", "local.conv_act", "other.conv",
    ]  # fmt: skip
    assert graph.nodes[1].op.eps == 0.001  # type: ignore[attr-defined]  # it is a batch norm


def test_the_slope_of_a_leaky_relu_comes_from_the_step_or_the_defaults_of_its_file(expand_text: Expand) -> None:
    steps = "- leaky_relu\n- leaky_relu: {slope: 0.3}\n- conv: {out: 4, kernel: 1, act: leaky_relu}\n- other\n"
    other = "input: [1, 1, 1]\nlayers: [leaky_relu]\n"
    for defaults, slope in (("", 0.01), ("defaults: {leaky_relu: {slope: 0.2}}\n", 0.2)):
        graph = expand_text(defaults + HEAD + steps, other=other)
        found = [getattr(node.op, "slope", None) for node in graph]
        assert found == [slope, 0.3, None, slope, 0.01]


def test_variants_set_parameters_and_the_default_is_what_the_family_means(expand_text: Expand) -> None:
    text = HEAD + "- conv: {out: c * 2, kernel: 1}\nvariants: {small: {c: 2}, large: {c: 2 * 16}, default: large}\n"
    assert shape(expand_text(text)) == (64, 16, 16)
    assert shape(expand_text(text, {"c": 3})) == (6, 16, 16)


def test_an_input_shape_sets_the_parameters_that_stand_in_the_input(expand_text: Expand) -> None:
    text = HEAD + "- conv: {out: c, kernel: 1}\n"
    assert shape(expand_text(text, input_shape=(5, 7, 9))) == (5, 7, 9)
    with pytest.raises(SpecError, match="c=3, but the stream that enters is 5×7×9"):
        expand_text(text, {"c": 3}, (5, 7, 9))
    with pytest.raises(UsageError, match="has 2 inputs"):
        expand_text("input: {a: [1, 2, 2], b: [1, 2, 2]}\nlayers: [{add: , from: [a, b]}]\n", None, (1, 2, 2))


def test_a_stream_and_an_input_shape_overrule_what_a_variant_sets(expand_text: Expand) -> None:
    text = HEAD + "- conv: {out: c, kernel: 1}\nvariants: {small: {c: 2}, default: small}\n"
    assert shape(expand_text(text)) == (2, 16, 16)
    assert shape(expand_text(text, input_shape=(5, 7, 9))) == (5, 7, 9)
    assert shape(expand_text("input: [6, 4, 4]\nlayers: [family]\n", family=text)) == (6, 4, 4)
    with pytest.raises(SpecError, match="c=3, but the stream that enters is 5×7×9"):
        expand_text(text, {"c": 3}, (5, 7, 9))


def test_an_unknown_parameter_offers_the_nearest(expand_text: Expand) -> None:
    with pytest.raises(UsageError, match="`mine` has no parameter `cc`; did you mean `c`"):
        expand_text(HEAD + "- relu\n", {"cc": 1})


def test_tf_same_pads_where_the_sides_differ(expand_text: Expand) -> None:
    """TensorFlow: ⌈16/2⌉ = 8 outputs need 7·2 + 3 = 17 positions: one more, behind."""
    graph = expand_text(
        HEAD
        + "- conv: {out: 4, kernel: 3, stride: 2, padding: tf_same}\n- conv: {out: 4, kernel: 3, padding: tf_same}\n"
    )
    assert [str(node) for node in graph] == [
        "conv1_pad = pad 0,1,0,1 (input) → 8×17×17",
        "conv1 = conv 3×3 /2 (conv1_pad) → 4×8×8",
        "conv2 = conv 3×3 (conv1) → 4×8×8",
    ]


def test_an_average_that_leaves_padding_out_may_be_uneven_on_one_axis(expand_text: Expand) -> None:
    """3×3 at stride 2 on 4×5: 1·2 + 3 − 4 = 1 behind the rows, 2·2 + 3 − 5 = 2 around the columns."""
    step = "- avgpool: {kernel: 3, stride: 2, padding: tf_same, count_padding: false}\n"
    graph = expand_text(HEAD + step, input_shape=(8, 4, 5))
    assert [node.op for node in graph] == [AvgPool((3, 3), (2, 2), (0, 1), ceil=True, count_padding=False)]
    assert shape(graph) == (8, 2, 3)
    ones = torch.ones(1, 8, 4, 5)
    assert build(graph)(ones).tolist() == torch.ones(1, 8, 2, 3).tolist()


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("- conv: {out: 9, kernel: 1, groups: 3}", "groups=3 does not divide in_channels=8"),
        ("- conv: {out: 9, kernel: 1, groups: 2}", "groups=2 does not divide out_channels=9"),
        ("- conv: {out: 9, kernel: 17, padding: valid}", "a kernel that reaches over 17 does not fit into the height of 16"),
        ("- conv: {out: 9, kernel: [1, 5], padding: 0, dilation: 4}", "reaches over 17 does not fit into the width of 16"),
        ("- maxpool: {kernel: 17}", "a kernel of 17 does not fit into the height of 16"),
        ("- maxpool: {kernel: 3, padding: 2}", "padding 2 is more than half of the kernel 3"),
        ("- add: [{conv: {out: 3, kernel: 1}}, []]", "`add` of 3×16×16 and 8×16×16"),
        ("- concat: [{maxpool: {kernel: 2}}, []]", "`concat` of 8×8×8 and 8×16×16"),
        ("- multiply: [[], {conv: {out: 4, kernel: 1}}]", "`multiply` of 8×16×16 and 4×16×16"),
        ("- linear: {out: 3}", "`linear` takes a vector, not a map of 8×16×16"),
        ("- flatten\n- conv: {out: 3, kernel: 1}", "`conv` takes a map"),
        ("- slice: {start: 4, end: 9}", "end=9, but 8 channels enter"),
        ("- slice: {start: 4, end: 4}", "start=4 is not below end=4"),
        ("- channel_shuffle: {groups: 3}", "groups=3 does not divide channels=8"),
        ("- crop: {sides: [8, 8, 0, 0]}", "nothing is left of 16×16"),
        ("- batchnorm: {eps: -1}", "eps=-1 is negative"),
        ("- dropout: {p: 1.5}", "p=1.5 is not a probability"),
        ("- leaky_relu: {slope: -0.2}", "slope=-0.2 is not between 0 and 1"),
        ("- conv: {out: 3, kernel: 1, act: reul}", "no activation is named `reul`"),
        ("- conv: {out: 3, kernel: 1, norm: layernorm}", "no norm is named `layernorm`"),
        ("- repeat: {times: 1000000000, layers: [relu]}", "a loop of 1000000000"),
        ("- repeat: {times: 999, layers: [{repeat: {times: 999, layers: [{relu: , when: 0}]}}]}", "more than 100000 steps"),
        ("- repeat: {times: 60000, layers: [relu]}", "more than 50000 nodes"),
        ("- {add: , from: [input]}", "`add` of one stream"),
        ("- add", "`add` needs branches, or streams"),
        ("- {relu: , from: [input, input]}", "2 streams enter, but `relu` takes one"),
        ("- avgpool: {kernel: 2, stride: 1, padding: tf_same, count_padding: false}", "cannot have it uneven here"),
    ],
)  # fmt: skip
def test_rules_that_a_step_breaks_are_told_at_the_step(expand_text: Expand, steps: str, message: str) -> None:
    with pytest.raises(SpecError) as error:
        expand_text(HEAD + steps + "\n")
    (problem,) = error.value.problems
    assert message in problem.message
    assert problem.line >= 4


def test_nesting_is_bounded(expand_text: Expand) -> None:
    specs = {f"s{n}": f"input: [1, 1, 1]\nlayers: [relu, s{n + 1}]\n" for n in range(150)}
    with pytest.raises(SpecError, match="nested more than 100 levels"):
        expand_text(HEAD + "- s0\n", **specs, s150="input: [1, 1, 1]\nlayers: [relu]\n")
