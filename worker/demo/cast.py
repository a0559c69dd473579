"""The courses of the demo, the people in them, and what they will do. All times in units: a sixtieth of the demo."""

from dataclasses import dataclass
from typing import Literal

from worker.simulator import Act, Script, crowd

#: When classes begin, after everything is set up, and how long they last.
STARTS, LASTS = 4.0, 38.0
#: Lead and grace of every course.
LEAD, GRACE = 3.0, 3.0

Ending = Literal["expired", "ended"]


@dataclass(frozen=True, slots=True)
class Play:
    """One course: who is enrolled, who does what, and how it should come out."""

    code: str
    title: str
    record: str
    scripts: tuple[Script, ...]
    ending: Ending  #: how its last room should close: deserted, or ended by us
    least_runs: int = 1  #: rooms it should have needed

    @property
    def teacher(self) -> str:
        return self.scripts[0].person.full_name

    @property
    def absentee(self) -> tuple[str, str]:
        """Enrolled, and never there."""
        return f"{self.code.lower()}-absent", "Nora Absent · غایب"


def plays(unit: float, seed: int) -> tuple[Play, ...]:
    """The four stories; ``unit`` is in seconds."""
    length = LASTS * unit
    steady = crowd(seed, 12, length=length, prefix="alg", gap=4 * unit)
    stayers = [
        _overstay(each, number, length, unit)
        for number, each in enumerate(crowd(seed, 7, length=length, prefix="phy", gap=4 * unit))
    ]
    latecomers = [
        _shift(each, 0.4 * length) for each in crowd(seed, 5, length=0.6 * length, prefix="che", gap=4 * unit)
    ]
    taped = crowd(seed, 7, length=length, prefix="lit", gap=4 * unit)
    return (
        Play("ALG-101", "Algebra · جبر", "never", tuple(steady), "expired"),
        Play("PHY-201", "Physics, overstays · فیزیک", "never", tuple(stayers), "ended"),
        Play("CHE-110", "Chemistry, late · شیمی", "never", tuple(latecomers), "expired", least_runs=2),
        Play("LIT-300", "Literature, recorded · ادبیات", "always", tuple(taped), "expired"),
    )


def _overstay(script: Script, number: int, length: float, unit: float) -> Script:
    """The teacher and two others do not go home."""
    if number > 2:
        return script
    first = next(act for act in script.acts if act.kind == "join")
    return Script(script.person, [first, Act(length + 60 * unit, "leave")])


def _shift(script: Script, by: float) -> Script:
    return Script(script.person, [Act(act.at + by, act.kind, act.device) for act in script.acts])
