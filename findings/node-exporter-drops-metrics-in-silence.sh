#!/usr/bin/env bash
# Two text files that share a metric: node_exporter serves one of them and reports no error.
#
# When two programs, or two configurations of one, leave the same metric in the folder of node_exporter with another
# HELP line, the second file's samples are gone from the answer; `node_textfile_scrape_error` stays 0 and both files
# count as read, so an alarm on that metric sees nothing. A sample with a time stamp, which `promtool check metrics`
# passes, makes it leave out the whole file, then with an error. So: one HELP text for ever, no time stamps.
#
# Seen with prometheus-node-exporter 1.5.0 and promtool 2.42.0 of Debian 12. Ends with 0 while that holds.
set -euo pipefail
folder=$(mktemp -d)
exporter=
trap '[ -z "$exporter" ] || kill "$exporter"; rm -rf "$folder"' EXIT
chmod 755 "$folder"
(cd "$folder" && apt-get download -qq prometheus-node-exporter=1.5.0-1+b6 prometheus=2.42.0+ds-5+deb12u1 2>/dev/null)
for package in "$folder"/*.deb; do dpkg -x "$package" "$folder/debian"; done
bin=$folder/debian/usr/bin
mkdir "$folder/metrics"

"$bin/prometheus-node-exporter" --collector.disable-defaults --collector.textfile \
    --collector.textfile.directory="$folder/metrics" --web.listen-address=127.0.0.1:19117 >"$folder/log" 2>&1 &
exporter=$!
answer() { curl --silent --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1:19117/metrics; }
metric() { printf '# HELP sync_people_in_line %s\n# TYPE sync_people_in_line gauge\nsync_people_in_line{target="%s"} %s\n' "$1" "$2" "$3"; }
shown() { answer | grep -E '^(sync_people_in_line|node_textfile_scrape_error)' | sed "s|^|$1: |"; }
{
    metric "People in line." desk "250" >"$folder/metrics/desk.prom"
    metric "People in line." wiki "249" >"$folder/metrics/wiki.prom"
    shown "one text"
    metric "People whose account is in line." wiki "249" >"$folder/metrics/wiki.prom"
    shown "another text"
    metric "People in line." wiki "249 1795760000000" >"$folder/metrics/wiki.prom"
    "$bin/promtool" check metrics <"$folder/metrics/wiki.prom" && echo "time stamp: promtool passes"
    shown "time stamp"
} >"$folder/seen"

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
one text: node_textfile_scrape_error 0
one text: sync_people_in_line{target="desk"} 250
one text: sync_people_in_line{target="wiki"} 249
another text: node_textfile_scrape_error 0
another text: sync_people_in_line{target="desk"} 250
time stamp: promtool passes
time stamp: node_textfile_scrape_error 1
time stamp: sync_people_in_line{target="desk"} 250
EXPECTED
