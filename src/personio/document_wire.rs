//! The JSON of documents and their categories.

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer};

use super::documents::{DocumentCategory, StoredDocument};

#[derive(Debug)]
pub(super) struct Categories(pub(super) Vec<DocumentCategory>);

impl<'de> Deserialize<'de> for Categories {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Row {
            id: u64,
            attributes: Attributes,
        }
        #[derive(Deserialize)]
        struct Attributes {
            name: String,
        }
        let rows = Vec::<Row>::deserialize(from)?;
        let category = |row: Row| DocumentCategory { id: row.id, name: row.attributes.name.trim().to_owned() };
        Ok(Self(rows.into_iter().map(category).collect()))
    }
}

/// A document that was just uploaded. Its number is not needed for anything but the record.
#[derive(Debug, Deserialize)]
pub(super) struct Uploaded {
    #[serde(default, deserialize_with = "text_or_number")]
    pub(super) id: Option<String>,
}

/// A page of documents from API v2.
#[derive(Debug)]
pub(super) struct StoredDocuments {
    /// `None` when the answer has no list at all.
    pub(super) documents: Option<Vec<StoredDocument>>,
    /// Where the next page is; may name another host.
    pub(super) next: Option<String>,
}

impl<'de> Deserialize<'de> for StoredDocuments {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(rename = "_data")]
            data: Option<Vec<Row>>,
            #[serde(rename = "_meta", default)]
            meta: Meta,
        }
        #[derive(Default, Deserialize)]
        struct Meta {
            #[serde(default)]
            links: Links,
        }
        #[derive(Default, Deserialize)]
        struct Links {
            next: Option<Link>,
        }
        #[derive(Deserialize)]
        struct Link {
            href: Option<String>,
        }
        #[derive(Deserialize)]
        struct Row {
            #[serde(default, deserialize_with = "text_or_number")]
            id: Option<String>,
            #[serde(default)]
            name: Option<String>,
            category: Option<Reference>,
            size: Option<u64>,
            created_at: Option<String>,
        }
        #[derive(Deserialize)]
        struct Reference {
            #[serde(default, deserialize_with = "text_or_number")]
            id: Option<String>,
        }
        let page = Page::deserialize(from)?;
        let document = |row: Row| StoredDocument {
            id: row.id.unwrap_or_default(),
            name: row.name.unwrap_or_default().trim().to_owned(),
            category: row.category.and_then(|category| category.id),
            size: row.size,
            created: row.created_at.and_then(|at| at.get(..10)?.parse::<NaiveDate>().ok()),
        };
        Ok(Self {
            documents: page.data.map(|rows| rows.into_iter().map(document).collect()),
            next: page.meta.links.next.and_then(|next| next.href),
        })
    }
}

/// Ids are numbers in one API and texts in the other.
fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}
