"""Memory of an instance: what a manifest asks for, out of what the decision computed."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.decision.model import Core, Decision
from advisor.knowledge.capacity import MEBI, MemoryPlan, kilobytes


@dataclass(frozen=True, slots=True)
class MemoryContext:
    """What an instance of a tier takes, as the decision computed it.

    Attributes:
        process_bytes: a server process before any session.
        session_bytes: a session, its GET stream open.
        sessions: how many an instance holds when there are as few as planned; 0 where none are kept.
        plan: headroom, grain, and the least that is asked for.
    """

    process_bytes: int
    session_bytes: int
    sessions: int
    plan: MemoryPlan

    def needed(self, processes: int) -> int:
        """Bytes of an instance with this many server processes."""
        return processes * self.process_bytes + self.sessions * self.session_bytes

    def request_mi(self, processes: int) -> int:
        """Mebibytes that an instance asks for: what it needs, and never less than the least of its processes."""
        return max(self.plan.request_mi * processes, self._grains(self.needed(processes) * 100))

    def limit_mi(self, processes: int) -> int:
        """Mebibytes that an instance may use: what it needs with the headroom, and never less than it asks for."""
        needed = self._grains(self.needed(processes) * (100 + self.plan.headroom_percent))
        return max(self.plan.limit_mi * processes, self.request_mi(processes), needed)

    def words(self, processes: int) -> dict[str, str]:
        """The figures as a comment has them."""
        plan = self.plan
        return {
            "process": _mega(self.process_bytes),
            "session": kilobytes(self.session_bytes),
            "sessions": f"{self.sessions:,} session{'s' if self.sessions > 1 else ''}",
            "needed": _mega(self.needed(processes)),
            "grain": f"{plan.grain_mi} MiB",
            "request": f"{plan.request_mi} MiB",
            "headroom": f"{plan.headroom_percent} %",
            "limit": f"{plan.limit_mi} MiB",
        }

    def _grains(self, hundredths: int) -> int:
        """Hundredths of bytes as mebibytes, rounded up to a whole number of grains; exact, for floats are not."""
        grain = self.plan.grain_mi
        return -(-hundredths // (100 * grain * MEBI)) * grain


def memory_of(decision: Decision, core: Core, plan: MemoryPlan) -> MemoryContext:
    """What an instance of a tier takes.

    Args:
        decision: what was computed; the sessions in it are those of the tier that keeps some.
        core: what is decided for the tier.
        plan: of the knowledge.
    """
    found = decision.capacity
    if found is None:
        return MemoryContext(0, 0, 0, plan)
    sessions = 0 if core.flags.stateless_http else found.sessions_per_instance
    return MemoryContext(found.process_bytes, found.session_bytes if sessions else 0, sessions, plan)


def _mega(number: int) -> str:
    return f"{number / 1_000_000:,.0f} MB"
