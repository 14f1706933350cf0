"""Whether a process is to be sent calls, and if not, why."""

from dataclasses import dataclass


@dataclass(slots=True)
class Readiness:
    """Written by those who know; read by probes."""

    is_serving: bool = False
    is_draining: bool = False
    database_problem: str = ""
    """For people; empty when there is none."""

    def problems(self) -> list[str]:
        """Why no calls should be sent here; nothing when they should."""
        found = [] if self.is_serving else ["not serving yet"]
        if self.is_draining:
            found.append("draining")
        if self.database_problem:
            found.append(self.database_problem)
        return found
