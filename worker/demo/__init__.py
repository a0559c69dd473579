"""The whole story in a minute: a timetable, a simulated server, five loops, attendance, recordings, files.

* cast      the courses, the people, and what each of them will do
* stage     sets everything up, runs the embedded stack, waits for the end
* verdict   what was computed against what the simulator knows to be true
* screen    what a person sees meanwhile
"""
