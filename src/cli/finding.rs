//! Finds the employee that somebody means, in the same way for every command.

use std::io::{BufRead, Write};

use crate::employee::{Attributes, Employee, EmployeeId, Employees, Sought, Value};
use crate::output::Bars;
use crate::output::mask::Mask;
use crate::output::visible::short;
use crate::progress::ReadProgress as _;
use crate::sync::Memory;
use crate::words::count;

use super::session::Session;
use super::{Failure, Process, Reason, SandboxChoice};

/// How many people are named at once.
const NAMED: usize = 20;

/// The id of the employee who is meant. An id asks nobody; for anything else Personio is read, and on a terminal somebody
/// chooses where several fit, or somebody fits by a part of the name.
pub(super) fn employee(process: &Process, session: &Session, sought: &Sought) -> Result<EmployeeId, Failure> {
    match sought {
        Sought::Id(id) => Ok(*id),
        _ => Ok(among(process, &everybody(process, session)?, sought)?.id),
    }
}

/// Everybody, with no more than people are found by.
fn everybody(process: &Process, session: &Session) -> Result<Employees, Failure> {
    let read = session.settings.attributes.keys().filter(|key| Sought::ATTRIBUTES.contains(key));
    let bars = Bars::new(process.terminal);
    Ok(session.source()?.employees(&Attributes::new(read), &*bars.reading("Personio"))?.employees)
}

/// The same where nobody would be asked anything but the state. Whoever Personio no longer delivers is found by the name that
/// the state keeps, where it does.
pub(super) fn employee_of_history(
    process: &Process,
    session: &Session,
    sandbox: &SandboxChoice,
    sought: &Sought,
) -> Result<EmployeeId, Failure> {
    if let Sought::Id(id) = sought {
        return Ok(*id);
    }
    let everybody = match session.sandbox {
        Some(_) => everybody(process, session),
        None => everybody(process, &process.open(sandbox, &[])?),
    };
    let mut employees = everybody.map_err(|failure| Failure {
        text: format!("{}; with an id nobody has to be asked", failure.text),
        ..failure
    })?;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    add_kept(&mut employees, memory.state.kept_names()?);
    Ok(among(process, &employees, sought)?.id)
}

/// Adds those whose names alone are kept.
fn add_kept(employees: &mut Employees, names: Vec<(EmployeeId, Box<str>)>) {
    let attributes = employees.attributes.clone();
    let values = |name: &str| -> Vec<Value> {
        let value = |key| if key == "first_name" { Value::Text(name.into()) } else { Value::Hidden };
        attributes.keys().map(value).collect()
    };
    let gone = names.into_iter().filter(|(id, _)| employees.get(*id).is_none());
    let gone: Vec<Employee> = gone.map(|(id, name)| Employee::new(id, values(&name))).collect();
    employees.list.extend(gone);
    employees.list.sort_by_key(|employee| employee.id);
}

/// The one who is meant among those who were read.
pub(super) fn among<'e>(process: &Process, employees: &'e Employees, sought: &Sought) -> Result<&'e Employee, Failure> {
    let failure = |why: String| Failure::new(Reason::Usage, why);
    let mut found = sought.find(employees).map_err(|why| failure(format!("{why}; give the id of the employee")))?;
    // Whoever had two names is one person.
    found.employees.dedup_by_key(|employee| employee.id);
    let asks = process.terminal.input && process.terminal.errors;
    let employee = match (&found.employees[..], sought) {
        ([], Sought::Id(id)) => return Err(failure(format!("Personio delivers no employee {id}"))),
        ([], _) => {
            let why = "Personio delivers nobody who fits; whoever it no longer delivers is found by id, and so is whose name \
                       or address it does not show";
            return Err(failure(why.to_owned()));
        }
        ([one], _) if !found.in_part => *one,
        (several, _) if asks && several.len() > NAMED => {
            let why = format!("{} employees fit; say more of the name, or give the id", several.len());
            return Err(failure(why));
        }
        (several, _) if asks => {
            let lines = lines(several, employees, process.mask());
            let position = choose(&lines, &mut std::io::stdin().lock(), &mut std::io::stderr().lock())?;
            several[position]
        }
        (several, _) => return Err(failure(format!("{}; give the id", ids(several, found.in_part)))),
    };
    process.found(employee.id);
    Ok(employee)
}

fn ids(several: &[&Employee], in_part: bool) -> String {
    let ids: Vec<String> = several.iter().take(NAMED).map(|employee| employee.id.to_string()).collect();
    let more = if several.len() > NAMED { ", …" } else { "" };
    let fit = count(several.len(), "employee fits", "employees fit");
    let how = if in_part { " by a part of their name, which is enough on a terminal only" } else { "" };
    format!("{fit}{how}: {}{more}", ids.join(", "))
}

