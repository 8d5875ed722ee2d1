use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use chrono::format::{Item, StrftimeItems};
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::code::Code;
use crate::field::{FieldKind, FieldSpec, iso_day};
use crate::plan::{EmployeeRules, Policy};
use crate::section::Table;
use crate::section::shape;
use crate::targets::{Connection, FieldLookup, Offers, SandboxAddresses, Target, TargetType};

use super::cell::Format;
use super::delimited::Delimited;
use super::formula::FormulaCells;
use super::leavers::MarkedLeavers;
use super::open::OpenFile;
use super::{replace, rows, workbook};

/// What a `file` section cannot do without. It is a struct of its own so that what is wrong with the other keys is told
/// whatever is wrong here.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Shape {
    /// The file, relative to the folder of the configuration; its folder must be there
    #[schemars(example = &"exports/payroll.csv")]
    path: FilePath,
}

/// The keys of a `file` section in any format.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Section {
    /// The format. Left out: how `path` ends
    format: Option<FormatName>,
    /// A leaver's row stays with this mark. Left out: the row goes
    inactive: Option<Inactive>,
}

/// The keys that only text with a delimiter has. What they are by default depends on the target, so the schema says
/// what it is in a section of this type.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Csv {
    /// One character, or `tab`; in `.tsv` it is the tab (CSV)
    #[schemars(extend("default" = ","))]
    delimiter: Option<Delimiter>,
    /// Whether the file begins with a byte-order mark, for Excel (CSV)
    #[schemars(extend("default" = false))]
    bom: Option<bool>,
    /// How lines end (CSV)
    #[schemars(extend("default" = "lf"))]
    newline: Option<Newline>,
    /// How days are written, such as `%d.%m.%Y` (CSV)
    #[schemars(extend("default" = ISO))]
    date_format: Option<DateFormat>,
    /// What is done about a text that a spreadsheet would run: refuse that employee, or quote the text (CSV)
    #[serde(default)]
    formula_cells: FormulaCells,
}

const ISO: &str = "%Y-%m-%d";

impl Csv {
    /// With the form of days; `None` when they are ISO.
    fn with_defaults(self, defaults: FileDefaults) -> (Delimited, Option<Box<str>>) {
        let delimited = Delimited {
            delimiter: self.delimiter.map_or(defaults.delimiter, |Delimiter(delimiter)| delimiter),
            bom: self.bom.unwrap_or(defaults.bom),
            crlf: self.newline.map_or(defaults.crlf, |newline| newline == Newline::Crlf),
            formula_cells: self.formula_cells,
        };
        let date_format = match self.date_format {
            Some(DateFormat(format)) => (format != ISO).then(|| format.into()),
            None => defaults.date_format.map(Box::from),
        };
        (delimited, date_format)
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline)]
struct FilePath(PathBuf);

impl TryFrom<String> for FilePath {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let path = PathBuf::from(&text);
        if text.trim().is_empty() || text.ends_with('/') || path.file_name().is_none() {
            return Err("must name a file, such as \"exports/payroll.csv\"");
        }
        Ok(Self(path))
    }
}

#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum FormatName {
    Csv,
    Json,
    Xlsx,
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline)]
struct Delimiter(u8);

impl TryFrom<String> for Delimiter {
    type Error = &'static str;

    /// One ASCII character that neither quotes nor stands in words and numbers.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_bytes() {
            b"tab" | b"\\t" | b"\t" => Ok(Self(b'\t')),
            [one] if one.is_ascii_punctuation() && !b"\"'-+.=@_".contains(one) => Ok(Self(*one)),
            _ => Err("must be one character such as \",\" or \";\", or \"tab\""),
        }
    }
}

#[derive(PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Newline {
    Lf,
    Crlf,
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline)]
struct DateFormat(String);

impl TryFrom<String> for DateFormat {
    type Error = &'static str;

    fn try_from(format: String) -> Result<Self, Self::Error> {
        check_date_format(&format).map(|()| Self(format))
    }
}

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
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Inactive {
    /// The column of the mark
    #[serde(deserialize_with = "filled")]
    #[schemars(example = &"Status")]
    pub(super) column: Box<str>,
    /// What it says
    #[serde(deserialize_with = "filled")]
    #[schemars(example = &"left")]
    pub(super) value: Box<str>,
}

fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<str>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() { Err(D::Error::custom("must not hold blanks")) } else { Ok(text.into()) }
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
/// [`Table::finish`]. `None` when what is left after problems is not enough.
pub fn parse(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    Some(Box::new(FileTarget::parse(table, path(table), FileDefaults::default())?))
}

/// What `path` says.
pub fn path(table: &Table<'_>) -> Option<PathBuf> {
    table.read().map(|Shape { path: FilePath(path) }| table.context().secrets.folder().join(path))
}

