//! Any system whose HTTP interface the file declares.

mod declaration;
mod paging;
mod pointer;
mod requests;
pub(crate) mod simulated;
mod target;
pub(crate) mod template;
#[cfg(test)]
mod tests;
mod wire;

pub use declaration::{ActiveFlag, Clear, Create, Declaration, DeclaredField, List, Operation, ReadOne};
pub use paging::{Page, Paging};
pub use pointer::Pointer;

use crate::field::FieldSpec;
use crate::section::Table;

use super::{Connection, FieldLookup, Offers, SandboxAddresses, Target, TargetType};

pub const KIND: super::Kind = super::Kind {
    name: "http",
    parse,
    starter: include_str!("starter.toml"),
    keys: declaration::schema,
    simulate: Some(|_| Box::<simulated::DeclaredServices>::default()),
};

/// `type = "http"`
#[derive(Clone, Debug)]
pub struct DeclaredType {
    declaration: Declaration,
}

/// Reads a section of the type `http`.
pub fn parse(section: &Table<'_>) -> Option<Box<dyn TargetType>> {
    Declaration::parse(section).map(|declaration| Box::new(DeclaredType { declaration }) as Box<dyn TargetType>)
}

impl TargetType for DeclaredType {
    fn kind(&self) -> &'static str {
        "http"
    }

    fn field(&self, name: &str) -> FieldLookup {
        self.declaration.field(name).map_or(FieldLookup::Unknown, |field| FieldLookup::Known(field.spec))
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        self.declaration.fields.iter().flatten().map(|field| field.spec.clone()).collect()
    }

    fn default_match(&self) -> &'static [&'static str] {
        &[]
    }

    fn identity(&self) -> String {
        let address = self.declaration.base_url.trim_start_matches("https://").trim_start_matches("http://");
        format!("http:{address}{}", self.declaration.list.request.path.outline())
    }

    fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        Ok(Box::new(target::DeclaredTarget::open(&self.declaration, connection)?))
    }

    fn redirect(&mut self, sandbox: &SandboxAddresses) {
        self.declaration.base_url = format!("{}/http/{}", sandbox.base_url, sandbox.target);
        self.declaration.auth.redirect(&self.declaration.base_url, &sandbox.secret);
        // The pace protects the real service; the simulated one needs none.
        self.declaration.pace.clear();
    }

    fn describe(&self) -> Vec<String> {
        self.declaration.describe()
    }

    fn offers(&self) -> Offers<'_> {
        Offers { declaration: Some(&self.declaration), ..Offers::default() }
    }
}
