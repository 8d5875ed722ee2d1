//! What a command answers: one document for programs, and the same as words, tables and lists for people. Which of them
//! is written, and how, is decided here alone.

use serde::Serialize;

use crate::zone::LocalTime;

use super::listing::Listing;
use super::table::TableStyle;
use super::{Document, Format, json, markdown, table};

/// The answer of a command that has a document of its own.
pub(crate) struct Answer<T> {
    document: Root<T>,
    shown: Shown,
}

#[derive(Serialize)]
struct Root<T> {
    schema: u32,
    kind: &'static str,
    exit_code: u8,
    #[serde(flatten)]
    content: T,
}

impl<T: Serialize> Answer<T> {
    pub(crate) fn new(kind: &'static str, content: T, shown: Shown) -> Self {
        Self { document: Root { schema: json::SCHEMA, kind, exit_code: 0, content }, shown }
    }

    pub(crate) fn exit_code(mut self, exit_code: u8) -> Self {
        self.document.exit_code = exit_code;
        self
    }

    /// What belongs on standard output.
    pub(crate) fn render(&self, format: Format, style: TableStyle<'_>) -> String {
        match format {
            Format::Json => json::render_value(&self.document),
            Format::Table | Format::Markdown => self.shown.render(format, style),
        }
    }

    /// What people are told beside it.
    pub(crate) fn remarks(&self, format: Format) -> impl Iterator<Item = &str> {
        self.shown.remarks.iter().map(String::as_str).filter(move |_| format.is_for_people())
    }
}

/// What people see of an answer, from the top to the bottom.
#[derive(Default)]
pub(crate) struct Shown {
    parts: Vec<Part>,
    remarks: Vec<String>,
}

enum Part {
    Words(String),
    Block(String),
    Rows(Listing),
    Notes(String),
    Either { table: Shown, markdown: String },
}

impl Shown {
    /// Lines that look the same everywhere, the last one ended.
    pub(crate) fn words(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Words(text.into()));
        self
    }

    /// Lines whose order and spaces say something, the last one ended; a block of code in Markdown.
    pub(crate) fn block(mut self, lines: impl Into<String>) -> Self {
        self.parts.push(Part::Block(lines.into()));
        self
    }

    pub(crate) fn rows(mut self, listing: Listing) -> Self {
        self.parts.push(Part::Rows(listing));
        self
    }

    /// Lines below rows. In Markdown each is a point of a list of its own, as it would be a row otherwise.
    pub(crate) fn notes(mut self, lines: impl Into<String>) -> Self {
        self.parts.push(Part::Notes(lines.into()));
        self
    }

    /// What has a Markdown of its own.
    pub(crate) fn either(mut self, table: Self, markdown: impl Into<String>) -> Self {
        self.parts.push(Part::Either { table, markdown: markdown.into() });
        self
    }

    /// What is said beside the answer, on standard error.
    pub(crate) fn remark(mut self, text: impl Into<String>) -> Self {
        self.remarks.push(text.into());
        self
    }

    /// For people; nothing where a program reads.
    pub(crate) fn render(&self, format: Format, style: TableStyle<'_>) -> String {
        if !format.is_for_people() {
            return String::new();
        }
        let part = |part: &Part| match (part, format) {
            (Part::Block(lines), Format::Markdown) => lines.lines().map(|line| format!("    {line}\n")).collect(),
            (Part::Words(text) | Part::Block(text), _) => text.clone(),
            (Part::Rows(listing), Format::Markdown) => listing.markdown(),
            (Part::Rows(listing), _) => listing.table(style.width),
            (Part::Notes(lines), Format::Markdown) if !lines.is_empty() => {
                let points = lines.lines().map(|line| format!("- {}\n", markdown::escape(line)));
                format!("\n{}", points.collect::<String>())
            }
            (Part::Notes(lines), _) => lines.clone(),
            (Part::Either { markdown, .. }, Format::Markdown) => markdown.clone(),
            (Part::Either { table, .. }, _) => table.render(format, style),
        };
        self.parts.iter().map(part).collect()
    }
}

impl Format {
    /// Whether somebody reads it, and not a program.
    pub(crate) fn is_for_people(self) -> bool {
        self != Self::Json
    }
}

impl Document<'_> {
    /// The plan or the report.
    pub(crate) fn render(&self, format: Format, style: TableStyle<'_>) -> String {
        match format {
            Format::Table => table::render(self, style),
            Format::Json => json::render(self, None),
            Format::Markdown => markdown::render(self, style),
        }
    }

    /// The plan as it is shown before somebody is asked: at a terminal. Elsewhere the report is the one document.
    pub(crate) fn before_asking(&self, format: Format, style: TableStyle<'_>) -> Option<String> {
        (format == Format::Table).then(|| table::render(self, style))
    }

    /// The document of a command that has nothing to show, for programs: they are promised one.
    pub(crate) fn of_nothing(&self, format: Format) -> Option<String> {
        (!format.is_for_people()).then(|| json::render(self, None))
    }

    /// The same of a run by the clock that found nothing due, with when something is.
    pub(crate) fn of_nothing_due(&self, format: Format, next: Option<LocalTime>) -> Option<String> {
        (!format.is_for_people()).then(|| json::render_nothing_due(self, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Staff {
        staff: [&'static str; 2],
    }

    fn answer() -> Answer<Staff> {
        let mut listing = Listing::new(["Name"]);
        listing.row(["Ada"]);
        let shown = Shown::default().rows(listing).notes("2 of them\n").words("All.\n").remark("that is all");
        Answer::new("staff", Staff { staff: ["Ada", "Grace"] }, shown).exit_code(3)
    }

    #[test]
    fn a_program_gets_one_document_and_nothing_for_people() {
        let text = answer().render(Format::Json, TableStyle::default());
        let expected = serde_json::json!({"schema": 1, "kind": "staff", "exit_code": 3, "staff": ["Ada", "Grace"]});
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), expected);
        assert_eq!(answer().remarks(Format::Json).count(), 0);
    }

    #[test]
    fn people_get_its_parts_as_their_format_has_them() {
        let style = TableStyle { width: Some(80), ..TableStyle::default() };
        assert_eq!(answer().render(Format::Table, style), " Name\n Ada\n2 of them\nAll.\n");
        assert_eq!(answer().render(Format::Markdown, style), "| Name |\n|---|\n| Ada |\n\n- 2 of them\nAll.\n");
        assert_eq!(answer().remarks(Format::Markdown).collect::<Vec<_>>(), ["that is all"]);
        let block = Shown::default().block("a\n  b\n");
        assert_eq!(block.render(Format::Table, style), "a\n  b\n");
        assert_eq!(block.render(Format::Markdown, style), "    a\n      b\n");
        let either = Shown::default().either(Shown::default().words("plain\n"), "**rich**\n");
        assert_eq!(either.render(Format::Table, style), "plain\n");
        assert_eq!(either.render(Format::Markdown, style), "**rich**\n");
    }
}
