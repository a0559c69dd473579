"""Which recordings were asked for: looked at again on our side, since servers answer more or other than asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from worker.bbb.recordings import Recording


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter. Empty parts let everything pass (E73, E76)."""

    meeting_ids: frozenset[str]
    record_ids: frozenset[str]
    states: frozenset[str]
    meta: Mapping[str, str]

    def matches(self, recording: Recording) -> bool:
        """Whether `recording` fits every part."""
        return (
            (not self.record_ids or recording.record_id in self.record_ids)
            and (not self.meeting_ids or recording.meeting_id in self.meeting_ids)
            and (not self.states or "any" in self.states or recording.state in self.states)
            and self._labels_match(recording.metadata)
        )

    def _labels_match(self, metadata: Mapping[str, str]) -> bool:
        lower = {key.lower(): value for key, value in metadata.items()}
        return all(key in lower and _alike(lower[key], pattern) for key, pattern in self.meta.items())


def _alike(value: str, pattern: str) -> bool:
    """Equal; `%` at an end of the pattern stands for anything, case matters (protocol section 4.7)."""
    middle = pattern.strip("%")
    if pattern.startswith("%") and pattern.endswith("%"):
        return middle in value
    if pattern.startswith("%"):
        return value.endswith(middle)
    return value.startswith(middle) if pattern.endswith("%") else value == pattern
