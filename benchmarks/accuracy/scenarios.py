"""The rows of the table."""

from benchmarks.accuracy import casts, troubles
from benchmarks.accuracy.stage import Scenario

SCENARIOS = (
    Scenario("none"),
    Scenario("quick rejoins: ghosts beside the new connection", casts.rejoining),
    Scenario("namesakes, no user id, telephone, recorders", casts.strangers),
    Scenario("roles change in class", tick=troubles.promoting),
    Scenario(
        "two meetings in one class",
        casts.two_runs,
        troubles.ended,
        troubles.opened_again,
        why="where a meeting ends, its people are credited to the poll that saw them last, half a period short in the "
        "middle, and they come in once more, half a period short again; nobody can be credited unseen",
    ),
    Scenario(
        "the same, and the server sends its own reports",
        casts.two_runs,
        troubles.ended,
        troubles.opened_again,
        troubles.told_afterwards,
    ),
    Scenario("breakout rooms", tick=troubles.breaking_out),
    Scenario("guests wait at the door", casts.let_in_late, tick=troubles.knocking),
    Scenario(
        "`createTime` replaced between two polls", second=troubles.replaced, tick=troubles.found_again, lost_polls=1
    ),
    Scenario("one notFound between good polls", tick=troubles.blip, lost_polls=1),
    Scenario("every poll twice", tick=troubles.doubled),
    Scenario(
        "one poll in five fails",
        tick=troubles.flaky,
        lost_polls=1,
        why="beside a failed poll the time between two that were answered is two periods, not one",
    ),
    Scenario("server down for a fifth of the class", tick=troubles.outage),
    Scenario("poller dead for a fifth of the class", tick=troubles.crashed),
    Scenario(
        "wall clock steps 20 s forward, later back",
        tick=troubles.stepping,
        slack=20,
        why="who comes or goes while the clock is wrong by 20 s is wrong by as much; no program can know",
    ),
    Scenario(
        "all of these in one class",
        casts.all_of_them,
        troubles.replaced,
        troubles.mixed,
        lost_polls=3,
        slack=20,
        why="the errors of the rows above add up; and where the tolerance is 30 s, a clock set forward by 20 s beside "
        "a failed poll is a silence beyond it, unknown to the program, and nothing evens out the clock set back",
    ),
)
