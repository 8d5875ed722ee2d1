use std::io::Cursor;

use calamine::{DataRef, Reader, Xlsx};
use chrono::{Datelike, NaiveDate};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use crate::plan::{FieldSpec, FieldValue};

use super::cell::{self, Cell, Page, Sheet};

/// The most characters a cell of a workbook takes.
pub(super) const MOST_CHARACTERS: u32 = 32_767;
/// Whole numbers beyond this are rounded: a workbook keeps numbers as floating point.
const LARGEST_WHOLE: i64 = 1 << 53;
/// The short date of the reader's own language.
const SHORT_DATE: u8 = 14;
/// Date and time of the reader's own language.
const DATE_AND_TIME: u8 = 22;

/// Reads the only sheet of a workbook.
///
/// A workbook is written anew, so what would not come back is refused: more sheets, and formulas. Colours,
/// widths and comments are not kept; the file is this tool's, and its looks are too.
pub(super) fn read(bytes: &[u8]) -> Result<Sheet, String> {
    let unreadable = |error: calamine::XlsxError| match error {
        calamine::XlsxError::Password => "is protected by a password".to_owned(),
        _ => "is not an XLSX workbook, or a damaged one".to_owned(),
    };
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    let names = workbook.sheet_names();
    let [name] = names.as_slice() else {
        return Err(format!("has {} sheets; writing it would keep the first one only", names.len()));
    };
    let mut reader = workbook.worksheet_cells_reader(name).map_err(unreadable)?;
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    while let Some(found) = reader.next_cell_with_formula().map_err(unreadable)? {
        let (row, column) = found.pos;
        let place = || format!("{}{}", column_letters(column), row + 1);
        if found.formula.is_some() {
            return Err(format!("has a formula in {}, which writing the file would replace by its result", place()));
        }
        let cell = match found.value {
            DataRef::Empty => continue,
            DataRef::Int(number) => Cell::Value(FieldValue::Integer(number)),
            DataRef::Float(number) => Cell::Value(FieldValue::Decimal(number)),
            DataRef::String(text) => Cell::text(&text),
            DataRef::SharedString(text) => Cell::text(text),
            DataRef::Bool(value) => Cell::Value(FieldValue::Bool(value)),
            DataRef::DateTime(moment) => {
                let (year, month, day, ..) = moment.to_ymd_hms_milli();
                match NaiveDate::from_ymd_opt(year.into(), month.into(), day.into()) {
                    Some(day) if moment.as_f64().fract() == 0.0 && counts_right(day) => {
                        Cell::Value(FieldValue::Date(day))
                    }
                    _ => Cell::Moment(moment.as_f64()),
                }
            }
            DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Cell::text(&text),
            DataRef::Error(_) => return Err(format!("has an error value in {}", place())),
        };
        let (row, column) = (row as usize, column as usize);
        if rows.len() <= row {
            rows.resize_with(row + 1, Vec::new);
        }
        if rows[row].len() <= column {
            rows[row].resize(column + 1, Cell::Empty);
        }
        rows[row][column] = cell;
    }
    if rows.first().is_none_or(Vec::is_empty) {
        return Err("has no header in its first row; remove it if a new one should be written".into());
    }
    let header: Vec<Box<str>> = rows
        .remove(0)
        .into_iter()
        .map(|cell| match cell {
            Cell::Value(value) => value.to_string().into(),
            _ => Box::default(),
        })
        .collect();
    if let Some(row) = rows.iter().position(|row| row.len() > header.len()) {
        return Err(format!("has cells in row {} beyond the last column that has a header", row + 2));
    }
    Ok(Sheet { header, rows })
}

/// One sheet with a bold header that stays in sight and filters; the same bytes for the same page.
pub(super) fn write(page: &Page<'_>) -> Result<Vec<u8>, String> {
    let rows = u32::try_from(page.rows.len()).unwrap_or(u32::MAX);
    if rows >= 1_048_576 || page.columns.len() > 16_384 {
        return Err("has more rows or columns than a workbook takes; use CSV".into());
    }
    fill(page, rows).map_err(|error| format!("cannot be made: {}", describe(&error)))
}

