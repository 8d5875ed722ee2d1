//! People who come, change and go while a sandbox runs, at the wish of whoever looks at it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::world::World;
use crate::http::Method;
use crate::personio::simulated::Personio;
use crate::simulation::{SandboxRequest, SandboxResponse};
use crate::words::known;

/// Something that happens to one of the simulated people. Days are `YYYY-MM-DD`, today where none is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Happening {
    Hire {
        on: Option<String>,
        #[serde(default)]
        values: Vec<(String, String)>,
    },
    Change {
        employee: u64,
        values: Vec<(String, String)>,
    },
    Leave {
        employee: u64,
        on: Option<String>,
    },
    /// They come back with a new profile, as Personio has it.
    Rehire {
        employee: u64,
        on: Option<String>,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    /// The employee concerned; the new profile of somebody who came back.
    pub employee: u64,
    /// In a sentence, without a name.
    pub said: String,
}

impl Happening {
    /// What a form of the front page says.
    fn of_form(fields: &[(String, String)]) -> Result<Self, String> {
        let field = |name: &str| {
            let found = fields.iter().find(|(known, value)| known == name && !value.trim().is_empty());
            found.map(|(_, value)| value.trim().to_owned())
        };
        let employee = || {
            let number = field("employee").ok_or("whom? give the number of an employee")?;
            number.parse().map_err(|_| format!("`{number}` is no number of an employee"))
        };
        let values: Vec<(String, String)> =
            field("attribute").map(|key| (key, field("value").unwrap_or_default())).into_iter().collect();
        match field("what").as_deref() {
            Some("hire") => Ok(Self::Hire { on: field("on"), values }),
            Some("change") => Ok(Self::Change { employee: employee()?, values }),
            Some("leave") => Ok(Self::Leave { employee: employee()?, on: field("on") }),
            Some("rehire") => Ok(Self::Rehire { employee: employee()?, on: field("on") }),
            _ => Err("what? hire, change, leave or rehire".into()),
        }
    }

    fn happen(&self, personio: &mut Personio) -> Result<Happened, String> {
        let today = personio.company().today;
        let day = |on: &Option<String>| match on {
            None => Ok(today),
            Some(text) => text.parse().map_err(|_| format!("`{text}` is not a day such as 2026-12-01")),
        };
        match self {
            Self::Hire { on, values } => {
                let day = day(on)?;
                let mut all = first_day(day, today);
                all.extend(settled(personio, values)?);
                let employee = personio.hire(&all)?;
                Ok(Happened { employee, said: format!("Employee {employee} starts on {day}.") })
            }
            Self::Change { values, .. } if values.is_empty() => {
                Err("what changes? give an attribute and its value, such as position=Lead".into())
            }
            Self::Change { employee, values } => {
                let settled = settled(personio, values)?;
                personio.change(*employee, &settled)?;
                let keys: Vec<&str> = settled.keys().map(String::as_str).collect();
                Ok(Happened {
                    employee: *employee,
                    said: format!("Employee {employee} has changed: {}.", keys.join(", ")),
                })
            }
            Self::Leave { employee, on } => {
                let day = day(on)?;
                personio.leave(*employee, day)?;
                Ok(Happened { employee: *employee, said: format!("The last day of employee {employee} is {day}.") })
            }
            Self::Rehire { employee, on } => {
                let day = day(on)?;
                let new = personio.rehire(*employee, day)?;
                let said = format!("Employee {employee} comes back on {day}, as employee {new}.");
                Ok(Happened { employee: new, said })
            }
        }
    }
}

/// What a first day says of somebody.
fn first_day(day: NaiveDate, today: NaiveDate) -> Map<String, Value> {
    let status = if day > today { "onboarding" } else { "active" };
    let values = json!({"hire_date": day.to_string(), "status": status});
    values.as_object().cloned().unwrap_or_default()
}

