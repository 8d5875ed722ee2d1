use anyhow::Context as _;
use rust_xlsxwriter::{Color, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet};

use super::{LOG, Row, RunReport, TodoRow};
use crate::output::visible::visible;
use crate::zone::LocalTime;

/// A workbook with a summary sheet and one row for each employee: frozen header, filters, real dates.
pub fn workbook(report: &RunReport) -> anyhow::Result<Vec<u8>> {
    let mut book = Workbook::new();
    let looks = Looks::new();
    summary(book.add_worksheet(), report, &looks)?;
    employees(book.add_worksheet(), &report.rows, &looks)?;
    if !report.todos.is_empty() {
        todos(book.add_worksheet(), &report.todos, &looks)?;
    }
    book.save_to_buffer().context("the workbook cannot be made")
}

struct Looks {
    header: Format,
    label: Format,
    moment: Format,
    failed: Format,
    plain: Format,
    number: Format,
}

impl Looks {
    fn new() -> Self {
        let top = Format::new().set_align(FormatAlign::Top);
        Self {
            header: Format::new().set_bold().set_background_color(Color::RGB(0xE8_EC_F1)).set_align(FormatAlign::Top),
            label: Format::new().set_bold(),
            moment: top.clone().set_num_format("yyyy-mm-dd hh:mm").set_align(FormatAlign::Left),
            failed: top.clone().set_font_color(Color::RGB(0xB0_00_20)),
            number: top.clone().set_align(FormatAlign::Left),
            plain: top.set_text_wrap(),
        }
    }
}

fn summary(sheet: &mut Worksheet, report: &RunReport, looks: &Looks) -> anyhow::Result<()> {
    sheet.set_name("Summary")?;
    sheet.write_with_format(0, 0, format!("personio-sync, run {}", report.run), &looks.label)?;
    sheet.write(1, 0, format!("Started ({})", report.started.zone()))?;
    sheet.write_datetime_with_format(1, 1, moment(report.started)?, &looks.moment)?;
    sheet.write(2, 0, format!("Finished ({})", report.started.zone()))?;
    match report.finished {
        Some(finished) => sheet.write_datetime_with_format(2, 1, moment(finished)?, &looks.moment)?,
        None => sheet.write(2, 1, "not finished")?,
    };
    sheet.write(3, 0, "Exit status")?;
    if let Some(code) = report.exit_code {
        sheet.write_with_format(3, 1, code, &Format::new().set_align(FormatAlign::Left))?;
    }
    sheet.write(4, 0, "Command")?;
    sheet.write(4, 1, &*visible(&report.command))?;
    sheet.write(5, 0, "Run by")?;
    sheet.write(5, 1, &*visible(report.by.as_deref().unwrap_or_default()))?;
    // Below the table, which begins in the seventh row.
    let below = 8 + u32::try_from(report.targets.len()).unwrap_or_default();
    for (row, approval) in (below..).zip(&report.approvals) {
        sheet.write(row, 0, &*visible(approval))?;
    }
    let header =
        ["Target", "Worked through", "Succeeded", "Failed", "Held", "Skipped", "Not attempted", "In sync", "Calls"];
    for (column, title) in (0u16..).zip(header) {
        sheet.write_with_format(6, column, title, &looks.header)?;
    }
    for (row, target) in (7u32..).zip(&report.targets) {
        sheet.write(row, 0, &target.name)?;
        sheet.write(row, 1, if target.ok { "yes" } else { "no" })?;
        let numbers = [
            target.succeeded,
            target.failed,
            target.held,
            target.skipped,
            target.not_attempted,
            target.in_sync,
            target.tasks,
        ];
        for (column, number) in (2u16..).zip(numbers) {
            sheet.write(row, column, number)?;
        }
    }
    sheet.set_column_width(0, 24)?;
    for column in 1..=8 {
        sheet.set_column_width(column, 16)?;
    }
    fit_to_width(sheet);
    Ok(())
}

/// On paper all columns stand on one page.
fn fit_to_width(sheet: &mut Worksheet) {
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
}

/// Title and width of each column.
const COLUMNS: [(&str, f64); 13] = [
    ("Target", 18.0),
    ("Employee", 11.0),
    ("Name", 24.0),
    ("Outcome", 14.0),
    ("What", 14.0),
    ("Fields", 36.0),
    ("Code", 22.0),
    (LOG, 30.0),
    ("What the target said", 48.0),
    ("What to do", 48.0),
    ("Accepted until", 18.0),
    ("Job", 9.0),
    ("Accepted by", 22.0),
];

/// How high a line of text is, in points.
const LINE: f64 = 13.0;

/// How high a row must be for texts that wrap in columns of these widths. LibreOffice lets them run over the rows below
/// unless the file says so.
fn height<'t>(cells: impl Iterator<Item = (&'t str, f64)>) -> f64 {
    let lines = cells.map(|(text, width)| {
        // Words are not broken, so that a line is not quite full.
        (text.chars().count() as f64 / (width * 0.9)).ceil()
    });
    lines.fold(1.0, f64::max) * LINE + 2.0
}

