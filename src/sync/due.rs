//! Which targets a run by the clock takes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::config::TargetSettings;
use crate::plan::Due;
use crate::zone::Zone;

/// A target, and what is remembered of its runs by the clock.
#[derive(Clone, Copy, Debug)]
pub struct Scheduled<'a> {
    /// Its section of the file.
    pub target: &'a TargetSettings,
    /// When the last slot began that had its run.
    pub last_slot: Option<DateTime<Utc>>,
    /// Whether its section changed since its last run, or it never ran.
    pub changed: bool,
}

impl Scheduled<'_> {
    /// When it is due: `None` for each time.
    pub fn due(&self, now: DateTime<Utc>, zone: Zone) -> Option<Due> {
        Some(self.target.every?.due(self.last_slot, now, zone))
    }
}

/// What is due, and when the rest is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueTargets {
    /// To run now, each with the beginning of the slot it runs for; `None` without `every`.
    pub now: BTreeMap<Box<str>, Option<DateTime<Utc>>>,
    /// The next to be due, and when: those of the earliest moment, in the order of the file.
    pub next: Option<(DateTime<Utc>, Vec<Box<str>>)>,
    /// Left alone, in the order of the file.
    pub paused: Vec<Box<str>>,
}

impl DueTargets {
    /// Sorts targets by when they are due.
    pub fn of(targets: &[Scheduled<'_>], now: DateTime<Utc>, zone: Zone) -> Self {
        let mut found = Self::default();
        for one in targets {
            let name = one.target.plan.name.clone();
            match one.due(now, zone) {
                _ if one.target.paused => found.paused.push(name),
                None => {
                    found.now.insert(name, None);
                }
                Some(Due::Now(slot)) => {
                    found.now.insert(name, Some(slot));
                }
                Some(Due::Later(_)) if one.changed => {
                    found.now.insert(name, None);
                }
                Some(Due::Later(moment)) => found.wait(moment, name),
            }
        }
        found
    }

    fn wait(&mut self, moment: DateTime<Utc>, name: Box<str>) {
        match &mut self.next {
            Some((earliest, _)) if *earliest < moment => {}
            Some((earliest, names)) if *earliest == moment => names.push(name),
            next => *next = Some((moment, vec![name])),
        }
    }

    /// Until when nothing is due, in words; moments on the clock of the zone.
    pub fn nothing(&self, zone: Zone) -> String {
        let mut words = match &self.next {
            Some((moment, names)) => {
                format!("nothing is due until {} ({})", zone.minute(*moment), names.join(", "))
            }
            None => "nothing is due".to_owned(),
        };
        if !self.paused.is_empty() {
            let verb = if self.paused.len() == 1 { "is" } else { "are" };
            words += &format!("; {} {verb} paused", self.paused.join(", "));
        }
        words
    }
}
