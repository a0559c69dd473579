"""Tests of worker.timetables."""
