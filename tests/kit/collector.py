"""A receiver for spans (OTLP over HTTP). The interpreter of a kit runs this file, because it has the message types.

Arguments: the port on 127.0.0.1, and a file. Each received span becomes one line of this file: JSON with the attributes
of its resource under `resource`.
"""

from __future__ import annotations

import gzip
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps
from pathlib import Path

# mypy checks this file without these packages: only the environments of kits have them.
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped, import-not-found, unused-ignore]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # type: ignore[import-not-found, unused-ignore]
    ExportTraceServiceRequest,
)


class Receiver(BaseHTTPRequestHandler):
    """Answers each export with 200."""

    def do_POST(self) -> None:
        """Write the spans of one export to the file."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path != "/v1/traces":
            self.send_error(404)
            return
        for group in MessageToDict(ExportTraceServiceRequest.FromString(body))["resourceSpans"]:
            resource = {pair["key"]: pair["value"] for pair in group["resource"]["attributes"]}
            with Path(sys.argv[2]).open("a") as file:
                for part in group["scopeSpans"]:
                    for span in part["spans"]:
                        file.write(dumps({**span, "scope": part["scope"]["name"], "resource": resource}) + "\n")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