impl FileTarget {
    /// Reads the keys beside `path`, with the defaults of a target that is delivered as a file.
    pub fn parse(table: &Table<'_>, path: Option<PathBuf>, defaults: FileDefaults) -> Option<Self> {
        // Everything is read before anything is given up, so that all problems are reported together.
        let section: Option<Section> = table.read();
        let csv: Option<Csv> = table.read();
        let Section { format, inactive } = section?;
        let ending =
            path.as_deref().and_then(Path::extension).and_then(|ending| ending.to_str()).map(str::to_lowercase);
        let format = format.or(match ending.as_deref() {
            Some("csv" | "txt" | "tsv") => Some(FormatName::Csv),
            Some("json") => Some(FormatName::Json),
            Some("xlsx") => Some(FormatName::Xlsx),
            _ => None,
        });
        if format.is_none() && path.is_some() && !table.has("format") {
            table.missing("format", "format = \"csv\"");
        }
        let format = format?;
        if format != FormatName::Csv {
            for key in csv_keys().iter().filter(|key| table.has(key)) {
                let message = format!("{} is for CSV files only", table.name_of(key));
                table.problems().error(table.key_span(key), Code::WrongValue, message);
            }
        }
        let (format, date_format) = match format {
            FormatName::Csv => {
                let tabs = ending.as_deref() == Some("tsv");
                let (delimited, date_format) = csv?.with_defaults(FileDefaults {
                    delimiter: if tabs { b'\t' } else { defaults.delimiter },
                    ..defaults
                });
                (Format::Csv(delimited), date_format)
            }
            FormatName::Json => (Format::Json, None),
            FormatName::Xlsx => (Format::Xlsx, None),
        };
        let inactive = inactive.map(|mark| Inactive { value: mark.value.trim().into(), ..mark });
        // The mark is a column like any other then: a marked row is not out of use.
        let (inactive, marked_leavers) =
            if includes_leavers(table) { (None, inactive.map(MarkedLeavers::new)) } else { (inactive, None) };
        Some(Self { path: path?, make_folder: false, format, date_format, inactive, marked_leavers })
    }

    /// As [`TargetType::open`].
    pub fn open_file(&self, connection: &Connection) -> OpenFile {
        let layout = rows::Layout::new(self.format.clone(), self.inactive.clone(), connection);
        OpenFile::new(connection.name.clone(), self.path.clone(), self.make_folder, layout)
    }
}

/// The keys of type `file`, for editors and the reference.
pub fn schema(generator: &mut SchemaGenerator) -> serde_json::Value {
    shape::joined([shape::definition::<Shape>(generator), schema_without_path(generator)])
}

/// Those beside `path`.
pub fn schema_without_path(generator: &mut SchemaGenerator) -> serde_json::Value {
    shape::joined([shape::definition::<Section>(generator), shape::definition::<Csv>(generator)])
}

fn csv_keys() -> Vec<String> {
    let schema = shape::definition::<Csv>(&mut shape::generator());
    schema["properties"].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

/// Whether the section says so in a table that is read after this.
fn includes_leavers(table: &Table<'_>) -> bool {
    let left = table.content().get("leavers").and_then(|leavers| leavers.get_ref().as_table()?.get("left"));
    left.is_some_and(|left| left.get_ref().as_str() == Some("include"))
}

/// A format keeps a day only if the day can be read back from it. A form that looks like ISO and is not
/// (`%Y-%d-%m`) could not be told from it.
fn check_date_format(format: &str) -> Result<(), &'static str> {
    if StrftimeItems::new(format).any(|item| item == Item::Error) {
        return Err("is not a date format; for example \"%d.%m.%Y\"");
    }
    // Far apart years, days over 12, and a day that reads the same either way.
    for (year, month, day) in [(1931, 12, 30), (1968, 1, 2), (1999, 3, 4), (2026, 11, 22), (2068, 2, 29)] {
        let day = NaiveDate::from_ymd_opt(year, month, day).expect("a day of the calendar");
        let mut text = String::new();
        let kept = write!(text, "{}", day.format(format)).is_ok()
            && NaiveDate::parse_from_str(&text, format).is_ok_and(|read| read == day);
        if !kept {
            return Err("does not keep a whole day (day, month and four-digit year); for example \"%d.%m.%Y\"");
        }
        if iso_day(&text).is_some_and(|read| read != day) || (iso_day(&text).is_none() && looks_iso(&text)) {
            return Err("cannot be told from 2026-12-31; for example \"%d.%m.%Y\"");
        }
    }
    Ok(())
}

/// Four digits, two digits, two digits.
fn looks_iso(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([4, 2, 2]) && parts.concat().bytes().all(|byte| byte.is_ascii_digit())
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
        Ok(Box::new(self.open_file(&connection)))
    }

    fn redirect(&mut self, sandbox: &SandboxAddresses) {
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
        load(text).1
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
        assert_eq!(
            messages("format = 'json'\nbom = true\ninactive = { column = ' ' }"),
            [
                "1:1: error: `targets.payroll.path` is missing; for example `path = \"exports/payroll.csv\"`",
                "2:1: error: `targets.payroll.bom` is for CSV files only",
                "3:1: error: `targets.payroll.inactive.value` is missing; for example `value = \"left\"`",
                "3:23: error: `targets.payroll.inactive.column` must not hold blanks",
            ]
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
            found.redirect(&SandboxAddresses {
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
