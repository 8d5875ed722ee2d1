//! What there is to be told, and what of it is new: the state of things before, the state of things after, and the
//! difference in words' reach. Nothing here sends.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::code::Code;

/// What people may want to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Topic {
    /// Somebody or something fails that did not fail before.
    Failure,
    /// A target has no failure any more.
    Recovery,
    /// A safety rail holds a change.
    Held,
    /// Something needs a hand.
    Todo,
    /// A budget is nearly used up, or is.
    Budget,
    /// A slot of `every` had no run.
    Missed,
}

impl Topic {
    pub const ALL: [Self; 6] = [Self::Failure, Self::Recovery, Self::Held, Self::Todo, Self::Budget, Self::Missed];

    /// The word in the file, in JSON and in the state.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Recovery => "recovery",
            Self::Held => "held",
            Self::Todo => "todo",
            Self::Budget => "budget",
            Self::Missed => "missed",
        }
    }
}

/// One thing that is so: of a target, or of the run as a whole where the name is empty. Ids and codes, no values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    pub topic: Topic,
    pub target: Box<str>,
    /// A public code.
    pub code: Box<str>,
    /// The employee's id, the slot, the key of the budget; empty where it is about the target.
    pub subject: Box<str>,
}

impl Fact {
    pub fn new(topic: Topic, target: &str, code: Code, subject: impl Into<Box<str>>) -> Self {
        Self { topic, target: target.into(), code: code.as_str().into(), subject: subject.into() }
    }
}

/// What a run saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    pub facts: BTreeSet<Fact>,
    /// The topics of a target that were looked at in full: what was so before and is not among the facts is no more.
    /// Of the others, nobody knows.
    pub seen: BTreeSet<(Topic, Box<str>)>,
    /// The same of single subjects, by topic, target and subject.
    pub seen_alone: BTreeSet<(Topic, Box<str>, Box<str>)>,
    /// What is said of facts, in words without values; dates may be among them.
    pub said: BTreeMap<Fact, BTreeSet<Box<str>>>,
}

impl Observed {
    /// Adds a fact.
    pub fn add(&mut self, topic: Topic, target: &str, code: Code, subject: impl Into<Box<str>>) {
        self.facts.insert(Fact::new(topic, target, code, subject));
    }

    /// Adds a fact with what is said of it.
    pub fn add_saying(&mut self, topic: Topic, target: &str, code: Code, subject: impl Into<Box<str>>, words: &str) {
        let fact = Fact::new(topic, target, code, subject);
        self.said.entry(fact.clone()).or_default().insert(words.into());
        self.facts.insert(fact);
    }

    /// Says that a topic of a target was looked at in full.
    pub fn saw(&mut self, topic: Topic, target: &str) {
        self.seen.insert((topic, target.into()));
    }

    /// The same of one subject alone.
    pub fn saw_alone(&mut self, topic: Topic, target: &str, subject: impl Into<Box<str>>) {
        self.seen_alone.insert((topic, target.into(), subject.into()));
    }

    fn knows(&self, fact: &Fact) -> bool {
        self.seen.contains(&(fact.topic, fact.target.clone()))
            || self.seen_alone.contains(&(fact.topic, fact.target.clone(), fact.subject.clone()))
    }

    /// Whether something that was so is no more, as far as was looked.
    pub fn ended(&self, fact: &Fact) -> bool {
        self.knows(fact) && !self.facts.contains(fact)
    }
}

/// What of it is new to those who were told of things before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// In the order of the topics.
    pub entries: Vec<Entry>,
    /// What they know already and is so still: how many things of each topic.
    pub still: BTreeMap<Topic, usize>,
    /// What they know once they are told.
    pub begun: Vec<Fact>,
    /// What they knew and is over, told or not.
    pub over: Vec<Fact>,
}

/// Things of one kind in one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub topic: Topic,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub target: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Box<str>>,
    /// Sorted: ids of employees, slots, keys of budgets.
    pub subjects: Vec<Box<str>>,
    /// How many things, those without a subject included.
    pub count: usize,
}

