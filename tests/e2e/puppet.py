"""Stands in for any of the three programs: ready at once, and its own port answers nothing.

--habit=not-ready: answers probes, slowly, that it is not ready; --habit=linger: takes three seconds to end.
"""

import argparse
import http.server
import signal
import socket
import sys
import time


class Admin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        print("probed", flush=True)
        if HABIT == "not-ready":
            time.sleep(0.5)
        self.send_response(503 if HABIT == "not-ready" else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


def end(*_):
    if HABIT == "linger":
        time.sleep(3)
    sys.exit(0)


def address(text):
    host, port = text.split(":")
    return host, int(port)


parser = argparse.ArgumentParser()
parser.add_argument("--listen", type=address)
parser.add_argument("--admin-listen", type=address)
parser.add_argument("--habit", default="")
arguments = parser.parse_known_args()[0]
HABIT = arguments.habit
signal.signal(signal.SIGTERM, end)
listener = socket.create_server(arguments.listen)
http.server.HTTPServer(arguments.admin_listen, Admin).serve_forever()
