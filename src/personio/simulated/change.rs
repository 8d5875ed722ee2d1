//! People hired, changed and retired from outside, for tests and for trying things out.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::{Personio, refusal};
use crate::http::Method;
use crate::simulation::people::{Named, Person};
use crate::simulation::{SandboxRequest, SandboxResponse};

impl Personio {
    /// Changes attributes of an employee. Days are `YYYY-MM-DD`, organisational attributes are names,
    /// the supervisor is an id, cost centres are names; anything that fits nowhere is delivered as it is
    /// (`""` for an office, a custom attribute).
    ///
    /// # Errors
    ///
    /// When there is no such employee, or a value cannot be one of its attribute.
    pub fn change(&mut self, id: u64, values: &Map<String, Value>) -> Result<(), String> {
        let today = self.company().today;
        let person = self.company_mut().person_mut(id).ok_or_else(|| format!("there is no employee {id}"))?;
        let mut changed = person.clone();
        for (key, value) in values {
            set(&mut changed, key, value)?;
        }
        changed.last_modified = today;
        let before = std::mem::replace(person, changed);
        self.note_edit(&before, values.keys().cloned());
        for key in values.keys() {
            if !self.catalogue.iter().any(|attribute| *attribute.key == **key) {
                let meaning = super::Meaning::guess(key);
                self.catalogue.push(super::attributes::custom(key, &key.replace('_', " "), meaning));
            }
        }
        Ok(())
    }

    /// Adds an employee with these attributes, ordinary otherwise, and returns the id.
    pub fn hire(&mut self, values: &Map<String, Value>) -> Result<u64, String> {
        let id = self.company_mut().hire();
        match self.change(id, values) {
            Ok(()) => {
                self.note_hire(id);
                Ok(id)
            }
            Err(why) => {
                self.company_mut().remove(id);
                Err(why)
            }
        }
    }

    /// Sets the last day of an employee.
    ///
    /// # Errors
    ///
    /// When there is no such employee.
    pub fn leave(&mut self, id: u64, day: NaiveDate) -> Result<(), String> {
        let mut values = Map::from_iter([("termination_date".to_owned(), json!(day.to_string()))]);
        values.insert("last_working_day".to_owned(), json!(day.to_string()));
        if day < self.company().today {
            values.insert("status".to_owned(), json!("inactive"));
        }
        self.change(id, &values)
    }

    /// Adds a new profile of somebody who left, and returns its id.
    ///
    /// # Errors
    ///
    /// When there is no such employee, or they have not left by then.
    pub fn rehire(&mut self, id: u64, day: NaiveDate) -> Result<u64, String> {
        let today = self.company().today;
        let old = self.company().person(id).ok_or_else(|| format!("there is no employee {id}"))?.clone();
        if old.status != "inactive" && old.termination_date.is_none_or(|last| last >= day) {
            return Err(format!("employee {id} has not left by {day}; let them leave first"));
        }
        let custom = self.catalogue.iter().filter_map(|attribute| Some((attribute, attribute.meaning?)));
        let personal = custom.map(|(attribute, meaning)| {
            let key = attribute.key.to_string();
            let value = old.overrides.get(&key).cloned();
            let value = value.unwrap_or_else(|| meaning.value(&key, &old, self.company()));
            (key, value)
        });
        let overrides = old.overrides.clone().into_iter().chain(personal).collect();
        let new = self.company_mut().hire();
        let status = if day > today { "onboarding" } else { "active" }.to_owned();
        if let Some(profile) = self.company_mut().person_mut(new) {
            *profile = Person {
                id: new,
                status,
                hire_date: Some(day),
                termination_date: None,
                last_working_day: None,
                contract_end_date: None,
                termination_type: String::new(),
                last_modified: today,
                overrides,
                ..old
            };
        }
        self.note_hire(new);
        Ok(new)
    }

