"""Makes the parts of three pages in docs/ that the program knows itself: ``python -m tests.pages``.

What stands between the two marks of a page is made; what stands around them is written by hand.
"""

import re
from pathlib import Path
from typing import Literal, get_args, get_origin

import typer

from worker import settings
from worker.cli import app

DOCS = Path(__file__).resolve().parents[1] / "docs"
BEGIN, END = "<!-- made by python -m tests.pages -->", "<!-- end -->"
UNITS = {"seconds": "s", "days": "days", "percent": "%", "bytes": "bytes"}


def commands(group=None, path=()):
    """Every command with its path, in the order of the help."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def commands_part():
    return "\n".join(_command(path, command) for path, command in commands())


def _command(path, command):
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and each.name != "help"]
    title = " ".join(["meetingz", *path, *map(_argument, arguments)])
    rows = [f"| `{_text(_argument(each))}` | {_notes(each)} |" for each in arguments]
    rows += [f"| `{_option(each)}` | {_notes(each)} |" for each in options]
    table = ["| | |", "|---|---|", *rows, ""] if rows else []
    return "\n".join([f"### `{title}`", "", _text(command.help), "", *table])


def _argument(parameter):
    name = (parameter.metavar or parameter.name.upper()).strip("{}[]").removesuffix("...").strip("[]")
    name += "..." if parameter.nargs == -1 else ""
    return name if parameter.required else f"[{name}]"


def _option(parameter):
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    if parameter.is_flag:
        return names
    return f"{names} {parameter.metavar or parameter.name.upper()}"


def _notes(parameter):
    notes = [_text(parameter.help)]
    if choices := _choices(parameter.type_descriptor.annotation):
        notes.append(f"One of {', '.join(f'`{each}`' for each in choices)}.")
    if parameter.param_type_name == "option":
        if parameter.required:
            notes.append("Required.")
        elif parameter.default not in (None, False, "", ()) and not parameter.is_flag:
            notes.append(f"Default: `{parameter.default}`.")
    return " ".join(notes).replace("<", "&lt;")


def _choices(annotation):
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _text(text):
    return " ".join((text or "").replace("|", "\\|").split())


def settings_part():
    meanings = comments()
    lines = ["| Variable | Default | Unit | Meaning |", "|---|---|---|---|"]
    for name, field in settings.Settings.model_fields.items():
        lines.append(
            f"| `MEETINGZ_{name.upper()}` | {_default(field)} | {_unit(name, field)} | {meanings.get(name, '')} |"
        )
    return "\n".join([*lines, ""])


def aliases():
    """Every other name of a setting -> its own."""
    found = {}
    for name, field in settings.Settings.model_fields.items():
        for other in getattr(field.validation_alias, "choices", ()):
            if str(other) != f"MEETINGZ_{name.upper()}":
                found[str(other)] = f"MEETINGZ_{name.upper()}"
    return found


def _default(field):
    value = field.get_default(call_default_factory=True)
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if value in (None, "", {}):
        return "none"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"`{text}`".replace("|", "\\|")


def _unit(name, field):
    if "SecretStr" in str(field.annotation):
        return "secret"
    return UNITS.get(name.rpartition("_")[2], "")


def comments():
    """What the ``#:`` comments of the settings say: above a field, or behind it."""
    found, above, field = {}, [], ""
    for line in Path(settings.__file__).read_text(encoding="utf-8").splitlines():
        code, mark, text = line.partition("#:")
        if begins := re.match(r"    (\w+): ", code):
            field = begins[1]
            found[field], above = above, []
        if mark and code == "    ":
            above.append(text.strip())
        elif mark:
            found[field].append(text.strip())
    return {name: _sentence(" ".join(texts)) for name, texts in found.items() if texts}


def _sentence(text):
    text = _text(text.replace("``", "`"))
    return f"{text[0].upper()}{text[1:]}" + ("" if text.endswith((".", "...")) else ".")


#: What is read first; the other pages follow by name.
FIRST = ("quickstart", "commands", "settings", "timetable", "attendance", "recordings", "deployment")


def index_part():
    files = [path for path in DOCS.rglob("*.md") if path.name != "index.md"]
    of = {folder: sorted(path for path in files if path.parent == folder) for folder in {path.parent for path in files}}
    own = sorted(of.pop(DOCS), key=lambda path: FIRST.index(path.stem) if path.stem in FIRST else len(FIRST))
    lines = [*map(_linked, own), ""]
    for folder, inside in sorted(of.items()):
        lines += [f"## {folder.name.capitalize()}", "", *map(_linked, inside), ""]
    return "\n".join(lines)


def _linked(path):
    title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    return f"- [{title}]({path.relative_to(DOCS)})"


PARTS = {"commands.md": commands_part, "settings.md": settings_part, "index.md": index_part}


def page(name):
    """The page as it should be: what is written by hand, with the made part renewed."""
    text = (DOCS / name).read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{PARTS[name]()}\n{END}{tail}"


if __name__ == "__main__":
    for name in PARTS:
        (DOCS / name).write_text(page(name), encoding="utf-8")
