use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read as _};
use std::sync::LazyLock;

use calamine::{DataRef, ExcelDateTime, Reader, Style, Xlsx};
use chrono::{Datelike, NaiveDate};
use regex::Regex;
use rust_xlsxwriter::{DocProperties, Format, Workbook, Worksheet, XlsxError};

use crate::field::{FieldSpec, FieldValue};

use super::cell::{self, Cell, FormattedNumber, NumberForm, Page, Sheet, SheetStyle};

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
/// A workbook is written anew, so what would not come back is refused: more sheets, and formulas. Number formats,
/// widths and the sheet's name are kept; colours, fonts, comments and pictures are not, and are told of.
pub(super) fn read(bytes: &[u8]) -> Result<Sheet, String> {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    let names = workbook.sheet_names();
    let [name] = names.as_slice() else {
        return Err(format!("has {} sheets; writing it would keep the first one only", names.len()));
    };
    let Forms { of_cells: forms, dressed } = forms(&mut workbook, name)?;
    let lost = dressed.then_some("colours or fonts").into_iter().chain(extras(bytes)).collect();
    let style = SheetStyle { sheet: Some(name.as_str().into()), widths: widths(bytes), lost };
    let mut reader = workbook.worksheet_cells_reader(name).map_err(unreadable)?;
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    while let Some(found) = reader.next_cell_with_formula().map_err(unreadable)? {
        let (row, column) = found.pos;
        let cell = || format!("{}{}", column_letters(column), row + 1);
        // LibreOffice writes each true and false as a formula, with its value beside.
        let is_word = |formula: &str| matches!(formula.trim().to_uppercase().as_str(), "TRUE()" | "FALSE()");
        if found.formula.as_ref().is_some_and(|formula| !(matches!(found.value, DataRef::Bool(_)) && is_word(formula)))
        {
            return Err(format!("has a formula in {}, which writing the file would replace by its result", cell()));
        }
        let form = forms.get(&found.pos);
        let cell = match found.value {
            DataRef::Empty => continue,
            DataRef::Int(number) => numeric(number as f64, form, FieldValue::Integer(number)),
            DataRef::Float(number) => numeric(number, form, FieldValue::Decimal(number)),
            DataRef::String(text) => Cell::text(&text),
            DataRef::SharedString(text) => Cell::text(text),
            DataRef::Bool(value) => Cell::Value(FieldValue::Bool(value)),
            DataRef::DateTime(moment) => moment_of(&moment, form),
            DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Cell::text(&text),
            DataRef::Error(_) => return Err(format!("has an error value in {}", cell())),
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
            Cell::Number(number) => number.shown.to_string().into(),
            _ => Box::default(),
        })
        .collect();
    if let Some(row) = rows.iter().position(|row| row.len() > header.len()) {
        return Err(format!("has cells in row {} beyond the last column that has a header", row + 2));
    }
    Ok(Sheet { header, rows, style })
}

fn unreadable(error: calamine::XlsxError) -> String {
    match error {
        calamine::XlsxError::Password => "is protected by a password".into(),
        _ => "is not an XLSX workbook, or a damaged one".into(),
    }
}

/// What cells look like.
struct Forms {
    /// The form of each number that has one of its own.
    of_cells: HashMap<(u32, u32), NumberForm>,
    /// Whether any cell has colours, borders or a font that somebody chose.
    dressed: bool,
}

fn forms(workbook: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<Forms, String> {
    let mut reader = workbook.worksheet_cells_reader(name).map_err(unreadable)?;
    let palette: Vec<Option<NumberForm>> =
        reader.styles().iter().map(|style| style.number_format.as_ref().and_then(form)).collect();
    let chosen: Vec<[bool; 2]> = reader.styles().iter().map(|style| [is_chosen(style), is_emphasis(style)]).collect();
    let mut found = Forms { of_cells: HashMap::new(), dressed: false };
    while let Some((row, column, style)) = reader.next_style_id().map_err(unreadable)? {
        if let Some(Some(form)) = palette.get(style) {
            found.of_cells.insert((row, column), form.clone());
        }
        // A header is bold here, too.
        found.dressed |= chosen.get(style).is_some_and(|[chosen, emphasis]| *chosen || *emphasis && row > 0);
    }
    Ok(found)
}

/// Whether somebody chose how a cell looks.
fn is_chosen(style: &Style) -> bool {
    let coloured = style.font.as_ref().and_then(|font| font.color).is_some_and(|colour| !colour.is_black());
    let lined = style.borders.as_ref().is_some_and(|borders| borders.has_visible_borders());
    coloured || lined || style.fill.as_ref().is_some_and(|fill| fill.is_visible())
}

fn is_emphasis(style: &Style) -> bool {
    let font = style.font.as_ref();
    font.is_some_and(|font| font.is_bold() || font.is_italic() || font.has_underline() || font.has_strikethrough())
}

/// What stands beside the cells in files of their own.
fn extras(bytes: &[u8]) -> Vec<&'static str> {
    let Ok(archive) = zip::ZipArchive::new(Cursor::new(bytes)) else { return Vec::new() };
    let names: Vec<String> = archive.file_names().flatten().map(Cow::into_owned).collect();
    let has = |parts: &[&str]| names.iter().any(|name| parts.iter().any(|part| name.starts_with(part)));
    let comments = has(&["xl/comments", "xl/threadedComments"]).then_some("comments");
    // Each comment has a drawing of its box, of another kind.
    comments.into_iter().chain(has(&["xl/media/", "xl/charts/"]).then_some("pictures or charts")).collect()
}

