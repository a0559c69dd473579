"""``meetingz db``: the tables."""

import typer

from worker.cli import door

app = typer.Typer(name="db", help="The database: bring its tables up to date, check them.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the tables up to date; harmless when they are."""
    from worker.store import migrate

    database = door.context(migrated=False).database
    before = migrate.current(database)
    migrate.upgrade(database)
    after = migrate.current(database)
    door.say(f"the database is at revision {after}" + ("" if before == after else f", it was {before or 'empty'}"))


@app.command()
def check() -> None:
    """Exit 1 unless the tables are those of this program."""
    from worker.store import migrate

    database = door.context(migrated=True).database
    if found := migrate.differences(database):
        door.say(found)
        raise typer.Exit(1)
    door.say(f"the database is at revision {migrate.current(database)}, as it should be")


@app.command()
def rekey() -> None:
    """Encrypt every stored secret anew with the first of the keys; then the older ones can be taken away."""
    from worker.operations.installation import rekeying

    done = rekeying.everything(door.context(migrated=True), door.now())
    found = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in done.items())
    door.say(
        f"written with the first key: {found}" if any(done.values()) else "all is written with the first key already"
    )
