"""Recordings: found, kept, brought home and cared for."""
