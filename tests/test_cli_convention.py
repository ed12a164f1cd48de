"""`--convention`, on the commands that show FLOPs."""

from __future__ import annotations

import json

import pytest

import cnnx
from tests.conftest import CommandLine


@pytest.mark.parametrize("command", [["show"], ["compare", "--static"], ["list"]])
def test_every_command_counts_by_the_convention_that_is_asked_for(
    command_line: CommandLine, command: list[str]
) -> None:
    name = "residual_bottleneck"
    own, other = (
        json.loads(command_line(command[0], name, *command[1:], "--convention", convention, "--json").out)
        for convention in ("cnnx", "torch")
    )
    assert (own["convention"], other["convention"]) == ("cnnx", "torch")
    before, after = own["results"][0], other["results"][0]
    assert after["flops"] == 2 * after["macs"] < before["flops"]
    assert after["macs"] == before["macs"]
    assert after["flops_by_category"] == {"conv": after["flops"]}


@pytest.mark.parametrize("command", [["show"], ["compare", "--static"], ["list"]])
def test_a_table_names_the_convention_beneath(command_line: CommandLine, command: list[str]) -> None:
    code, out, _ = command_line(command[0], "residual_bottleneck", *command[1:], "--convention", "fvcore")
    assert code == 0
    assert "FLOPs, by the convention `fvcore`: the flops of fvcore 0.1.5.post20221221, " in out
    flops = cnnx.count(cnnx.load("residual_bottleneck")).macs + 2 * 56**2 * (64 + 64 + 256)
    assert f"{flops:,}" in out


@pytest.mark.parametrize("command", [["show"], ["compare", "--static"], ["list"], ["profile"], ["verify"], ["explain"]])
def test_an_unknown_convention_exits_2_with_the_nearest(command_line: CommandLine, command: list[str]) -> None:
    code, _, err = command_line(command[0], "bottleneck", *command[1:], "--convention", "fvcor")
    assert (code, err) == (2, "error: no convention is named `fvcor`; did you mean `fvcore`?\n")
