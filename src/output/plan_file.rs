//! Plans that bind: a plan as a document that says what it was made from, and its targets read back from one that still
//! holds.

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Document;
use super::json::{self, Binding};

/// What a plan is made from and for.
pub(crate) struct Origin<'a> {
    /// The text of the configuration file.
    pub(crate) file: &'a str,
    /// The day, as text.
    pub(crate) today: String,
}

impl Origin<'_> {
    /// The document of a plan, bound to the file, to what was read of the source, and to itself.
    pub(crate) fn bind(&self, document: &Document<'_>, source: &str) -> String {
        let plan = document.plan.map(json::canonical).unwrap_or_default();
        let binding = Binding { file: hash(self.file), source: hash(source), plan: hash(&in_one_spelling(&plan)) };
        json::render(document, Some(&binding))
    }

    /// The targets of a plan that was bound to the same.
    ///
    /// # Errors
    ///
    /// Why it cannot be applied: it was edited, or belongs to another file or another day.
    pub(crate) fn targets(&self, text: &str) -> Result<Vec<Value>, String> {
        let file: PlanFile = serde_json::from_str(text)
            .map_err(|_| "this is not a plan; write one with `personio-sync plan --out FILE`")?;
        let Some(binding) = file.binding.filter(|_| file.kind == "plan" && file.schema == json::SCHEMA) else {
            return Err("this is not a plan that can be applied; write one with `personio-sync plan --out FILE`".into());
        };
        if hash(&Value::from(file.targets.clone()).to_string()) != binding.plan {
            return Err("the plan was edited after it was made; make and review a new one".into());
        }
        if hash(self.file) != binding.file {
            return Err(
                "the plan was made from another configuration file, or the file changed since; make and review \
                        a new one"
                    .into(),
            );
        }
        if file.today != self.today {
            return Err(format!(
                "the plan was made for {}, and today is {}; make and review a new one",
                file.today, self.today
            ));
        }
        Ok(file.targets)
    }
}

/// The part of a plan file that is read back.
#[derive(Deserialize)]
struct PlanFile {
    schema: u32,
    kind: String,
    today: String,
    targets: Vec<Value>,
    binding: Option<Binding>,
}

/// A number may be spelt in several ways; what is read back has one.
fn in_one_spelling(targets: &str) -> String {
    serde_json::from_str::<Value>(targets).map(|value| value.to_string()).unwrap_or_default()
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
