//! Plans that bind: `plan --out` writes one, `sync --plan` applies exactly that one.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::code::Code;
use crate::output::json::{self, Binding};
use crate::output::{Document, Kind, Problem};
use crate::plan::{Notice, TargetPlan};
use crate::sync::{Prepared, PreparedTarget};
use crate::words::count;

use super::session::Session;
use super::{Failure, Reason, private_file};

/// Writes a plan with what it is bound to: the configuration file, what was read of the source, and itself.
pub(super) fn write(
    path: &Path,
    session: &Session,
    prepared: &Prepared<'_>,
    exit_code: u8,
    problems: &[Problem],
) -> Result<(), Failure> {
    let plan = &prepared.plan;
    let document = Document { kind: Kind::Plan, plan: Some(plan), exit_code, problems };
    let binding = Binding {
        file: hash(&session.settings.file.text),
        source: hash(&format!("{:?}", prepared.employees.list)),
        plan: hash(&targets_text(&json::canonical(plan))),
    };
    let text = json::render(&document, Some(&binding));
    private_file::replace(path, text.as_bytes()).map_err(|error| {
        Failure::new(Reason::Usage, format!("the plan cannot be written to {}: {error}", path.display()))
    })
}

#[derive(Debug)]
pub(super) struct Reviewed {
    /// What was to be carried out: the target, and the change in every detail.
    changes: BTreeSet<(String, String)>,
    /// Everything that was seen, held or not: the target, and whose account was to become what.
    seen: BTreeSet<(String, String)>,
}

/// The part of a plan file that is read back.
#[derive(Deserialize)]
struct PlanFile {
    schema: u32,
    kind: String,
    today: String,
    targets: Vec<serde_json::Value>,
    binding: Option<Binding>,
}

/// Reads a plan file and refuses one that was edited, that belongs to another file, or to another day.
pub(super) fn read(path: &Path, session: &Session) -> Result<Reviewed, Failure> {
    let refuse = |why: &str| Failure::new(Reason::NotApproved, format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Reason::Usage, format!("{} cannot be read: {error}", path.display())))?;
    let file: PlanFile = serde_json::from_str(&text)
        .map_err(|_| refuse("this is not a plan; write one with `personio-sync plan --out FILE`"))?;
    let Some(binding) = file.binding.filter(|_| file.kind == "plan" && file.schema == json::SCHEMA) else {
        return Err(refuse("this is not a plan that can be applied; write one with `personio-sync plan --out FILE`"));
    };
    let targets = serde_json::to_string(&file.targets).map_err(|_| refuse("this is not a plan"))?;
    if hash(&targets_text(&targets)) != binding.plan {
        return Err(refuse("the plan was edited after it was made; make and review a new one"));
    }
    if hash(&session.settings.file.text) != binding.file {
        return Err(refuse(
            "the plan was made from another configuration file, or the file changed since; make and review a new one",
        ));
    }
    if file.today != session.today.to_string() {
        return Err(refuse(&format!(
            "the plan was made for {}, and today is {}; make and review a new one",
            file.today, session.today
        )));
    }
    let (mut changes, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for target in &file.targets {
        let name = target["name"].as_str().unwrap_or_default();
        for change in target["changes"].as_array().into_iter().flatten() {
            seen.insert((name.to_owned(), about(change)));
            if change.get("hold").is_some() {
                continue;
            }
            changes.insert((name.to_owned(), change.to_string()));
        }
    }
    Ok(Reviewed { changes, seen })
}

impl Reviewed {
    /// Leaves in a fresh plan only what was reviewed.
    ///
    /// A reviewed change that is not planned any more in exactly this form is stale: somebody changed the
    /// employee, the account or the target meanwhile. What is held of what was seen stays in the plan as held: it
    /// waits for somebody, and a run that was silent about it would look as if everything were done.
    pub(super) fn restrict(&self, prepared: &mut Prepared<'_>, skip_stale: bool) -> Result<(), Failure> {
        let mut fresh = BTreeSet::new();
        for (target, prepared) in prepared.plan.targets.iter_mut().zip(&prepared.targets) {
            let name = target.name.to_string();
            self.hold_unreviewed(target, prepared);
            target.changes.retain(|change| {
                let text = json::canonical_change(change);
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
}

impl Reviewed {
    /// Holds again what the reviewed plan held, and `--accept-removals` would let through now.
    fn hold_unreviewed(&self, plan: &mut TargetPlan, target: &PreparedTarget<'_>) {
        let by_number =
            target.open.iter().flat_map(|open| &open.released).filter(|released| released.approval.is_none());
        for released in by_number {
            for change in plan.changes.iter_mut().filter(|change| released.is_part_of(change)) {
                if !self.changes.contains(&(plan.name.to_string(), json::canonical_change(change))) {
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
        notices.push(Notice { code: Code::ApprovedNotReviewed, employee: None, field: None, message });
    }
}

/// Whose account a change of a plan file makes what of, whatever its values are and whether it is held.
fn about(change: &serde_json::Value) -> String {
    let parts = ["op", "employee", "account"].map(|key| change[key].to_string());
    parts.join(" ")
}

fn parsed(change: &str) -> serde_json::Value {
    serde_json::from_str(change).unwrap_or_default()
}

/// The targets in one spelling, whatever white space the file has.
fn targets_text(targets: &str) -> String {
    serde_json::from_str::<serde_json::Value>(targets).map(|value| value.to_string()).unwrap_or_default()
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
