//! How the attributes of a record are laid out.
//!
//! The records of an account are alike: the same attributes in the same order, each with the same label and type around
//! another value. What stood around a value in an earlier record is compared at once, where reading it again would
//! be most of the work of a page. Whatever differs is read from the start, and nothing depends on the likeness.

use serde_json::Error;

use super::cursor::Cursor;
use super::raw::AttributeType;
use super::{Columns, Key};

/// So many attributes in a row may be missing from a record before the next one is read as a new one.
const MISSING: usize = 3;

/// More attributes than any account has: where the layout changes all the time, it is not worth keeping.
const MOST: usize = 1_000;

/// So many values of an attribute that is not asked for are remembered: calendars and schedules repeat.
const RECENT: usize = 4;

/// An attribute as it stands in a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'de> {
    pub(super) key: Key,
    pub(super) kind: AttributeType,
    /// `None` when it has none.
    pub(super) value: Option<&'de str>,
}

/// What stands around the value of an attribute.
#[derive(Debug)]
struct Shape {
    head: Box<str>,
    tail: Box<str>,
    key: Key,
    kind: AttributeType,
    /// Values that were passed over lately.
    recent: Vec<Box<str>>,
}

#[derive(Debug, Default)]
pub(super) struct Layout {
    shapes: Vec<Shape>,
    /// The one that comes next.
    next: usize,
}

impl Layout {
    /// Another record begins.
    pub(super) fn rewind(&mut self) {
        self.next = 0;
    }

    /// Moves over the next attribute.
    pub(super) fn attribute<'de>(
        &mut self,
        cursor: &mut Cursor<'de>,
        columns: &Columns<'_>,
    ) -> Result<Found<'de>, Error> {
        let upcoming = self.shapes.iter_mut().enumerate().skip(self.next).take(1 + MISSING);
        for (position, shape) in upcoming {
            if let Some(value) = shape.value(cursor)? {
                self.next = position + 1;
                return Ok(Found { key: shape.key, kind: shape.kind, value: Some(value) });
            }
        }
        let (found, shape) = read(cursor, columns)?;
        if let Some(shape) = shape.filter(|_| self.shapes.len() < MOST) {
            self.shapes.insert(self.next, shape);
            self.next += 1;
        }
        Ok(found)
    }
}

impl Shape {
    /// The value, if an attribute of this shape comes next.
    fn value<'de>(&mut self, cursor: &mut Cursor<'de>) -> Result<Option<&'de str>, Error> {
        let mut ahead = *cursor;
        if !ahead.passes(&self.head) {
            return Ok(None);
        }
        let start = ahead.at();
        if !self.recent.iter().any(|value| ahead.passes(value)) {
            let value = ahead.skip()?;
            if !self.key.is_wanted() && value.starts_with(['{', '[']) {
                self.recent.truncate(RECENT - 1);
                self.recent.insert(0, value.into());
            }
        }
        let value = ahead.since(start);
        if !ahead.passes(&self.tail) {
            return Ok(None);
        }
        *cursor = ahead;
        Ok(Some(value))
    }
}

/// Reads an attribute of which nothing is known, and its shape, if it has one.
fn read<'de>(cursor: &mut Cursor<'de>, columns: &Columns<'_>) -> Result<(Found<'de>, Option<Shape>), Error> {
    let start = cursor.at();
    let key = columns.find(&cursor.key()?);
    let mut found = Found { key, kind: AttributeType::Unknown, value: None };
    if cursor.peek() != Some(b'{') {
        cursor.skip()?;
        return Ok((found, None));
    }
    cursor.expect(b'{')?;
    let (mut first, mut values, mut head, mut end) = (true, 0, "", start);
    while cursor.next(first, b'}')? {
        first = false;
        match &*cursor.key()? {
            "value" => {
                values += 1;
                head = cursor.since(start);
                found.value = Some(cursor.skip()?);
                end = cursor.at();
            }
            "type" => found.kind = AttributeType::read(cursor.skip()?)?,
            _ => _ = cursor.skip()?,
        }
    }
    let Found { key, kind, .. } = found;
    let shape = || Shape { head: head.into(), tail: cursor.since(end).into(), key, kind, recent: Vec::new() };
    Ok((found, (values == 1).then(shape)))
}

