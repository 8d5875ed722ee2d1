use std::collections::{HashMap, HashSet};

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::field::{AccountId, FieldIndex, FieldKind, FieldSpec, FieldValue};
use crate::plan::{Account, FieldChange, Notice, Snapshot};
use crate::targets::Connection;

use super::cell::{Cell, Format, Page, PageColumn, Sheet, SheetStyle};
use super::settings::Inactive;

/// What the rows of the file mean in this run.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) format: Format,
    pub(super) fields: Vec<FieldSpec>,
    mapped: usize,
    match_fields: Vec<FieldIndex>,
    inactive: Option<(FieldSpec, FieldValue)>,
}

/// Where the fields of the run stand in the rows of one file.
#[derive(Clone, Debug)]
struct Columns {
    fields: Vec<Option<usize>>,
    inactive: Option<usize>,
}

/// A notice of what a workbook has that is not written back.
fn lost(style: &SheetStyle) -> Option<Notice> {
    (!style.lost.is_empty()).then(|| {
        let message = format!(
            "the workbook has {}, which are lost when it is written; have them in a workbook of your own that refers to \
             this one",
            style.lost.join(", ")
        );
        Notice::new(Code::LookNotKept, message)
    })
}

impl Layout {
    /// Whether who leaves keeps a row, with a mark.
    pub(super) fn marks_leavers(&self) -> bool {
        self.inactive.is_some()
    }

    pub(super) fn new(format: Format, inactive: Option<Inactive>, connection: &Connection) -> Self {
        let inactive = inactive.map(|inactive| {
            let known = connection.fields.iter().find(|field| *field.name == *inactive.column).cloned();
            let field = known.unwrap_or_else(|| FieldSpec::new(inactive.column, FieldKind::Any));
            (field, FieldValue::Text(inactive.value.into()))
        });
        Self {
            format,
            fields: connection.fields.clone(),
            mapped: connection.mapped.min(connection.fields.len()),
            match_fields: connection.match_fields.clone(),
            inactive,
        }
    }

    /// Finds the columns.
    ///
    /// # Errors
    ///
    /// When this is not the file it is taken for: no column to match by, or two of one name.
    fn columns(&self, header: &[Box<str>]) -> Result<Columns, String> {
        let keys: Vec<&str> = self.match_fields.iter().map(|index| &*self.fields[index.get()].name).collect();
        if !header.is_empty() && !keys.is_empty() && !keys.iter().any(|key| header.iter().any(|name| **name == **key)) {
            let keys = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" or ");
            let hint = self.format.wrong_delimiter(header);
            let hint =
                hint.unwrap_or_else(|| "is this the right file? remove it if a new one should be written".into());
            return Err(format!("has no column {keys} to match by; {hint}"));
        }
        let column = |name: &str| {
            let mut found = header.iter().enumerate().filter(|(_, known)| ***known == *name).map(|(at, _)| at);
            match (found.next(), found.next()) {
                (_, Some(_)) => Err(format!("has two columns named `{name}`")),
                (first, None) => Ok(first),
            }
        };
        Ok(Columns {
            fields: self.fields.iter().map(|field| column(&field.name)).collect::<Result<_, _>>()?,
            inactive: match &self.inactive {
                Some((field, _)) => column(&field.name)?,
                None => None,
            },
        })
    }

    /// All rows as accounts. The cells move; nothing is copied.
    pub(super) fn snapshot(&self, sheet: Sheet) -> Result<Snapshot, String> {
        let columns = self.columns(&sheet.header)?;
        let mut snapshot = Snapshot::default();
        snapshot.notices.extend(self.unmapped(&sheet.header));
        snapshot.notices.extend(lost(&sheet.style));
        snapshot.accounts.reserve_exact(sheet.rows.len());
        let mut ids = Ids::default();
        for (number, mut row) in sheet.rows.into_iter().enumerate() {
            if row.iter().all(Cell::is_blank) {
                continue;
            }
            let active = self.active(&columns, &row);
            let fields: Vec<FieldValue> = columns
                .fields
                .iter()
                .map(|column| {
                    let cell = column.and_then(|at| row.get_mut(at)).map(std::mem::take);
                    self.format.value(cell.unwrap_or_default())
                })
                .collect();
            let id = ids.next(self.key(|index| fields[index.get()].clone()), number);
            snapshot.accounts.push(Account::new(id, active, fields));
        }
        Ok(snapshot)
    }

    /// A notice of the columns that are kept although nobody fills them.
    fn unmapped(&self, header: &[Box<str>]) -> Option<Notice> {
        let ours = |name: &str| {
            self.fields.iter().any(|field| *field.name == *name)
                || self.inactive.as_ref().is_some_and(|(field, _)| *field.name == *name)
        };
        let names: Vec<String> = header
            .iter()
            .filter(|name| !name.trim().is_empty() && !ours(name))
            .map(|name| format!("`{name}`"))
            .collect();
        (!names.is_empty()).then(|| {
            Notice::new(
                Code::UnmappedColumns,
                format!(
                    "the file has columns that the mapping does not name: {}; they are kept {}, after the mapped ones",
                    names.join(", "),
                    self.format.how_it_keeps()
                ),
            )
        })
    }

    fn active(&self, columns: &Columns, row: &[Cell]) -> bool {
        let (Some((_, out_of_use)), Some(at)) = (&self.inactive, columns.inactive) else { return true };
        let said = self.format.value(row.get(at).cloned().unwrap_or_default());
        said.to_string() != out_of_use.to_string()
    }

    /// What a row is known by: the value of the first match field that has one. A later one says which it
    /// is, so that it cannot pass for the first.
    fn key(&self, value: impl Fn(FieldIndex) -> FieldValue) -> Option<String> {
        self.match_fields.iter().enumerate().find_map(|(rank, index)| match value(*index) {
            FieldValue::Empty => None,
            found if rank == 0 => Some(found.to_string()),
            found => Some(format!("{}={found}", self.fields[index.get()].name)),
        })
    }
}

