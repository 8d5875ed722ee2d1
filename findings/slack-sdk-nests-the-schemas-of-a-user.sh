#!/usr/bin/env bash
# A user that Slack's own SDK reads over SCIM and writes back carries a `schemas` that is no list of texts any more.
#
# The SDK turns the keys of an answer into snake case. It treats a list of texts as if its items were objects: each item
# becomes the whole list, and two schemas come back as two lists of two. The URN of the enterprise extension is turned
# into `…:2.0:_user` on the way in, so that nobody finds a department under its name. Read, change one field and update
# is the way a PUT is meant to be used; here it sends a body that the RFC does not allow.
#
# Seen with slack_sdk 3.48.0 against a server on this machine. Ends with 0 while that holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check slack_sdk==3.48.0

"$folder/venv/bin/python" - >"$folder/seen" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from slack_sdk.scim import SCIMClient

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
USER = {"schemas": [CORE, ENTERPRISE], "id": "U1", "userName": "ada", "active": True, ENTERPRISE: {"department": "IT"}}
received = []


class Service(BaseHTTPRequestHandler):
    def answer(self):
        received.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        body = json.dumps(USER).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = answer

    def log_message(self, *arguments):
        pass


server = HTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = SCIMClient(token="invented", base_url=f"http://127.0.0.1:{server.server_port}/")
user = client.read_user("U1").user
print("read, beside the known fields:", *user.unknown_fields)
client.update_user(user)
sent = json.loads(received[-1])["schemas"]
print("sent:", json.dumps(sent).replace(CORE, "CORE").replace(ENTERPRISE, "ENTERPRISE"))
server.shutdown()
PYTHON

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
read, beside the known fields: urn:ietf:params:scim:schemas:extension:enterprise:2.0:_user
sent: [["CORE", "ENTERPRISE"], ["CORE", "ENTERPRISE"]]
EXPECTED
