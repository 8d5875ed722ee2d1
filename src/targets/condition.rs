/// A condition over attributes that a target type makes of its settings, with the place of the setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// As an expression of the file.
    pub source: String,
    /// Where the setting stands, in bytes.
    pub span: std::ops::Range<usize>,
}

/// A text of a setting as a text of the expression language.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Whether a text can stand in an expression as an attribute.
pub(super) fn is_attribute(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
