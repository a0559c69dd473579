"""The web door: pages for people who will never see a terminal, and JSON for programs; over the same operations.

* app.py        the application: routers hung in, errors turned into pages or JSON
* shield.py     headers, origin check and size limit around every request
* access.py     who may sign in, and with which token: argon2 for passwords, digests for tokens
* session.py    the signed cookie, and what each visitor may see and change
* page.py       templates, languages, dates as readers write them; speech.py reads the words
* charts.py     lines and bars as SVG
* the pages     login, now, timetable, courses, imports, sittings, reports, people, recordings, servers, join; health
                and metrics for machines
* api.py        /api/v1, api_changes.py what programs change by it; callbacks.py what servers tell us

Handlers are plain functions in a pool of threads. A page asks the tables, an action calls one operation and redirects.
"""
