use std::str;

use compact_str::CompactString;

use crate::field::{FieldSpec, FieldValue};

use super::cell::{Cell, Page, Sheet};
use super::formula::{self, FormulaCells};

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// How a CSV file is spelt.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Delimited {
    /// Between cells; ASCII.
    pub(super) delimiter: u8,
    /// Whether the file begins with a byte order mark, by which Excel knows UTF-8.
    pub(super) bom: bool,
    /// Whether lines end with CR LF rather than LF.
    pub(super) crlf: bool,
    /// What is done about formulas.
    pub(super) formula_cells: FormulaCells,
}

/// What a cell is quoted for beside the delimiter in use: a spreadsheet of another language splits at
/// another delimiter, and what follows it there could be a formula.
const QUOTED_FOR: [char; 7] = [',', ';', '\t', '|', '"', '\r', '\n'];

impl Delimited {
    /// Reads cells as they are, without trimming. Blank lines are passed over.
    pub(super) fn read(&self, bytes: &[u8]) -> Result<Sheet, String> {
        let text = str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            format!("is not UTF-8 (line {line}); save it as \"CSV UTF-8\"")
        })?;
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        if text.trim().is_empty() {
            return Err("is empty, without even a header; remove it if a new one should be written".into());
        }
        // An open quote swallows all lines after it, and the reader would not say so.
        if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
            return Err("has a quotation mark that is never closed".into());
        }
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut record = csv::StringRecord::new();
        let mut sheet = Sheet::default();
        while reader.read_record(&mut record).map_err(|error| format!("cannot be read: {}", describe(&error)))? {
            if sheet.header.is_empty() {
                sheet.header = record.iter().map(Box::from).collect();
                continue;
            }
            if record.len() != sheet.header.len() {
                let line = record.position().map_or(0, csv::Position::line);
                return Err(format!(
                    "has {} in line {line} and {} in its header; is the delimiter right?",
                    cells(record.len()),
                    cells(sheet.header.len())
                ));
            }
            sheet.rows.push(record.iter().map(Cell::text).collect());
        }
        Ok(sheet)
    }

    /// The bytes of the file.
    pub(super) fn write(&self, page: &Page<'_>) -> Vec<u8> {
        let mut text = String::with_capacity((page.rows.len() + 1) * page.columns.len() * 12);
        if self.bom {
            text.push_str(BYTE_ORDER_MARK);
        }
        self.line(&mut text, page.columns.iter().map(|column| column.name));
        for row in &page.rows {
            self.line(
                &mut text,
                page.cells(row).map(|(_, cell)| match cell {
                    Cell::Value(FieldValue::Text(text)) => &**text,
                    // Everything in a CSV file was read or made as text.
                    _ => "",
                }),
            );
        }
        text.into_bytes()
    }

    fn line<'t>(&self, text: &mut String, cells: impl Iterator<Item = &'t str>) {
        let start = text.len();
        for (index, cell) in cells.enumerate() {
            if index > 0 {
                text.push(char::from(self.delimiter));
            }
            let quoted = cell.contains(QUOTED_FOR)
                || cell.contains(char::from(self.delimiter))
                || cell.starts_with(' ')
                || cell.ends_with(' ');
            if quoted {
                text.push('"');
                text.push_str(&cell.replace('"', "\"\""));
                text.push('"');
            } else {
                text.push_str(cell);
            }
        }
        // A line without anything would be passed over when it is read again.
        if text.len() == start {
            text.push_str("\"\"");
        }
        text.push_str(if self.crlf { "\r\n" } else { "\n" });
    }

    /// A value as text, in the form of the field, with formulas made safe or refused.
    pub(super) fn cell(&self, spec: &FieldSpec, value: &FieldValue) -> Result<Cell, String> {
        let text = spec.written(value);
        match self.formula_cells {
            FormulaCells::Quote => Ok(formula::quote(&text)
                .map_or_else(|| Cell::text(&text), |quoted| Cell::Value(FieldValue::Text(quoted.into())))),
            FormulaCells::Refuse if formula::is_formula(&text) => Err(format!(
                "column `{}` would hold what a spreadsheet runs as a formula (it begins with =, +, - or @); \
                 `formula_cells = \"quote\"` writes such cells as text",
                spec.name
            )),
            FormulaCells::Refuse => Ok(Cell::text(&text)),
        }
    }

    /// What a text in the file stands for.
    pub(super) fn meaning(&self, text: CompactString) -> CompactString {
        match self.formula_cells {
            FormulaCells::Quote => formula::unquote(text),
            FormulaCells::Refuse => text,
        }
    }
}

/// Words for a header of a single column that another delimiter would split.
pub(super) fn other_delimiter(settings: &Delimited, header: &str) -> Option<String> {
    [(',', "\",\""), (';', "\";\""), ('\t', "\"tab\""), ('|', "\"|\"")]
        .into_iter()
        .find(|(delimiter, _)| *delimiter != char::from(settings.delimiter) && header.contains(*delimiter))
        .map(|(_, word)| format!("it looks as if `delimiter = {word}` were right"))
}

fn cells(count: usize) -> String {
    if count == 1 { "1 cell".into() } else { format!("{count} cells") }
}

/// Without anything that stands in the file.
fn describe(error: &csv::Error) -> String {
    match error.position() {
        Some(position) => format!("line {} is not CSV", position.line()),
        None => "it is not CSV".into(),
    }
}
