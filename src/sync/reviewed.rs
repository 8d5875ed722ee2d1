//! Plans that bind: what somebody reviewed is carried out, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::code::Code;
use crate::exit::{Failure, Reason};
use crate::plan::{Change, Notice, TargetPlan};
use crate::words::count;

use super::prepared::{Prepared, PreparedTarget};

#[derive(Debug)]
pub struct Reviewed {
    /// What was to be carried out: the target, and the change in every detail.
    changes: BTreeSet<(String, String)>,
    /// Everything that was seen, held or not: the target, and whose account was to become what.
    seen: BTreeSet<(String, String)>,
    /// A change in the form in which two of them are compared.
    canonical: fn(&Change) -> String,
}

impl Reviewed {
    /// From the targets of a plan's document, and what makes the same text of a change of a fresh plan.
    pub fn new(targets: &[Value], canonical: fn(&Change) -> String) -> Self {
        let (mut changes, mut seen) = (BTreeSet::new(), BTreeSet::new());
        for target in targets {
            let name = target["name"].as_str().unwrap_or_default();
            for change in target["changes"].as_array().into_iter().flatten() {
                seen.insert((name.to_owned(), about(change)));
                if change.get("hold").is_none() {
                    changes.insert((name.to_owned(), change.to_string()));
                }
            }
        }
        Self { changes, seen, canonical }
    }

    /// Leaves in a fresh plan only what was reviewed.
    ///
    /// A reviewed change that is not planned any more in exactly this form is stale: somebody changed the
    /// employee, the account or the target meanwhile. What is held of what was seen stays in the plan as held: it
    /// waits for somebody, and a run that was silent about it would look as if everything were done.
    pub fn restrict(&self, prepared: &mut Prepared<'_>, skip_stale: bool) -> Result<(), Failure> {
        let mut fresh = BTreeSet::new();
        for (target, prepared) in prepared.plan.targets.iter_mut().zip(&prepared.targets) {
            let name = target.name.to_string();
            self.hold_unreviewed(target, prepared);
            target.changes.retain(|change| {
                let text = (self.canonical)(change);
                let was_seen = || self.seen.contains(&(name.clone(), about(&parsed(&text))));
                let stays_held = change.hold.is_some() && was_seen();
                let key = (name.clone(), text);
                let reviewed = self.changes.contains(&key);
                fresh.insert(key);
                reviewed || stays_held
            });
            leave_approvals(target, prepared);
        }
        let stale: Vec<&(String, String)> = self.changes.iter().filter(|change| !fresh.contains(*change)).collect();
        if stale.is_empty() || skip_stale {
            return Ok(());
        }
        let mut who: Vec<String> = stale
            .iter()
            .map(|(target, change)| {
                let change = parsed(change);
                let employee = change["employee"].as_str().map_or_else(String::new, |id| format!(" employee {id}"));
                format!("{target}: {}{employee}", change["op"].as_str().unwrap_or("change"))
            })
            .collect();
        let total = who.len();
        who.truncate(10);
        let more = if total > who.len() { ", …" } else { "" };
        Err(Failure::new(
            Reason::NotApproved,
            format!(
                "{total} of {} reviewed changes no longer hold ({}{more}); nothing was changed. Make and review a new plan, \
                 or apply what still holds with --skip-stale",
                self.changes.len(),
                who.join(", ")
            ),
        ))
    }

    /// Holds again what the reviewed plan held, and `--accept-removals` would let through now.
    fn hold_unreviewed(&self, plan: &mut TargetPlan, target: &PreparedTarget<'_>) {
        let by_number =
            target.open.iter().flat_map(|open| &open.released).filter(|released| released.approval.is_none());
        for released in by_number {
            for change in plan.changes.iter_mut().filter(|change| released.is_part_of(change)) {
                if !self.changes.contains(&(plan.name.to_string(), (self.canonical)(change))) {
                    change.hold.clone_from(&released.change.hold);
                }
            }
        }
    }
}

/// Approvals of what the reviewed plan held are for another run: nothing is said of them as if they were used here,
/// but for their number.
fn leave_approvals(plan: &mut TargetPlan, target: &PreparedTarget<'_>) {
    let Some(open) = &target.open else { return };
    let TargetPlan { changes, notices, .. } = plan;
    let mut left = 0;
    for released in &open.released {
        let Some(said) = &released.said else { continue };
        if !changes.iter().any(|change| change.hold.is_none() && released.is_part_of(change)) {
            let before = notices.len();
            notices.retain(|notice| notice != said);
            left += usize::from(notices.len() < before);
        }
    }
    if left > 0 {
        let message = format!(
            "{} approved and not part of the reviewed plan; the next `personio-sync sync` without --plan carries {} out",
            count(left, "change is", "changes are"),
            if left == 1 { "it" } else { "them" }
        );
        notices.push(Notice::new(Code::ApprovedNotReviewed, message));
    }
}

/// Whose account a change of a plan file makes what of, whatever its values are and whether it is held.
fn about(change: &Value) -> String {
    let parts = ["op", "employee", "account"].map(|key| change[key].to_string());
    parts.join(" ")
}

fn parsed(change: &str) -> Value {
    serde_json::from_str(change).unwrap_or_default()
}
