use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use chrono::format::{Item, StrftimeItems};

use crate::code::Code;
use crate::field::{FieldKind, FieldSpec, iso_day};
use crate::plan::{EmployeeRules, Policy};
use crate::section::{Located, Table};
use crate::targets::{Connection, FieldLookup, Offers, SandboxPlaces, Target, TargetType};

use super::cell::Format;
use super::delimited::Delimited;
use super::formula::FormulaCells;
use super::leavers::MarkedLeavers;
use super::open::OpenFile;
use super::{replace, rows, workbook};

/// The keys that only text with a delimiter needs.
const CSV_KEYS: [&str; 5] = ["delimiter", "bom", "newline", "date_format", "formula_cells"];

/// The section of a file target, settled.
#[derive(Clone, Debug, PartialEq)]
pub struct FileTarget {
    path: PathBuf,
    make_folder: bool,
    format: Format,
    date_format: Option<Box<str>>,
    inactive: Option<Inactive>,
    /// Where whoever left is in the list, too: how they are marked.
    marked_leavers: Option<MarkedLeavers>,
}

/// How a row says that its account is out of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inactive {
    /// The column that says so.
    pub(super) column: Box<str>,
    /// What stands there when it is.
    pub(super) value: Box<str>,
}

/// How text with a delimiter is written where the section does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileDefaults {
    /// Between cells; a file that ends in `.tsv` has tabs all the same.
    pub delimiter: u8,
    /// A byte order mark at the start, which German spreadsheets want.
    pub bom: bool,
    /// Lines end with CR LF.
    pub crlf: bool,
    /// Form of days; ISO when `None`.
    pub date_format: Option<&'static str>,
}

impl Default for FileDefaults {
    fn default() -> Self {
        Self { delimiter: b',', bom: false, crlf: false, date_format: None }
    }
}

/// Reads the keys that belong to this type; the keys every target has are the caller's, and so is
/// [`Table::finish`]. `None` when there is a problem, which is reported.
pub fn parse(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    parse_with(table, FileDefaults::default())
}

/// The same with other defaults, for a target that is delivered as a file.
pub fn parse_with(table: &Table<'_>, defaults: FileDefaults) -> Option<Box<dyn TargetType>> {
    let path = path(table);
    let format = format(table, path.as_ref().map(|path| path.value.as_path()), defaults.delimiter);
    let inactive = inactive(table);
    let with_leavers = includes_leavers(table);
    // Everything is read before anything is given up, so that all problems are reported together.
    let (format, date_format) = match format {
        Some(Kind::Csv { default_delimiter }) => {
            let delimited = delimited(table, default_delimiter, defaults);
            let date_format = date_format(table, defaults.date_format);
            (Format::Csv(delimited?), date_format?)
        }
        Some(other) => {
            for key in CSV_KEYS.into_iter().filter(|key| table.has(key)) {
                table.problems().error(
                    table.key_span(key),
                    Code::WrongValue,
                    format!("{} is for CSV files only", table.name_of(key)),
                );
            }
            if CSV_KEYS.into_iter().any(|key| table.has(key)) {
                return None;
            }
            (if matches!(other, Kind::Json) { Format::Json } else { Format::Xlsx }, None)
        }
        None => {
            for key in CSV_KEYS {
                table.has(key);
            }
            return None;
        }
    };
    let inactive = inactive?;
    // The mark is a column like any other then: a marked row is not out of use.
    let (inactive, marked_leavers) =
        if with_leavers { (None, inactive.map(MarkedLeavers::new)) } else { (inactive, None) };
    Some(Box::new(FileTarget { path: path?.value, make_folder: false, format, date_format, inactive, marked_leavers }))
}

/// Whether the section says so in a table that is read after this.
fn includes_leavers(table: &Table<'_>) -> bool {
    let left = table.content().get("leavers").and_then(|leavers| leavers.get_ref().as_table()?.get("left"));
    left.is_some_and(|left| left.get_ref().as_str() == Some("include"))
}

/// Relative to the folder of the configuration.
fn path(table: &Table<'_>) -> Option<Located<PathBuf>> {
    let text = table.required_text("path", "path = \"exports/payroll.csv\"")?;
    let path = table.context().secrets.folder().join(text.value);
    if text.value.trim().is_empty() || text.value.ends_with('/') || path.file_name().is_none() {
        table.problems().error(
            text.span,
            Code::WrongValue,
            format!("{} must name a file, such as \"exports/payroll.csv\"", table.name_of("path")),
        );
        return None;
    }
    Some(Located { value: path, span: text.span })
}

