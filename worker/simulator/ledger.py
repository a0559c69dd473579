"""Every meeting instance: those the API can see, those that merely go on, and all there ever were."""

from worker.simulator.meeting import Meeting


class Ledger:
    """`live` is what the API finds by id; a web restart empties it while the instances in `running` go on."""

    def __init__(self) -> None:
        self.live: dict[str, Meeting] = {}
        self.running: dict[str, list[Meeting]] = {}
        self.every: list[Meeting] = []
        self.internal_ids: set[str] = set()
        self._last_ended: dict[str, Meeting] = {}

    def enter(self, meeting: Meeting) -> None:
        self.live[meeting.meeting_id] = meeting
        self.running.setdefault(meeting.meeting_id, []).append(meeting)
        self.every.append(meeting)
        self.internal_ids.add(meeting.internal_id)

    def retire(self, meeting: Meeting) -> None:
        """The meeting has ended."""
        others = [other for other in self.running.pop(meeting.meeting_id, []) if other is not meeting]
        if others:
            self.running[meeting.meeting_id] = others
        if self.live.get(meeting.meeting_id) is meeting:
            del self.live[meeting.meeting_id]
            self._last_ended[meeting.meeting_id] = meeting

    def ended_since(self, meeting_id: str, oldest: float) -> Meeting | None:
        """The last instance of this id, if it ended later than `oldest`."""
        meeting = self._last_ended.get(meeting_id)
        return meeting if meeting and meeting.ended_at and meeting.ended_at > oldest else None
