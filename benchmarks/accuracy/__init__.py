"""How exact is attendance? Measured against a simulated server that knows who was really there.

    ./run accuracy            measures, and writes the tables into docs/accuracy.md
    ./run accuracy --quick    a small form, printed only

Every row of a table plays classes of 30 people with one kind of trouble, by a clock turned by hand, through the same
operations and the same HTTP as in production. The error of a person is the seconds credited less the seconds truly
spent in the planned window, outside of the times when nobody could look. The truth is the simulator's ledger; the times
of trouble are the benchmark's own: nothing that the program says about itself is believed.

* stage.py      a server, a database, a clock, classes and their people; playing them second by second
* casts.py      what people do that makes it hard
* troubles.py   what happens to servers, pollers and clocks
* scenarios.py  the rows of the table
* judge.py      what was credited against what was true
* page.py       the tables
"""

from benchmarks.accuracy.judge import Result, measure
from benchmarks.accuracy.scenarios import SCENARIOS
from benchmarks.accuracy.stage import ERAS, Era, Scenario, Size

__all__ = ["ERAS", "SCENARIOS", "Era", "Result", "Scenario", "Size", "measure"]
