"""What somebody would write in an afternoon: reads every employee and writes a CSV file.

For the bench `end_to_end`, which runs it where python3 has `requests`. Arguments: the address of Personio's API, and the
file to write. It asks for the attributes that it writes, compares nothing and remembers nothing.
"""

import csv
import sys

import requests

ATTRIBUTES = ["id", "first_name", "last_name", "email", "department", "office", "position", "supervisor", "hire_date"]


def named(value, *path):
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value["value"] if isinstance(value, dict) and "value" in value else value or ""


def row(record):
    fields = {key: field["value"] for key, field in record["attributes"].items()}
    person = fields.get("supervisor") or {}
    first, last = (named(person, "attributes", part) for part in ("first_name", "last_name"))
    return [
        fields["id"],
        f"{fields.get('first_name')} {fields.get('last_name')}",
        (fields.get("email") or "").lower(),
        named(fields.get("department"), "attributes", "name"),
        named(fields.get("office"), "attributes", "name"),
        fields.get("position") or "",
        f"{first} {last}".strip(),
        (fields.get("hire_date") or "")[:10],
    ]


def main(base, path):
    session = requests.Session()
    answer = session.post(f"{base}/v1/auth", json={"client_id": "bench", "client_secret": "sandbox-secret"})
    session.headers["Authorization"] = "Bearer " + answer.json()["data"]["token"]
    offset, rows = 0, []
    while True:
        query = {"limit": 100, "offset": offset, "attributes[]": ATTRIBUTES}
        page = session.get(f"{base}/v1/company/employees", params=query).json()["data"]
        if not page:
            break
        rows += map(row, page)
        offset += len(page)
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["Employee", "Name", "E-mail", "Department", "Office", "Position", "Manager", "Since"])
        table.writerows(rows)


main(*sys.argv[1:])
