"""Streams read from a raw socket, so that a test sees exactly what a client gets, and when."""

import http.client
import json
import time
import urllib.parse
from dataclasses import dataclass, field


@dataclass
class Stream:
    """One streamed answer."""
    status: int = 0
    text: str = ""
    finish_reason: str | None = None
    usage: dict | None = None
    error: dict | None = None
    saw_done: bool = False
    clean_end: bool = False  # the chunked body ended as HTTP says it should
    broken: str = ""         # how the connection broke, when it did
    arrivals: list = field(default_factory=list)  # of each event, monotonic seconds

    @property
    def complete(self):
        return self.saw_done and self.clean_end and self.finish_reason is not None

    @property
    def longest_gap(self):
        pairs = zip(self.arrivals, self.arrivals[1:])
        return max((later - earlier for earlier, later in pairs), default=0.0)

    def outcome(self):
        """What must be the same each time."""
        return (self.status, self.text, self.finish_reason, self.usage)

    def take(self, data):
        """Reads one event."""
        self.arrivals.append(time.monotonic())
        if data == "[DONE]":
            self.saw_done = True
            return
        event = json.loads(data)
        if "error" in event:
            self.error = event["error"]
            return
        for choice in event["choices"]:
            self.text += choice.get("text") or choice.get("delta", {}).get("content") or ""
            self.finish_reason = choice["finish_reason"] or self.finish_reason
        self.usage = event.get("usage") or self.usage


def open_stream(url, path, body, timeout=60):
    """(connection, response) of a request that asks for a stream."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    request = {**body, "stream": True, "stream_options": {"include_usage": True}}
    connection.request("POST", path, json.dumps(request), {"Content-Type": "application/json"})
    return connection, connection.getresponse()


def read_stream(url, path, body, timeout=60, on_event=None):
    """Reads a whole stream. on_event(stream) is called after each event."""
    stream = Stream()
    connection = None
    try:
        connection, response = open_stream(url, path, body, timeout)
        stream.status = response.status
        if response.status != 200:
            stream.error = json.loads(response.read()).get("error")
            return stream
        stream.arrivals.append(time.monotonic())
        for line in response:
            if line.startswith(b"data: "):
                stream.take(line[len(b"data: "):].decode().rstrip("\r\n"))
                if on_event:
                    on_event(stream)
        # http.client ends the loop without complaint when the last chunk is missing.
        stream.clean_end = response.chunk_left is None and response.isclosed()
    except (OSError, http.client.HTTPException, ValueError) as error:
        stream.broken = f"{type(error).__name__}: {error}"
    finally:
        if connection:
            connection.close()
    return stream
