"""A BigBlueButton and Meetingz server that behaves.

Tests, the demo and chaos runs talk to it over real HTTP, and cannot tell it from a server: it checks signatures over
the bytes that came, keeps meetings and forgets them by the server's own clocks, shows people who have left for as
long as the real one does, and grows recordings format by format.

    world = World("secret", profile="B", scale=60)       # five minutes pass in five seconds
    with serve(world) as server:
        ...                                              # point a client at server.base_url
        world.join("alg-101", "stu-7", "زهرا محمدی")     # people come and go behind the API's back
        world.leave("alg-101", "stu-7")
        world.truth()                                    # who was really there, to judge what was reported

**Profiles** (`PROFILES`): `A` to `E` are the eras of BigBlueButton (2.0, 2.2, 2.3, 2.4 to 2.6, 2.7 and later),
`meetingz` the vendor's dialect, `scalelite` the load balancer's. They differ in accepted algorithms, order of checks,
shapes of errors, latency of leaving, recordings and paging. `dataclasses.replace(PROFILES["B"], ...)` makes another.

**Time**. `clock` is any function that gives epoch seconds: a test turns it by hand and nothing sleeps. `scale` divides
the server's own clocks: expiry of unused meetings (5 minutes) and of emptied ones (1 minute), the audit tick (10 s),
the latency of leaving, the delays of recordings. `minute_seconds` is how long a minute lasts that a caller names
(`duration`, the expiry parameters, the `length` of a recording); without it 60 / scale. Nothing runs in the background:
each question first brings the state up to now.

**People**. `join`, `leave`, `promote`, `press_record`, `end_from_inside`. A join link fetched over HTTP connects the
person at once, unless the world was made with `connect_on_join=False`: then the client page behind the link does.
`crowd` writes scripts for a class of people who come late, drop out, return, use two devices; a `Director` plays them.

**Faults**. `world.faults.add(Fault("drop_after", call="create", count=1))` executes the next create and hangs up
without an answer. See `Fault` for the narrowing and `KINDS` for all of them.

**Doors**. `serve` runs beside a test, `run` in the foreground. The same things can be done over HTTP with JSON under
`/control/`: GET state, truth, history; POST join, leave, end, promote, press_record, fault, faults/clear, crowd.

**Callbacks**. The end of a meeting is told to the `meta_endCallbackUrl` of its create, by `Teller`, a thread beside the
server: the only thing here that happens unasked.

The state machine (`world`, `meeting`, `recording`) knows nothing of HTTP; `api` and what it calls turn a request into
a reply and touch no socket; `app`, `spoiling` and `server` are the edge.
"""

from worker.simulator.director import Director
from worker.simulator.faults import KINDS, Fault
from worker.simulator.meeting import MeetingRecord, TruthStay
from worker.simulator.people import Act, Person, Script, crowd
from worker.simulator.profiles import PROFILES, Profile
from worker.simulator.server import Running, run, serve
from worker.simulator.world import NoSuchMeeting, World

__all__ = [
    "KINDS",
    "PROFILES",
    "Act",
    "Director",
    "Fault",
    "MeetingRecord",
    "NoSuchMeeting",
    "Person",
    "Profile",
    "Running",
    "Script",
    "TruthStay",
    "World",
    "crowd",
    "run",
    "serve",
]
