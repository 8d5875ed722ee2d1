use crate::field::{FieldIndex, FieldSpec};
use crate::targets::TargetType;

use crate::words::known;

/// The fields of one target in the order in which the run knows them.
#[derive(Debug, Default)]
pub(super) struct Fields {
    specs: Vec<FieldSpec>,
}

impl Fields {
    /// Where a field stands, if it is there.
    pub(super) fn index(&self, name: &str) -> Option<FieldIndex> {
        self.specs.iter().position(|spec| &*spec.name == name).map(place)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.specs.len()
    }

    /// The name of the first field, for an example.
    pub(super) fn first(&self) -> Option<&str> {
        self.specs.first().map(|spec| &*spec.name)
    }

    /// Adds a field that may be there already.
    pub(super) fn add(&mut self, spec: FieldSpec) -> FieldIndex {
        self.index(&spec.name).unwrap_or_else(|| {
            self.specs.push(spec);
            place(self.specs.len() - 1)
        })
    }

    pub(super) fn into_specs(self) -> Vec<FieldSpec> {
        self.specs
    }
}

fn place(index: usize) -> FieldIndex {
    FieldIndex(u16::try_from(index).expect("no file names so many fields"))
}

/// What is said about a field that a target type does not have.
pub(super) fn unknown_field(target: &dyn TargetType, name: &str) -> String {
    let fields = target.known_fields();
    format!("`{}` has no field `{name}`; {}", target.kind(), known(name, fields.iter().map(|field| &*field.name)))
}
