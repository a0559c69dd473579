"""``python -m worker`` is the ``meetingz`` command."""

from worker.cli import main

main()