/// What is new, for somebody who was told of `told` and wants to be told of `on`.
pub fn news(told: &BTreeSet<Fact>, observed: &Observed, on: &[Topic]) -> News {
    // A failure that nobody wants to hear of begins the recovery that they do.
    let keeps = |topic| on.contains(&topic) || (topic == Topic::Failure && on.contains(&Topic::Recovery));
    let is_so: BTreeSet<&Fact> = observed.facts.iter().filter(|fact| keeps(fact.topic)).collect();
    let begun: Vec<Fact> = is_so.iter().copied().filter(|fact| !told.contains(*fact)).cloned().collect();
    let is_over = |fact: &&Fact| !is_so.contains(*fact) && (observed.knows(fact) || !keeps(fact.topic));
    let over: Vec<Fact> = told.iter().filter(is_over).cloned().collect();
    let stays = |fact: &&Fact| !over.contains(*fact);

    let mut entries = BTreeMap::new();
    let mut enter = |topic, fact: &Fact, code: Option<Box<str>>| {
        let target = fact.target.clone();
        let kind = (topic, target.clone(), code.clone());
        let new = || Entry { topic, target, code, subjects: Vec::new(), count: 0 };
        let entry: &mut Entry = entries.entry(kind).or_insert_with(new);
        entry.subjects.extend((!fact.subject.is_empty()).then(|| fact.subject.clone()));
        entry.count += 1;
    };
    for fact in begun.iter().filter(|fact| on.contains(&fact.topic)) {
        enter(fact.topic, fact, Some(fact.code.clone()));
    }
    let fails = |target: &str| {
        let failures = told.iter().filter(stays).chain(&begun).filter(|fact| fact.topic == Topic::Failure);
        failures.into_iter().any(|fact| *fact.target == *target)
    };
    let recovered = |fact: &&Fact| fact.topic == Topic::Failure && observed.knows(fact) && !fails(&fact.target);
    for fact in over.iter().filter(recovered).filter(|_| on.contains(&Topic::Recovery)) {
        enter(Topic::Recovery, fact, None);
    }
    let mut still = BTreeMap::new();
    for fact in told.iter().filter(stays).filter(|fact| on.contains(&fact.topic)) {
        *still.entry(fact.topic).or_default() += 1;
    }
    let mut entries: Vec<Entry> = entries.into_values().collect();
    entries.iter_mut().for_each(|entry| sort(&mut entry.subjects));
    News { entries, still, begun, over }
}

