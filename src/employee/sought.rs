//! Whom somebody means: by id, e-mail address or name.

use std::str::FromStr;

use super::{Column, Employee, EmployeeId, Employees, clean};

/// Whom somebody means, as they wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    Id(EmployeeId),
    /// In lower case.
    Email(Box<str>),
    /// The words of a name or of parts of one, in lower case.
    Name(Box<[Box<str>]>),
}

/// Why nobody can be found by what was written; holds nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRead {
    #[error("this file does not read `email`, so nobody is found by an address")]
    Email,
    #[error("this file reads neither `first_name` nor `last_name`, so nobody is found by name")]
    Names,
}

impl FromStr for Sought {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = clean(text).to_lowercase();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::Id).map_err(|_| "no id of Personio has so many digits");
        }
        if text.contains('@') {
            return Ok(Self::Email(text.into()));
        }
        let words = words(&text);
        if words.is_empty() { Err("Personio's id, an e-mail address or a name") } else { Ok(Self::Name(words)) }
    }
}

/// `Lovelace, Ada` and `ada lovelace` are the same words in another order.
fn words(text: &str) -> Box<[Box<str>]> {
    let words = text.split(|letter: char| letter.is_whitespace() || letter == ',');
    words.filter(|word| !word.is_empty()).map(Into::into).collect()
}

/// Who fits, by id.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitting<'e> {
    pub employees: Vec<&'e Employee>,
    /// Whether they fit by parts of their names alone.
    pub in_part: bool,
}

impl Sought {
    /// The attributes by which people are found and told apart.
    pub const ATTRIBUTES: [&str; 3] = ["first_name", "last_name", "email"];

    /// Who fits. A whole name goes before parts of one.
    ///
    /// # Errors
    ///
    /// When the run does not read what people would be found by.
    pub fn find<'e>(&self, employees: &'e Employees) -> Result<Fitting<'e>, NotRead> {
        let column = |key| employees.attributes.column(key);
        let all = |fits: &dyn Fn(&Employee) -> bool| employees.list.iter().filter(|one| fits(one)).collect();
        let whole = |employees| Fitting { employees, in_part: false };
        match self {
            Self::Id(id) => Ok(whole(employees.get(*id).into_iter().collect())),
            Self::Email(email) => {
                let column = column("email").ok_or(NotRead::Email)?;
                Ok(whole(all(&|employee| text(employee, column).is_some_and(|found| found == **email))))
            }
            Self::Name(wanted) => {
                let columns: Vec<Column> = ["first_name", "last_name"].into_iter().filter_map(column).collect();
                if columns.is_empty() {
                    return Err(NotRead::Names);
                }
                let called_so: Vec<&Employee> = all(&|employee| sorted(&name(employee, &columns)) == sorted(wanted));
                if !called_so.is_empty() {
                    return Ok(whole(called_so));
                }
                let employees = all(&|employee| {
                    let name = name(employee, &columns);
                    wanted.iter().all(|part| name.iter().any(|word| word.contains(&**part)))
                });
                Ok(Fitting { employees, in_part: true })
            }
        }
    }
}

fn sorted(words: &[Box<str>]) -> Vec<&str> {
    let mut words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    words.sort_unstable();
    words
}

fn text(employee: &Employee, column: Column) -> Option<String> {
    employee.value(column).as_text().map(str::to_lowercase)
}

fn name(employee: &Employee, columns: &[Column]) -> Vec<Box<str>> {
    columns.iter().filter_map(|column| text(employee, *column)).flat_map(|part| words(&part).into_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::employee::{Attributes, Completeness, Value};

    const PEOPLE: [(u64, &str, &str, &str); 6] = [
        (1, "Ada", "Lovelace", "ada@example.com"),
        (2, "Ada", "Love", "Ada.Love@example.com"),
        (3, "Anna Maria", "van der Berg", "anna@example.com"),
        (4, "Max", "Müller", "max@example.com"),
        (5, "Max", "Müller", "max.mueller@example.com"),
        (6, "Bo", "", "bo@example.com"),
    ];

    fn company(keys: &[&str]) -> Employees {
        let attributes = Attributes::new(keys.iter().copied());
        let value = |text: &str| if text.is_empty() { Value::Hidden } else { Value::Text(text.into()) };
        let list = PEOPLE.iter().map(|(id, first, last, email)| {
            let value = |key| match key {
                "first_name" => value(first),
                "last_name" => value(last),
                _ => value(email),
            };
            Employee::new(EmployeeId(*id), attributes.keys().map(value).collect::<Vec<_>>())
        });
        let list = list.collect();
        Employees::new(attributes, list, Completeness::Proven)
    }

    /// The ids, and whether a part of the name was enough.
    fn found(text: &str, employees: &Employees) -> Result<(Vec<u64>, bool), NotRead> {
        let found = text.parse::<Sought>().unwrap().find(employees)?;
        Ok((found.employees.into_iter().map(|employee| employee.id.0).collect(), found.in_part))
    }

    #[test]
    fn people_are_found_by_id_address_and_name() {
        let employees = company(&Sought::ATTRIBUTES);
        for (text, ids, in_part) in [
            ("4", &[4][..], false),
            (" 0004 ", &[4], false),
            ("7", &[], false),
            ("ADA@example.com", &[1], false),
            ("ada.love@example.com", &[2], false),
            ("ada.love@example", &[], false),
            ("Ada Lovelace", &[1], false),
            ("lovelace,  ADA", &[1], false),
            // A whole name is not a part of another one.
            ("ada love", &[2], false),
            ("ada", &[1, 2], true),
            ("lovel", &[1], true),
            ("berg anna", &[3], true),
            ("anna maria van der berg", &[3], false),
            ("max mu\u{308}ller", &[4, 5], false),
            ("müller", &[4, 5], true),
            ("bo", &[6], false),
            ("ada müller", &[], true),
        ] {
            assert_eq!(found(text, &employees).unwrap(), (ids.to_vec(), in_part), "{text}");
        }
    }

    #[test]
    fn nobody_is_found_by_what_the_file_does_not_read() {
        assert_eq!(found("ada@example.com", &company(&["first_name"])), Err(NotRead::Email));
        assert_eq!(found("ada", &company(&["email"])), Err(NotRead::Names));
        assert_eq!(found("lovelace", &company(&["last_name"])), Ok((vec![1], false)));
        assert_eq!(found("1", &company(&[])), Ok((vec![1], false)));
        for nothing in ["", " ", ",", "99999999999999999999999"] {
            assert!(nothing.parse::<Sought>().is_err(), "{nothing}");
        }
    }
}
