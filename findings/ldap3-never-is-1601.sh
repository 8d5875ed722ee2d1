#!/usr/bin/env bash
# ldap3 reads the two values by which Active Directory says "never expires" as two dates, one of them long past.
#
# `accountExpires` is 0 for an account that never had an end, and 9223372036854775807 for one whose end was taken back;
# both mean never. With the schema of a domain controller loaded, ldap3 delivers 1601-01-01 for the first and
# 9999-12-31 for the second. Who compares that with today finds that most of a company has expired. `raw_attributes`
# keeps the number that tells them apart from a date.
#
# Seen with ldap3 2.9.1 and the schema of a domain controller that it brings along. Ends with 0 while that holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ldap3==2.9.1

"$folder/venv/bin/python" - >"$folder/seen" <<'PYTHON'
from ldap3 import MOCK_SYNC, OFFLINE_AD_2012_R2, Connection, Server

server = Server("dc.example.com", get_info=OFFLINE_AD_2012_R2)
connection = Connection(server, user="cn=reader,dc=example,dc=com", password="x", client_strategy=MOCK_SYNC)
strategy = connection.strategy
strategy.add_entry("cn=reader,dc=example,dc=com", {"userPassword": "x", "sn": "reader"})
for name, moment in [("ines", "0"), ("rafael", "9223372036854775807"), ("ada", "134395200000000000")]:
    strategy.add_entry(
        f"cn={name},dc=example,dc=com", {"objectClass": "user", "sAMAccountName": name, "accountExpires": moment}
    )
connection.bind()
connection.search("dc=example,dc=com", "(sAMAccountName=*)", attributes=["sAMAccountName", "accountExpires"])
for entry in sorted(connection.response, key=lambda entry: entry["dn"]):
    raw = entry["raw_attributes"]["accountExpires"][0].decode()
    value = entry["attributes"]["accountExpires"]
    value = value[0] if isinstance(value, list) else value
    print(raw, "is", value.date())
PYTHON

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
134395200000000000 is 2026-11-19
0 is 1601-01-01
9223372036854775807 is 9999-12-31
EXPECTED