#[derive(Clone, Copy)]
enum Kind {
    Csv { default_delimiter: u8 },
    Json,
    Xlsx,
}

/// By name, or by how the path ends.
fn format(table: &Table<'_>, path: Option<&Path>, delimiter: u8) -> Option<Kind> {
    let ending = path.and_then(Path::extension).and_then(|ending| ending.to_str()).map(str::to_lowercase);
    let by_ending = match ending.as_deref() {
        Some("csv" | "txt") => Some(Kind::Csv { default_delimiter: delimiter }),
        Some("tsv") => Some(Kind::Csv { default_delimiter: b'\t' }),
        Some("json") => Some(Kind::Json),
        Some("xlsx") => Some(Kind::Xlsx),
        _ => None,
    };
    if table.has("format") {
        let csv = by_ending.filter(|kind| matches!(kind, Kind::Csv { .. }));
        let csv = csv.unwrap_or(Kind::Csv { default_delimiter: delimiter });
        return table.choice("format", &[("csv", csv), ("json", Kind::Json), ("xlsx", Kind::Xlsx)]);
    }
    if by_ending.is_none() && path.is_some() {
        table.missing("format", "format = \"csv\"");
    }
    by_ending
}

fn delimited(table: &Table<'_>, default_delimiter: u8, defaults: FileDefaults) -> Option<Delimited> {
    let delimiter = match table.text("delimiter") {
        None if table.has("delimiter") => None,
        None => Some(default_delimiter),
        Some(text) => {
            let found = delimiter(text.value);
            if found.is_none() {
                table.problems().error(
                    text.span,
                    Code::WrongValue,
                    format!("{} must be one character such as \",\" or \";\", or \"tab\"", table.name_of("delimiter")),
                );
            }
            found
        }
    };
    let bom = given(table, "bom", table.boolean("bom"), defaults.bom);
    let crlf = given(table, "newline", table.choice("newline", &[("lf", false), ("crlf", true)]), defaults.crlf);
    let words = [("refuse", FormulaCells::Refuse), ("quote", FormulaCells::Quote)];
    let formula_cells = given(table, "formula_cells", table.choice("formula_cells", &words), FormulaCells::Refuse);
    Some(Delimited { delimiter: delimiter?, bom: bom?, crlf: crlf?, formula_cells: formula_cells? })
}

/// What was read, or the default when the key is not there; `None` when it is there and wrong.
fn given<T>(table: &Table<'_>, key: &str, read: Option<T>, default: T) -> Option<T> {
    if table.has(key) { read } else { Some(default) }
}

/// One ASCII character that neither quotes nor stands in words and numbers.
fn delimiter(text: &str) -> Option<u8> {
    match text {
        "tab" | "\\t" | "\t" => Some(b'\t'),
        _ => match text.as_bytes() {
            [one] if one.is_ascii_punctuation() && !b"\"'-+.=@_".contains(one) => Some(*one),
            _ => None,
        },
    }
}

/// `Some(None)` when days are ISO.
fn date_format(table: &Table<'_>, default: Option<&'static str>) -> Option<Option<Box<str>>> {
    let Some(text) = table.text("date_format") else {
        return if table.has("date_format") { None } else { Some(default.map(Box::from)) };
    };
    if let Err(why) = check_date_format(text.value) {
        table.problems().error(text.span, Code::WrongValue, format!("{} {why}", table.name_of("date_format")));
        return None;
    }
    Some((text.value != "%Y-%m-%d").then(|| text.value.into()))
}

/// A format keeps a day only if the day can be read back from it. A form that looks like ISO and is not
/// (`%Y-%d-%m`) could not be told from it.
fn check_date_format(format: &str) -> Result<(), String> {
    if StrftimeItems::new(format).any(|item| item == Item::Error) {
        return Err("is not a date format; for example \"%d.%m.%Y\"".into());
    }
    // Far apart years, days over 12, and a day that reads the same either way.
    for (year, month, day) in [(1931, 12, 30), (1968, 1, 2), (1999, 3, 4), (2026, 11, 22), (2068, 2, 29)] {
        let day = NaiveDate::from_ymd_opt(year, month, day).expect("a day of the calendar");
        let mut text = String::new();
        let kept = write!(text, "{}", day.format(format)).is_ok()
            && NaiveDate::parse_from_str(&text, format).is_ok_and(|read| read == day);
        if !kept {
            return Err("does not keep a whole day (day, month and four-digit year); for example \"%d.%m.%Y\"".into());
        }
        if iso_day(&text).is_some_and(|read| read != day) || (iso_day(&text).is_none() && looks_iso(&text)) {
            return Err("cannot be told from 2026-12-31; for example \"%d.%m.%Y\"".into());
        }
    }
    Ok(())
}

