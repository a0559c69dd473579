"""publishRecordings, deleteRecordings and updateRecordings."""

from worker.simulator import gate
from worker.simulator.recording import Recording
from worker.simulator.replaying import listed
from worker.simulator.wire import Refused, Reply, Request, success, tag
from worker.simulator.world import World

TRUE_WORDS = ("true", "1", "y")


def publish_recordings(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ("recordID", "publish"))
    for recording in _required(world, request, now):
        recording.published = request.text("publish").lower() in TRUE_WORDS
    return success(tag("published", request.params["publish"]))


def delete_recordings(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ("recordID",))
    for recording in _required(world, request, now):
        recording.deleted = True
        if world.profile.from_database:
            recording.metadata.clear()
    return success(tag("deleted", True))


def update_recordings(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ("recordID",))
    if world.profile.from_database and not _named(world, request, now):
        return success(tag("updated", False))
    _required(world, request, now)
    prefixes = tuple(listed(request, "recordID"))
    for recording in world.recordings.values():
        if recording.record_id.startswith(prefixes) and recording.settled(now) and recording.metadata:
            _update(recording, gate.metadata(request))
    return success(tag("updated", True))


def _named(world: World, request: Request, now: float) -> list[Recording]:
    """The recordings that the request names exactly."""
    exact = (world.recordings.get(record_id) for record_id in listed(request, "recordID"))
    return [recording for recording in exact if recording is not None and recording.settled(now)]


def _required(world: World, request: Request, now: float) -> list[Recording]:
    found = _named(world, request, now)
    if not found:
        raise Refused("notFound", "There is no such recording.")
    return found


def _update(recording: Recording, changes: dict[str, str]) -> None:
    for key, value in changes.items():
        if value:
            recording.metadata[key] = value
        else:
            recording.metadata.pop(key, None)
