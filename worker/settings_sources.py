"""Where settings come from beside variables: the file in force, and files that hold one secret each."""

import os
from pathlib import Path
from typing import Any

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from worker.errors import SettingsError


class SecretFiles(PydanticBaseSettingsSource):
    """``MEETINGZ_SECRET_KEY_FILE=/run/secrets/key`` for every field that holds a secret, where the variable is not set.

    Ours go before the names of other programs: ``MEETINGZ_DATABASE_URL_FILE`` before ``DATABASE_URL``.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        # By the key under which variables and files bring the field: two keys for one field would be refused.
        key = f"MEETINGZ_{field_name.upper()}" if field.validation_alias else field_name
        for variable in variables(field_name, field):
            if variable in os.environ:
                break
            if path := os.environ.get(f"{variable}_FILE"):
                return _contents(variable, path), key, False
        return None, key, False

    def __call__(self) -> dict[str, Any]:
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            if "SecretStr" in str(field.annotation):
                value, key, _ = self.get_field_value(field, name)
                if value is not None:
                    found[key] = value
        return found


def read_from(name: str, field: FieldInfo) -> str:
    """The variable that brought a field; ours where none did, for that is the name it is known by."""
    known = variables(name, field)
    brought = (each for known_as in known for each in (known_as, f"{known_as}_FILE") if each in os.environ)
    return next(brought, known[0])


def variables(name: str, field: FieldInfo) -> list[str]:
    """The variables that bring a field, the first one that is set before the others."""
    alias = field.validation_alias
    names = [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else []
    return names or [f"MEETINGZ_{name.upper()}"]


def _contents(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{variable}_FILE: cannot read {path}: {getattr(error, 'strerror', error)}") from None


def config_file() -> Path | None:
    """The settings file in force: ``MEETINGZ_CONFIG``, else ``config/meetingz.toml`` here, else /etc/meetingz."""
    if named := os.environ.get("MEETINGZ_CONFIG"):
        if not Path(named).is_file():
            raise SettingsError(f"MEETINGZ_CONFIG: there is no file {named}")
        return Path(named)
    for place in (Path("config/meetingz.toml"), Path("/etc/meetingz/meetingz.toml")):
        if place.is_file():
            return place
    return None
