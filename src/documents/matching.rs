use std::collections::{BTreeMap, HashMap};

use super::{Index, Key, NameParts, Pattern};
use crate::code::Code;
use crate::employee::{EmployeeId, Employees, Value};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderFile {
    pub name: String,
    /// Its bytes.
    pub size: u64,
}

/// Where it is said whose a file is.
#[derive(Clone, Copy, Debug)]
pub enum Rules<'a> {
    Names(&'a Pattern),
    Index(&'a Index),
}

/// A file that is exactly one employee's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub employee: EmployeeId,
    pub period: Option<String>,
}

/// Employees by what identifies them.
#[derive(Debug)]
pub struct Directory<'a> {
    employees: &'a Employees,
    by: BTreeMap<Key, HashMap<String, Vec<EmployeeId>>>,
}

impl<'a> Directory<'a> {
    /// Prepares looking employees up by these keys.
    pub fn new(employees: &'a Employees, keys: &[&Key]) -> Self {
        let mut by = BTreeMap::new();
        for key in keys {
            let Key::Attribute(attribute) = key else { continue };
            let mut found: HashMap<String, Vec<EmployeeId>> = HashMap::new();
            if let Some(column) = employees.attributes.column(attribute) {
                for employee in &employees.list {
                    if let Some(text) = text(employee.value(column)) {
                        found.entry(text).or_default().push(employee.id);
                    }
                }
            }
            by.insert((*key).clone(), found);
        }
        Self { employees, by }
    }

    /// Whether anybody has a value of this key. Where nobody has, the credential may not be allowed to read it.
    pub fn knows(&self, key: &Key) -> bool {
        match key {
            Key::EmployeeId => !self.employees.list.is_empty(),
            Key::Attribute(_) => self.by.get(key).is_some_and(|found| !found.is_empty()),
        }
    }

    fn find(&self, key: &Key, value: &str) -> Vec<EmployeeId> {
        match key {
            Key::EmployeeId => {
                let id = value.parse::<EmployeeId>().ok().and_then(|id| self.employees.get(id));
                id.map(|employee| employee.id).into_iter().collect()
            }
            Key::Attribute(_) => {
                self.by.get(key).and_then(|found| found.get(&folded(value))).cloned().unwrap_or_default()
            }
        }
    }
}

/// A value as it may stand in the name of a file. `007` and `7` are different.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(folded(text)),
        Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Says for each file whose it is, or why it is left out; sorted by name.
///
/// `types` are the endings that are taken, in lower case, `largest` is in bytes.
pub fn assign(
    files: &[FolderFile],
    rules: Rules<'_>,
    directory: &Directory<'_>,
    types: &[&str],
    largest: u64,
) -> Vec<(FolderFile, Result<Match, Code>)> {
    let mut assigned: Vec<(FolderFile, Result<Match, Code>)> = files
        .iter()
        .map(|file| {
            let result = find(&file.name, rules, directory).and_then(|found| {
                let ending = file.name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
                match file.size {
                    _ if !types.contains(&ending.as_str()) => Err(Code::TypeNotAllowed),
                    0 => Err(Code::EmptyFile),
                    size if size > largest => Err(Code::TooLarge),
                    _ => Ok(found),
                }
            });
            (file.clone(), result)
        })
        .collect();
    if let Rules::Index(index) = rules {
        let missing = index.rows.keys().filter(|name| !files.iter().any(|file| file.name == **name));
        assigned.extend(missing.map(|name| (FolderFile { name: name.clone(), size: 0 }, Err(Code::NotInFolder))));
    }
    assigned.sort_by(|one, other| one.0.name.cmp(&other.0.name));
    assigned
}

