//! What people have to do by hand, as a list to be ticked off.

use std::fmt::Write as _;

use crate::plan::{Checklist, Plan, TargetPlan, TargetStatus};

use super::Kind;
use super::markdown::escape;
use super::visible::{short, visible};
use crate::words::{count, employees};

/// `12 steps`
pub fn steps(checklist: &Checklist) -> String {
    count(checklist.len(), "step", "steps")
}

/// The lists of a plan as one document in Markdown, for whoever does them. Holds the people of the steps, and
/// nothing else that the plan says of people.
pub fn markdown(plan: &Plan) -> String {
    let mut text = String::new();
    for (target, checklist) in plan.targets.iter().filter_map(|target| Some((target, target.checklist.as_ref()?))) {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}# {}: to do by hand\n", escape(&target.name));
        let read = employees(plan.source.employees);
        let doubt = if plan.source.complete { "" } else { ", **not proven complete**" };
        let _ = writeln!(text, "Made for {} from {read}{doubt}: {}.", plan.today, steps(checklist));
        section(&mut text, target, checklist, Kind::Plan, 2);
    }
    text
}

/// The steps of one target with headings of this level; ticked in a report.
pub(super) fn section(text: &mut String, target: &TargetPlan, checklist: &Checklist, kind: Kind, level: usize) {
    let heading = "#".repeat(level);
    if checklist.is_empty() && target.status == TargetStatus::Ready {
        let _ = writeln!(text, "\nNothing is to be done.");
    }
    for group in &checklist.groups {
        let _ = writeln!(text, "\n{heading} {}\n\n{}\n", escape(&group.title), escape(&group.position));
        for step in &group.steps {
            let _ = writeln!(text, "- [{}] {}", tick(kind), escape(step));
        }
    }
    if let Some(code) = &checklist.code {
        let _ = writeln!(
            text,
            "\n{heading} In the end\n\n- [ ] Say that it is done: `personio-sync confirm {} --checklist {code}`",
            target.name
        );
    }
}

fn tick(kind: Kind) -> char {
    if kind == Kind::Plan { ' ' } else { 'x' }
}

/// The steps for a terminal, the first so many of each group.
pub(super) fn lines(text: &mut String, target: &TargetPlan, checklist: &Checklist, kind: Kind, shown: usize) {
    for group in &checklist.groups {
        let _ = writeln!(text, "  {} ({})", visible(&group.title), visible(&group.position));
        for step in group.steps.iter().take(shown) {
            let _ = writeln!(text, "    [{}] {}", tick(kind), short(step));
        }
        if group.steps.len() > shown {
            let _ = writeln!(text, "    … and {} more (--all shows them)", group.steps.len() - shown);
        }
    }
    if let Some(code) = &checklist.code {
        let _ = writeln!(text, "  when it is done: personio-sync confirm {} --checklist {code}", target.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{SourceSummary, StepGroup};

    fn plan() -> Plan {
        let group = |title: &str, steps: &[&str]| StepGroup {
            title: title.into(),
            position: "Settings > Teams".into(),
            steps: steps.iter().map(|step| (*step).to_owned()).collect(),
        };
        let groups = vec![group("Role", &["Give it to Ines | *Example*"]), group("Team IT", &["Add Bo", "Add Mo"])];
        let checklist = Checklist { code: Some("12ab34cd".into()), groups };
        let by_hand = TargetPlan { checklist: Some(checklist), ..TargetPlan::empty("help-desk", "conversations") };
        Plan {
            today: "2026-11-22".parse().unwrap(),
            source: SourceSummary { employees: 3, complete: true, ..SourceSummary::default() },
            targets: vec![TargetPlan::empty("chat", "slack"), by_hand],
            notices: Vec::new(),
        }
    }

    #[test]
    fn a_colleague_gets_boxes_to_tick() {
        assert_eq!(
            markdown(&plan()),
            "# help-desk: to do by hand\n\nMade for 2026-11-22 from 3 employees: 3 steps.\n\n\
             ## Role\n\nSettings > Teams\n\n- [ ] Give it to Ines \\| \\*Example\\*\n\n\
             ## Team IT\n\nSettings > Teams\n\n- [ ] Add Bo\n- [ ] Add Mo\n\n\
             ## In the end\n\n- [ ] Say that it is done: `personio-sync confirm help-desk --checklist 12ab34cd`\n"
        );
    }

    #[test]
    fn a_terminal_shows_the_first_steps() {
        let plan = plan();
        let mut text = String::new();
        lines(&mut text, &plan.targets[1], plan.targets[1].checklist.as_ref().unwrap(), Kind::Plan, 1);
        assert_eq!(
            text,
            "  Role (Settings > Teams)\n    [ ] Give it to Ines | *Example*\n  Team IT (Settings > Teams)\n    [ ] Add Bo\n\
             \x20   … and 1 more (--all shows them)\n  when it is done: personio-sync confirm help-desk --checklist 12ab34cd\n"
        );
    }
}
