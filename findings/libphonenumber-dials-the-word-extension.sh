#!/usr/bin/env bash
# German and Austrian words for "extension" become digits of the number, and the result counts as valid.
#
# Staff directories write `App. 12`, `DW 12`, `Kl. 12`. libphonenumber knows `ext.`, `x` and `#`; other words it takes
# for letters of a keypad (APP is 277) or drops, and since German and Austrian numbers have no fixed length, what comes
# out is a possible and "valid" number of somebody else. libphonenumber-js, made from the same data, refuses instead.
#
# Seen with phonenumbers 9.0.43 (PyPI) and libphonenumber-js 1.13.16 (npm). Ends with 0 while that holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check phonenumbers==9.0.43
(cd "$folder" && npm init --yes >/dev/null && npm install --silent --no-audit --no-fund libphonenumber-js@1.13.16 >/dev/null)

cat >"$folder/numbers" <<'NUMBERS'
DE	030 1234567 App. 12
DE	+49 30 1234567 DW 12
AT	+43 1 2345678 Kl. 12
DE	+49 30 1234567 ext. 12
NUMBERS

"$folder/venv/bin/python" - "$folder/numbers" >"$folder/seen" <<'PYTHON'
import sys

import phonenumbers

for line in open(sys.argv[1]):
    region, text = line.rstrip("\n").split("\t")
    number = phonenumbers.parse(text, region)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    print(f"{text}: {e164}, extension {number.extension}, valid {phonenumbers.is_valid_number(number)}")
PYTHON
cat >"$folder/read.mjs" <<'SCRIPT'
import { readFileSync } from 'node:fs';
import parse from 'libphonenumber-js/max';
for (const line of readFileSync(process.argv[2], 'utf8').trim().split('\n')) {
    const [region, text] = line.split('\t');
    const number = parse(text, region);
    console.log(`${text}: ${number ? `${number.number}, extension ${number.ext}` : 'refused'}`);
}
SCRIPT
(cd "$folder" && node read.mjs numbers >>seen)

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
030 1234567 App. 12: +4930123456727712, extension None, valid True
+49 30 1234567 DW 12: +4930123456712, extension None, valid True
+43 1 2345678 Kl. 12: +431234567812, extension None, valid True
+49 30 1234567 ext. 12: +49301234567, extension 12, valid True
030 1234567 App. 12: refused
+49 30 1234567 DW 12: refused
+43 1 2345678 Kl. 12: refused
+49 30 1234567 ext. 12: +49301234567, extension 12
EXPECTED
