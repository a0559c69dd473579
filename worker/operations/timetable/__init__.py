"""The timetable: planned, changed by people, brought in from files and given out again."""
