//! Who is in line with a target and who is not, as far as the runs looked.

use std::collections::BTreeSet;

use crate::employee::EmployeeId;

use super::records::{InLine, TargetEnd};
use super::sql::{self, Database};
use super::{StateError, history, seen};

/// How a target stands once a run has ended.
pub(super) struct Standing {
    /// `None` where that is not known: versions before kept nobody.
    pub(super) in_line: Option<u64>,
    pub(super) not_in_line: u64,
    /// Whether everybody is in line by what the run did or saw.
    pub(super) is_success: bool,
}

/// Keeps what a run saw, and counts. A run for some employees says nothing of the others, and one that could not read
/// the target says nothing of anybody.
pub(super) fn note(database: &mut dyn Database, end: &TargetEnd) -> Result<Standing, StateError> {
    let target = &*end.target;
    let last = history::last_run_of(database, target)?;
    let in_line = last.as_ref().and_then(|last| last.in_line);
    let not_in_line = last.as_ref().map(|last| last.not_in_line).unwrap_or_default();
    let as_before = Standing { in_line, not_in_line, is_success: false };
    let Some(looked) = &end.in_line else { return Ok(as_before) };
    let last_whole = history::last_whole_run_of(database, target)?;
    let known = match (end.whole, People::read(database, target)?) {
        (true, _) => People::default(),
        (false, Some(known)) => known,
        (false, None) if last_whole.is_none() => People::default(),
        (false, None) => return Ok(as_before),
    };
    let now = known.after(looked);
    now.write(database, target)?;
    let not_in_line = now.out.len() as u64 + now.unmade;
    let is_success = match end.whole {
        true => end.ok && not_in_line == 0,
        // The last of those whom the last run of everybody had left out of line.
        false => last_whole.is_some_and(|last| last.ok) && as_before.not_in_line > 0 && not_in_line == 0,
    };
    Ok(Standing { in_line: Some(now.in_line.len() as u64), not_in_line, is_success })
}

/// Erases an employee.
pub(super) fn forget(database: &mut dyn Database, target: &str, employee: EmployeeId) -> Result<(), StateError> {
    let Some(mut known) = People::read(database, target)? else { return Ok(()) };
    if known.in_line.remove(&employee) | known.out.remove(&employee) {
        known.write(database, target)?;
    }
    Ok(())
}

#[derive(Default)]
struct People {
    in_line: BTreeSet<EmployeeId>,
    out: BTreeSet<EmployeeId>,
    /// Named things that belong to nobody alone and could not be made.
    unmade: u64,
}

impl People {
    /// `None` where nobody was kept yet.
    fn read(database: &mut dyn Database, target: &str) -> Result<Option<Self>, StateError> {
        let query = "SELECT in_line, out_of_line, unmade FROM targets WHERE target = ?";
        let found = sql::first(database, query, &[target.into()], |row| {
            let list = |column| {
                let stored = row.text(column)?.map(|text| seen::decode(text).ok_or_else(|| row.unreadable(column)));
                Ok::<_, StateError>(stored.transpose()?.map(BTreeSet::from_iter))
            };
            let people = list(0)?.zip(list(1)?);
            people.map(|(in_line, out)| Ok(Self { in_line, out, unmade: row.count(2)? })).transpose()
        })?;
        Ok(found.flatten())
    }

    fn after(self, looked: &InLine) -> Self {
        let left = |employee: &EmployeeId| !looked.removed.contains(employee);
        let in_line = self.in_line.union(&looked.people).copied();
        let out = self.out.into_iter().filter(left).filter(|employee| !looked.people.contains(employee));
        Self {
            in_line: in_line.filter(left).filter(|employee| !looked.out.contains(employee)).collect(),
            out: out.chain(looked.out.iter().copied()).collect(),
            unmade: self.unmade.saturating_sub(looked.made).max(looked.unmade),
        }
    }

    fn write(&self, database: &mut dyn Database, target: &str) -> Result<(), StateError> {
        let text = |people: &BTreeSet<EmployeeId>| seen::encode(&people.iter().copied().collect::<Vec<_>>());
        database.execute(
            "UPDATE targets SET in_line = ?, out_of_line = ?, unmade = ? WHERE target = ?",
            &[text(&self.in_line).into(), text(&self.out).into(), self.unmade.into(), target.into()],
        )?;
        Ok(())
    }
}