/// Four digits, two digits, two digits.
fn looks_iso(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([4, 2, 2]) && parts.concat().bytes().all(|byte| byte.is_ascii_digit())
}

/// `Some(None)` when a row that is out of use goes.
fn inactive(table: &Table<'_>) -> Option<Option<Inactive>> {
    if !table.has("inactive") {
        return Some(None);
    }
    let inner = table.table("inactive")?;
    let column = inner.required_text("column", "column = \"Status\"");
    let value = inner.required_text("value", "value = \"left\"");
    for text in [&column, &value].into_iter().flatten().filter(|text| text.value.trim().is_empty()) {
        inner.problems().error(text.span.clone(), Code::WrongValue, format!("`{}` must not hold blanks", inner.path()));
    }
    inner.finish();
    let (column, value) = (column?.value, value?.value.trim());
    if column.trim().is_empty() || value.is_empty() {
        return None;
    }
    Some(Some(Inactive { column: column.into(), value: value.into() }))
}

impl TargetType for FileTarget {
    fn kind(&self) -> &'static str {
        "file"
    }

    fn field(&self, name: &str) -> FieldLookup {
        if name.trim().is_empty() {
            return FieldLookup::Unknown;
        }
        let mut spec = FieldSpec::new(name, FieldKind::Any);
        spec.day_format = self.date_format.clone();
        if self.format == Format::Xlsx {
            spec = spec.max_length(workbook::MOST_CHARACTERS);
        }
        FieldLookup::Known(spec)
    }

    /// None: any name is a column.
    fn known_fields(&self) -> Vec<FieldSpec> {
        Vec::new()
    }

    /// None: which column is the key only the file's author knows.
    fn default_match(&self) -> &'static [&'static str] {
        &[]
    }

    fn policy(&self) -> Policy {
        Policy { costs_calls: false, can_include_leavers: true, ..Policy::default() }
    }

    fn identity(&self) -> String {
        let folder = replace::folder_of(&self.path);
        let folder = folder.canonicalize().or_else(|_| std::path::absolute(&folder)).unwrap_or(folder);
        format!("file:{}", folder.join(self.path.file_name().unwrap_or_default()).display())
    }

    fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        let layout = rows::Layout::new(self.format.clone(), self.inactive.clone(), &connection);
        Ok(Box::new(OpenFile::new(connection.name, self.path.clone(), self.make_folder, layout)))
    }

    fn redirect(&mut self, sandbox: &SandboxPlaces) {
        let file = self.path.file_name().unwrap_or_default().to_owned();
        self.path = sandbox.folder.join(folder_name(&sandbox.target)).join(file);
        self.make_folder = true;
    }

    fn offers(&self) -> Offers<'_> {
        Offers { rules: self.marked_leavers.as_ref().map(|rules| rules as &dyn EmployeeRules), ..Offers::default() }
    }
}

