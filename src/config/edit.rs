use std::ops::Range;

use toml_edit::{Document, DocumentMut, Item, value};

use crate::words::nearest;

/// Why a line of the file cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file is not TOML.
    #[error("the file is not valid TOML: {0}")]
    Syntax(String),
    /// There is no such target.
    #[error("there is no target `{name}`{hint}")]
    UnknownTarget {
        /// As asked for.
        name: String,
        /// The nearest name, in words; may be empty.
        hint: String,
    },
    /// There is no such workflow.
    #[error("target `{target}` has no workflow `{name}`")]
    UnknownWorkflow {
        /// The target.
        target: String,
        /// As asked for.
        name: String,
    },
}

/// The text of a file with `paused` of one target set; comments and layout stay as they are.
pub fn set_paused(text: &str, target: &str, paused: bool) -> Result<String, EditError> {
    let document = Document::parse(text).map_err(|error| EditError::Syntax(error.message().to_owned()))?;
    let targets = document.get("targets").and_then(Item::as_table_like);
    let item = targets.and_then(|targets| targets.get(target));
    let Some(section) = item.and_then(Item::as_table_like) else {
        let names: Vec<&str> = targets.iter().flat_map(|targets| targets.iter()).map(|(name, _)| name).collect();
        let hint = nearest(target, &names).map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
        return Err(EditError::UnknownTarget { name: target.to_owned(), hint });
    };
    match section.get("paused") {
        Some(found) if found.as_bool() == Some(paused) => Ok(text.to_owned()),
        Some(found) => {
            let place = found.span().expect("what was read from a text has a place in it");
            Ok(format!("{}{paused}{}", &text[..place.start], &text[place.end..]))
        }
        // A target runs unless the file says otherwise.
        None if !paused => Ok(text.to_owned()),
        None => {
            let has_header = item.and_then(Item::as_table).is_some_and(|table| !table.is_dotted());
            match section.get("type").and_then(Item::span).filter(|_| has_header) {
                Some(place) => Ok(with_line_after(text, place)),
                None => insert(text, target),
            }
        }
    }
}

/// A key of a workflow that is yes or no, and no unless the file says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkflowSwitch {
    Active,
    Paused,
}

impl WorkflowSwitch {
    fn key(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
        }
    }
}

/// The text of a file with a switch of one workflow set; comments and layout stay as they are.
pub fn switch_workflow(
    text: &str,
    target: &str,
    workflow: &str,
    switch: WorkflowSwitch,
    on: bool,
) -> Result<String, EditError> {
    let syntax = |error: toml_edit::TomlError| EditError::Syntax(error.message().to_owned());
    let document = Document::parse(text).map_err(syntax)?;
    let below =
        |item: Option<&Item>, key: &str| item.and_then(Item::as_table_like).and_then(|table| table.get(key)).cloned();
    let section = below(below(below(document.get("targets"), target).as_ref(), "workflows").as_ref(), workflow);
    let Some(section) = section.as_ref().and_then(Item::as_table_like) else {
        return Err(EditError::UnknownWorkflow { target: target.to_owned(), name: workflow.to_owned() });
    };
    match section.get(switch.key()) {
        Some(found) if found.as_bool() == Some(on) => Ok(text.to_owned()),
        Some(found) => {
            let place = found.span().expect("what was read from a text has a place in it");
            Ok(format!("{}{on}{}", &text[..place.start], &text[place.end..]))
        }
        None if !on => Ok(text.to_owned()),
        None => {
            let mut document: DocumentMut = text.parse().map_err(syntax)?;
            let mut item = document.get_mut("targets");
            for key in [target, "workflows", workflow] {
                item = item.and_then(Item::as_table_like_mut).and_then(|table| table.get_mut(key));
            }
            if let Some(section) = item.and_then(Item::as_table_like_mut) {
                section.insert(switch.key(), value(true));
            }
            Ok(document.to_string())
        }
    }
}

/// Adds the line below that of `type`, indented and ended as that one is.
fn with_line_after(text: &str, place: Range<usize>) -> String {
    let line_start = text[..place.start].rfind('\n').map_or(0, |newline| newline + 1);
    let indent: String = text[line_start..].chars().take_while(|letter| " \t".contains(*letter)).collect();
    let line_end = text[place.end..].find('\n').map_or(text.len(), |newline| place.end + newline + 1);
    let newline = if text[..line_end].ends_with("\r\n") { "\r\n" } else { "\n" };
    let (before, after) = text.split_at(line_end);
    if before.ends_with('\n') {
        format!("{before}{indent}paused = true{newline}{after}")
    } else {
        format!("{before}{newline}{indent}paused = true")
    }
}

