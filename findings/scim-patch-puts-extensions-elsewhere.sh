#!/usr/bin/env bash
# scim-patch, which many Node services use to carry out PATCH, writes an extension into a key that nobody reads.
#
# RFC 7644 allows a `replace` without a path whose value holds the extension under its URN, and one whose path is the
# URN. scim-patch splits the URN at its last dot and colon: the new department lands in
# `urn:ietf:params:scim:schemas:extension:enterprise:2.0` > `User`, beside the untouched extension. No error is raised, so
# such a service answers with success. Only a path down to the attribute (`urn:…:User:department`) is carried out.
#
# Seen with scim-patch 0.8.3; scim2-models 0.12.3 carries out all three. Ends with 0 while that holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scim2-models==0.12.3
(cd "$folder" && npm init --yes >/dev/null && npm install --silent --no-audit --no-fund scim-patch@0.8.3 >/dev/null)

cat >"$folder/cases.json" <<'CASES'
{
  "user": {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
    "userName": "ada@example.com",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "IT", "costCenter": "7"}
  },
  "patches": {
    "attribute": {"op": "replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "HR"},
    "extension": {"op": "replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "value": {"department": "HR"}},
    "no path": {"op": "replace", "value": {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "HR"}}}
  }
}
CASES
cat >"$folder/node.mjs" <<'SCRIPT'
import { readFileSync } from 'node:fs';
import { scimPatch } from 'scim-patch';
const { user, patches } = JSON.parse(readFileSync('cases.json', 'utf8'));
const urn = user.schemas[1];
for (const [name, patch] of Object.entries(patches)) {
    const after = scimPatch(structuredClone(user), [patch]);
    const strange = Object.keys(after).filter((key) => !(key in user));
    console.log(`scim-patch, ${name}: ${after[urn].department}${strange.map((key) => ` and ${key} ${JSON.stringify(after[key])}`).join('')}`);
}
SCRIPT
(cd "$folder" && node node.mjs >seen)
(cd "$folder" && venv/bin/python - >>seen) <<'PYTHON'
import json

from scim2_models import EnterpriseUser, PatchOp, User

cases = json.load(open("cases.json"))
urn = cases["user"]["schemas"][1]
kind = User[EnterpriseUser]
for name, operation in cases["patches"].items():
    user = kind.model_validate(cases["user"])
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
    PatchOp[kind].model_validate(body).patch(user)
    print(f"scim2-models, {name}: {user.model_dump()[urn]['department']}")
PYTHON

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
scim-patch, attribute: HR
scim-patch, extension: IT and urn:ietf:params:scim:schemas:extension:enterprise:2.0 {"User":{"department":"HR"}}
scim-patch, no path: IT and urn:ietf:params:scim:schemas:extension:enterprise:2.0 {"User":{"department":"HR"}}
scim2-models, attribute: HR
scim2-models, extension: HR
scim2-models, no path: HR
EXPECTED