fn fill(page: &Page<'_>, rows: u32) -> Result<Vec<u8>, XlsxError> {
    let bold = Format::new().set_bold();
    let short_date = Format::new().set_num_format_index(SHORT_DATE);
    let date_and_time = Format::new().set_num_format_index(DATE_AND_TIME);
    let mut workbook = Workbook::new();
    // The day the file was made would make every file another one.
    let made = ExcelDateTime::from_ymd(2000, 1, 1)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let sheet = workbook.add_worksheet();
    for (column, at) in page.columns.iter().zip(0u16..) {
        sheet.write_string_with_format(0, at, column.name, &bold)?;
        let width = column.name.chars().count().clamp(10, 40) as f64 + 2.0;
        sheet.set_column_width(at, width)?;
    }
    for (row, line) in (1u32..).zip(&page.rows) {
        for ((_, cell), at) in page.cells(line).zip(0u16..) {
            match cell {
                Cell::Empty => {}
                Cell::Value(value) => put(sheet, row, at, value, &short_date)?,
                Cell::Moment(serial) => {
                    sheet.write_number_with_format(row, at, *serial, &date_and_time)?;
                }
                // Values of a JSON file do not get here.
                Cell::Json(raw) => {
                    sheet.write_string(row, at, raw.get())?;
                }
            }
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    if let Some(last) = u16::try_from(page.columns.len()).ok().and_then(|count| count.checked_sub(1)) {
        sheet.autofilter(0, 0, rows, last)?;
    }
    workbook.save_to_buffer()
}

fn put(sheet: &mut Worksheet, row: u32, at: u16, value: &FieldValue, short_date: &Format) -> Result<(), XlsxError> {
    match value {
        FieldValue::Empty => {}
        FieldValue::Bool(value) => {
            sheet.write_boolean(row, at, *value)?;
        }
        FieldValue::Integer(number) => {
            sheet.write_number(row, at, *number as f64)?;
        }
        FieldValue::Decimal(number) => {
            sheet.write_number(row, at, *number)?;
        }
        FieldValue::Date(day) => {
            let (year, month, day) = (day.year() as u16, day.month() as u8, day.day() as u8);
            sheet.write_date_with_format(row, at, &ExcelDateTime::from_ymd(year, month, day)?, short_date)?;
        }
        FieldValue::Text(text) => {
            sheet.write_string(row, at, &**text)?;
        }
        FieldValue::List(_) | FieldValue::Account(_) | FieldValue::Employee(_) => {
            sheet.write_string(row, at, value.to_string())?;
        }
    }
    Ok(())
}

/// Numbers as numbers and days as days; text stays text, whatever it looks like.
pub(super) fn cell(spec: &FieldSpec, value: &FieldValue) -> Result<Cell, String> {
    if let Some(day) = cell::day(value).filter(|day| counts_right(*day)) {
        return Ok(Cell::Value(FieldValue::Date(day)));
    }
    let text = match value {
        FieldValue::Bool(value) => return Ok(Cell::Value(FieldValue::Bool(*value))),
        FieldValue::Integer(number) if (-LARGEST_WHOLE..=LARGEST_WHOLE).contains(number) => {
            return Ok(Cell::Value(FieldValue::Integer(*number)));
        }
        FieldValue::Decimal(number) if number.is_finite() => return Ok(Cell::Value(FieldValue::Decimal(*number))),
        other => spec.written(other),
    };
    if text.chars().count() > MOST_CHARACTERS as usize {
        return Err(format!("column `{}` would hold more characters than a cell of a workbook takes", spec.name));
    }
    Ok(Cell::text(&text))
}

/// Spreadsheets believe in a 29 February 1900, so days before March of that year are off by one.
fn counts_right(day: NaiveDate) -> bool {
    (NaiveDate::from_ymd_opt(1900, 3, 1)..NaiveDate::from_ymd_opt(10_000, 1, 1)).contains(&Some(day))
}

/// `A`, `Z`, `AA`.
fn column_letters(column: u32) -> String {
    let mut letters = String::new();
    let mut rest = column + 1;
    while rest > 0 {
        letters.insert(0, char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters
}

/// Without anything that stands in a cell.
fn describe(error: &XlsxError) -> &'static str {
    match error {
        XlsxError::MaxStringLengthExceeded => "a text is longer than a cell takes",
        XlsxError::RowColumnLimitError => "there are more rows or columns than a workbook takes",
        _ => "the workbook could not be put together",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_as_spreadsheets_do() {
        for (column, letters) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(column_letters(column), letters);
        }
    }
}
