"""Seeded crowds: who comes when, drops out, returns, and goes."""

import random
from typing import NamedTuple

from worker.simulator.meeting import MODERATOR, VIEWER

NAMES = (
    "زهرا محمدی", "علی رضایی", "مریم کریمی", "حسین احمدی", "فاطمه موسوی", "محمد‌رضا جعفری", "نرگس شریفی",
    "امیر‌حسین نوری", "سارا حیدری", "رضا قاسمی", "پریسا صادقی", "مهدی رحیمی", "نیلوفر عباسی", "یاسمن میر‌زایی",
    "Ali Rezaei", "Sara O'Connor", "John Smith", "Mina Hosseini", "Emma & Co", "Reza Karimi", "Anna Müller",
    "David Lee", "Leila Ahmadi", "Tom <3 Brown", "Zoë Kravitz 🙂", "Omid Moradi", "Nora Jalali", "Sam Taylor",
)  # fmt: skip
TEACHERS = ("دکتر شیرین عبادیان", "استاد کامران پارسا", "Dr. Ada Byron", "Prof. Omar Khayyam")


class Person(NamedTuple):
    """Somebody of a crowd."""

    user_id: str
    full_name: str
    role: str


class Act(NamedTuple):
    """What a person does, so many seconds after the start of the play."""

    at: float
    kind: str
    device: str = "1"


class Script(NamedTuple):
    """A person and all that he does, in order."""

    person: Person
    acts: list[Act]


def crowd(
    seed: int, size: int, *, length: float, teacher: bool = True, prefix: str = "s", gap: float | None = None
) -> list[Script]:
    """A repeatable class of `size` people over `length` seconds, the teacher included.

    Starts are relative to the planned start: somebody early has a negative time. No absence and no stay of anybody
    is shorter than `gap` (a tenth of the length, unless told), so that what an observer reports can be judged.
    """
    dice = random.Random(f"{seed}/{prefix}")  # noqa: S311 (repeatable on purpose)
    shortest = length / 10 if gap is None else gap
    scripts = [_teacher(dice, prefix, length)] if teacher and size else []
    while len(scripts) < size:
        scripts.append(_student(dice, prefix, len(scripts), length, shortest))
    return scripts


def _teacher(dice: random.Random, prefix: str, length: float) -> Script:
    person = Person(f"{prefix}-teacher", dice.choice(TEACHERS), MODERATOR)
    return Script(person, [Act(-0.02 * length, "join"), Act(length, "leave")])


def _student(dice: random.Random, prefix: str, number: int, length: float, gap: float) -> Script:
    person = Person(f"{prefix}{number:03d}", dice.choice(NAMES), VIEWER)
    part = dice.choices((_steady, _late, _early_leaver, _dropper, _two_devices), weights=(12, 6, 3, 6, 3))[0]
    return Script(person, sorted(part(dice, length, gap)))


def _arrival(dice: random.Random, length: float) -> float:
    return dice.uniform(-0.02, 0.05) * length


def _departure(dice: random.Random, length: float) -> float:
    return dice.uniform(0.97, 1.0) * length


def _stay(start: float, stop: float, device: str = "1") -> list[Act]:
    return [Act(start, "join", device), Act(stop, "leave", device)]


def _steady(dice: random.Random, length: float, gap: float) -> list[Act]:
    return _stay(_arrival(dice, length), _departure(dice, length))


def _late(dice: random.Random, length: float, gap: float) -> list[Act]:
    stop = _departure(dice, length)
    return _stay(min(dice.uniform(0.15, 0.6) * length, stop - gap), stop)


def _early_leaver(dice: random.Random, length: float, gap: float) -> list[Act]:
    start = _arrival(dice, length)
    return _stay(start, max(dice.uniform(0.3, 0.8) * length, start + gap))


def _dropper(dice: random.Random, length: float, gap: float) -> list[Act]:
    start, stop = _arrival(dice, length), _departure(dice, length)
    spare = stop - start - 3 * gap
    if spare <= 0:
        return _stay(start, stop)
    lost = start + gap + dice.uniform(0, spare / 2)
    back = lost + gap + dice.uniform(0, spare / 2)
    return _stay(start, lost) + _stay(back, stop)


def _two_devices(dice: random.Random, length: float, gap: float) -> list[Act]:
    start, stop = _arrival(dice, length), _departure(dice, length)
    spare = max(0.0, stop - start - 2 * gap)
    second = start + gap / 2 + dice.uniform(0, spare / 2)
    return _stay(start, stop) + _stay(second, max(second + gap, stop - gap / 2 - dice.uniform(0, spare / 4)), "2")