/// Ids as numbers, then all else.
fn sort(subjects: &mut Vec<Box<str>>) {
    subjects.sort_by(|one, other| (one.parse::<u64>().ok(), one).cmp(&(other.parse::<u64>().ok(), other)));
    subjects.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `failure desk refused 1001`
    fn fact(line: &str) -> Fact {
        let mut words = line.split(' ');
        let word = words.next().unwrap();
        let topic = Topic::ALL.into_iter().find(|topic| topic.as_str() == word).unwrap();
        let mut next = || words.next().unwrap_or_default().trim_matches('-').into();
        Fact { topic, target: next(), code: next(), subject: next() }
    }

    fn facts(lines: &[&str]) -> BTreeSet<Fact> {
        lines.iter().map(|line| fact(line)).collect()
    }

    fn told(news: &News) -> Vec<String> {
        let line = |entry: &Entry| {
            let code = entry.code.as_deref().unwrap_or("-");
            format!("{} {} {code} {} ({})", entry.topic.as_str(), entry.target, entry.subjects.join(","), entry.count)
        };
        news.entries.iter().map(line).collect()
    }

    /// A run that looked at everything in `desk` and `wiki`, and at the run as a whole.
    fn whole(lines: &[&str]) -> Observed {
        let everything =
            Topic::ALL.into_iter().flat_map(|topic| ["", "desk", "wiki"].map(|target| (topic, target.into())));
        Observed { facts: facts(lines), seen: everything.collect(), ..Observed::default() }
    }

    #[test]
    fn only_what_changed_is_told() {
        let two = ["failure desk refused 9", "failure desk refused 10"];
        for (name, before, after, expected) in [
            ("nothing", &[][..], &[][..], &[][..]),
            ("the first failures, ids as numbers", &[], &two, &["failure desk refused 9,10 (2)"]),
            ("they stay", &two, &two, &[]),
            ("one more", &two[..1], &two, &["failure desk refused 10 (1)"]),
            ("one less is no recovery", &two, &two[..1], &[]),
            ("all gone", &two, &[], &["recovery desk - 9,10 (2)"]),
            (
                "another code is another failure, and no recovery",
                &two[..1],
                &["failure desk unavailable"],
                &["failure desk unavailable  (1)"],
            ),
            (
                "one target recovers while another fails",
                &["failure desk refused 9"],
                &["failure wiki refused 9"],
                &["failure wiki refused 9 (1)", "recovery desk - 9 (1)"],
            ),
            ("the run as a whole", &[], &["failure - unavailable"], &["failure  unavailable  (1)"]),
            ("and is well again", &["failure - unavailable"], &[], &["recovery  -  (1)"]),
            ("held", &[], &["held desk max_deactivate 7"], &["held desk max_deactivate 7 (1)"]),
            ("released without a word", &["held desk max_deactivate 7"], &[], &[]),
            (
                "each with its topic",
                &[],
                &["todo desk hire_date_moved 7", "budget - budget_low budget.tasks", "missed wiki slot_missed 05:00"],
                &[
                    "todo desk hire_date_moved 7 (1)",
                    "budget  budget_low budget.tasks (1)",
                    "missed wiki slot_missed 05:00 (1)",
                ],
            ),
        ] {
            let news = news(&facts(before), &whole(after), &Topic::ALL);
            assert_eq!(told(&news), expected, "{name}");
            // Whoever was told of it knows exactly what is so, and the next time there is nothing to tell.
            let mut known = facts(before);
            known.extend(news.begun.iter().cloned());
            known.retain(|fact| !news.over.contains(fact));
            assert_eq!(known, facts(after), "{name}");
            assert_eq!(super::news(&known, &whole(after), &Topic::ALL).entries, [], "{name}");
        }
    }

    #[test]
    fn what_was_not_looked_at_is_as_it_was() {
        let before = facts(&["failure desk refused 9", "failure wiki refused 9", "held wiki first_run 9"]);
        let mut observed = Observed::default();
        observed.saw(Topic::Failure, "desk");
        let news = news(&before, &observed, &Topic::ALL);
        assert_eq!(told(&news), ["recovery desk - 9 (1)"]);
        assert_eq!(news.over, [fact("failure desk refused 9")]);
        assert_eq!(news.still, BTreeMap::from([(Topic::Failure, 1), (Topic::Held, 1)]));
    }

    #[test]
    fn one_person_recovers_alone() {
        let before = facts(&["failure desk refused 9", "failure desk refused 10"]);
        let mut observed = Observed::default();
        observed.saw_alone(Topic::Failure, "desk", "9");
        let first = news(&before, &observed, &Topic::ALL);
        assert_eq!((told(&first), first.over), (vec![], vec![fact("failure desk refused 9")]));
        let last = news(&facts(&["failure desk refused 9"]), &observed, &Topic::ALL);
        assert_eq!(told(&last), ["recovery desk - 9 (1)"]);
    }

    #[test]
    fn nobody_is_told_of_what_they_do_not_ask_for() {
        let after = ["failure desk refused 9", "held desk first_run 9"];
        let quiet = news(&BTreeSet::new(), &whole(&after), &[Topic::Recovery]);
        assert_eq!(told(&quiet), Vec::<String>::new());
        // A failure is known all the same, so that its end can be told.
        assert_eq!(quiet.begun, [fact(after[0])]);
        let well = news(&facts(&after[..1]), &whole(&[]), &[Topic::Recovery]);
        assert_eq!(told(&well), ["recovery desk - 9 (1)"]);
        // What the file does not ask for any more is forgotten, and new again once it does.
        let less = news(&facts(&after), &whole(&after), &[Topic::Held]);
        assert_eq!((less.over, less.entries), (vec![fact(after[0])], vec![]));
    }
}