#[cfg(test)]
mod tests {
    use super::super::parse_page;
    use super::*;
    use crate::employee::{Attributes, Employee};

    fn read(records: &[&str]) -> Vec<Employee> {
        let body = format!(r#"{{"success":true,"data":[{}]}}"#, records.join(","));
        let attributes = Attributes::new(["email", "office", "dynamic_1"]);
        let page =
            parse_page(body.as_bytes(), &Columns::new(&attributes)).unwrap_or_else(|error| panic!("{error}: {body}"));
        page.records.expect("a list").employees
    }

    #[test]
    fn nothing_depends_on_what_other_records_were_like() {
        let office = r#""office":{"label":"Office","value":{"type":"Office","attributes":{"id":1,"name":"Lyon"}},"type":"standard"}"#;
        let plain = format!(
            r#"{{"attributes":{{"id":{{"label":"ID","value":1,"type":"integer"}},"team":{{"label":"Team","value":{{"id":1}},"type":"standard"}},"email":{{"label":"Email","value":"a@example.com","type":"standard"}},{office}}}}}"#
        );
        let records = [
            plain.clone(),
            plain.replace(r#""value":1,"#, r#""value":2,"#).replace("a@example.com", "b@example.com"),
            // Another value in the middle, none, an escape, a bracket in a text, a value of another kind.
            plain.replace(r#""value":1,"#, r#""value":3,"#).replace(r#"{"id":1}"#, r#"{"id":12}"#),
            plain.replace(r#""value":1,"#, r#""value":4,"#).replace(r#""a@example.com""#, "null"),
            plain.replace(r#""value":1,"#, r#""value":5,"#).replace("a@example.com", r#"\"}\u00fc"#),
            plain.replace(r#""value":1,"#, r#""value":"6","#).replace(r#""a@example.com""#, r#"["]}", {}]"#),
            // Another order, other blanks, another label, one attribute less and one more, a value that comes twice.
            format!(r#"{{"attributes":{{{office},"id":{{"value":7}}}}}}"#),
            plain.replace(r#""value":1,"#, r#""value" : 8 , "#).replace("Email", "E-Mail"),
            plain.replace(r#""value":1,"#, r#""value":9,"#).replace(&format!(",{office}"), ""),
            plain.replace(r#""value":1,"#, r#""value":10,"#).replace("office", r"offi\u0063e"),
            plain.replace(r#""value":1,"#, r#""value":11,"value":12,"#),
            plain
                .replace(r#""value":1,"#, r#""value":13,"#)
                .replace(r#"{"label":"Email""#, r#"{"value":0,"label":"Email""#),
            plain.replace(r#""value":1,"#, r#""value":14,"#).replace(r#""email":{"#, r#""dynamic_1":7,"email":{"#),
            plain.replace(r#""value":1,"#, r#""value":15,"#),
        ];
        let alone: Vec<Employee> = records.iter().flat_map(|record| read(&[record])).collect();
        assert_eq!(alone.len(), records.len());
        let (forth, mut back): (Vec<&str>, Vec<&str>) = (records.iter().map(|one| &**one).collect(), Vec::new());
        back.extend(forth.iter().rev());
        let twice: Vec<&str> = forth.iter().chain(&back).copied().collect();
        let expected: Vec<&Employee> = alone.iter().chain(alone.iter().rev()).collect();
        assert_eq!(read(&twice).iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_passed_over_has_to_be_json_all_the_same() {
        let record = r#"{"attributes":{"id":{"value":1},"team":{"label":"Team","value":{"id":1}}}}"#;
        for broken in
            [r#"{"id":1}}"#, r#"{"id":}"#, r#"{"id":1,}"#, "[1 2]", r#""\x""#, "\"\t\"", "nul", "nulls", "01", ""]
        {
            let other = record.replace(r#"{"id":1}"#, broken);
            let body = format!(r#"{{"success":true,"data":[{record},{other}]}}"#);
            let attributes = Attributes::new(["email"]);
            assert!(parse_page(body.as_bytes(), &Columns::new(&attributes)).is_err(), "{broken}");
        }
    }
}
