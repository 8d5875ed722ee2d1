//! The value of an attribute as it came, and its type.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::cursor::plain;
use crate::personio::garbled::NO_CHARACTER;

/// The `type` of an attribute; presets with objects say `standard`, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
pub(in crate::personio) enum AttributeType {
    Standard,
    Multiline,
    Date,
    Integer,
    Decimal,
    List,
    Tags,
    Link,
    #[serde(other)]
    Unknown,
}

impl AttributeType {
    /// From its spelling in JSON; what is no text is no type that anybody knows.
    pub(super) fn read(spelling: &str) -> Result<Self, serde_json::Error> {
        let Raw::Text(word) = Raw::read(spelling)? else { return Ok(Self::Unknown) };
        let word: StrDeserializer<'_, serde::de::value::Error> = (&*word).into_deserializer();
        Ok(Self::deserialize(word).unwrap_or(Self::Unknown))
    }
}

/// A value as it came; texts are borrowed from the page where JSON allows.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::personio) enum Raw<'de> {
    Null,
    Bool(bool),
    Integer(i64),
    /// Also whole numbers that no integer of ours holds, rounded.
    Decimal(f64),
    Text(Cow<'de, str>),
    /// A text with a part that is no character, see [`repaired`].
    Garbled,
    Object(Box<Object<'de>>),
    List(Vec<Raw<'de>>),
}

/// Of an object, the parts that any attribute uses; those in a nested `attributes` count as its own.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::personio) struct Object<'de> {
    pub(in crate::personio) id: Option<Raw<'de>>,
    pub(in crate::personio) name: Option<Raw<'de>>,
    pub(in crate::personio) first_name: Option<Raw<'de>>,
    pub(in crate::personio) last_name: Option<Raw<'de>>,
    pub(in crate::personio) email: Option<Raw<'de>>,
    pub(in crate::personio) percentage: Option<Raw<'de>>,
    /// Set when the object is an attribute with a label of its own, as inside a supervisor.
    pub(in crate::personio) value: Option<Raw<'de>>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum ObjectKey {
    Attributes,
    Id,
    Name,
    FirstName,
    LastName,
    Email,
    Percentage,
    Value,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for Raw<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Anything;
        impl<'de> Visitor<'de> for Anything {
            type Value = Raw<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Raw<'de>, E> {
                Ok(Raw::Null)
            }
            fn visit_bool<E>(self, yes: bool) -> Result<Raw<'de>, E> {
                Ok(Raw::Bool(yes))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Raw<'de>, E> {
                Ok(Raw::Integer(number))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Raw<'de>, E> {
                Ok(i64::try_from(number).map_or(Raw::Decimal(number as f64), Raw::Integer))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Raw<'de>, E> {
                Ok(Raw::Decimal(number))
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Raw<'de>, E> {
                Ok(Raw::Text(Cow::Borrowed(text)))
            }
            // What was repaired has an escape in it, so that it comes by this way, which few texts take.
            fn visit_str<E>(self, text: &str) -> Result<Raw<'de>, E> {
                Ok(if text.contains(NO_CHARACTER) { Raw::Garbled } else { Raw::Text(Cow::Owned(text.to_owned())) })
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Raw::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw<'de>, A::Error> {
                let mut object = Box::<Object<'de>>::default();
                while let Some(key) = map.next_key()? {
                    let part = match key {
                        ObjectKey::Attributes => {
                            if let Raw::Object(inner) = map.next_value()? {
                                object = inner;
                            }
                            continue;
                        }
                        ObjectKey::Id => &mut object.id,
                        ObjectKey::Name => &mut object.name,
                        ObjectKey::FirstName => &mut object.first_name,
                        ObjectKey::LastName => &mut object.last_name,
                        ObjectKey::Email => &mut object.email,
                        ObjectKey::Percentage => &mut object.percentage,
                        ObjectKey::Value => &mut object.value,
                        ObjectKey::Other => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    *part = Some(map.next_value()?);
                }
                Ok(Raw::Object(object))
            }
        }
        deserializer.deserialize_any(Anything)
    }
}

impl<'de> Raw<'de> {
    /// From its spelling in JSON.
    pub(super) fn read(spelling: &'de str) -> Result<Self, serde_json::Error> {
        match plain(spelling) {
            Some(text) => Ok(Self::Text(Cow::Borrowed(text))),
            None => serde_json::from_str(spelling),
        }
    }

    /// Itself, or the value of an attribute with a label.
    pub(in crate::personio) fn plain(&self) -> &Self {
        match self {
            Raw::Object(object) => object.value.as_ref().unwrap_or(self),
            _ => self,
        }
    }

    /// An employee's id: a positive whole number, also spelt as text.
    pub(in crate::personio) fn id(&self) -> Option<u64> {
        match self.plain() {
            Raw::Integer(id) => u64::try_from(*id).ok(),
            Raw::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|id| *id > 0)
    }
}
