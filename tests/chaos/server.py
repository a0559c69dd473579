"""One simulated server in a process of its own: ``python -m tests.chaos.server PROFILE SEED``; prints its address."""

import sys
import threading

from tests.chaos.measures import MEDIA_SIZE, SCALE
from tests.conftest import SECRET
from worker.simulator import World, serve


def main():
    profile, seed = sys.argv[1:]
    world = World(SECRET, profile=profile, seed=int(seed), scale=SCALE, minute_seconds=60, media_size=MEDIA_SIZE)
    with serve(world) as running:
        print(running.base_url, flush=True)  # noqa: T201 (whoever started it waits for this line)
        threading.Event().wait()


if __name__ == "__main__":
    main()
