"""What several test files use: specs written as text, command lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cnnx.graph.expand import expand
from cnnx.graph.graph import Graph
from cnnx.spec.library import Library
from cnnx.spec.model import SpecFile
from cnnx.spec.parse import parse_spec
from cnnx.spec.values import Value
from cnnx.spec.yaml_reader import Source

Expand = Callable[..., Graph]


def parse(text: str) -> SpecFile:
    """Parse a spec that calls no other file."""
    return parse_spec(Source("mine.yaml", text), "mine", lambda name: False, list)


class Answer(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str


CommandLine = Callable[..., Answer]


@pytest.fixture(autouse=True, scope="session")
def kept_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what is kept between runs in a folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNX_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def command_line(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Run `cnnx` in this process."""
    from cnnx.cli.app import run

    def answer(*arguments: str) -> Answer:
        code = run(arguments)
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return answer


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: on a busy machine, several that share small layers wait for each other."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def expand_text(tmp_path: Path) -> Expand:
    """Expand `text`; further specs that it calls are given by name."""

    def run(
        text: str,
        parameters: dict[str, Value] | None = None,
        input_shape: tuple[int, ...] | None = None,
        **others: str,
    ) -> Graph:
        for name, other in {"mine": text, **others}.items():
            (tmp_path / f"{name}.yaml").write_text(other, encoding="utf-8")
        library = Library([tmp_path])
        return expand(library.open("mine"), library, parameters, input_shape)

    return run
