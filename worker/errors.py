"""Errors, named for what one can do about them.

* WorkerError               the root of ours; its text is one line for a person: what is wrong and what to do
  + SettingsError           the operator must change a setting
  + InputError              the person at the keyboard must change what was typed or brought
    - Unknown               no such course, occurrence, server ...
    - Conflict              it is there already, or something forbids it
  + DatabaseBehind          run ``meetingz db upgrade``
  + ServerTrouble           a server's answer, told without secrets; wraps the errors of the wire
* worker.bbb.Error          the wire's own tree, drawn in worker/bbb/errors.py
* worker.timetables.BadFile a file with file, row and column
"""


class WorkerError(Exception):
    """Something went wrong that a person can mend."""


class SettingsError(WorkerError):
    """A setting is missing, malformed or contradicts another."""


class InputError(WorkerError):
    """What was asked for cannot be done as it was written."""


class Unknown(InputError):
    """No row of that name or number."""


class Conflict(InputError):
    """It is there already, or its state forbids the change."""


class DatabaseBehind(WorkerError):
    """The tables are not those of this program."""


class ServerTrouble(WorkerError):
    """A server could not be reached, or refused."""
