"""Attendance: polled, folded into stays, corrected, and forgotten in time."""
