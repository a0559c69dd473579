"""Answers written for the tests, in the shapes of protocol section 4."""


def success(inside: str) -> bytes:
    return f"<response><returncode>SUCCESS</returncode>{inside}</response>".encode()


def failed(key: str, message: str = "no") -> bytes:
    return (
        f"<response><returncode>FAILED</returncode><messageKey>{key}</messageKey>"
        f"<message>{message}</message></response>"
    ).encode()


def attendee(user_id: str = "stu-42", full_name: str = "Zahra", role: str = "VIEWER", more: str = "") -> str:
    return (
        f"<attendee><userID>{user_id}</userID><fullName>{full_name}</fullName><role>{role}</role>"
        "<isPresenter>false</isPresenter><isListeningOnly>false</isListeningOnly><hasJoinedVoice>true</hasJoinedVoice>"
        f"<hasVideo>false</hasVideo><clientType>HTML5</clientType>{more}</attendee>"
    )


def meeting(inside: str = "<attendees/>", *, id: str = "alg-101", created: int = 1700000000123, more: str = "") -> str:
    return (
        f"<meetingName>جبر خطی</meetingName><meetingID>{id}</meetingID>"
        f"<internalMeetingID>{'a' * 40}-{created}</internalMeetingID><createTime>{created}</createTime>"
        "<createDate>Tue Nov 14 22:13:20 UTC 2023</createDate><voiceBridge>04417</voiceBridge><dialNumber/>"
        "<attendeePW>viewer-password</attendeePW><moderatorPW>moderator-password</moderatorPW><running>true</running>"
        "<duration>90</duration><hasUserJoined>true</hasUserJoined><recording>true</recording>"
        "<hasBeenForciblyEnded>false</hasBeenForciblyEnded><startTime>1700000000178</startTime><endTime>0</endTime>"
        "<participantCount>2</participantCount><listenerCount>0</listenerCount>"
        "<voiceParticipantCount>1</voiceParticipantCount><videoCount>0</videoCount><maxUsers>0</maxUsers>"
        f"<moderatorCount>1</moderatorCount>{inside}<metadata><course>alg-101</course></metadata>"
        f"<isBreakout>false</isBreakout>{more}"
    )


def meetings(*insides: str) -> bytes:
    return success("<meetings>" + "".join(f"<meeting>{inside}</meeting>" for inside in insides) + "</meetings>")


def created(more: str = "", *, created: int = 1700000000123) -> bytes:
    return success(
        f"<meetingID>alg-101</meetingID><internalMeetingID>{'a' * 40}-{created}</internalMeetingID>"
        "<parentMeetingID>bbb-none</parentMeetingID><attendeePW>viewer-password</attendeePW>"
        f"<moderatorPW>moderator-password</moderatorPW><createTime>{created}</createTime>"
        "<voiceBridge>04417</voiceBridge><hasUserJoined>false</hasUserJoined><duration>90</duration>"
        f"<hasBeenForciblyEnded>false</hasBeenForciblyEnded>{more}"
    )


def playback(type: str = "presentation", url: str = "https://host/p", length: str = "87") -> str:
    return (
        f"<format><type>{type}</type><url>{url}</url><processingTime>7177</processingTime>"
        f"<length>{length}</length><size>1,234</size></format>"
    )


def recording(record_id: str, inside: str = "", *, meeting_id: str = "alg-101", start: int = 1700000000123) -> str:
    return (
        f"<recording><recordID>{record_id}</recordID><meetingID>{meeting_id}</meetingID><name>A &amp;amp; B</name>"
        f"<published>true</published><state>published</state><startTime>{start}</startTime>"
        f"<endTime>{start + 5400000}</endTime><participants>23</participants>"
        f"<metadata><course>alg-101</course><meetingName>A &amp; B</meetingName></metadata>{inside}</recording>"
    )


def recordings(*items: str, total: int | None = None) -> bytes:
    end = "" if total is None else f"<totalElements>{total}</totalElements>"
    return success(f"<recordings>{''.join(items)}</recordings>{end}")
