use std::fmt;

use regex::Regex;

/// What tells whose file it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Personio's id of the employee.
    EmployeeId,
    /// The value of an attribute, by the attribute's key.
    Attribute(Box<str>),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmployeeId => "employee_id",
            Self::Attribute(key) => key,
        })
    }
}

/// The form of file names, such as `{employee_id}_{period}.pdf`.
///
/// `{period}` takes a month or a day (`2026-11`, `202611`, `11-2026`, `2026-11-30`), `{any}` anything; every
/// other name says whose file it is. Letter case does not count.
#[derive(Clone, Debug)]
pub struct Pattern {
    names: Regex,
    /// By number of the group in `names`, from 1.
    groups: Vec<Group>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Group {
    Key(Key),
    Period,
    Any,
}

/// What the name of a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameParts<'n> {
    /// Whose it is, by each key of the pattern.
    pub values: Vec<(&'n Key, &'n str)>,
    pub period: Option<&'n str>,
}

/// Why a pattern or a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(pub String);

/// A piece of a text with names in braces.
enum Piece<'t> {
    Literal(&'t str),
    Name(&'t str),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, PatternError> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(start) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(start);
        if !before.is_empty() {
            pieces.push(Piece::Literal(before));
        }
        let inner = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (name, remainder) = inner
            .filter(|(name, _)| !name.contains('{'))
            .ok_or_else(|| PatternError(format!("a brace in `{text}` has no partner")))?;
        pieces.push(Piece::Name(name.trim()));
        rest = remainder;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    Ok(pieces)
}

impl Pattern {
    /// Reads a pattern; `resolve` says what a name in braces stands for.
    ///
    /// # Errors
    ///
    /// When a brace has no partner, a name stands for nothing, two names touch, or nothing says whose file it is.
    pub fn new(text: &str, resolve: impl Fn(&str) -> Result<Key, String>) -> Result<Self, PatternError> {
        let (mut groups, mut expression) = (Vec::new(), String::from("(?is)^"));
        let mut touching = false;
        for piece in pieces(text)? {
            match piece {
                Piece::Literal(literal) => {
                    expression.push_str(&regex::escape(literal));
                    touching = false;
                }
                Piece::Name(name) => {
                    if touching {
                        return Err(PatternError(format!(
                            "`{{{name}}}` in `{text}` begins where another ends; put something between them"
                        )));
                    }
                    touching = true;
                    let (group, form) = match name {
                        "period" => {
                            (Group::Period, r"[0-9]{4}[-_. ]?[0-9]{2}(?:[-_. ]?[0-9]{2})?|[0-9]{2}[-_. ]?[0-9]{4}")
                        }
                        "any" => (Group::Any, ".*"),
                        _ => match resolve(name).map_err(PatternError)? {
                            key @ Key::EmployeeId => (Group::Key(key), "[0-9]+"),
                            key @ Key::Attribute(_) => (Group::Key(key), ".+"),
                        },
                    };
                    expression.push_str(&format!("({form})"));
                    groups.push(group);
                }
            }
        }
        expression.push('$');
        if !groups.iter().any(|group| matches!(group, Group::Key(_))) {
            return Err(PatternError(format!(
                "nothing in `{text}` says whose file it is; use {{employee_id}}, {{email}} or another attribute"
            )));
        }
        let names = Regex::new(&expression).map_err(|_| PatternError(format!("`{text}` is too long")))?;
        Ok(Self { names, groups })
    }

    /// What says whose file it is, each once.
    pub fn keys(&self) -> Vec<&Key> {
        let mut keys: Vec<&Key> = self
            .groups
            .iter()
            .filter_map(|group| match group {
                Group::Key(key) => Some(key),
                Group::Period | Group::Any => None,
            })
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// What a file's name says; `None` when it has another form.
    pub fn read<'n>(&'n self, name: &'n str) -> Option<NameParts<'n>> {
        let captures = self.names.captures(name)?;
        let (mut values, mut period) = (Vec::new(), None);
        for (number, group) in self.groups.iter().enumerate() {
            let value = captures.get(number + 1)?.as_str();
            match group {
                Group::Key(key) => values.push((key, value)),
                Group::Period => period = Some(value),
                Group::Any => {}
            }
        }
        Some(NameParts { values, period })
    }
}

/// What documents are called, such as `Payslip {period}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TitleTemplate(String);

impl TitleTemplate {
    /// Reads a template of `{file}`, `{stem}` (the file without its ending), `{period}` and `{category}`.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        for piece in pieces(text)? {
            if let Piece::Name(name) = piece
                && !["file", "stem", "period", "category"].contains(&name)
            {
                return Err(PatternError(format!(
                    "`{{{name}}}` cannot be in a title; known: `{{file}}`, `{{stem}}`, `{{period}}`, `{{category}}`"
                )));
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The title of one file.
    pub fn fill(&self, file: &str, period: Option<&str>, category: &str) -> String {
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let title: String = pieces(&self.0)
            .unwrap_or_default()
            .iter()
            .map(|piece| match piece {
                Piece::Literal(literal) => literal,
                Piece::Name("file") => file,
                Piece::Name("stem") => stem,
                Piece::Name("period") => period.unwrap_or_default(),
                Piece::Name(_) => category,
            })
            .collect();
        title.trim().to_owned()
    }
}

impl Default for TitleTemplate {
    fn default() -> Self {
        Self("{file}".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Result<Pattern, String> {
        let resolve = |name: &str| match name {
            "employee_id" => Ok(Key::EmployeeId),
            "email" | "dynamic_1" => Ok(Key::Attribute(name.into())),
            "personnel_number" => Ok(Key::Attribute("dynamic_1".into())),
            _ => Err(format!("there is no attribute `{name}`")),
        };
        Pattern::new(text, resolve).map_err(|error| error.0)
    }

    #[test]
    fn names_are_read_as_the_pattern_says() {
        // pattern, name, values, period
        type Row = (&'static str, &'static str, Option<(&'static [&'static str], Option<&'static str>)>);
        let table: &[Row] = &[
            ("{employee_id}_{period}.pdf", "9001_2026-11.pdf", Some((&["9001"], Some("2026-11")))),
            ("{employee_id}_{period}.pdf", "9001_202611.PDF", Some((&["9001"], Some("202611")))),
            ("{employee_id}_{period}.pdf", "9001_11-2026.pdf", Some((&["9001"], Some("11-2026")))),
            ("{employee_id}_{period}.pdf", "9001_2026-11-30.pdf", Some((&["9001"], Some("2026-11-30")))),
            ("{employee_id}_{period}.pdf", "9001_2026-11.pdf.txt", None),
            ("{employee_id}_{period}.pdf", "x9001_2026-11.pdf", None),
            ("{employee_id}_{period}.pdf", "A17_2026-11.pdf", None),
            ("{employee_id}_{period}.pdf", "9001_2026-11xpdf", None),
            ("{employee_id}.pdf", "00017.pdf", Some((&["00017"], None))),
            ("{personnel_number}_{period}.pdf", "A_17_2026-11.pdf", Some((&["A_17"], Some("2026-11")))),
            ("{any} {email}.pdf", "Lohn ines@example.com.pdf", Some((&["ines@example.com"], None))),
            ("{employee_id}-{dynamic_1}.pdf", "17-A-1.pdf", Some((&["17", "A-1"], None))),
        ];
        for (text, name, wanted) in table {
            let pattern = pattern(text).unwrap();
            let found = pattern.read(name);
            let found = found.map(|found| {
                (found.values.iter().map(|(_, value)| (*value).to_owned()).collect::<Vec<String>>(), found.period)
            });
            let wanted = wanted.map(|(values, period)| (values.iter().map(ToString::to_string).collect(), period));
            assert_eq!(found, wanted, "{text} {name}");
        }
    }

    #[test]
    fn patterns_that_cannot_work_are_refused() {
        for (text, word) in [
            ("payslip.pdf", "whose"),
            ("{period}.pdf", "whose"),
            ("{employee_id.pdf", "partner"),
            ("employee_id}.pdf", "partner"),
            ("{employee_id}{period}.pdf", "between"),
            ("{staff}.pdf", "there is no attribute `staff`"),
        ] {
            assert!(pattern(text).unwrap_err().contains(word), "{text}");
        }
    }

    #[test]
    fn titles_are_filled() {
        let fill = |text: &str, period| TitleTemplate::new(text).unwrap().fill("9001_2026-11.pdf", period, "Payslips");
        assert_eq!(fill("{category} {period}", Some("2026-11")), "Payslips 2026-11");
        assert_eq!(fill("{category} {period}", None), "Payslips");
        assert_eq!(fill("{stem}", None), "9001_2026-11");
        assert_eq!(TitleTemplate::default().fill("a.pdf", None, "x"), "a.pdf");
        assert!(TitleTemplate::new("{email}").is_err());
    }
}
