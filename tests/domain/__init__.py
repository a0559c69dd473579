"""Tests of worker.domain."""