/// A form of the workbook; those of its own have numbers from 164.
fn form(format: &calamine::NumberFormat) -> Option<NumberForm> {
    match format.format_id.and_then(|id| u8::try_from(id).ok()) {
        Some(0) => None,
        Some(built_in) if built_in < 164 => Some(NumberForm::BuiltIn(built_in)),
        _ if format.format_code.eq_ignore_ascii_case("general") => None,
        _ => Some(NumberForm::Code(format.format_code.as_str().into())),
    }
}

/// A number as it is shown: zeros in front belong to a staff number or a postcode.
fn numeric(number: f64, form: Option<&NumberForm>, plain: FieldValue) -> Cell {
    let Some(form) = form else { return Cell::Value(plain) };
    let digits = match form {
        NumberForm::Code(code) if code.len() > 1 && code.bytes().all(|byte| byte == b'0') => code.len(),
        _ => 0,
    };
    let shown = match number.fract() == 0.0 && (0.0..LARGEST_WHOLE as f64).contains(&number) && digits > 0 {
        true => FieldValue::text(&format!("{:0digits$}", number as i64)),
        false => plain,
    };
    Cell::Number(Box::new(FormattedNumber { number, form: form.clone(), shown }))
}

/// A day, a moment or a duration. Workbooks of old Macs count from 1904; what is written counts from 1900.
fn moment_of(moment: &ExcelDateTime, form: Option<&NumberForm>) -> Cell {
    let serial = moment.as_f64();
    let (year, month, day, ..) = moment.to_ymd_hms_milli();
    let number = match NaiveDate::from_ymd_opt(year.into(), month.into(), day.into()) {
        Some(day) if moment.is_datetime() => {
            let first = NaiveDate::from_ymd_opt(1899, 12, 30).expect("a day of the calendar");
            // Spreadsheets believe in a 29 February 1900: before it, the serial is right as it is.
            if counts_right(day) { (day - first).num_days() as f64 + serial.fract() } else { serial }
        }
        _ => serial,
    };
    let day = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())
        .filter(|day| moment.is_datetime() && serial.fract() == 0.0 && counts_right(*day));
    let shown = day.map_or(FieldValue::Decimal(number), FieldValue::Date);
    let form = form.cloned().unwrap_or(NumberForm::BuiltIn(if day.is_some() { SHORT_DATE } else { DATE_AND_TIME }));
    Cell::Number(Box::new(FormattedNumber { number, form, shown }))
}

/// The widths of columns that have one of their own. The reader of cells does not tell them, and they stand before
/// the cells: `<cols><col min="2" max="3" width="40" customWidth="1"/></cols>`.
fn widths(bytes: &[u8]) -> BTreeMap<usize, f64> {
    /// Further on there are cells only.
    const HEAD: u64 = 65_536;
    let mut found = BTreeMap::new();
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else { return found };
    let sheet =
        archive.file_names().flatten().find(|name| name.starts_with("xl/worksheets/") && name.ends_with(".xml"));
    let Some(sheet) = sheet.map(Cow::into_owned) else { return found };
    let mut head = Vec::new();
    if archive.by_name(&sheet).map(|file| file.take(HEAD).read_to_end(&mut head)).is_err() {
        return found;
    }
    let head = String::from_utf8_lossy(&head);
    let head = head.split("<sheetData").next().unwrap_or_default();
    static COLUMN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"<(?:\w+:)?col\s([^>]*)>").expect("a pattern"));
    for column in COLUMN.captures_iter(head) {
        let said = |name: &str| {
            let after = column[1].split_once(&format!("{name}=\""))?.1;
            after.split('"').next()?.parse::<f64>().ok()
        };
        let (Some(first), Some(last), Some(width)) = (said("min"), said("max"), said("width")) else { continue };
        // The last column of a sheet stands for all that are not used.
        for at in (first as usize)..=(last as usize).min(first as usize + 256) {
            found.insert(at.saturating_sub(1), width);
        }
    }
    found
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
    let mut workbook = Workbook::new();
    // The day the file was made would make every file another one.
    let made = rust_xlsxwriter::ExcelDateTime::from_ymd(2000, 1, 1)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let sheet = workbook.add_worksheet();
    if let Some(name) = &page.style.sheet {
        sheet.set_name(&**name)?;
    }
    let mut forms: HashMap<&NumberForm, Format> = HashMap::new();
    for (column, at) in page.columns.iter().zip(0u16..) {
        sheet.write_string_with_format(0, at, column.name, &bold)?;
        match page.style.widths.get(&column.at) {
            // The file counts in digits of the usual font with their margin, seven pixels each.
            Some(width) => sheet.set_column_width_pixels(at, (width * 7.0).round() as u32)?,
            None => sheet.set_column_width(at, column.name.chars().count().clamp(10, 40) as f64 + 2.0)?,
        };
    }
    for (row, line) in (1u32..).zip(&page.rows) {
        for ((_, cell), at) in page.cells(line).zip(0u16..) {
            match cell {
                Cell::Empty => {}
                Cell::Value(value) => put(sheet, row, at, value, &short_date)?,
                Cell::Number(number) => {
                    let form = forms.entry(&number.form).or_insert_with(|| match &number.form {
                        NumberForm::BuiltIn(index) => Format::new().set_num_format_index(*index),
                        NumberForm::Code(code) => Format::new().set_num_format(&**code),
                    });
                    sheet.write_number_with_format(row, at, number.number, form)?;
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
            sheet.write_date_with_format(
                row,
                at,
                &rust_xlsxwriter::ExcelDateTime::from_ymd(year, month, day)?,
                short_date,
            )?;
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
