"""``python -m worker`` is the ``meetingz`` command."""

from worker.entry import main

main()
