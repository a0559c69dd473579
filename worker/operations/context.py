"""What every operation is given: the database, the settings, the vault, and a way to reach servers."""

import re
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from worker import bbb
from worker.domain import marks
from worker.errors import InputError, SettingsError
from worker.operations.attendance.look import Memory
from worker.operations.attendance.observe import Recent
from worker.operations.timetable import options
from worker.settings import Settings
from worker.store.database import Database
from worker.store.tables import Server
from worker.store.vault import Vault, key_in

Connect = Callable[[Server], bbb.Client]


@dataclass(frozen=True)
class Context:
    """The surroundings of an operation. Made once a process by a door; safe to share between threads."""

    database: Database
    settings: Settings
    vault: Vault
    connect: Connect

    @cached_property
    def bots(self) -> re.Pattern[str]:
        """Who is a recorder, not a person."""
        return re.compile(self.settings.bots)

    @cached_property
    def memory(self) -> Memory:
        """What this process knows of each server's last list; only a short cut."""
        return Memory(self.bots)

    @cached_property
    def recent(self) -> defaultdict[int, Recent]:
        """What this process observed last on each server; only a short cut."""
        return defaultdict(Recent)

    @property
    def rules(self) -> marks.Rules:
        """The thresholds in force."""
        settings = self.settings
        return marks.Rules(
            settings.present_percent,
            settings.partial_percent,
            settings.observed_percent,
            timedelta(seconds=settings.late_seconds),
            timedelta(seconds=settings.left_early_seconds),
        )


def make(settings: Settings) -> Context:
    """The surroundings that the settings describe. Opens no connection yet."""
    try:
        options.check(settings.create, "MEETINGZ_CREATE")
    except InputError as error:
        raise SettingsError(str(error)) from None
    key = settings.secret_key.get_secret_value() if settings.secret_key else key_in(settings.data_dir)
    vault = Vault(key)
    return Context(Database(settings.database), settings, vault, Clients(settings, vault))


class Clients:
    """One client a server, kept for its open connections; a changed address or secret makes a new one."""

    def __init__(self, settings: Settings, vault: Vault) -> None:
        self._settings, self._vault = settings, vault
        self._known: dict[int, tuple[tuple[str, bytes, str], bbb.Client]] = {}
        self._lock = threading.Lock()

    def __call__(self, server: Server) -> bbb.Client:
        identity = (server.api_url, server.secret, server.checksum)
        with self._lock:
            known = self._known.get(server.id)
            if known is None or known[0] != identity:
                known = self._known[server.id] = (identity, client_for(self._settings, self._vault, server))
            return known[1]


def client_for(settings: Settings, vault: Vault, server: Server) -> bbb.Client:
    """A new client for a server row."""
    return bbb.Client(
        bbb.Endpoint(server.api_url, vault.open(server.secret), server.checksum),
        connect_timeout=settings.connect_timeout_seconds,
        read_timeout=settings.read_timeout_seconds,
        max_reply_bytes=settings.reply_limit_bytes,
    )
