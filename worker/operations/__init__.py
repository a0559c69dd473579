"""What the program does, by what it is done to: loops (``sweep``: what is due; ``one``: one of it) and their helpers.

    timetable      arrange, plan: courses, slots, occurrences; imports and exports; holidays, clashes, a week
    meetings       provision, end: rooms asked for, opened, joined, warned, ended; strays
    attendance     poll: seen, numbered, folded into stays; corrections, thresholds; forgetting people
    reports        attendance, matrix, sessions, totals: rows for people
    recordings     harvest, archive, care: found, waited for, brought home, published, deleted
    installation   servers and their health, alarms and who is told, doctor, metrics

Beside them what all of these use: context, story, aside, pulse, timepiece; and sweeps, a loop by hand.
"""
