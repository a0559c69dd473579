"""Control calls under /control/: JSON in, JSON out. They move people and faults; the API never sees them."""

import hmac
import json
from collections.abc import Callable
from typing import Any

from worker.simulator.director import Director
from worker.simulator.faults import Fault
from worker.simulator.people import crowd
from worker.simulator.wire import JSON, Reply
from worker.simulator.world import NoSuchMeeting, World

Values = dict[str, Any]


class Control:
    """Answers control calls for one world; its director runs once a crowd has been asked for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.director = Director(world)
        self._calls: dict[tuple[str, str], Callable[[Values], Any]] = {
            ("GET", "state"): self._state,
            ("GET", "truth"): self._truth,
            ("GET", "history"): self._history,
            ("POST", "join"): self._join,
            ("POST", "leave"): self._leave,
            ("POST", "end"): self._end,
            ("POST", "promote"): self._promote,
            ("POST", "press_record"): self._press_record,
            ("POST", "fault"): self._fault,
            ("POST", "faults/clear"): self._clear_faults,
            ("POST", "crowd"): self._crowd,
        }

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        if not self._is_allowed(headers):
            return _json({"error": "the control token is missing or wrong"}, 401)
        call = self._calls.get((method, path.removeprefix("/control/")))
        if call is None:
            return _json({"error": f"no control call {method} {path}"}, 404)
        return _attempt(call, body)

    def _is_allowed(self, headers: dict[str, str]) -> bool:
        token = self._world.control_token
        return token is None or hmac.compare_digest(headers.get("x-control-token", "").encode(), token.encode())

    def _state(self, given: Values) -> Values:
        world = self._world
        with world.at_now() as now:
            meetings = [meeting.as_record()._asdict() | {"inside": len(meeting.connected)} for meeting in world.known()]
            recordings = [{"record_id": r.record_id, "state": r.state(now)} for r in world.recordings.values()]
            faults = world.faults.listed()
            return {
                "now": now,
                "profile": world.profile.name,
                "meetings": meetings,
                "recordings": recordings,
                "faults": faults,
            }

    def _truth(self, given: Values) -> list[Values]:
        return [stay._asdict() for stay in self._world.truth()]

    def _history(self, given: Values) -> list[Values]:
        return [record._asdict() for record in self._world.history()]

    def _join(self, given: Values) -> Values:
        names = (given["meeting_id"], given["user_id"], given["full_name"], given.get("role", "VIEWER"))
        return {"connection": self._world.join(*names, device=given.get("device", "1"))}

    def _leave(self, given: Values) -> None:
        self._world.leave(given["meeting_id"], given["user_id"], given.get("device"))

    def _end(self, given: Values) -> None:
        self._world.end_from_inside(given["meeting_id"])

    def _promote(self, given: Values) -> None:
        self._world.promote(given["meeting_id"], given["user_id"], given.get("role", "MODERATOR"))

    def _press_record(self, given: Values) -> Values:
        return {"recording": self._world.press_record(given["meeting_id"])}

    def _fault(self, given: Values) -> None:
        self._world.faults.add(Fault(**given))

    def _clear_faults(self, given: Values) -> None:
        self._world.faults.clear()

    def _crowd(self, given: Values) -> Values:
        options = {key: given[key] for key in ("teacher", "prefix", "gap") if key in given}
        scripts = crowd(given.get("seed", 0), given.get("size", 30), length=float(given["length"]), **options)
        with self._world.at_now() as now:
            start_at = float(given.get("start_at", now))
        self.director.cast(given["meeting_id"], scripts, start_at)
        self.director.run_in_thread()
        return {"start_at": start_at, "people": [script.person._asdict() for script in scripts]}


def _attempt(call: Callable[[Values], Any], body: bytes) -> Reply:
    try:
        given = json.loads(body or b"{}")
        if not isinstance(given, dict):
            raise TypeError("the body must be a JSON object")
        return _json(call(given))
    except NoSuchMeeting as error:
        return _json({"error": f"no live meeting {error}"}, 404)
    except (ValueError, TypeError, KeyError) as error:
        return _json({"error": f"{type(error).__name__}: {error}"}, 400)


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(json.dumps({"ok": True} if value is None else value, ensure_ascii=False).encode(), status, JSON)
