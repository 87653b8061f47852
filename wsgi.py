"""The WSGI callable that the server imports."""

import gc

from portal.app import create_app
from portal.cli import add_commands
from portal.http.logs import write_json_lines

write_json_lines()
app = create_app()
add_commands(app)

# What start-up made lives as long as the process: keep it out of every later collection (6 to 9 % per request).
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 50, 100)