/// Gives each row an id of its own.
#[derive(Debug, Default)]
struct Ids {
    given: HashSet<String>,
}

impl Ids {
    /// The key; `key#2` for the second row that has it; `row 7`, counted as a spreadsheet does, without any.
    fn next(&mut self, key: Option<String>, number: usize) -> AccountId {
        let key = key.unwrap_or_else(|| format!("row {}", number + 2));
        let mut id = key.clone();
        let mut copy = 1;
        while self.given.contains(&id) {
            copy += 1;
            id = format!("{key}#{copy}");
        }
        self.given.insert(id.clone());
        AccountId(id.into())
    }
}

/// The rows of the file while they are being changed.
#[derive(Debug)]
pub(super) struct Rows {
    header: Vec<Box<str>>,
    columns: Columns,
    rows: Vec<Row>,
    by_id: HashMap<AccountId, usize>,
    /// How many rows have a key by now.
    keys: HashMap<String, usize>,
    changed: bool,
    style: SheetStyle,
}

#[derive(Debug)]
struct Row {
    /// What the row is known by until the file is written.
    id: AccountId,
    /// Its key when it was read or made.
    key: Option<String>,
    cells: Vec<Cell>,
    /// For whom it was made in this run.
    made_for: Option<EmployeeId>,
    removed: bool,
}

/// Why a row was not changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RowError {
    /// There is a row with this key.
    Exists,
    /// There is no such row.
    NotFound,
    /// A value must not stand in the file.
    Refused(String),
}

impl Rows {
    /// The rows of a file, with the columns that it lacks.
    pub(super) fn new(layout: &Layout, sheet: Sheet) -> Result<Self, String> {
        let mut columns = layout.columns(&sheet.header)?;
        let (mut header, style) = (sheet.header, sheet.style);
        let mut add = |name: &str| {
            header.push(name.into());
            header.len() - 1
        };
        for (field, column) in layout.fields[..layout.mapped].iter().zip(&mut columns.fields) {
            column.get_or_insert_with(|| add(&field.name));
        }
        if let Some((field, _)) = &layout.inactive {
            let mapped = layout.fields.iter().position(|known| known.name == field.name);
            let known = columns.inactive.or(mapped.and_then(|index| columns.fields[index]));
            columns.inactive = Some(known.unwrap_or_else(|| add(&field.name)));
        }
        let mut ids = Ids::default();
        let mut rows = Vec::with_capacity(sheet.rows.len());
        let mut by_id = HashMap::with_capacity(sheet.rows.len());
        let mut keys = HashMap::with_capacity(sheet.rows.len());
        for (number, cells) in sheet.rows.into_iter().enumerate() {
            if cells.iter().all(Cell::is_blank) {
                continue;
            }
            let key = layout.key(|index| value(layout, &columns, &cells, index));
            let id = ids.next(key.clone(), number);
            by_id.insert(id.clone(), rows.len());
            if let Some(key) = &key {
                *keys.entry(key.clone()).or_default() += 1;
            }
            rows.push(Row { id, key, cells, made_for: None, removed: false });
        }
        Ok(Self { header, columns, rows, by_id, keys, changed: false, style })
    }

