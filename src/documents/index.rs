use std::collections::BTreeMap;

use super::Key;

/// A table that says whose each file is: the columns `file` and `employee_id` or `email`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// What the second column holds.
    pub key: Key,
    /// For each file what the table says, in the order of its rows; more than one is a contradiction.
    pub rows: BTreeMap<String, Vec<String>>,
}

/// Why the table cannot be used; names lines, never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct IndexError(pub String);

impl Index {
    /// Reads CSV, separated by commas, semicolons or tabs.
    ///
    /// # Errors
    ///
    /// When it is no UTF-8 or no CSV, a column is missing or unknown, a cell is blank, or a file is named with a folder.
    pub fn read(bytes: &[u8]) -> Result<Self, IndexError> {
        let fail = |message: &str| Err(IndexError(message.to_owned()));
        let Ok(text) = std::str::from_utf8(bytes) else { return fail("it is not in UTF-8") };
        let text = text.trim_start_matches('\u{feff}');
        let head = text.lines().next().unwrap_or_default();
        let delimiter = [b';', b'\t'].into_iter().find(|byte| head.as_bytes().contains(byte)).unwrap_or(b',');
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
        let unreadable = |error: csv::Error| {
            let line = error.position().map(|position| format!(" near line {}", position.line())).unwrap_or_default();
            IndexError(format!("it is not CSV with the same number of cells in each row{line}"))
        };
        let columns: Vec<String> = reader.headers().map_err(unreadable)?.iter().map(str::to_lowercase).collect();
        let position = |name: &str| columns.iter().position(|column| column == name);
        if let Some(unknown) = columns.iter().find(|name| !["file", "employee_id", "email"].contains(&name.as_str())) {
            return Err(IndexError(format!(
                "it has a column `{unknown}`; known: `file` and one of `employee_id` and `email`"
            )));
        }
        let (file, whose, key) = match (position("file"), position("employee_id"), position("email")) {
            (Some(file), Some(whose), None) => (file, whose, Key::EmployeeId),
            (Some(file), None, Some(whose)) => (file, whose, Key::Attribute("email".into())),
            _ => return fail("it needs the column `file` and one of `employee_id` and `email`"),
        };
        let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for record in reader.records() {
            let record = record.map_err(unreadable)?;
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |column: usize| record.get(column).filter(|cell| !cell.is_empty());
            let (Some(name), Some(value)) = (cell(file), cell(whose)) else {
                return Err(IndexError(format!("line {line} has a blank cell")));
            };
            if name.contains(['/', '\\']) {
                return Err(IndexError(format!(
                    "line {line} names a file in another folder; only files directly in the folder are uploaded"
                )));
            }
            let values = rows.entry(name.to_owned()).or_default();
            if !values.iter().any(|known| known == value) {
                values.push(value.to_owned());
            }
        }
        Ok(Self { key, rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_all_separators_are_read() {
        for text in [
            "file,employee_id\na.pdf,1\nb.pdf,2\nb.pdf,3\na.pdf,1\n",
            "\u{feff}File;Employee_ID\r\na.pdf; 1\r\nb.pdf;2\r\nb.pdf;3\r\n",
            "employee_id\tfile\n1\ta.pdf\n2\tb.pdf\n3\tb.pdf",
        ] {
            let index = Index::read(text.as_bytes()).unwrap();
            assert_eq!(index.key, Key::EmployeeId);
            assert_eq!(index.rows["a.pdf"], ["1"]);
            assert_eq!(index.rows["b.pdf"], ["2", "3"]);
        }
        let index = Index::read(b"file,email\na.pdf,ines@example.com\n").unwrap();
        assert_eq!(index.key, Key::Attribute("email".into()));
    }

    #[test]
    fn tables_with_mistakes_are_refused_without_their_values() {
        for (text, word) in [
            ("", "needs"),
            ("file,employee_id,email\n", "needs"),
            ("datei,employee_id\n", "`datei`"),
            ("file,email\na.pdf,\n", "line 2"),
            ("file,email\na.pdf,ines@example.com,x\n", "line 2"),
            ("file,email\n../a.pdf,ines@example.com\n", "line 2"),
        ] {
            let error = Index::read(text.as_bytes()).unwrap_err().0;
            assert!(error.contains(word) && !error.contains("ines"), "{text:?}: {error}");
        }
        assert!(Index::read(b"file,email\n\xff").is_err());
    }
}
