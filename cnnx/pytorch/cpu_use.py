"""How much of the processor other processes use while something is measured."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

_NOTABLE = 0.1  # of all cores' time
_CROWDED = 1.25  # threads that want to run, by cores
_TOO_SHORT = 0.5  # seconds of all cores together; systems count in steps of 10 ms


@dataclass(frozen=True, slots=True)
class CpuUse:
    """Seconds of processor time since the start: all cores' capacity, what was used of it, and this process's part."""

    capacity: float
    used: float
    own: float

    @staticmethod
    def now() -> CpuUse:
        """Read the system's and this process's clocks."""
        system, process = psutil.cpu_times(), psutil.Process().cpu_times()
        fields = system._asdict()
        # Linux counts the time of guests in `user` already. What a hypervisor steals is used by others.
        capacity = sum(seconds for name, seconds in fields.items() if not name.startswith("guest"))
        idle = system.idle + fields.get("iowait", 0.0)
        return CpuUse(capacity, capacity - idle, process.user + process.system)

    def by_others_until(self, later: CpuUse) -> float:
        """Give the share of all cores' time that other processes used between two readings, from 0 to 1.

        Between readings too near to tell, it is 0.
        """
        capacity = later.capacity - self.capacity
        if capacity < _TOO_SHORT:
            return 0.0
        others = (later.used - self.used) - (later.own - self.own)
        return min(max(others / capacity, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What others did to a measurement: their share of all cores' time, and whether threads had to wait for them."""

    others: float
    crowded: bool

    def warnings(self) -> tuple[str, ...]:
        """Say it, where it is worth a word."""
        if self.others <= _NOTABLE:
            return ()
        consequence = "; threads had to wait for them, so no difference is claimed" if self.crowded else ""
        return (f"other processes used {self.others:.0%} of the processor while measuring{consequence}",)


def disturbance(before: CpuUse, after: CpuUse, threads: int) -> Disturbance:
    """Judge what others did between two readings to a process that computes with so many threads.

    Parallel loops wait for their slowest thread. On two cores of which others used half, a block of three
    convolutions came out slower than one with four times its work, round after round, in a narrow interval.
    """
    others, cores = before.by_others_until(after), psutil.cpu_count() or 1
    return Disturbance(others, others > _NOTABLE and others * cores + threads > _CROWDED * cores)