    /// Whether there is something to write.
    pub(super) fn changed(&self) -> bool {
        self.changed
    }

    pub(super) fn account(&self, layout: &Layout, id: &AccountId) -> Option<Account> {
        self.position(id).ok().map(|at| self.as_account(layout, &self.rows[at]))
    }

    /// The accounts whose field is written the same.
    pub(super) fn find(&self, layout: &Layout, index: FieldIndex, wanted: &FieldValue) -> Vec<Account> {
        let spec = &layout.fields[index.get()];
        let wanted = spec.written(wanted);
        self.rows
            .iter()
            .filter(|row| !row.removed)
            .filter(|row| spec.written(&value(layout, &self.columns, &row.cells, index)) == wanted)
            .map(|row| self.as_account(layout, row))
            .collect()
    }

    pub(super) fn accounts(&self, layout: &Layout) -> Vec<Account> {
        self.rows.iter().filter(|row| !row.removed).map(|row| self.as_account(layout, row)).collect()
    }

    fn as_account(&self, layout: &Layout, row: &Row) -> Account {
        let fields: Vec<FieldValue> = (0u16..)
            .map(FieldIndex)
            .take(layout.fields.len())
            .map(|index| value(layout, &self.columns, &row.cells, index))
            .collect();
        Account::new(row.id.clone(), layout.active(&self.columns, &row.cells), fields)
    }

    fn position(&self, id: &AccountId) -> Result<usize, RowError> {
        self.by_id.get(id).copied().filter(|at| !self.rows[*at].removed).ok_or(RowError::NotFound)
    }

    /// The cells of a record, or the first reason why it must not be written.
    fn cells(&self, layout: &Layout, changes: &[FieldChange]) -> Result<Vec<(usize, Cell)>, RowError> {
        let mut cells = Vec::with_capacity(changes.len());
        for change in changes {
            let spec = &layout.fields[change.index.get()];
            let cell = layout.format.cell(spec, &change.after).map_err(RowError::Refused)?;
            let at = self.columns.fields[change.index.get()]
                .ok_or_else(|| RowError::Refused(format!("column `{}` is not mapped", spec.name)))?;
            cells.push((at, cell));
        }
        Ok(cells)
    }

    pub(super) fn create(
        &mut self,
        layout: &Layout,
        employee: EmployeeId,
        fields: &[FieldChange],
    ) -> Result<AccountId, RowError> {
        let mut cells = Vec::new();
        set(&mut cells, self.cells(layout, fields)?);
        let key = layout.key(|index| value(layout, &self.columns, &cells, index));
        let key = key.ok_or_else(|| RowError::Refused("no match field has a value".into()))?;
        if self.keys.contains_key(&key) {
            return Err(RowError::Exists);
        }
        let id = AccountId(key.as_str().into());
        // A row that gave this key up in this run goes on answering to it until the file is written.
        if self.position(&id).is_err() {
            self.by_id.insert(id.clone(), self.rows.len());
        }
        *self.keys.entry(key.clone()).or_default() += 1;
        self.rows.push(Row { id: id.clone(), key: Some(key), cells, made_for: Some(employee), removed: false });
        self.changed = true;
        Ok(id)
    }

    pub(super) fn update(&mut self, layout: &Layout, id: &AccountId, changes: &[FieldChange]) -> Result<(), RowError> {
        let at = self.position(id)?;
        let cells = self.cells(layout, changes)?;
        let before = self.key(layout, at);
        set(&mut self.rows[at].cells, cells);
        let after = self.key(layout, at);
        if before != after {
            self.release(before);
            if let Some(after) = after {
                *self.keys.entry(after.clone()).or_default() += 1;
                // The old id goes on meaning this row until the file is written; so does another row's old id.
                let id = AccountId(after.into());
                if self.position(&id).is_err() {
                    self.by_id.insert(id.clone(), at);
                    self.rows[at].id = id;
                }
            }
        }
        self.changed = true;
        Ok(())
    }

