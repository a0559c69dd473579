"""What people do that makes it hard: scripts changed before the play."""

import random

from worker.simulator import Act, Person, Script


def rejoining(scripts: list[Script], dice: random.Random, length: float) -> list[Script]:
    """Every second one drops out for less time than the server needs to notice, and stands there twice for a while."""
    found = []
    for number, script in enumerate(scripts):
        acts = list(script.acts)
        if number % 2 and len(acts) == 2 and acts[1].at - acts[0].at > 0.4 * length:
            gone = acts[0].at + 0.2 * length
            acts[1:1] = [Act(gone, "leave"), Act(gone + dice.uniform(1, 8), "join")]
        found.append(Script(script.person, acts))
    return found


def strangers(scripts: list[Script], dice: random.Random, length: float) -> list[Script]:
    """All of one name; beside them people without an id, a telephone, and two recorders."""
    same = [Script(Person(person.user_id, "زهرا محمدی", person.role), acts) for person, acts in scripts]
    others = [f"w_{dice.randrange(36**4):012d}" for _ in range(3)] + ["v_0912", "recorder", "bbb-recorder-2"]
    return same + [Script(Person(one, one, "VIEWER"), [Act(0, "join"), Act(length, "leave")]) for one in others]


def two_runs(scripts: list[Script], dice: random.Random, length: float) -> list[Script]:
    """The room is ended in the middle; whoever is in it then, and still wants to be, comes into the next one."""
    return [Script(person, _again(acts, dice, length)) for person, acts in scripts]


def _again(acts: list[Act], dice: random.Random, length: float) -> list[Act]:
    middle, back = 0.5 * length, 0.5 * length + dice.uniform(70, 160)
    added = []
    for device in {act.device for act in acts}:
        own = [act for act in acts if act.device == device]
        before = [act for act in own if act.at < middle]
        after = next((act for act in own if act.at >= middle), None)
        if before and before[-1].kind == "join" and after is not None and after.at > back + 60:
            added.append(Act(back, "join", device))
    return sorted([*acts, *added])


def let_in_late(scripts: list[Script], dice: random.Random, length: float) -> list[Script]:
    """Every third one waits at the door for some minutes at first."""
    found = []
    for number, script in enumerate(scripts):
        (first, *others), late = script.acts, dice.uniform(60, 240)
        waits = number % 3 == 0 and bool(others) and first.at + late < others[0].at
        acts = [Act(first.at + late, "join", first.device), *others] if waits else script.acts
        found.append(Script(script.person, acts))
    return found


def all_of_them(scripts: list[Script], dice: random.Random, length: float) -> list[Script]:
    """Late, dropping out, and of one name."""
    return strangers(rejoining(let_in_late(scripts, dice, length), dice, length), dice, length)
