//! Personio's v1 JSON, read once and without a tree in between: most of a page is labels nobody asked for.

mod answer;
mod converted;
mod cursor;
mod layout;
mod raw;

use std::borrow::Cow;
use std::cell::RefCell;

use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny};
use serde_json::Error;

use super::garbled::{NO_CHARACTER, repaired};
use super::value::{Unreadable, convert};
use crate::code::Code;
use crate::employee::{Attributes, Employee, EmployeeId, PresetKind, Value, preset};
use crate::plan::Notice;

pub use answer::CatalogueEntry;
pub(super) use answer::{Envelope, Token};
use converted::Converted;
use cursor::Cursor;
use layout::{Found, Layout};
pub(super) use raw::{AttributeType, Object, Raw};

/// The attributes of a run, ready to be found by key.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    /// The place is the column; sorted.
    keys: Vec<(&'a str, Option<PresetKind>)>,
    /// What was read of other people, by column.
    converted: RefCell<Vec<Converted>>,
    layout: RefCell<Layout>,
}

/// What the key of an attribute means for a run.
#[derive(Clone, Copy, Debug)]
struct Key {
    is_id: bool,
    column: Option<usize>,
}

impl Key {
    fn is_wanted(self) -> bool {
        self.is_id || self.column.is_some()
    }
}

impl<'a> Columns<'a> {
    pub(super) fn new(attributes: &'a Attributes) -> Self {
        let keys: Vec<_> = attributes.keys().map(|key| (key, preset(key))).collect();
        let converted = keys.iter().map(|_| Converted::default()).collect();
        Self { keys, converted: RefCell::new(converted), layout: RefCell::default() }
    }

    fn find(&self, key: &str) -> Key {
        Key { is_id: key == "id", column: self.keys.binary_search_by_key(&key, |(key, _)| key).ok() }
    }

    /// The value of a column, or why it cannot be read.
    fn value(&self, column: usize, found: &Found<'_>) -> Result<Result<Value, Unreadable>, Error> {
        let Some(spelling) = found.value else { return Ok(Err(Unreadable::NoValue)) };
        let convert = || Raw::read(spelling).map(|raw| convert(self.keys[column].1, found.kind, raw));
        if !spelling.starts_with('{') {
            return convert();
        }
        let known = &mut self.converted.borrow_mut()[column];
        let value = known.get(spelling, found.kind, || convert().map_err(Err)?.map_err(Ok));
        value.map(Ok).or_else(|why| why.map(Err))
    }

    fn notice(&self, employee: EmployeeId, column: usize, why: Unreadable) -> Notice {
        let message = format!(
            "Personio delivers attribute `{}` of employee {employee} as {why}, which cannot be read; it counts as hidden",
            self.keys[column].0
        );
        Notice::about(employee, Code::UnexpectedValue, message)
    }
}

#[derive(Debug, Default)]
pub(super) struct Page {
    /// `false` comes with HTTP 200, too.
    pub(super) success: Option<bool>,
    /// What the service says of an error.
    pub(super) error: Option<serde_json::Value>,
    /// How many employees there are on all pages.
    pub(super) total: Option<u64>,
    /// `None` when the answer has no list at all.
    pub(super) records: Option<Records>,
}

/// The records of one page.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) employees: Vec<Employee>,
    /// Records without an id: nobody can say who that is.
    pub(super) unusable: u64,
    /// One for each value that could not be understood.
    pub(super) notices: Vec<Notice>,
}

impl Records {
    /// How far the next page's offset is.
    pub(super) fn rows(&self) -> u64 {
        self.employees.len() as u64 + self.unusable
    }
}

/// Reads `GET /v1/company/employees`. What is no character hides the value that it stands in, and stops nobody else.
pub(super) fn parse_page(body: &[u8], columns: &Columns<'_>) -> Result<Page, serde_json::Error> {
    // Checking the encoding of a page at once costs a fraction of checking each text in it.
    let read = std::str::from_utf8(body).ok().map(|text| parse_text(text, columns));
    match read {
        Some(Ok(page)) => Ok(page),
        Some(Err(error)) => match repaired(body, NO_CHARACTER) {
            Cow::Borrowed(_) => Err(error),
            Cow::Owned(text) => parse_text(&text, columns),
        },
        None => parse_text(&repaired(body, NO_CHARACTER), columns),
    }
}