    /// The key of a row by now.
    fn key(&self, layout: &Layout, at: usize) -> Option<String> {
        layout.key(|index| value(layout, &self.columns, &self.rows[at].cells, index))
    }

    /// A row has a key no longer.
    fn release(&mut self, key: Option<String>) {
        let Some(key) = key else { return };
        if let Some(count) = self.keys.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.keys.remove(&key);
            }
        }
    }

    /// The id that a row has once the file is written: another one when its key has changed.
    pub(super) fn id_after(&self, layout: &Layout, id: &AccountId, changes: &[FieldChange]) -> AccountId {
        let Some(row) = self.by_id.get(id).map(|at| &self.rows[*at]) else { return id.clone() };
        let after = layout.key(|index| match changes.iter().find(|change| change.index == index) {
            Some(change) => {
                layout.format.value(layout.format.cell(&layout.fields[index.get()], &change.after).unwrap_or_default())
            }
            None => value(layout, &self.columns, &row.cells, index),
        });
        match after {
            Some(after) if row.key.as_ref() != Some(&after) => AccountId(after.into()),
            _ => row.id.clone(),
        }
    }

    /// Takes a row out of use: by what its column says, or by taking it away.
    pub(super) fn deactivate(&mut self, layout: &Layout, id: &AccountId) -> Result<(), RowError> {
        let Ok(at) = self.position(id) else { return Ok(()) };
        match (&layout.inactive, self.columns.inactive) {
            (Some((field, out_of_use)), Some(column)) => {
                if !layout.active(&self.columns, &self.rows[at].cells) {
                    return Ok(());
                }
                let cell = layout.format.cell(field, out_of_use).map_err(RowError::Refused)?;
                set(&mut self.rows[at].cells, vec![(column, cell)]);
            }
            _ => {
                let key = self.key(layout, at);
                self.release(key);
                self.rows[at].removed = true;
            }
        }
        self.changed = true;
        Ok(())
    }

    /// Brings a row back. A column that is mapped is filled by the changes that come with it.
    pub(super) fn reactivate(&mut self, layout: &Layout, id: &AccountId) -> Result<(), RowError> {
        let at = self.position(id)?;
        let Some((column, (field, _))) = self.columns.inactive.zip(layout.inactive.as_ref()) else { return Ok(()) };
        let mapped = layout.fields[..layout.mapped].iter().any(|known| known.name == field.name);
        if !mapped && !layout.active(&self.columns, &self.rows[at].cells) {
            set(&mut self.rows[at].cells, vec![(column, Cell::Empty)]);
            self.changed = true;
        }
        Ok(())
    }

    /// The file as it should be: mapped columns in the order of the mapping, then the others as they stand;
    /// rows as they stand, then the new ones by employee, so that threads leave no trace. Only those of accounts that are
    /// `wanted`.
    pub(super) fn page(&self, layout: &Layout, wanted: impl Fn(&AccountId) -> bool) -> Page<'_> {
        let mapped: Vec<usize> = self.columns.fields[..layout.mapped].iter().copied().flatten().collect();
        let others = (0..self.header.len()).filter(|at| !mapped.contains(at));
        let columns = mapped.iter().copied().map(|at| (at, true)).chain(others.map(|at| (at, false)));
        let mut rows: Vec<&Row> = self.rows.iter().filter(|row| !row.removed && wanted(&row.id)).collect();
        rows.sort_by_key(|row| row.made_for);
        Page {
            columns: columns.map(|(at, always)| PageColumn { name: &self.header[at], at, always }).collect(),
            rows: rows.into_iter().map(|row| row.cells.as_slice()).collect(),
            style: &self.style,
        }
    }
}

fn value(layout: &Layout, columns: &Columns, cells: &[Cell], index: FieldIndex) -> FieldValue {
    let cell = columns.fields[index.get()].and_then(|at| cells.get(at)).cloned();
    layout.format.value(cell.unwrap_or_default())
}

fn set(cells: &mut Vec<Cell>, changes: Vec<(usize, Cell)>) {
    for (at, cell) in changes {
        if cells.len() <= at {
            cells.resize(at + 1, Cell::Empty);
        }
        cells[at] = cell;
    }
}
