#!/usr/bin/env bash
# Three Python schedulers disagree about `30 2 * * *` in Europe/Berlin on both nights when the clock changes.
#
# In spring 02:30 does not exist: croniter and CronSim start at 03:00, APScheduler at 03:30. In autumn it exists twice:
# croniter starts twice, APScheduler twice, CronSim once. Every two hours, CronSim alone leaves the skipped one out.
# A job that must run once a day cannot rest on such a line alone, whoever reads it.
#
# Seen with croniter 7.0.0, cronsim 2.8 and APScheduler 3.11.3. Ends with 0 while that holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check croniter==7.0.0 cronsim==2.8 apscheduler==3.11.3

"$folder/venv/bin/python" - >"$folder/seen" <<'PYTHON'
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
from cronsim import CronSim

BERLIN = ZoneInfo("Europe/Berlin")


def with_croniter(line, start):
    times = croniter(line, start)
    while True:
        yield times.get_next(datetime)


def with_apscheduler(line, start):
    trigger, last = CronTrigger.from_crontab(line, timezone=BERLIN), None
    while True:
        last = trigger.get_next_fire_time(last, last or start)
        yield last


def starts(times, day):
    shown = []
    for moment in times:
        # Through UTC, so that a time which the clock never shows is told as the moment it is.
        moment = moment.astimezone(timezone.utc).astimezone(BERLIN)
        if moment.date() > day:
            return shown
        if moment.date() == day and moment.hour < 5:
            shown.append(moment.strftime("%H:%M%z"))


for name, day in [("spring", datetime(2027, 3, 28)), ("autumn", datetime(2026, 10, 25))]:
    for line in ["30 2 * * *", "0 */2 * * *"]:
        start = (day - timedelta(hours=1)).replace(tzinfo=BERLIN)
        print(name, "|", line, "| croniter", *starts(with_croniter(line, start), day.date()))
        print(name, "|", line, "| cronsim", *starts(CronSim(line, start), day.date()))
        print(name, "|", line, "| apscheduler", *starts(with_apscheduler(line, start), day.date()))
PYTHON

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
spring | 30 2 * * * | croniter 03:00+0200
spring | 30 2 * * * | cronsim 03:00+0200
spring | 30 2 * * * | apscheduler 03:30+0200
spring | 0 */2 * * * | croniter 00:00+0100 03:00+0200 04:00+0200
spring | 0 */2 * * * | cronsim 00:00+0100 04:00+0200
spring | 0 */2 * * * | apscheduler 00:00+0100 03:00+0200 04:00+0200
autumn | 30 2 * * * | croniter 02:30+0200 02:30+0100
autumn | 30 2 * * * | cronsim 02:30+0200
autumn | 30 2 * * * | apscheduler 02:30+0200 02:30+0100
autumn | 0 */2 * * * | croniter 00:00+0200 02:00+0200 02:00+0100 04:00+0100
autumn | 0 */2 * * * | cronsim 00:00+0200 02:00+0200 02:00+0100 04:00+0100
autumn | 0 */2 * * * | apscheduler 00:00+0200 02:00+0200 02:00+0100 04:00+0100
EXPECTED