/// The attributes by their keys, each value as Personio has it.
fn settled(personio: &Personio, values: &[(String, String)]) -> Result<Map<String, Value>, String> {
    let one = |(name, text): &(String, String)| {
        let key = personio
            .key_of(name)
            .ok_or_else(|| format!("no attribute is called `{name}`; {}", known(name, personio.keys())))?;
        let value = match &*key {
            "supervisor" => json!(text.parse::<u64>().map_err(|_| "`supervisor` is the number of an employee")?),
            "cost_centers" => text.split(',').map(|name| json!(name.trim())).collect(),
            key if text.is_empty() && key.ends_with("_date") => Value::Null,
            _ => json!(text),
        };
        Ok((key, value))
    };
    values.iter().map(one).collect()
}

/// Answers what a form or a program sends: a page that says what happened, or the same as JSON.
pub(super) fn receive(world: &World, request: &SandboxRequest) -> Option<SandboxResponse> {
    if (request.method, request.path.as_str()) != (Method::Post, "/people") {
        return None;
    }
    let is_json = request.header_value("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    let wished = match is_json {
        true => serde_json::from_slice::<Happening>(&request.body).map_err(|error| error.to_string()),
        false => {
            let fields: Vec<_> = url::form_urlencoded::parse(&request.body).into_owned().collect();
            Happening::of_form(&fields)
        }
    };
    let happen = |happening: Happening| world.with(|personio: &mut Personio| happening.happen(personio));
    let happened = wished.and_then(|happening| happen(happening).unwrap_or_else(|| Err("there is no Personio".into())));
    Some(match (is_json, happened) {
        (true, Ok(happened)) => SandboxResponse::json(200, &json!(happened)),
        (true, Err(why)) => SandboxResponse::json(422, &json!({ "error": why })),
        (false, happened) => {
            let said = happened.map_or_else(|why| format!("Nothing happened: {why}"), |happened| happened.said);
            let said: String = url::form_urlencoded::byte_serialize(said.as_bytes()).collect();
            SandboxResponse::empty(303).with_header("location", format!("/?said={said}"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::people::Company;

    fn personio() -> Personio {
        Personio::new(Company::new(30, 7, "2026-11-28".parse().unwrap()))
    }

    fn happens(personio: &mut Personio, fields: &[(&str, &str)]) -> Result<Happened, String> {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Happening::of_form(&fields)?.happen(personio)
    }

    #[test]
    fn somebody_comes_changes_leaves_and_comes_back() {
        let mut personio = personio();
        let hired = happens(
            &mut personio,
            &[("what", "hire"), ("on", "2026-12-01"), ("attribute", "first_name"), ("value", "Nova")],
        );
        let id = hired.unwrap().employee;
        let person = |personio: &Personio, id: u64| personio.company().person(id).unwrap().clone();
        assert_eq!((&*person(&personio, id).first_name, &*person(&personio, id).status), ("Nova", "onboarding"));
        let of = id.to_string();
        happens(
            &mut personio,
            &[("what", "change"), ("employee", &of), ("attribute", "birthday"), ("value", "1990-01-01")],
        )
        .unwrap();
        happens(&mut personio, &[("what", "leave"), ("employee", &of), ("on", "2026-11-20")]).unwrap();
        assert_eq!(person(&personio, id).status, "inactive");
        let back = happens(&mut personio, &[("what", "rehire"), ("employee", &of), ("on", "2026-11-28")]).unwrap();
        assert_ne!(back.employee, id);
        let (old, new) = (person(&personio, id), person(&personio, back.employee));
        assert_eq!((&new.first_name, &new.email, &*new.status), (&old.first_name, &old.email, "active"));
        assert_eq!(new.overrides["dynamic_4712"], "1990-01-01");
        assert_eq!(new.termination_date, None);
    }

    #[test]
    fn what_cannot_happen_says_why() {
        for (fields, why) in [
            (&[("what", "fire")][..], "hire, change, leave or rehire"),
            (&[("what", "leave")], "give the number of an employee"),
            (&[("what", "leave"), ("employee", "1")], "there is no employee 1"),
            (&[("what", "leave"), ("employee", "1004"), ("on", "soon")], "`soon` is not a day such as 2026-12-01"),
            (&[("what", "change"), ("employee", "1004")], "give an attribute and its value"),
            (&[("what", "change"), ("employee", "1004"), ("attribute", "postion")], "did you mean `position`?"),
            (&[("what", "rehire"), ("employee", "1004")], "employee 1004 has not left"),
        ] {
            let refused = happens(&mut personio(), fields).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
