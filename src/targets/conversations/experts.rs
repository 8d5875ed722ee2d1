//! Who has the role of an expert, by a list that an administrator exported: no interface tells.

use std::path::Path;

use super::super::ListedExpert;

/// The columns by which people are found, with the number of an employee first.
const COLUMNS: [(&str, bool); 4] = [("employee_id", true), ("id", true), ("email", false), ("e-mail", false)];

/// Reads a CSV file with a column `employee_id` or `email`.
pub(super) fn read(path: &Path) -> Result<Vec<ListedExpert>, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("`experts_file` {name} cannot be read: {error}"))?;
    parse(&text).map_err(|why| format!("`experts_file` {name} {why}"))
}

fn parse(text: &str) -> Result<Vec<ListedExpert>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| format!("is no CSV: {error}"))?.clone();
    let position = |column: &str| header.iter().position(|name| name.trim().eq_ignore_ascii_case(column));
    let Some((position, by_id)) = COLUMNS.iter().find_map(|(column, by_id)| Some((position(column)?, *by_id))) else {
        return Err("has no column `employee_id` or `email`".into());
    };
    let mut found = Vec::new();
    for (number, row) in reader.records().enumerate() {
        let row = row.map_err(|error| format!("is no CSV: {error}"))?;
        let cell = row.get(position).unwrap_or_default().trim();
        if cell.is_empty() {
            continue;
        }
        found.push(if by_id {
            let id = cell.parse().map_err(|_| format!("has no number of an employee in row {}", number + 2))?;
            ListedExpert::Employee(id)
        } else {
            ListedExpert::Address(cell.to_lowercase().into())
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::employee::EmployeeId;

    #[test]
    fn lists_name_people_by_number_or_address() {
        let id = |number| ListedExpert::Employee(EmployeeId(number));
        let address = |text: &str| ListedExpert::Address(text.into());
        assert_eq!(parse("Name,Employee_ID\nInes,1001\n,\nBo, 1002 \n"), Ok(vec![id(1001), id(1002)]));
        assert_eq!(parse("\u{feff}E-Mail;Name\nInes@Example.com;Ines\n"), Ok(vec![address("ines@example.com")]));
        assert_eq!(parse("id\n"), Ok(Vec::new()));
        assert_eq!(parse("employee_id\n1001\nInes"), Err("has no number of an employee in row 3".into()));
        assert!(parse("name\nInes").unwrap_err().contains("no column"));
        assert!(parse("").unwrap_err().contains("no column"));
    }
}
