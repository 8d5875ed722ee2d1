use toml::de::{DeTable, DeValue};

/// The names of a file's targets and workflows, for whoever completes them while it is still being written: a file with
/// mistakes in it has names, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// With their types, where the file says them.
    pub targets: Vec<(String, Option<String>)>,
    /// `onboarding`, or `service-desk/onboarding` where several targets have one of that name.
    pub workflows: Vec<String>,
}

/// Reads the names in the text of a file.
pub fn names(text: &str) -> Names {
    let (file, _) = DeTable::parse_recoverable(text);
    let (mut found, mut workflows) = (Names::default(), Vec::new());
    for (name, section) in table(file.get_ref(), "targets").into_iter().flat_map(DeTable::iter) {
        let DeValue::Table(section) = section.get_ref() else { continue };
        let kind = section.get("type").and_then(|kind| kind.get_ref().as_str()).map(str::to_owned);
        let own = table(section, "workflows").into_iter().flat_map(DeTable::keys);
        workflows.extend(own.map(|workflow| (name.get_ref().to_string(), workflow.get_ref().to_string())));
        found.targets.push((name.get_ref().to_string(), kind));
    }
    let is_shared = |name: &str| workflows.iter().filter(|(_, other)| other == name).count() > 1;
    let full = |(target, name): &(String, String)| match is_shared(name) {
        true => format!("{target}/{name}"),
        false => name.clone(),
    };
    found.workflows = workflows.iter().map(full).collect();
    found
}

fn table<'t, 'i>(of: &'t DeTable<'i>, key: &str) -> Option<&'t DeTable<'i>> {
    match of.get(key)?.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_whatever_else_is_wrong() {
        let text = "[targets.desk]\ntype = \"freshservice\"\nunknown = \n[targets.desk.workflows.onboarding]\non = 3\n\
                    [targets.desk.workflows.move]\n[targets.shop.workflows.move]\n[[targets.list]]\n[targets]\nx = 1\n";
        let found = names(text);
        let desk = ("desk".to_owned(), Some("freshservice".to_owned()));
        assert_eq!(found.targets, [desk, ("shop".to_owned(), None)]);
        assert_eq!(found.workflows, ["onboarding", "desk/move", "shop/move"]);
        for nothing in ["", "[targets", "targets = 3", "\u{1}", "[targets]\ndesk = \"freshservice\""] {
            assert_eq!(names(nothing), Names::default(), "{nothing:?}");
        }
    }
}
