//! What needs a hand, and what fails, kept from run to run. It rests on the same facts that people are told of.

use chrono::NaiveDate;

use crate::code::Code;
use crate::config::Settings;
use crate::employee::EmployeeId;
use crate::notify::{Fact, Observed, Topic};
use crate::state::{SeenTodo, StateError, StoredFact, Todo};

use super::memory::Memory;
use super::telling::{fact, row};

/// What is open in the targets of a file, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Todos {
    /// What needs a hand; what somebody said is done is not among it.
    pub open: Vec<Todo>,
    /// What needed a hand and is done, as somebody said; the runs still see it as it was.
    pub done: Vec<Todo>,
    /// What fails, and is tried again in each run.
    pub failing: Vec<Todo>,
}

impl Todos {
    /// Keeps what is about a target alone.
    pub fn keep_target(&mut self, target: &str) {
        for list in [&mut self.open, &mut self.done, &mut self.failing] {
            list.retain(|todo| *todo.fact.target == *target);
        }
    }
}

impl Todo {
    /// Whom it is about, if one employee.
    pub fn employee(&self) -> Option<EmployeeId> {
        self.fact.subject.parse().ok()
    }

    /// Whether it is about an employee in a target.
    pub fn is_about(&self, target: &str, employee: EmployeeId) -> bool {
        *self.fact.target == *target && self.employee() == Some(employee)
    }

    /// `None` for a code that only a newer version knows.
    pub fn code(&self) -> Option<Code> {
        self.fact.code.parse().ok()
    }

    /// What it is, in words.
    pub fn what(&self) -> &str {
        match (&*self.detail, self.code()) {
            ("", Some(code)) => code.meaning(),
            ("", None) => &self.fact.code,
            (detail, _) => detail,
        }
    }

    /// What to do about it, in a sentence.
    pub fn remedy(&self) -> Option<&'static str> {
        self.code().map(Code::remedy)
    }

    fn fails(&self) -> bool {
        *self.fact.topic == *Topic::Failure.as_str()
    }
}

impl Memory {
    /// What is open as far as the last runs saw, in the targets of the file and in runs as a whole.
    ///
    /// # Errors
    ///
    /// When the state cannot be read.
    pub fn todos(&self, settings: &Settings) -> Result<Todos, StateError> {
        let in_the_file = |todo: &Todo| {
            let target = &todo.fact.target;
            target.is_empty() || settings.targets.iter().any(|one| one.plan.name == *target)
        };
        let mut todos = Todos::default();
        for todo in self.state.todos()?.into_iter().filter(in_the_file) {
            match (todo.fails(), &todo.done) {
                (true, _) => todos.failing.push(todo),
                (false, Some(_)) => todos.done.push(todo),
                (false, None) => todos.open.push(todo),
            }
        }
        Ok(todos)
    }

    /// Keeps what a run saw. `name_of` gives the names that may be kept.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn keep_todos(
        &self,
        observed: &Observed,
        name_of: &dyn Fn(EmployeeId) -> Option<Box<str>>,
    ) -> Result<(), StateError> {
        let seen = |fact: &Fact| {
            let said = || observed.said.get(fact).into_iter().flatten().map(|said| &**said);
            SeenTodo {
                fact: row(fact),
                name: fact.subject.parse().ok().and_then(name_of),
                detail: if fact.topic == Topic::Failure { "".into() } else { storable(said()) },
                fingerprint: self.state.hasher().fingerprint("todo", said()),
            }
        };
        let seen: Vec<SeenTodo> = observed.facts.iter().filter(|fact| belongs(fact)).map(seen).collect();
        let is_over = |stored: &StoredFact| fact(stored).is_some_and(|fact| observed.ended(&fact));
        self.state.keep_todos(&seen, is_over, self.now())
    }
}

/// Whether a fact is one for the list. Most of what is held is in a list of its own.
fn belongs(fact: &Fact) -> bool {
    match fact.topic {
        Topic::Todo | Topic::Failure => true,
        Topic::Held => fact.code.parse().is_ok_and(Code::needs_a_hand),
        Topic::Recovery | Topic::Budget | Topic::Missed => false,
    }
}

/// What is said of a fact without any date or address: they are an employee's.
fn storable<'w>(said: impl Iterator<Item = &'w str>) -> Box<str> {
    let said: Vec<String> = said.map(without_values).collect();
    said.join("; ").into()
}

fn without_values(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let is_date = letter.is_ascii_digit() && rest.get(..10).is_some_and(|day| day.parse::<NaiveDate>().is_ok());
        let taken = if is_date { 10 } else { letter.len_utf8() };
        kept.push_str(if is_date { "…" } else { &rest[..taken] });
        rest = &rest[taken..];
    }
    let words = kept.split(' ').map(|word| if word.contains('@') { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_date_nor_an_address_is_kept() {
        for (said, expected) in [
            ("made for 2026-12-01, and it is 2026-12-15 now", "made for …, and it is … now"),
            ("(2026-12-01 to 2026-12-03)", "(… to …)"),
            ("belongs to ines@example.com now", "belongs to … now"),
            ("request 2026-1 of größe 12-34", "request 2026-1 of größe 12-34"),
        ] {
            assert_eq!(&*storable([said].into_iter()), expected);
        }
        assert_eq!(&*storable(["one", "two"].into_iter()), "one; two");
    }

    #[test]
    fn what_is_held_is_in_a_list_of_its_own_but_for_handovers() {
        for (topic, code, expected) in [
            (Topic::Held, Code::Handover, true),
            (Topic::Held, Code::MaxDeactivate, false),
            (Topic::Todo, Code::HireDateMoved, true),
            (Topic::Failure, Code::Refused, true),
            (Topic::Budget, Code::BudgetLow, false),
        ] {
            assert_eq!(belongs(&Fact::new(topic, "desk", code, "7")), expected, "{code}");
        }
    }
}
