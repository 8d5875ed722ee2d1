#!/usr/bin/env bash
# minijinja compares values of different kinds without an error, where Jinja2 refuses.
#
# A text counts as more than any number, none as less. A filter such as `level >= 15` therefore holds for everybody
# whose attribute is empty or is delivered as a text, and `'10' < 9` is decided by the kinds and not by the numbers.
# Somebody who moves filters from Jinja2 gets no error where they had one. `in` takes a number into a text as well.
#
# Seen with minijinja 3.1.0 (the package wraps the Rust crate) and Jinja2 3.1.6. Ends with 0 while that holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check minijinja==3.1.0 jinja2==3.1.6

"$folder/venv/bin/python" - >"$folder/seen" <<'PYTHON'
import jinja2
import minijinja

mini = minijinja.Environment(undefined_behavior="strict")
jinja = jinja2.Environment(undefined=jinja2.StrictUndefined)


def outcome(evaluate):
    try:
        return repr(evaluate())
    except Exception as error:
        return type(error).__name__


for expression in ["'' >= 15", "'abc' > 5", "'10' < 9", "none < 1", "[3, '2', 1] | sort", "5 in 'a5'"]:
    ours = outcome(lambda: mini.eval_expr(expression))
    theirs = outcome(lambda: jinja.compile_expression(expression)())
    print(f"{expression}: minijinja {ours}, Jinja2 {theirs}")
PYTHON

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
'' >= 15: minijinja True, Jinja2 TypeError
'abc' > 5: minijinja True, Jinja2 TypeError
'10' < 9: minijinja False, Jinja2 TypeError
none < 1: minijinja True, Jinja2 TypeError
[3, '2', 1] | sort: minijinja [1, 3, '2'], Jinja2 TypeError
5 in 'a5': minijinja True, Jinja2 TypeError
EXPECTED
