"""Chaos: classes on real processes, broken again and again at seeded random moments, and judged by the truth.

    ./run chaos --seed 1 --minutes 10         # prints what was promised and what was seen
    ./run chaos --write                       # and writes docs/reliability.md

`ground` is what the program stands on (PostgreSQL, Valkey, three simulated servers in processes of their own, a network
in between), `keeper` starts its processes and starts them again as systemd would, `people` come to class and go,
`faults` are what can break, `play` lets it break in waves with quiet between them, `judge` holds every promise against
what the servers know, `page` writes it down. `twice` is the Celery application as it is, with every message doubled.
"""
