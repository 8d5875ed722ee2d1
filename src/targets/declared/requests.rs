//! The requests that a declaration makes, as values.

use serde_json::{Value as Json, json};

use crate::employee::EmployeeId;
use crate::field::AccountId;
use crate::http::{Repeat, Request};
use crate::plan::FieldChange;

use super::declaration::{Clear, Create, DeclaredField, List, Operation, ReadOne};
use super::paging::Page;
use super::template::Fill;
use super::wire::to_json;

/// What fills the places of one request.
struct Filling<'a> {
    account: &'a str,
    employee: Option<EmployeeId>,
    fields: &'a [DeclaredField],
    changes: &'a [FieldChange],
    clear: Clear,
    item: Option<&'a Json>,
}

impl Filling<'_> {
    fn none() -> Self {
        Self { account: "", employee: None, fields: &[], changes: &[], clear: Clear::Null, item: None }
    }

    /// A list is replaced as a whole, so one that a change leads through is sent as it was read, with the change in it.
    fn put(&self, mut document: Json) -> Json {
        for change in self.changes {
            if let Some(field) = self.fields.get(change.index.get()) {
                if let (Some(list), Some(item)) = (field.at.list(), self.item)
                    && list.get(&document).is_none()
                    && let Some(read) = list.get(item).filter(|read| read.is_array())
                {
                    list.put(&mut document, read.clone());
                }
                field.at.put(&mut document, to_json(&change.after, field, self.clear));
            }
        }
        document
    }
}

impl Fill for Filling<'_> {
    fn account(&self) -> &str {
        self.account
    }

    fn employee(&self) -> String {
        self.employee.map_or_else(String::new, |employee| employee.to_string())
    }

    fn field(&self, name: &str) -> Option<Json> {
        let change = self.changes.iter().find(|change| &*change.field == name)?;
        Some(to_json(&change.after, self.fields.get(change.index.get())?, self.clear))
    }

    fn kept(&self, name: &str) -> Option<Json> {
        let field = self.fields.iter().find(|field| &*field.spec.name == name)?;
        field.at.get(self.item?).cloned()
    }

    fn fields(&self) -> Json {
        self.put(json!({}))
    }

    fn item(&self) -> Json {
        self.put(self.item.cloned().unwrap_or_else(|| json!({})))
    }
}

fn build(operation: &Operation, fill: &Filling<'_>) -> Request {
    let mut request = Request::new(operation.method, operation.path.render_path(fill));
    for (name, value) in &operation.query {
        request = request.query(name, value.render(fill));
    }
    match operation.body.as_ref().and_then(|body| body.render(fill)) {
        Some(body) => request.json(&body),
        None => request,
    }
}

/// A page of the list. `from` is the address of the page before.
pub(super) fn list(list: &List, page: &Page, from: &str) -> Result<Request, String> {
    let request = match page {
        Page::First => build(&list.request, &Filling::none()),
        Page::Query(name, value) => {
            let mut request = build(&list.request, &Filling::none());
            request.query.retain(|(known, _)| known != name);
            request.query(name, value)
        }
        Page::Address(address) => {
            let next = url::Url::parse(from).and_then(|from| from.join(address));
            let next = next.map_err(|_| "the link to the next page is not an address".to_owned())?;
            Request { path: next.into(), query: Vec::new(), ..build(&list.request, &Filling::none()) }
        }
    };
    // A list that is sent as POST is a search; it changes nothing.
    Ok(request.repeat(Repeat::Harmless))
}

/// One account. Sent as POST, it is a search of one, which changes nothing.
pub(super) fn read(read: &ReadOne, account: &AccountId) -> Request {
    switch(&read.request, account).repeat(Repeat::Harmless)
}

/// Makes an account.
pub(super) fn create(
    create: &Create,
    employee: EmployeeId,
    fields: &[DeclaredField],
    changes: &[FieldChange],
    clear: Clear,
) -> Request {
    build(&create.request, &Filling { account: "", employee: Some(employee), fields, changes, clear, item: None })
}

/// Changes an account; `item` is the account as it was read.
pub(super) fn update(
    operation: &Operation,
    account: &AccountId,
    fields: &[DeclaredField],
    changes: &[FieldChange],
    clear: Clear,
    item: Option<&Json>,
) -> Request {
    build(operation, &Filling { account: &account.0, employee: None, fields, changes, clear, item })
}

/// Takes an account out of use or brings it back.
pub(super) fn switch(operation: &Operation, account: &AccountId) -> Request {
    build(operation, &Filling { account: &account.0, ..Filling::none() })
}
