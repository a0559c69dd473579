"""The Meetingz worker: schedules online classes, logs who came, ends what overruns, finds the recordings.

The database is the truth, the queue is only a bell. A clock ticks; each tick asks the database one question, "what
should be so, and is not yet?", and closes the gap one row at a time, in a way that can be repeated.

Rooms, and which way imports flow (import-linter keeps it):

    cli, tasks, schedule, celery_app        the doors: a command or a message in, one operation called
      -> operations                         plan, provision, poll, end, harvest; arrange, report: what the program does,
                                            a package for each thing that it is done to
          -> exports, timetables            rows -> files, files -> rows
          -> store                          tables, queries, transactions
          -> bbb                            the wire protocol, signed and parsed; knows nothing of ours
              -> domain                     pure rules: timetable, lifecycle, attendance, placement, labels, calendars
    errors, settings, clock, logs           known to all doors and operations
    simulator                               a server that behaves, for the demo and the tests; knows only the wire

Words: a Course recurs by Slots; each dated sitting is an Occurrence; a Meeting is one run of it on a Server; polls make
Observations of who was there; folded, these are Stays; a server keeps Recordings; we know ours by Labels.
"""

__version__ = "0.1.0"