/// For inline and dotted tables, which have no line of their own.
fn insert(text: &str, target: &str) -> Result<String, EditError> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| EditError::Syntax(error.message().to_owned()))?;
    if let Some(section) = document
        .get_mut("targets")
        .and_then(Item::as_table_like_mut)
        .and_then(|targets| targets.get_mut(target))
        .and_then(Item::as_table_like_mut)
    {
        section.insert("paused", value(true));
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# Ours.
timezone = \"UTC\" # midnight

[targets.'service-desk']   # the desk
type    = \"directory\"  # kept
paused  = false    # until March

[targets.service-desk.mapping]
primary_email  = \"email | lower\"

[targets.payroll]
type = \"roster\"   # no line for it

# About the mapping.
[targets.payroll.mapping]
\"Naïve\" = \"first_name\"
";

    #[test]
    fn one_line_changes_and_nothing_else() {
        let paused = set_paused(FILE, "service-desk", true).unwrap();
        assert_eq!(paused, FILE.replace("paused  = false    # until", "paused  = true    # until"));
        assert_eq!(set_paused(&paused, "service-desk", false).unwrap(), FILE);
    }

    #[test]
    fn a_line_is_added_where_there_is_none() {
        let paused = set_paused(FILE, "payroll", true).unwrap();
        assert_eq!(paused, FILE.replace("# no line for it\n", "# no line for it\npaused = true\n"));
        assert_eq!(set_paused(&paused, "payroll", true).unwrap(), paused);
        assert_eq!(set_paused(FILE, "payroll", false).unwrap(), FILE);
    }

    #[test]
    fn other_ways_to_write_a_target() {
        let inline = "[targets]\ndesk = { type = \"directory\" } # short\n";
        assert_eq!(
            set_paused(inline, "desk", true).unwrap(),
            "[targets]\ndesk = { type = \"directory\" , paused = true } # short\n"
        );
        let dotted = "targets.desk.type = \"directory\"\n";
        assert_eq!(
            set_paused(dotted, "desk", true).unwrap(),
            "targets.desk.type = \"directory\"\ntargets.desk.paused = true\n"
        );
    }

    #[test]
    fn a_workflow_is_switched_where_it_stands() {
        let set = |text: &str, workflow, on| switch_workflow(text, "desk", workflow, WorkflowSwitch::Active, on);
        let file = "[targets.desk]\ntype = \"x\" # kept\n\n[targets.desk.workflows.onboarding] # new hires\non = \"joiner\"\nactive  = false   # until May\n\n[[targets.desk.workflows.onboarding.steps]]\naction = \"a\"\n";
        let started = set(file, "onboarding", true).unwrap();
        assert_eq!(started, file.replace("false   # until", "true   # until"));
        assert_eq!(set(&started, "onboarding", false).unwrap(), file);
        let silent = file.replace("active  = false   # until May\n", "");
        assert_eq!(set(&silent, "onboarding", false).unwrap(), silent);
        let started = set(&silent, "onboarding", true).unwrap();
        assert_eq!(started, silent.replace("on = \"joiner\"\n", "on = \"joiner\"\nactive = true\n"));
        let paused = switch_workflow(file, "desk", "onboarding", WorkflowSwitch::Paused, true).unwrap();
        assert_eq!(paused, file.replace("# until May\n", "# until May\npaused = true\n"));
        assert_eq!(
            switch_workflow(&paused, "desk", "onboarding", WorkflowSwitch::Paused, false).unwrap(),
            file.replace("# until May\n", "# until May\npaused = false\n")
        );
        let error = set(file, "offboarding", true).unwrap_err().to_string();
        assert_eq!(error, "target `desk` has no workflow `offboarding`");
    }

    #[test]
    fn line_ends_of_windows_stay() {
        let windows = FILE.replace('\n', "\r\n");
        for target in ["service-desk", "payroll"] {
            let expected = set_paused(FILE, target, true).unwrap().replace('\n', "\r\n");
            assert_eq!(set_paused(&windows, target, true).unwrap(), expected, "{target}");
        }
    }

    #[test]
    fn what_cannot_be_edited() {
        assert_eq!(
            set_paused(FILE, "servicedesk", true).unwrap_err().to_string(),
            "there is no target `servicedesk`; did you mean `service-desk`?"
        );
        assert_eq!(set_paused("", "desk", true).unwrap_err().to_string(), "there is no target `desk`");
        let error = set_paused("[targets", "desk", true).unwrap_err().to_string();
        assert!(error.starts_with("the file is not valid TOML: "), "{error}");
    }
}
