"""The chaos run in short: a few classes, some twenty faults, and every promise of docs/reliability.md kept."""

from tests.chaos import play

#: Enough for two waves; the same seed breaks the same things at the same moments. Tests run beside other tests.
PLAN = play.Plan(seed=3, seconds=20, lessons=5, wave=8, waves=2, shortest=35, longest=45, slack=5)


def test_every_promise_is_kept_while_everything_breaks(bare_environment):
    seen = play.run(PLAN)
    assert len(seen.done) >= 15
    assert [each for each in seen.verdicts if each.broken] == [], seen.logs[-8000:]
