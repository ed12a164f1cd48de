"""A child process in which work on a GPU is done, as an error on a CUDA device stays until its process ends.

The child is a new interpreter, not a fork (CUDA does not outlive one), and not `multiprocessing`'s spawn, which
would run a caller's script again unless that guards its main part. The task goes down as a pickle over standard
input; progress and the answer come back as pickles over what was the child's standard output. The pipe to the
child stays open while it works: when it closes, the parent is gone, and the child ends itself.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Protocol, TypeVar

from cnnx.errors import CnnxError, DeviceError
from cnnx.pytorch.devices import check_device
from cnnx.pytorch.settings import Progress, Settings

Answer_co = TypeVar("Answer_co", covariant=True)
Answer = TypeVar("Answer")

# The child looks for modules where the parent does, and not in the folder in which it happens to start (-P).
_CHILD = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from cnnx.pytorch.cuda_child import serve; serve()"
)
_PATIENCE = 5.0  # seconds in which a child that has answered or was told to end should be gone


class Task(Protocol[Answer_co]):
    """What a child can do: an object that can be pickled, and whose answer can."""

    def run(self, progress: Progress | None) -> Answer_co:
        """Do it. Raises `CnnxError`s, which reach the parent."""
        ...


@dataclass(frozen=True, slots=True)
class _Done:
    rounds: int
    planned: int
    seconds: Sequence[float]


@dataclass(frozen=True, slots=True)
class _Result:
    answer: Any


@dataclass(frozen=True, slots=True)
class _Failure:
    error: CnnxError


def run_where_asked(task: Task[Answer], settings: Settings, progress: Progress | None = None) -> Answer:
    """Run a task on the settings' device: for CUDA in a new process, else in this one.

    Raises what the task raises, and `DeviceError` if the device cannot be used or fails.
    """
    check_device(settings.device)
    return run_in_child(task, progress) if settings.on_cuda else task.run(progress)


def run_in_child(task: Task[Answer], progress: Progress | None = None) -> Answer:
    """Run a task in a new process and give its answer.

    Raises what `CnnxError` the task raises, and `DeviceError` if the child ends without an answer. The child is
    gone when this returns or raises, whatever the reason, Ctrl-C included.
    """
    with tempfile.TemporaryFile() as complaints:
        child = subprocess.Popen(
            (sys.executable, "-P", "-c", _CHILD), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
        )
        try:
            return _converse(child, task, progress, complaints)
        finally:
            _end(child)


def _converse(
    child: subprocess.Popen[bytes], task: Task[Answer], progress: Progress | None, complaints: IO[bytes]
) -> Answer:
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        with suppress(BrokenPipeError):  # it died at once: reading will tell
            child.stdin.write(pickle.dumps(sys.path) + pickle.dumps(task))
            child.stdin.flush()
        while True:
            match pickle.load(child.stdout):
                case _Done(rounds, planned, seconds) if progress is not None:
                    progress(rounds, planned, seconds)
                case _Failure(error):
                    raise error
                case _Result(answer):
                    return answer  # type: ignore[no-any-return]  # a pickle tells no types
    except (EOFError, pickle.UnpicklingError):
        raise _silent_end(child, complaints) from None


def _end(child: subprocess.Popen[bytes]) -> None:
    """Close the pipes, which ends a child that still works; kill one that does not heed."""
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was still to be written has no reader any more
                pipe.close()
    try:
        child.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _silent_end(child: subprocess.Popen[bytes], complaints: IO[bytes]) -> DeviceError:
    """Make an error of a child that ended without an answer: how it ended, and the last that it wrote."""
    code = child.wait()
    how = f"with exit code {code}" if code >= 0 else f"by signal {signal.Signals(-code).name}"
    complaints.seek(0)
    lines = complaints.read().decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return DeviceError(f"the process that worked on the device ended {how}" + (f": {last[:400]}" if last else ""))


def serve() -> None:
    """Be the child: read a task, do it, answer, end."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the answers
    task: Task[Any] = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def send(message: _Done | _Result | _Failure) -> None:
        pickle.dump(message, answers)
        answers.flush()

    try:
        send(_Result(task.run(lambda rounds, planned, seconds=(): send(_Done(rounds, planned, seconds)))))
    except CnnxError as error:
        send(_Failure(error))
    except KeyboardInterrupt:  # the parent has been interrupted too, and says so
        os._exit(130)


def _end_with_parent() -> None:
    """Wait for the parent to close the pipe, as its end does too; then end at once, in the midst of anything."""
    os.read(0, 1)
    os._exit(1)
