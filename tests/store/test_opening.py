"""Opening a new file: whoever comes at the same time waits, whatever the others are doing to it."""

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from worker.store.database import Database


def test_many_that_open_a_new_file_at_once_all_get_in(tmp_path):
    together = threading.Barrier(8)

    def first(url):
        database = Database(url)
        together.wait()
        with database.write() as session:
            session.execute(text("CREATE TABLE IF NOT EXISTS notes (id INTEGER)"))
            session.execute(text("INSERT INTO notes VALUES (1)"))
        database.dispose()

    for number in range(40):
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(first, [f"sqlite:///{tmp_path / str(number)}.db"] * 8))
