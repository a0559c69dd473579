"""The first line of the ``meetingz`` command: Ctrl-C is taken care of before anything else is imported."""

import signal


def main() -> None:
    """While the rest is imported an interrupt simply ends the process: nothing is open yet, and nothing is told."""
    # Not so where it is to be ignored, as by nohup.
    pythons = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if pythons:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from worker.cli import main as command

    if pythons:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command()
