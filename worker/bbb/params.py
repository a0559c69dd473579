"""What `create` can be told, typed, and checked before it is sent (protocol section 4.1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from worker.bbb.errors import UnsafeRequest

GUEST_POLICIES: Final = ("ALWAYS_ACCEPT", "ALWAYS_DENY", "ASK_MODERATOR", "ALWAYS_ACCEPT_AUTH")

_META_KEY = re.compile("[a-z][a-z0-9-]*")


def _wire(*names: str, default: Any = None, repr: bool = True) -> Any:
    """A field that is sent under `names`; left out of the request while None."""
    return field(default=default, repr=repr, metadata={"wire": names})


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateParams:
    """The parameters of `create`. None leaves one out, so that the server's own setting holds.

    An unknown parameter is ignored by every server, so newer ones may be sent to older servers. A repeated `create` of
    a live meeting changes nothing (E18). Raises `UnsafeRequest` for what some version would refuse or misread.
    """

    #: 2 to 64 of `A-Za-z0-9_-`: other characters are refused or mangled by some servers (E22, E27, E75).
    meeting_id: str = field(metadata={"wire": ("meetingID",)})
    #: 2 to 256 characters (E23).
    name: str = field(metadata={"wire": ("name",)})
    #: 2 to 64 characters each, and distinct: with equal ones everybody is moderator (E20, E68).
    attendee_pw: str = field(repr=False, metadata={"wire": ("attendeePW",)})
    moderator_pw: str = field(repr=False, metadata={"wire": ("moderatorPW",)})
    #: Minutes from creation, not from the first join, until the server ends it; 0 = never (E34).
    duration_minutes: int = _wire("duration", default=0)
    #: Whether it can be recorded at all. Nothing is kept without a recorded span (E84).
    record: bool = _wire("record", default=False)
    #: Begin recording when the first one joins; server default false.
    auto_start_recording: bool | None = _wire("autoStartRecording")
    #: Moderators may start and stop recording; server default true.
    allow_start_stop_recording: bool | None = _wire("allowStartStopRecording")
    #: Record media outside recorded spans too (2.6 and later); default false.
    record_full_duration_media: bool | None = _wire("recordFullDurationMedia")
    #: HTML shown in the chat to all; a Persian letter takes six of the 7500 bytes of an address.
    welcome: str | None = _wire("welcome")
    #: The same for moderators only.
    moderator_only_message: str | None = _wire("moderatorOnlyMessage")
    #: Users at once; 0 = no limit. Off by one in 2.2, and ghosts count (E70).
    max_participants: int | None = _wire("maxParticipants")
    #: Where people go afterwards; server default its own page.
    logout_url: str | None = _wire("logoutURL")
    #: Viewers' cameras for moderators only; default false.
    webcams_only_for_moderator: bool | None = _wire("webcamsOnlyForModerator")
    #: Default false.
    mute_on_start: bool | None = _wire("muteOnStart")
    #: Default false.
    allow_mods_to_unmute_users: bool | None = _wire("allowModsToUnmuteUsers")
    #: Default false (2.4 and later).
    allow_mods_to_eject_cameras: bool | None = _wire("allowModsToEjectCameras")
    #: Cameras of one user, 2.4.5 and later; default 3.
    user_camera_cap: int | None = _wire("userCameraCap")
    #: Cameras in all, 2.5 and later; 0 = no limit.
    meeting_camera_cap: int | None = _wire("meetingCameraCap")
    #: CUSTOM_LAYOUT, SMART_LAYOUT, PRESENTATION_FOCUS, VIDEO_FOCUS, ... (2.4 and later).
    meeting_layout: str | None = _wire("meetingLayout")
    #: What locked viewers may not do; defaults false.
    lock_settings_disable_cam: bool | None = _wire("lockSettingsDisableCam")
    lock_settings_disable_mic: bool | None = _wire("lockSettingsDisableMic")
    lock_settings_disable_private_chat: bool | None = _wire("lockSettingsDisablePrivateChat")
    lock_settings_disable_public_chat: bool | None = _wire("lockSettingsDisablePublicChat")
    #: Sent under its old and its new name.
    lock_settings_disable_notes: bool | None = _wire("lockSettingsDisableNote", "lockSettingsDisableNotes")
    lock_settings_hide_user_list: bool | None = _wire("lockSettingsHideUserList")
    lock_settings_locked_layout: bool | None = _wire("lockSettingsLockedLayout")
    #: Whether the locks hold for those who join; default true.
    lock_settings_lock_on_join: bool | None = _wire("lockSettingsLockOnJoin")
    lock_settings_lock_on_join_configurable: bool | None = _wire("lockSettingsLockOnJoinConfigurable")
    lock_settings_hide_viewers_cursor: bool | None = _wire("lockSettingsHideViewersCursor")
    #: One of `GUEST_POLICIES`; default ALWAYS_ACCEPT.
    guest_policy: str | None = _wire("guestPolicy")
    #: Digits, as text: it may begin with 0 (E28). Taken elsewhere: `Refused` with `nonUniqueVoiceBridge` (E29).
    voice_bridge: str | None = _wire("voiceBridge")
    #: Telephone number shown in `%%DIALNUM%%`.
    dial_number: str | None = _wire("dialNumber")
    #: Minutes until a meeting that nobody joined is gone; server default 5. 2.5 and later (E35).
    meeting_expire_if_no_user_joined_minutes: int | None = _wire("meetingExpireIfNoUserJoinedInMinutes")
    #: Minutes until a meeting that all have left is gone; server default 1. 2.5 and later (E37).
    meeting_expire_when_last_user_left_minutes: int | None = _wire("meetingExpireWhenLastUserLeftInMinutes")
    #: End it when no moderator is left; default false (2.3 and later).
    end_when_no_moderator: bool | None = _wire("endWhenNoModerator")
    #: Minutes to wait for one; default 1.
    end_when_no_moderator_delay_minutes: int | None = _wire("endWhenNoModeratorDelayInMinutes")
    #: Keep the events of a meeting that is not recorded; default false (2.3 and later).
    meeting_keep_events: bool | None = _wire("meetingKeepEvents")
    #: Features to switch off, comma separated on the wire (2.5 and later).
    disabled_features: tuple[str, ...] | None = _wire("disabledFeatures")
    #: Tell everybody that a recording runs; default false (2.6 and later).
    notify_recording_is_on: bool | None = _wire("notifyRecordingIsOn")
    #: Our slides instead of the server's, not besides them; default true (2.5 and later).
    pre_uploaded_presentation_override_default: bool | None = _wire("preUploadedPresentationOverrideDefault")
    #: Labels without their `meta_`; keys `[a-z][a-z0-9-]*`, since others are dropped without a word (E25).
    meta: Mapping[str, str] = field(default_factory=dict)
    #: Anything newer, by its name on the wire.
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "meta", dict(self.meta))
        object.__setattr__(self, "extra", dict(self.extra))
        check_meta(self.meta)
        _check_identity(self)
        _check_numbers(self)
        _check_options(self)

    def as_query(self) -> list[tuple[str, str]]:
        """The request's parameters in a fixed order: equal parameters give the same bytes."""
        pairs = [(name, as_text(value)) for name, value in _sent(self) if value is not None]
        pairs += [(f"meta_{key}", self.meta[key]) for key in sorted(self.meta)]
        return pairs + sorted(self.extra.items())


