//! Plain lists of rows: past runs, jobs, what is held. For a terminal or as Markdown.

use comfy_table::{ContentArrangement, Table, presets};

use super::markdown;
use super::visible::short;

/// Rows under a header, made visible and cut like every value.
pub(crate) struct Listing {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    is_ruled: bool,
}

impl Listing {
    pub(crate) fn new<const COLUMNS: usize>(header: [&'static str; COLUMNS]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new(), is_ruled: false }
    }

    /// With lines between the rows of a terminal.
    pub(crate) fn ruled(self) -> Self {
        Self { is_ruled: true, ..self }
    }

    pub(crate) fn row<const COLUMNS: usize>(&mut self, cells: [impl AsRef<str>; COLUMNS]) {
        self.rows.push(cells.iter().map(|cell| cell.as_ref().to_owned()).collect());
    }

    /// The whole, its last line ended.
    pub(super) fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
        let mut text = line(&mut self.header.iter().map(|title| (*title).to_owned()));
        text.push_str(&format!("|{}\n", "---|".repeat(self.header.len())));
        for row in &self.rows {
            text.push_str(&line(&mut row.iter().map(|cell| markdown::escape(cell))));
        }
        text
    }

    /// The same for a terminal.
    pub(super) fn table(&self, width: Option<u16>) -> String {
        let width = width.unwrap_or(160).max(60);
        if self.narrowest() > usize::from(width) {
            return self.blocks(width);
        }
        let style = if self.is_ruled { presets::UTF8_HORIZONTAL_ONLY } else { presets::NOTHING };
        let mut table = Table::new();
        table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
        table.set_header(self.header.clone());
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| short(cell).into_owned()));
        }
        table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

impl Listing {
    /// How many columns a table needs in which no word is broken.
    fn narrowest(&self) -> usize {
        let longest = |text: &str| text.split_whitespace().map(textwrap::core::display_width).max().unwrap_or(0);
        let column = |(position, title): (usize, &&'static str)| {
            let cells = self.rows.iter().map(|row| longest(&short(&row[position])).min(LONGEST_WORD));
            2 + cells.max().unwrap_or(0).max(longest(title))
        };
        self.header.iter().enumerate().map(column).sum()
    }

    /// The rows below each other, where they do not fit beside each other: each begins with its first cell.
    fn blocks(&self, width: u16) -> String {
        let mut text = String::new();
        for row in &self.rows {
            for (position, (title, cell)) in self.header.iter().zip(row).enumerate() {
                if cell.is_empty() && position > 0 {
                    continue;
                }
                let indent = if position == 0 { "" } else { "  " };
                let rest = format!("{indent}    ");
                let options =
                    textwrap::Options::new(usize::from(width)).initial_indent(indent).subsequent_indent(&rest);
                let line = format!("{title}: {}", short(cell));
                text.extend(textwrap::wrap(&line, options).iter().map(|line| format!("{}\n", line.trim_end())));
            }
        }
        text
    }
}

/// Longer ones, such as addresses, are broken in a table all the same.
const LONGEST_WORD: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_breaks_out_of_its_row() {
        let mut listing = Listing::new(["Job", "Why"]);
        listing.row(["12.1", "a|b\n| forged | row |\u{1b}[31m"]);
        let table = listing.table(Some(80));
        assert_eq!(table, " Job   Why\n 12.1  a|b\\u{a}| forged | row |\\u{1b}[31m\n");
        let markdown = listing.markdown();
        assert_eq!(
            markdown,
            "| Job | Why |\n|---|---|\n| 12.1 | a\\|b\\\\u{a}\\| forged \\| row \\|\\\\u{1b}\\[31m |\n"
        );
    }

    #[test]
    fn a_long_word_takes_no_longer_than_a_short_one() {
        let mut listing = Listing::new(["Job", "Why"]).ruled();
        listing.row(["12.1", "x".repeat(3_000_000).as_str()]);
        let table = listing.table(Some(80));
        assert!(table.len() < 2_000 && table.lines().all(|line| line.chars().count() <= 80), "{table}");
    }

    #[test]
    fn rows_that_do_not_fit_beside_each_other_stand_below_each_other() {
        let mut listing = Listing::new(["Target", "Last succeeded", "Deactivations", "Unreachable since"]);
        listing.row(["service-desk", "2026-11-22T05:00:00Z", "", "a rather long explanation of what went wrong there"]);
        listing.row(["wiki", "never", "12", ""]);
        let expected = "\
Target: service-desk
  Last succeeded: 2026-11-22T05:00:00Z
  Unreachable since: a rather long explanation of what went
      wrong there
Target: wiki
  Last succeeded: never
  Deactivations: 12
";
        assert_eq!(listing.table(Some(60)), expected);
        assert!(listing.table(Some(100)).starts_with(" Target"), "there, they do");
    }
}