fn parse_text(text: &str, columns: &Columns<'_>) -> Result<Page, serde_json::Error> {
    let reader = Reader { cursor: Cursor::new(text), columns, records: Records::default() };
    // Where a text is no JSON, the library says best at which place.
    reader.page().map_err(|error| serde_json::from_str::<IgnoredAny>(text).err().unwrap_or(error))
}

/// The employees of one page, for measuring how long that takes; a run reads pages through the source.
pub fn read_page(body: &[u8], attributes: &Attributes) -> Result<Vec<Employee>, serde_json::Error> {
    let records = parse_page(body, &Columns::new(attributes))?.records;
    Ok(records.map(|records| records.employees).unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Metadata {
    Known { total_elements: u64 },
    Unknown(IgnoredAny),
}

/// Reads one page from its beginning to its end.
struct Reader<'de, 'a> {
    cursor: Cursor<'de>,
    columns: &'a Columns<'a>,
    records: Records,
}

impl Reader<'_, '_> {
    fn page(mut self) -> Result<Page, Error> {
        let mut page = Page::default();
        let mut first = true;
        self.cursor.expect(b'{')?;
        while self.cursor.next(first, b'}')? {
            first = false;
            match &*self.cursor.key()? {
                "success" => page.success = self.cursor.value()?,
                "error" => page.error = Some(self.cursor.value()?),
                "metadata" => {
                    if let Metadata::Known { total_elements } = self.cursor.value()? {
                        page.total = Some(total_elements);
                    }
                }
                "data" => page.records = self.data()?,
                _ => _ = self.cursor.skip()?,
            }
        }
        self.cursor.end()?;
        Ok(page)
    }

    fn data(&mut self) -> Result<Option<Records>, Error> {
        match self.cursor.peek() {
            Some(b'[') => {}
            Some(b'{' | b'n') => return self.cursor.skip().map(|_| None),
            _ => return Err(Error::custom("`data` is no list of employees")),
        }
        let mut first = true;
        self.cursor.expect(b'[')?;
        while self.cursor.next(first, b']')? {
            first = false;
            match self.record()? {
                Some(employee) => self.records.employees.push(employee),
                None => self.records.unusable += 1,
            }
        }
        Ok(Some(std::mem::take(&mut self.records)))
    }

    /// One record; `None` when it has no usable id.
    fn record(&mut self) -> Result<Option<Employee>, Error> {
        if self.cursor.peek() != Some(b'{') {
            return self.cursor.skip().map(|_| None);
        }
        let (mut employee, mut first) = (None, true);
        self.cursor.expect(b'{')?;
        while self.cursor.next(first, b'}')? {
            first = false;
            match &*self.cursor.key()? {
                "attributes" => employee = self.attributes()?,
                _ => _ = self.cursor.skip()?,
            }
        }
        Ok(employee)
    }

    fn attributes(&mut self) -> Result<Option<Employee>, Error> {
        if self.cursor.peek() != Some(b'{') {
            return self.cursor.skip().map(|_| None);
        }
        let (mut id, mut first) = (None, true);
        let mut values = vec![Value::Hidden; self.columns.keys.len()];
        let mut unreadable = Vec::new();
        let mut layout = self.columns.layout.borrow_mut();
        layout.rewind();
        self.cursor.expect(b'{')?;
        while self.cursor.next(first, b'}')? {
            first = false;
            let found = layout.attribute(&mut self.cursor, self.columns)?;
            if found.key.is_id {
                id = found.value.map(Raw::read).transpose()?.and_then(|raw| raw.id()).map(EmployeeId);
            }
            let Some(column) = found.key.column else { continue };
            values[column] = self.columns.value(column, &found)?.unwrap_or_else(|why| {
                unreadable.push((column, why));
                Value::Hidden
            });
        }
        let Some(id) = id else { return Ok(None) };
        self.records.notices.extend(unreadable.into_iter().map(|(column, why)| self.columns.notice(id, column, why)));
        Ok(Some(Employee::new(id, values)))
    }
}