def as_text(value: str | bool | int | tuple[str, ...]) -> str:
    """A value as the wire has it: booleans `true` and `false`, lists with commas."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def check_meta(meta: Mapping[str, str]) -> None:
    """Raise `UnsafeRequest` for a label the servers would drop (E25)."""
    for key in meta:
        if not _META_KEY.fullmatch(key):
            raise UnsafeRequest(f"meta key {key[:40]!r}: only a-z, 0-9 and - are kept, a letter first")


def _sent(params: CreateParams) -> list[tuple[str, Any]]:
    return [(name, getattr(params, f.name)) for f in fields(params) for name in f.metadata.get("wire", ())]


def _require(good: bool, complaint: str) -> None:
    if not good:
        raise UnsafeRequest(complaint)


def _check_identity(params: CreateParams) -> None:
    _require(bool(re.fullmatch("[A-Za-z0-9_-]{2,64}", params.meeting_id)), "meeting_id: 2 to 64 of A-Z a-z 0-9 _ -")
    _require(len(params.name.strip()) >= 2 and len(params.name) <= 256, "name: 2 to 256 characters")
    _require(2 <= len(params.attendee_pw) <= 64, "attendee_pw: 2 to 64 characters")
    _require(2 <= len(params.moderator_pw) <= 64, "moderator_pw: 2 to 64 characters")
    _require(params.attendee_pw != params.moderator_pw, "attendee_pw and moderator_pw: must differ")


def _check_numbers(params: CreateParams) -> None:
    for name, value in _sent(params):
        if isinstance(value, int) and not isinstance(value, bool):
            _require(0 <= value < 2**31, f"{name}: must be a whole number from 0")


def _check_options(params: CreateParams) -> None:
    _require(
        params.guest_policy is None or params.guest_policy in GUEST_POLICIES,
        f"guest_policy: one of {', '.join(GUEST_POLICIES)}",
    )
    _require(bool(re.fullmatch("[0-9]{1,10}", params.voice_bridge or "0")), "voice_bridge: digits only")
    silent = params.auto_start_recording is False and params.allow_start_stop_recording is False
    _require(not (params.record and silent), "allow_start_stop_recording: recording could never begin")
    known = {name for name, _ in _sent(params)} | {"checksum"}
    for name in params.extra:
        _require(bool(re.fullmatch("[A-Za-z][A-Za-z0-9_-]*", name)), f"extra: {name[:40]!r} is not a parameter")
        _require(name not in known and not name.startswith("meta_"), f"extra: {name[:40]!r} has a field of its own")