/// What tells people apart, for whoever may see it.
fn lines(several: &[&Employee], employees: &Employees, mask: &Mask) -> Vec<String> {
    let columns = Sought::ATTRIBUTES.map(|key| employees.attributes.column(key));
    let line = |employee: &&Employee| {
        let values = columns.iter().flatten().filter_map(|column| employee.value(*column).as_text());
        let values: Vec<String> = values.map(|value| short(&mask.text(value)).into_owned()).collect();
        format!("{:<8} {}", employee.id.to_string(), values.join(" "))
    };
    several.iter().map(line).collect()
}

/// Asks which of several lines is meant; gives its place.
///
/// # Errors
///
/// [`Reason::Usage`] when the answer is none of the numbers.
fn choose(lines: &[String], input: &mut impl BufRead, output: &mut impl Write) -> Result<usize, Failure> {
    for (number, line) in (1..).zip(lines) {
        let _ = writeln!(output, "{number:>4}  {line}");
    }
    let numbers = if lines.len() == 1 { "1".to_owned() } else { format!("1-{}", lines.len()) };
    let _ = write!(output, "\nWho is meant? [{numbers}] ");
    let _ = output.flush();
    let mut answer = String::new();
    let number = input.read_line(&mut answer).ok().and_then(|_| answer.trim().parse::<usize>().ok());
    number
        .and_then(|number| number.checked_sub(1))
        .filter(|position| *position < lines.len())
        .ok_or_else(|| Failure::new(Reason::Usage, "nobody was chosen; nothing was done"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::employee::Completeness;

    #[test]
    fn a_number_chooses_and_anything_else_does_not() {
        let lines = ["1001 Ada".to_owned(), "1002 Ada".to_owned()];
        for (answer, position) in [("2\n", Some(1)), (" 1 \n", Some(0)), ("3\n", None), ("0\n", None), ("", None)] {
            let mut shown = Vec::new();
            assert_eq!(choose(&lines, &mut answer.as_bytes(), &mut shown).ok(), position, "{answer:?}");
            let shown = String::from_utf8(shown).unwrap();
            assert_eq!(shown, "   1  1001 Ada\n   2  1002 Ada\n\nWho is meant? [1-2] ");
        }
    }

    #[test]
    fn whoever_is_no_longer_delivered_is_found_by_a_name_that_is_kept() {
        let attributes = Attributes::new(["first_name", "last_name"]);
        let name = |name: &str| Value::Text(name.into());
        let ada = Employee::new(EmployeeId(2), vec![name("Ada"), name("Kestrel")]);
        let mut employees = Employees::new(attributes, vec![ada], Completeness::Proven);
        add_kept(
            &mut employees,
            vec![
                (EmployeeId(1), "Ada Kestrel".into()),
                (EmployeeId(2), "Ada Finch".into()),
                (EmployeeId(3), "Bo Finch".into()),
            ],
        );
        let ids = |text: &str| -> Vec<u64> {
            let found = text.parse::<Sought>().unwrap().find(&employees).unwrap();
            found.employees.iter().map(|employee| employee.id.0).collect()
        };
        assert_eq!(ids("ada kestrel"), [1, 2]);
        assert_eq!(ids("bo finch"), [3]);
        assert_eq!(ids("ada finch"), [0; 0], "what Personio says of somebody who is there counts");
    }

    #[test]
    fn names_are_shown_to_whoever_may_see_them_and_never_in_errors() {
        let attributes = Attributes::new(["first_name", "email"]);
        let person = |id| {
            let email = Value::Text(format!("ada{id}@example.com").into());
            Employee::new(EmployeeId(id), vec![email, Value::Text("Ada\u{1b}".into())])
        };
        let employees = Employees::new(attributes, (1..=25).map(person).collect(), Completeness::Proven);
        let several: Vec<&Employee> = employees.list.iter().collect();
        assert_eq!(lines(&several, &employees, &Mask::SHOWN)[6], "7        Ada\\u{1b} ada7@example.com");
        let masked = lines(&several, &employees, &Mask::hiding(["key"]));
        assert!(masked[6].starts_with("7        ‹") && !masked[6].contains("ada"), "{}", masked[6]);
        assert_eq!(
            ids(&several[..1], true),
            "1 employee fits by a part of their name, which is enough on a terminal only: 1"
        );
        let ids = ids(&several, false);
        assert!(ids.starts_with("25 employees fit: 1, 2, 3") && ids.ends_with("19, 20, …"), "{ids}");
    }
}
