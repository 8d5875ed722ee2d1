#!/usr/bin/env bash
# taplo checks a TOML file against a schema of draft 2020-12, and passes over the keywords that came after draft 7.
#
# `unevaluatedProperties`, `prefixItems` and `dependentRequired` stand in the schema, the schema names its draft, and
# taplo says nothing and ends with 0, while it does hold the file against `const`, `type` and `$ref`. A schema that
# closes its tables with `unevaluatedProperties` (as generators do where shapes are put together from parts) lets every
# misspelt key through in editors that use taplo. `additionalProperties` and draft 7 words are what it reads.
#
# Seen with taplo 0.9.3 (PyPI) and check-jsonschema 0.39.0, which sees all of it. Ends with 0 while that holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check taplo==0.9.3 check-jsonschema==0.39.0

cat >"$folder/schema.json" <<'SCHEMA'
{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {"target": {"$ref": "#/$defs/Target"}},
  "$defs": {
    "Common": {"type": "object", "properties": {"paused": {"type": "boolean"}}},
    "Target": {
      "allOf": [{"$ref": "#/$defs/Common"}],
      "properties": {
        "name": {"type": "string"},
        "kind": {"const": "file"},
        "ports": {"prefixItems": [{"type": "integer"}]},
        "sign_in": {"dependentRequired": {"user": ["password"]}}
      },
      "unevaluatedProperties": false
    }
  }
}
SCHEMA
try() {
    printf '[target]\n%s\n' "$2" >"$folder/$1.toml"
    local taplo=passes other=passes
    "$folder/venv/bin/taplo" check --schema "file://$folder/schema.json" "$folder/$1.toml" >"$folder/log" 2>&1 || taplo=refuses
    "$folder/venv/bin/check-jsonschema" --schemafile "$folder/schema.json" "$folder/$1.toml" >"$folder/log" 2>&1 || other=refuses
    echo "$1: taplo $taplo, check-jsonschema $other"
}
{
    try valid 'name = "desk"'
    try type 'name = 1'
    try const 'kind = "desk"'
    try unevaluatedProperties 'pausd = true'
    try prefixItems 'ports = ["first"]'
    try dependentRequired 'sign_in = { user = "reader" }'
} >"$folder/seen"

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
valid: taplo passes, check-jsonschema passes
type: taplo refuses, check-jsonschema refuses
const: taplo refuses, check-jsonschema refuses
unevaluatedProperties: taplo passes, check-jsonschema refuses
prefixItems: taplo passes, check-jsonschema refuses
dependentRequired: taplo passes, check-jsonschema refuses
EXPECTED
