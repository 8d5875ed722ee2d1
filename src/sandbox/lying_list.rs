//! Lists of people that are not true, although each answer is in good form.

use serde_json::{Value, json};

use crate::http::Method;
use crate::simulation::{SandboxRequest, SandboxResponse, System};

/// How a list of people lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Nobody is there.
    Empty,
    /// Every third person is left out; what the service says of their number stays.
    Short,
    /// The list ends after its first people, and their number is that of all.
    Capped,
}

/// The most people of a list that is capped.
const CAP: usize = 5;

/// Words of a query that asks for some people only.
const LOOK_UPS: &[&str] = &["filter", "$filter", "query", "email", "work_phone_number", "mobile_phone_number"];

impl Lie {
    /// Makes the list of people in an answer a lie; all other answers stay as they are.
    pub(super) fn tell(self, system: &dyn System, request: &SandboxRequest, response: &mut SandboxResponse) {
        let looks_up = LOOK_UPS.iter().any(|word| request.query_value(word).is_some());
        if request.method != Method::Get || response.status != 200 || looks_up {
            return;
        }
        let mut body = response.value();
        let Some(key) = system.people_at(request, &body) else { return };
        let Some(people) = body.get_mut(&key).and_then(Value::as_array_mut) else { return };
        match self {
            Self::Empty => people.clear(),
            Self::Capped if super::faults::is_later_page(request) => people.clear(),
            Self::Capped => people.truncate(CAP),
            Self::Short => {
                let mut number = 0;
                people.retain(|_| {
                    number += 1;
                    number % 3 != 0
                });
            }
        }
        if self != Self::Short {
            let (total, ends_here) = (people.len(), json!(""));
            for pointer in ["/totalResults", "/itemsPerPage", "/meta/total", "/total"] {
                if let Some(number) = body.pointer_mut(pointer) {
                    *number = total.into();
                }
            }
            if let Some(cursor) = body.pointer_mut("/response_metadata/next_cursor") {
                *cursor = ends_here;
            }
            for link in ["nextCursor", "@odata.nextLink"] {
                body.as_object_mut().map(|body| body.remove(link));
            }
            response.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("link"));
        }
        response.body = body.to_string().into_bytes();
    }
}
