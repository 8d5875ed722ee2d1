use std::collections::BTreeMap;
use std::sync::Arc;

use compact_str::CompactString;
use serde_json::value::RawValue;

use crate::field::{FieldSpec, FieldValue, iso_day};

use super::delimited::{self, Delimited};
use super::{json, workbook};

/// A cell as it stands in the file. Cells that no change touches are written back exactly as they were read.
#[derive(Clone, Debug, Default)]
pub(super) enum Cell {
    /// Nothing; in JSON, a key that is not there.
    #[default]
    Empty,
    /// A value; a text may have spaces around it.
    Value(FieldValue),
    /// A value of a JSON file, as it is spelt there.
    Json(Box<RawValue>),
    /// A number of a workbook that is shown in a form of its own: 38:30, 50 %, 00123.
    Number(Box<FormattedNumber>),
}

/// A number with the form in which a spreadsheet shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FormattedNumber {
    /// Days and moments are counted from 1900.
    pub(super) number: f64,
    /// As the workbook spells it.
    pub(super) form: NumberForm,
    /// What people see, as far as it tells something else than the number: a day, zeros in front.
    pub(super) shown: FieldValue,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum NumberForm {
    /// One that every spreadsheet has, by its number.
    BuiltIn(u8),
    /// Such as `#,##0.00 "EUR"`.
    Code(Arc<str>),
}

impl Cell {
    /// A text as it is, without trimming; empty when there is none.
    pub(super) fn text(text: &str) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Value(FieldValue::Text(text.into())) }
    }

    /// Whether there is nothing to see in it.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Value(FieldValue::Text(text)) => text.trim().is_empty(),
            Self::Value(value) => value.is_empty(),
            Self::Json(raw) => matches!(raw.get(), "null" | "\"\""),
            Self::Number(_) => false,
        }
    }
}

/// All cells of a file.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// The names of the columns, as they stand in the file.
    pub(super) header: Vec<Box<str>>,
    /// The rows below; a row may be shorter than the header.
    pub(super) rows: Vec<Vec<Cell>>,
    /// What a workbook has beside its cells.
    pub(super) style: SheetStyle,
}

/// What a workbook has beside its cells, and keeps.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SheetStyle {
    pub(super) sheet: Option<Box<str>>,
    /// The widths of columns that have one of their own.
    pub(super) widths: BTreeMap<usize, f64>,
    /// What it has and does not keep, in words.
    pub(super) lost: Vec<&'static str>,
}

/// What is to be written: columns in their new order, and rows whose cells stand in the old one.
#[derive(Debug)]
pub(super) struct Page<'a> {
    /// The columns from left to right.
    pub(super) columns: Vec<PageColumn<'a>>,
    /// The rows from top to bottom.
    pub(super) rows: Vec<&'a [Cell]>,
    /// What a workbook had before.
    pub(super) style: &'a SheetStyle,
}

/// A column to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageColumn<'a> {
    pub(super) name: &'a str,
    /// Where its cells stand in a row.
    pub(super) at: usize,
    /// Whether a JSON file names it in every object, also where it has no value.
    pub(super) always: bool,
}

impl<'a> Page<'a> {
    /// The cells of a row in the order of the columns.
    pub(super) fn cells(&self, row: &'a [Cell]) -> impl Iterator<Item = (&PageColumn<'a>, &'a Cell)> {
        self.columns.iter().map(|column| (column, row.get(column.at).unwrap_or(&Cell::Empty)))
    }
}

/// How a file is spelt.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Format {
    Csv(Delimited),
    Json,
    /// A workbook with one sheet.
    Xlsx,
}

impl Format {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When the file is not what the format says, or holds something that writing it again would lose.
    /// The message names places, never what stands there.
    pub(super) fn read(&self, bytes: &[u8]) -> Result<Sheet, String> {
        match self {
            Self::Csv(settings) => settings.read(bytes),
            Self::Json => json::read(bytes),
            Self::Xlsx => workbook::read(bytes),
        }
    }

    /// The bytes of a file.
    ///
    /// # Errors
    ///
    /// When the format cannot hold it (more rows than a workbook takes).
    pub(super) fn write(&self, page: &Page<'_>) -> Result<Vec<u8>, String> {
        match self {
            Self::Csv(settings) => Ok(settings.write(page)),
            Self::Json => Ok(json::write(page)),
            Self::Xlsx => workbook::write(page),
        }
    }

    /// A value as the file will hold it.
    ///
    /// # Errors
    ///
    /// When it must not stand in such a file; the message names the column, never the value.
    pub(super) fn cell(&self, spec: &FieldSpec, value: &FieldValue) -> Result<Cell, String> {
        if value.is_empty() {
            return Ok(Cell::Empty);
        }
        match self {
            Self::Csv(settings) => settings.cell(spec, value),
            Self::Json => Ok(Cell::Value(json::representable(value))),
            Self::Xlsx => workbook::cell(spec, value),
        }
    }

    /// What a cell of the file means.
    pub(super) fn value(&self, cell: Cell) -> FieldValue {
        match cell {
            Cell::Empty => FieldValue::Empty,
            Cell::Value(FieldValue::Text(text)) => match self {
                Self::Csv(settings) => trimmed(settings.meaning(text)),
                Self::Json | Self::Xlsx => trimmed(text),
            },
            Cell::Value(value) => value,
            Cell::Json(raw) => json::value(&raw),
            Cell::Number(number) => number.shown,
        }
    }

    /// In which way columns are kept that nobody fills.
    pub(super) fn how_it_keeps(&self) -> &'static str {
        match self {
            Self::Csv(_) | Self::Json => "as they are",
            Self::Xlsx => "with their values, number formats and widths, without colours, fonts and comments",
        }
    }

    /// Words for a header in which the key is missing because it was read with the wrong delimiter.
    pub(super) fn wrong_delimiter(&self, header: &[Box<str>]) -> Option<String> {
        match (self, header) {
            (Self::Csv(settings), [only]) => delimited::other_delimiter(settings, only),
            _ => None,
        }
    }
}

/// A text without the spaces around it.
fn trimmed(text: CompactString) -> FieldValue {
    let as_it_is = text.is_ascii() && !text.is_empty() && text.trim().len() == text.len();
    if as_it_is { FieldValue::Text(text) } else { FieldValue::text(&text) }
}

/// A day, also when it comes as ISO text, which is how expressions hand days on.
pub(super) fn day(value: &FieldValue) -> Option<chrono::NaiveDate> {
    match value {
        FieldValue::Date(day) => Some(*day),
        FieldValue::Text(text) => iso_day(text),
        _ => None,
    }
}