/// A name of a target as the name of a folder: one that leads nowhere else.
fn folder_name(target: &str) -> String {
    let name: String = target
        .chars()
        .map(|character| if character.is_alphanumeric() || character == '-' { character } else { '_' })
        .collect();
    if name.is_empty() { "_".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::section::{Context, Problems, Secret, SecretMode, SecretReader};

    /// Parses a section as the loader does, and returns the target with all problems.
    fn load(text: &str) -> (Option<Box<dyn TargetType>>, Vec<String>) {
        let problems = Problems::new(text);
        let environment = |_: &str| None;
        let secrets = SecretReader::new(&environment, Path::new("/srv/sync"), SecretMode::Read);
        let entries = toml::de::DeTable::parse(text).unwrap();
        let context = Context { problems: &problems, secrets: &secrets, zones: crate::zone::Zones::compiled() };
        let table = Table::new("targets.payroll", 0..text.len(), entries.get_ref(), context);
        let found = parse(&table);
        table.finish();
        (found, problems.into_sorted().iter().map(ToString::to_string).collect())
    }

    fn messages(text: &str) -> Vec<String> {
        let (found, problems) = load(text);
        assert!(found.is_none(), "{text}");
        problems
    }

    #[test]
    fn the_shortest_section_needs_a_path_only() {
        let (found, problems) = load("path = 'exports/people.csv'");
        assert!(problems.is_empty(), "{problems:?}");
        let found = found.unwrap();
        assert_eq!(found.identity(), "file:/srv/sync/exports/people.csv");
        let FieldLookup::Known(spec) = found.field("E-Mail") else { panic!("any name is a column") };
        assert_eq!((spec.kind, spec.day_format), (FieldKind::Any, None));
        assert_eq!(found.field(" "), FieldLookup::Unknown);
    }

    #[test]
    fn all_settings_are_taken() {
        let text = "path = '/data/people.txt'\nformat = 'csv'\ndelimiter = 'tab'\nbom = true\nnewline = 'crlf'\n\
                    date_format = '%d.%m.%Y'\nformula_cells = 'quote'\ninactive = { column = 'Status', value = 'left' }";
        let (found, problems) = load(text);
        assert!(problems.is_empty(), "{problems:?}");
        let FieldLookup::Known(spec) = found.unwrap().field("Start") else { panic!("any name is a column") };
        assert_eq!(spec.day_format.as_deref(), Some("%d.%m.%Y"));
    }

    #[test]
    fn mistakes_are_reported_together_with_their_places() {
        assert_eq!(
            messages("path = 'a.csv'\ndelimiter = 'ab'\nbom = 1\nnewline = 'cr'\ndate_format = '%d.%m.'\nextra = 1"),
            [
                "2:13: error: `targets.payroll.delimiter` must be one character such as \",\" or \";\", or \"tab\"",
                "3:7: error: `targets.payroll.bom` must be true or false, not a whole number",
                "4:11: error: `targets.payroll.newline` does not know `cr`; did you mean `crlf`? known: `crlf`, `lf`",
                "5:15: error: `targets.payroll.date_format` does not keep a whole day (day, month and four-digit year); \
                 for example \"%d.%m.%Y\"",
                "6:1: error: [targets.payroll] does not know `extra`; known: `bom`, `date_format`, `delimiter`, `format`, \
                 `formula_cells`, `inactive`, `newline`, `path`",
            ]
        );
        assert_eq!(
            messages("path = 'a.json'\ndelimiter = ';'\nformula_cells = 'quote'"),
            [
                "2:1: error: `targets.payroll.delimiter` is for CSV files only",
                "3:1: error: `targets.payroll.formula_cells` is for CSV files only",
            ]
        );
        assert_eq!(
            messages("path = 'people'\nbom = true"),
            ["1:1: error: `targets.payroll.format` is missing; for example `format = \"csv\"`"]
        );
        for (text, part) in [
            ("format = 'csv'", "`targets.payroll.path` is missing"),
            ("path = 'exports/'\nformat = 'csv'", "must name a file"),
            ("path = ''\nformat = 'csv'", "must name a file"),
            ("path = 'a.csv'\nformat = 'yaml'", "does not know `yaml`"),
            ("path = 'a.csv'\ninactive = 'left'", "must be a table"),
            ("path = 'a.csv'\ninactive = { column = 'Status' }", "`targets.payroll.inactive.value` is missing"),
            ("path = 'a.csv'\ninactive = { column = ' ', value = 'x' }", "must not hold blanks"),
        ] {
            let found = messages(text);
            assert!(found.len() == 1 && found[0].contains(part), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_date_format_must_keep_the_day_and_not_pass_for_iso() {
        for good in ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%d %b %Y", "%-d.%-m.%Y", "%F"] {
            assert_eq!(check_date_format(good), Ok(()), "{good}");
        }
        for bad in ["", "%d.%m.%y", "%m.%Y", "%Y", "%Y-%d-%m", "%Q", "%d.%m.%Y %H:%M", "today"] {
            assert!(check_date_format(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn in_the_sandbox_no_path_leads_out_of_its_folder() {
        for (path, target, expected) in [
            ("../../etc/people.csv", "payroll", "/tmp/sandbox/payroll/people.csv"),
            ("/etc/people.csv", "../..", "/tmp/sandbox/_____/people.csv"),
            ("a/b/people.csv", "/etc", "/tmp/sandbox/_etc/people.csv"),
        ] {
            let mut found = load(&format!("path = '{path}'")).0.unwrap();
            found.redirect(&SandboxPlaces {
                base_url: "http://127.0.0.1:1".into(),
                folder: "/tmp/sandbox".into(),
                target: target.into(),
                secret: Secret::new("invented"),
            });
            assert_eq!(found.identity(), format!("file:{expected}"));
        }
        assert!(load("path = 'exports/..'\nformat = 'csv'").0.is_none());
    }
}
