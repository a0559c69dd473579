"""Meetings: opened before a class, joined, and ended after it."""
