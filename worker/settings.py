"""Settings: ``config/meetingz.toml`` and environment variables, read once, frozen.

A variable wins over the file, the file over the default. Every field is ``MEETINGZ_<NAME>`` in the environment and
``<name>`` in the file; names that operators bring from other programs are read as well. A secret may also come as
``<VARIABLE>_FILE``, the path of a file that holds it. ``..._seconds`` are numbers, fractions allowed, so that a whole
class can be played in seconds. Contradictions are refused here, before anything runs.
"""

import base64
import json
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from worker.errors import SettingsError
from worker.settings_sources import SecretFiles, config_file, read_from

Seconds = Annotated[float, Field(gt=0, le=10 * 366 * 86400, allow_inf_nan=False)]
# A length that may be none, and is no longer than the longest class.
UpToADay = Annotated[float, Field(ge=0, le=86400, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100)]


def _named(name: str, *others: str) -> AliasChoices:
    # Not the bare name: SERVER_URL or BROKER_URL in an environment are somebody else's.
    return AliasChoices(f"MEETINGZ_{name.upper()}", *others)


class Settings(BaseSettings):
    """All settings of one installation; see docs/settings.md for the same in a table."""

    model_config = SettingsConfigDict(
        env_prefix="MEETINGZ_", frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True
    )

    #: SQLAlchemy URL; empty means SQLite in the data folder.
    database_url: SecretStr = Field(SecretStr(""), validation_alias=_named("database_url", "DATABASE_URL"))
    #: Celery broker; ``memory://`` runs worker and beat in one process.
    broker_url: SecretStr = Field(SecretStr("memory://"), validation_alias=_named("broker_url", "REDIS_URL"))
    #: Where the embedded database, the key file and downloads live.
    data_dir: Path = Path("./var")
    #: Encrypts server secrets and meeting passwords; several, comma separated, rotate: the first one encrypts.
    secret_key: SecretStr | None = None
    #: The origin label on every meeting: which installation it belongs to.
    origin: str = Field("meetingz-worker", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    #: Language of reports for people.
    language: Literal["en", "fa"] = "en"
    #: Zone of courses that name none.
    timezone: str = "Asia/Tehran"
    #: First day of the week for odd and even weeks; 0 is Monday, 5 is Saturday.
    week_start: Annotated[int, Field(ge=0, le=6)] = 5

    lead_seconds: Seconds = 900  #: how early a room opens
    grace_seconds: UpToADay = 600  #: how long after its end a class may run on
    horizon_days: Annotated[float, Field(gt=0, le=366)] = 14  #: how far ahead occurrences are planned

    plan_period_seconds: Seconds = 3600  #: how often slots are made into dated occurrences
    provision_period_seconds: Seconds = 30  #: how often rooms that are due are opened
    poll_period_seconds: Seconds = 30  #: how often each open room is looked at: the error of attendance
    end_period_seconds: Seconds = 30  #: how often rooms past their end are asked to end
    harvest_period_seconds: Seconds = 300  #: how often recordings that are waited for are asked for

    tolerance_seconds: Seconds = 90  #: the gap between polls that is still one stay
    gone_after: Annotated[int, Field(ge=1, le=100)] = 2  #: misses in a row before a meeting is believed gone

    present_percent: Percent = 75  #: who was there for this share of the planned window was present
    partial_percent: Percent = 10  #: who was there for this share was partly there; below it absent
    observed_percent: Percent = 50  #: below this observed share of the window a status is unknown
    late_seconds: UpToADay = 600  #: who is first seen in class so long after its start is late
    left_early_seconds: UpToADay = 600  #: who is last seen in class so long before its end left early
    #: Attendees whose user id or name matches are recorders, not people (a regular expression).
    bots: str = r"(?i)^(bbb[-_ ]?(recorder|bot)|meetingz[-_ ]?(recorder|bot)|recorder[-_ ]?bot)"

    #: How often all recordings with our label are gone through, for those that nobody waits for.
    harvest_full_seconds: Seconds = 6 * 3600
    recording_first_seconds: Seconds = (
        60  #: after a class its recording is asked for after this long, then twice that ...
    )
    recording_longest_seconds: Seconds = 3600  #: ... up to this long between two questions
    recording_deadline_seconds: Seconds = 86400  #: a recording not found by then is missing: an alarm
    #: Formats that are waited for, such as ``presentation,video``; empty: whatever comes first is enough.
    recording_formats: str = Field("", pattern=r"^[a-z0-9_-]*(\s*,\s*[a-z0-9_-]+)*$")
    recording_formats_seconds: Seconds = 1800  #: how long the other formats are waited for once one is there
    #: Where downloads are stored, any fsspec address (``s3://bucket/path``); empty: ``recordings`` in the data folder.
    archive_url: str = ""
    #: Hosts beside the API's own that recordings may be fetched from, comma separated; ``host:port`` for other ports.
    playback_hosts: str = ""
    download_at_once: Annotated[int, Field(ge=1, le=32)] = 2  #: downloads at one time, over all workers
    download_slice_seconds: Seconds = (
        60  #: a worker goes on to other work after this long, and resumes at its next turn
    )
    download_limit_bytes: Annotated[int, Field(ge=1)] = 20 * 2**30  #: a larger file is not downloaded
    download_reserve_bytes: Annotated[int, Field(ge=0)] = 2**30  #: downloads leave this much free on the disk

    #: Observations and the names in them are kept this long after a class; its stays and statuses stay.
    retention_days: Annotated[float, Field(gt=0, le=36600)] = 180
    #: Stays, corrections and the totals of servers are kept this long; None: as long as the database.
    keep_stays_days: Annotated[float, Field(gt=0, le=36600)] | None = None

    server_down_after: Annotated[int, Field(ge=1)] = 3  #: failures in a row before a server counts as down
    server_up_after: Annotated[int, Field(ge=1)] = 3  #: successes in a row before it counts as up again
    end_retry_seconds: Seconds = 60  #: a meeting that lives on is asked to end again after this long
    end_tries: Annotated[int, Field(ge=1)] = 3  #: requests to one meeting before that it lives on is an alarm
    #: Rooms of classes that begin at one minute are asked for over this long, where their lead leaves the time.
    spread_seconds: UpToADay = 120
    #: A class under the end policy ``spare`` runs on for this long at most, beyond its end and grace.
    spare_limit_seconds: UpToADay = 3600
    warn_seconds: UpToADay = 300  #: how long before its end a class is told; 0: never
    #: Parameters of ``create`` for every course; a course's own options go before them.
    create: Annotated[dict[str, str | int | bool], NoDecode] = Field(default_factory=dict)

    #: Where alarms are sent as signed webhooks (Standard Webhooks).
    webhook_url: str | None = Field(None, pattern=r"^https?://")
    webhook_secret: SecretStr | None = None  #: what webhooks are signed with: base64, ``whsec_...``
    #: Where alarms are told to people: addresses of apprise, separated by spaces. They hold passwords and tokens.
    notify_urls: SecretStr | None = None
    #: The address of our own web page, as people reach it: a host of its own, without a path.
    public_url: str | None = None
    #: With a public address, servers are asked to tell the page when a class ends, who was in it, what was recorded.
    callbacks: bool = True
    web_host: str = "127.0.0.1"  #: the address the page listens on; others reach it through a proxy that speaks HTTPS
    web_port: Annotated[int, Field(ge=0, le=65535)] = 8080  #: the port of the page; 0 takes a free one
    web_proxies: str = "127.0.0.1"  #: addresses or networks, with commas: their ``X-Forwarded-*`` headers are believed
    #: Who reads ``/metrics`` sends this as a bearer token; without it only this machine itself may read them.
    metrics_token: SecretStr | None = Field(None, min_length=16)

    connect_timeout_seconds: Seconds = 5  #: how long a server may take to accept a connection
    read_timeout_seconds: Seconds = 20  #: how long a server may be silent
    reply_limit_bytes: Annotated[int, Field(ge=1024)] = 64 * 2**20  #: a longer answer is cut off and not believed

    #: Quick start: the address of one server, entered when the worker starts; no command is needed.
    server_url: str | None = Field(
        None, validation_alias=_named("server_url", "BIGBLUEBUTTON_ENDPOINT", "BBB_SERVER_BASE_URL")
    )
    #: The secret of that server.
    server_secret: SecretStr | None = Field(
        None, validation_alias=_named("server_secret", "BIGBLUEBUTTON_SECRET", "BBB_SECRET")
    )
    #: How requests to that server are signed: ``sha1``, ``sha256``, ``sha384`` or ``sha512``.
    server_checksum: Literal["sha1", "sha256", "sha384", "sha512"] = "sha1"

    #: Touched by a worker or beat process while it does its work; one file a process, its age is a health check.
    heartbeat_file: Path | None = None
    #: A worker or beat process that could not do its work for this long ends with an error, to be started again.
    stuck_after_seconds: Seconds = 600

    log_format: Literal["text", "json"] = "text"  #: lines for people, or one JSON object a line
    #: The least that is logged: ``DEBUG``, ``INFO``, ``WARNING`` or ``ERROR``.
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", validation_alias=_named("log_level", "LOG_LEVEL")
    )

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is not a time zone; write one such as Asia/Tehran") from None
        return value

    @field_validator("create", mode="before")
    @classmethod
    def _is_json_in_a_variable(cls, value: object) -> object:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise ValueError('not JSON; write it as {"muteOnStart": true}') from None

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("bots")
    @classmethod
    def _is_expression(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return value

    @field_validator("public_url")
    @classmethod
    def _has_no_path(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^/?#@\s]+/?", value):
            raise ValueError("write https:// and a host, such as https://classes.example.org: the page has no path")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _secret_is_base64(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            base64.b64decode((value.get_secret_value() if value else "").removeprefix("whsec_"), validate=True)
        except ValueError:
            raise ValueError("write whsec_ and base64, as the receiver of the webhooks gave it") from None
        return value

    @model_validator(mode="after")
    def _no_contradictions(self) -> "Settings":
        if self.tolerance_seconds < self.poll_period_seconds:
            raise ValueError(
                "tolerance_seconds must not be less than poll_period_seconds, or every poll would begin a new stay"
            )
        if self.keep_stays_days is not None and self.keep_stays_days < self.retention_days:
            raise ValueError("keep_stays_days must not be less than retention_days: stays outlive observations")
        if self.partial_percent > self.present_percent:
            raise ValueError("partial_percent must not exceed present_percent")
        if self.recording_first_seconds > self.recording_longest_seconds:
            raise ValueError("recording_first_seconds must not exceed recording_longest_seconds")
        if "@" in self.archive_url.partition("://")[2].partition("/")[0]:
            raise ValueError(
                "archive_url must not hold a password: give it to the storage library by its own variables"
            )
        if (self.server_url is None) != (self.server_secret is None):
            raise ValueError("server_url and server_secret go together: set both or neither")
        if (self.webhook_url is None) != (self.webhook_secret is None):
            raise ValueError("webhook_url and webhook_secret go together: set both or neither")
        return self

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force; it may hold a password."""
        url = self.database_url.get_secret_value()
        if not url:
            return f"sqlite:///{self.data_dir.resolve() / 'meetingz.db'}"
        # The psycopg 3 driver is the one installed; the bare names are what hosting panels hand out.
        for bare in ("postgres://", "postgresql://"):
            if url.startswith(bare):
                return "postgresql+psycopg://" + url.removeprefix(bare)
        return url

    @property
    def embedded(self) -> bool:
        """Whether the broker lives in this process."""
        return self.broker_url.get_secret_value().startswith("memory://")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then secrets in files where no variable goes before them, then variables, then the file."""
        toml = TomlConfigSettingsSource(settings_cls, toml_file=config_file())
        return init_settings, SecretFiles(settings_cls), env_settings, toml


@cache
def load() -> Settings:
    """The settings of this process. Raises SettingsError, one line, with the setting's name."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_first_line(error)) from None
    except ValueError as error:
        raise SettingsError(f"{config_file() or 'settings'}: {error}") from None


def _first_line(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    if first["type"] == "extra_forbidden":
        return f"{config_file()}: there is no setting {name!r}; see docs/settings.md"
    text = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return text
    field = name.removeprefix("MEETINGZ_").lower()
    return f"{read_from(field, Settings.model_fields[field])}: {text}"