fn find(name: &str, rules: Rules<'_>, directory: &Directory<'_>) -> Result<Match, Code> {
    let (candidates, period) = match rules {
        Rules::Names(pattern) => {
            let NameParts { values, period } = pattern.read(name).ok_or(Code::OtherName)?;
            let mut found = values.iter().map(|(key, value)| directory.find(key, value));
            let first = found.next().unwrap_or_default();
            // All that the name says has to be true of the same employee.
            let all = found.fold(first, |all, next| all.into_iter().filter(|id| next.contains(id)).collect());
            (all, period.map(str::to_owned))
        }
        Rules::Index(index) => {
            let values = index.rows.get(name).ok_or(Code::NotInIndex)?;
            let mut all: Vec<EmployeeId> = Vec::new();
            for value in values {
                let found = directory.find(&index.key, value);
                if found.is_empty() {
                    return Err(if values.len() > 1 { Code::SeveralEmployees } else { Code::NoEmployee });
                }
                all.extend(found);
            }
            all.sort_unstable();
            all.dedup();
            (all, None)
        }
    };
    match candidates[..] {
        [employee] => Ok(Match { employee, period }),
        [] => Err(Code::NoEmployee),
        _ => Err(Code::SeveralEmployees),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::employee::{Attributes, Completeness, Employee};

    /// Columns: `dynamic_1` (a personnel number) and `email`.
    fn employees() -> Employees {
        let person = |id, number: Value, email: &str| Employee::new(EmployeeId(id), vec![number, Value::text(email)]);
        let list = vec![
            person(1, Value::text("A-17"), "ines@example.com"),
            person(2, Value::text("007"), "Oskar@Example.com"),
            person(3, Value::Integer(7), "shared@example.com"),
            person(4, Value::Hidden, "shared@example.com"),
            person(5, Value::text("a-17 "), ""),
        ];
        Employees::new(Attributes::new(["dynamic_1", "email"]), list, Completeness::Proven)
    }

    fn resolve(name: &str) -> Result<Key, String> {
        Ok(if name == "employee_id" { Key::EmployeeId } else { Key::Attribute(name.into()) })
    }

    #[test]
    fn each_file_is_exactly_one_employees_or_nobodys() {
        use crate::code::Code::*;
        // pattern, file, size, employee or reason
        let table: &[(&str, &str, u64, Result<u64, Code>)] = &[
            ("{employee_id}_{period}.pdf", "1_2026-11.pdf", 9, Ok(1)),
            ("{employee_id}_{period}.pdf", "0001_2026-11.pdf", 9, Ok(1)),
            ("{employee_id}_{period}.pdf", "99_2026-11.pdf", 9, Err(NoEmployee)),
            ("{employee_id}_{period}.pdf", "99999999999999999999999_2026-11.pdf", 9, Err(NoEmployee)),
            ("{employee_id}_{period}.pdf", "notes.pdf", 9, Err(OtherName)),
            ("{employee_id}.{any}", "1.exe", 9, Err(TypeNotAllowed)),
            ("{employee_id}", "1", 9, Err(TypeNotAllowed)),
            ("{employee_id}.{any}", "1.PDF", 9, Ok(1)),
            ("{employee_id}.pdf", "1.pdf", 0, Err(EmptyFile)),
            ("{employee_id}.pdf", "1.pdf", 100, Ok(1)),
            ("{employee_id}.pdf", "1.pdf", 101, Err(TooLarge)),
            ("{email}.pdf", "INES@example.com.pdf", 9, Ok(1)),
            ("{email}.pdf", "oskar@example.com.pdf", 9, Ok(2)),
            ("{email}.pdf", "shared@example.com.pdf", 9, Err(SeveralEmployees)),
            ("{dynamic_1}.pdf", "007.pdf", 9, Ok(2)),
            ("{dynamic_1}.pdf", "7.pdf", 9, Ok(3)),
            ("{dynamic_1}.pdf", "A-17.pdf", 9, Err(SeveralEmployees)),
            ("{dynamic_1} {email}.pdf", "A-17 ines@example.com.pdf", 9, Ok(1)),
            ("{dynamic_1} {email}.pdf", "007 ines@example.com.pdf", 9, Err(NoEmployee)),
        ];
        let employees = employees();
        for (text, name, size, wanted) in table {
            let pattern = Pattern::new(text, resolve).unwrap();
            let directory = Directory::new(&employees, &pattern.keys());
            let file = FolderFile { name: (*name).to_owned(), size: *size };
            let found = assign(&[file], Rules::Names(&pattern), &directory, &["pdf"], 100);
            let found: Vec<_> = found.iter().map(|(_, found)| found.clone().map(|found| found.employee.0)).collect();
            assert_eq!(found, [*wanted], "{text} {name} {size}");
        }
    }

    #[test]
    fn an_index_says_whose_a_file_is_and_its_contradictions_are_seen() {
        use crate::code::Code::*;
        let text = "file,employee_id\na.pdf,1\nb.pdf,1\nb.pdf,2\nc.pdf,99\nd.pdf,2\ne.pdf,1\ne.pdf,99\n";
        let (index, employees) = (Index::read(text.as_bytes()).unwrap(), employees());
        let directory = Directory::new(&employees, &[&index.key]);
        let names = ["f.pdf", "e.pdf", "c.pdf", "b.pdf", "a.pdf"];
        let files = names.map(|name| FolderFile { name: name.into(), size: 1 });
        let found = assign(&files, Rules::Index(&index), &directory, &["pdf"], 100);
        let found: Vec<_> =
            found.iter().map(|(file, found)| (&*file.name, found.clone().map(|found| found.employee.0))).collect();
        assert_eq!(
            found,
            [
                ("a.pdf", Ok(1)),
                ("b.pdf", Err(SeveralEmployees)),
                ("c.pdf", Err(NoEmployee)),
                ("d.pdf", Err(NotInFolder)),
                ("e.pdf", Err(SeveralEmployees)),
                ("f.pdf", Err(NotInIndex)),
            ]
        );
    }

    #[test]
    fn an_attribute_that_nobody_shows_is_noticed() {
        let employees = employees();
        let [shown, hidden] = ["email", "dynamic_2"].map(|key| Key::Attribute(key.into()));
        let directory = Directory::new(&employees, &[&shown, &hidden]);
        assert!(directory.knows(&shown) && directory.knows(&Key::EmployeeId) && !directory.knows(&hidden));
    }
}