    /// The keys of all attributes.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.catalogue.iter().map(|attribute| &*attribute.key)
    }

    /// The key of an attribute, by key or label: `dynamic_4712`, `Birthday`, `birthday`.
    pub fn key_of(&self, name: &str) -> Option<String> {
        let label = name.replace('_', " ");
        let named = self
            .catalogue
            .iter()
            .find(|attribute| *attribute.key == *name || attribute.label.eq_ignore_ascii_case(&label));
        named.map(|attribute| attribute.key.to_string())
    }

    /// Takes an employee out of what is delivered, as deleting does. Returns whether there was one.
    pub fn delete(&mut self, id: u64) -> bool {
        self.company_mut().remove(id)
    }

    pub(super) fn control(&mut self, method: Method, rest: &[&str], request: &SandboxRequest) -> SandboxResponse {
        let done = |id: u64| SandboxResponse::json(200, &json!({"success": true, "data": {"id": id}}));
        let id = rest.first().map(|id| id.parse::<u64>());
        match (method, id) {
            (Method::Get, None) => {
                let ids: Vec<u64> = self.company().people().iter().map(|person| person.id).collect();
                SandboxResponse::json(200, &json!({"success": true, "data": ids}))
            }
            (Method::Post, None) => match self.hire(&request.object().unwrap_or_default()) {
                Ok(id) => done(id),
                Err(why) => refusal(422, &why),
            },
            (Method::Patch, Some(Ok(id))) if self.company().person(id).is_some() => match request.object() {
                None => refusal(422, "the body is not a JSON object"),
                Some(values) => self.change(id, &values).map_or_else(|why| refusal(422, &why), |()| done(id)),
            },
            (Method::Delete, Some(Ok(id))) if self.delete(id) => done(id),
            _ => refusal(404, "Not Found"),
        }
    }
}

fn set(person: &mut Person, key: &str, value: &Value) -> Result<(), String> {
    person.overrides.remove(key);
    let blank = value.is_null() || value.as_str() == Some("");
    let text = || value.as_str().map(str::to_owned).unwrap_or_default();
    let day = || -> Result<Option<NaiveDate>, String> {
        match value {
            Value::Null => Ok(None),
            Value::String(text) => text.parse().map(Some).map_err(|_| format!("{key} is not a day (YYYY-MM-DD)")),
            _ => Err(format!("{key} is not a day (YYYY-MM-DD)")),
        }
    };
    let named = |make: fn(&str) -> Named| value.as_str().map(make);
    let organisational = matches!(key, "subcompany" | "office" | "department" | "team");
    if organisational && !value.is_null() && (blank || !value.is_string()) {
        person.overrides.insert(key.to_owned(), value.clone());
        return Ok(());
    }
    match key {
        "id" => return Err("the id of an employee never changes".into()),
        "first_name" => person.first_name = text(),
        "last_name" => person.last_name = text(),
        "preferred_name" => person.preferred_name = text(),
        "email" => person.email = text(),
        "gender" => person.gender = text(),
        "status" => person.status = text(),
        "position" => person.position = text(),
        "employment_type" => person.employment_type = text(),
        "termination_type" => person.termination_type = text(),
        "hire_date" => person.hire_date = day()?,
        "contract_end_date" => person.contract_end_date = day()?,
        "termination_date" => person.termination_date = day()?,
        "last_working_day" => person.last_working_day = day()?,
        "probation_period_end" => person.probation_period_end = day()?,
        "subcompany" => person.subcompany = named(Named::subcompany),
        "office" => person.office = named(Named::office),
        "department" => person.department = named(Named::department),
        "team" => person.team = named(Named::team),
        "supervisor" => person.supervisor = value.as_u64(),
        "cost_centers" if value.as_array().is_some_and(|list| list.iter().all(Value::is_string)) => {
            let names: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let share = 100 / names.len().clamp(1, 100) as u8;
            person.cost_centers = names.into_iter().map(|name| (Named::cost_center(name), share)).collect();
        }
        _ => {
            person.overrides.insert(key.to_owned(), value.clone());
        }
    }
    Ok(())
}
