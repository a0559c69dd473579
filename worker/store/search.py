"""Looking for text as people type it: letters of Arabic keyboards, digits of three kinds, capitals and spaces aside."""

from typing import Any

from sqlalchemy import ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from worker.domain.text import LOOK_ALIKE, match_key

#: The function's name in SQLite, where each connection is given it.
FOLD = "meetingz_fold"


class _Folded(FunctionElement[str]):
    """``match_key`` of a column, in the database."""

    type = String()
    inherit_cache = True


@compiles(_Folded, "sqlite")
def _by_us(element: _Folded, compiler: SQLCompiler, **how: Any) -> str:
    return f"{FOLD}({compiler.process(element.clauses, **how)})"


@compiles(_Folded, "postgresql")
def _by_postgres(element: _Folded, compiler: SQLCompiler, **how: Any) -> str:
    # What has nothing in its place at the end of the second list is left out.
    kept = sorted(LOOK_ALIKE.items(), key=lambda pair: not pair[1])
    before = "".join(chr(letter) for letter, _ in kept)
    after = "".join(other for _, other in kept)
    return f"translate(lower({compiler.process(element.clauses, **how)}), '{before}', '{after}')"


def holds(column: InstrumentedAttribute[Any], text: str) -> ColumnElement[bool]:
    """Whether a column of text holds this, however either of the two is spelt."""
    return _Folded(column).contains(match_key(text), autoescape=True)
