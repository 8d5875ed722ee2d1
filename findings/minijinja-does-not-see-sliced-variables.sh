#!/usr/bin/env bash
# minijinja does not report a variable that an expression only slices, where Jinja2 does.
#
# `undeclared_variables` is how a program learns which attributes a template needs before it asks for them. Behind
# `email[:4]` the variable is not reported at all, behind `email[0]` it is. Who fetches what is reported, and checks names
# by it, fetches too little, and passes a misspelt name.
#
# Seen with minijinja 3.1.0 (the package wraps the Rust crate) and Jinja2 3.1.6. Ends with 0 while that holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check minijinja==3.1.0 jinja2==3.1.6

"$folder/venv/bin/python" - >"$folder/seen" <<'PYTHON'
import jinja2
import jinja2.meta
import minijinja

mini, jinja = minijinja.Environment(), jinja2.Environment()
for template in ["{{ email[0] }}", "{{ email[:4] }}", "{{ email[start:] }}", "{{ (first ~ last)[:2] }}"]:
    ours = sorted(mini.undeclared_variables_in_str(template))
    theirs = sorted(jinja2.meta.find_undeclared_variables(jinja.parse(template)))
    print(f"{template}: minijinja {', '.join(ours) or 'nothing'}; Jinja2 {', '.join(theirs)}")
PYTHON

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
{{ email[0] }}: minijinja email; Jinja2 email
{{ email[:4] }}: minijinja nothing; Jinja2 email
{{ email[start:] }}: minijinja start; Jinja2 email, start
{{ (first ~ last)[:2] }}: minijinja nothing; Jinja2 first, last
EXPECTED