fn employees(sheet: &mut Worksheet, rows: &[Row], looks: &Looks) -> anyhow::Result<()> {
    sheet.set_name("Employees")?;
    for (column, (title, width)) in (0u16..).zip(COLUMNS) {
        sheet.write_with_format(0, column, title, &looks.header)?;
        sheet.set_column_width(column, width)?;
    }
    for (line, row) in (1u32..).zip(rows) {
        let outcome_look = if row.is_failure() { &looks.failed } else { &looks.plain };
        sheet.write_string_with_format(line, 0, &row.target, &looks.plain)?;
        match row.employee.parse::<u64>() {
            Ok(number) => sheet.write_with_format(line, 1, number, &looks.number)?,
            Err(_) => sheet.write_string_with_format(line, 1, &row.employee, &looks.plain)?,
        };
        sheet.write_string_with_format(line, 2, &*visible(row.name.as_deref().unwrap_or_default()), &looks.plain)?;
        sheet.write_string_with_format(line, 3, row.outcome.replace('_', " "), outcome_look)?;
        let what = row.what_and_steps();
        let texts = [&what, &row.fields, &row.code, &row.log, &row.error, &row.advice];
        let widths = COLUMNS[4..].iter().map(|(_, width)| *width);
        sheet.set_row_height(line, height(texts.iter().map(|text| text.as_str()).zip(widths)))?;
        for (column, text) in (4u16..).zip(texts) {
            sheet.write_string_with_format(line, column, &*visible(text), &looks.plain)?;
        }
        if let Some(until) = row.accepted_until {
            sheet.write_datetime_with_format(line, 10, moment(until)?, &looks.moment)?;
        }
        sheet.write_string_with_format(line, 11, &row.job, &looks.plain)?;
        let by = row.accepted_by.as_deref().filter(|_| row.accepted_until.is_some());
        sheet.write_string_with_format(line, 12, &*visible(by.unwrap_or_default()), &looks.plain)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    sheet.set_repeat_rows(0, 0)?;
    fit_to_width(sheet);
    let last = u32::try_from(rows.len()).unwrap_or(u32::MAX - 1);
    sheet.autofilter(0, 0, last, 12)?;
    Ok(())
}

fn todos(sheet: &mut Worksheet, todos: &[TodoRow], looks: &Looks) -> anyhow::Result<()> {
    sheet.set_name("To do")?;
    let columns = [
        ("Id", 9.0),
        ("Target", 18.0),
        ("Employee", 24.0),
        ("Since", 18.0),
        ("Code", 22.0),
        ("What", 60.0),
        ("What to do", 48.0),
    ];
    for (column, (title, width)) in (0u16..).zip(columns) {
        sheet.write_with_format(0, column, title, &looks.header)?;
        sheet.set_column_width(column, width)?;
    }
    for (line, todo) in (1u32..).zip(todos) {
        sheet.write_with_format(line, 0, todo.id, &looks.plain)?;
        sheet.write_datetime_with_format(line, 3, moment(todo.since)?, &looks.moment)?;
        let texts = [(1, &todo.target), (2, &todo.who()), (4, &todo.code), (5, &todo.what), (6, &todo.advice)];
        let cells = texts.iter().map(|(column, text)| (text.as_str(), columns[usize::from(*column)].1));
        sheet.set_row_height(line, height(cells))?;
        for (column, text) in texts {
            sheet.write_string_with_format(line, column, &*visible(text), &looks.plain)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    fit_to_width(sheet);
    Ok(())
}

fn moment(at: LocalTime) -> anyhow::Result<ExcelDateTime> {
    Ok(ExcelDateTime::parse_from_str(&at.naive().format("%Y-%m-%dT%H:%M:%S").to_string())?)
}

#[cfg(test)]
mod tests {
    use calamine::{Data, Reader, Xlsx};

    use super::*;

    #[test]
    fn a_row_is_as_high_as_its_longest_text_needs() {
        assert_eq!(height([("short", 20.0), ("", 9.0)].into_iter()), LINE + 2.0);
        assert_eq!(height([("short", 20.0), ("x".repeat(50).as_str(), 20.0)].into_iter()), 3.0 * LINE + 2.0);
    }

    #[test]
    fn every_employee_has_a_row_and_dates_are_dates() {
        let bytes = workbook(&super::super::sample()).unwrap();
        let mut book: Xlsx<_> = Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
        assert_eq!(book.sheet_names(), ["Summary", "Employees", "To do"]);
        let sheet = book.worksheet_range("Employees").unwrap();
        assert_eq!(sheet.height(), 4);
        assert_eq!(sheet.get_value((2, 1)), Some(&Data::Float(1002.0)));
        assert_eq!(sheet.get_value((2, 6)), Some(&Data::String("refused".into())));
        assert!(matches!(sheet.get_value((3, 10)), Some(Data::DateTime(_))));
        let todos = book.worksheet_range("To do").unwrap();
        assert_eq!(todos.get_value((1, 4)), Some(&Data::String("hire_date_moved".into())));
        assert!(matches!(todos.get_value((1, 3)), Some(Data::DateTime(_))));
        let summary = book.worksheet_range("Summary").unwrap();
        assert!(matches!(summary.get_value((1, 1)), Some(Data::DateTime(_))));
        assert_eq!(summary.get_value((5, 1)), Some(&Data::String("ada on host-a".into())));
        assert!(matches!(summary.get_value((9, 0)), Some(Data::String(text)) if text.contains("approved by ben")));
        assert_eq!(summary.get_value((7, 7)), Some(&Data::Float(247.0)));
    }
}
