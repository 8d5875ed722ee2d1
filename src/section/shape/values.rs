use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::{Located, Secret, check_url, parse_duration};
use super::schema::SECRET_DEFINITION;
use super::{EITHER, LOCATED, SECRET};

/// The schema of a value type is that of another one.
macro_rules! schema_of {
    ([$($generics:tt)*] $type:ty, $other:ident) => {
        impl<$($generics)*> JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $other::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                generator.subschema_for::<$other>()
            }
        }
    };
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Parts<T> {
            type Value = Located<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its place")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
                let gone = || A::Error::custom("has no place");
                let start = parts.next_element()?.ok_or_else(gone)?;
                let end = parts.next_element()?.ok_or_else(gone)?;
                let value = parts.next_element()?.ok_or_else(gone)?;
                Ok(Located { value, span: start..end })
            }
        }

        deserializer.deserialize_tuple_struct(LOCATED, 3, Parts(PhantomData))
    }
}

schema_of!([T: JsonSchema] Located<T>, T);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a secret")
            }

            fn visit_str<E>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret::new(text))
            }
        }

        deserializer.deserialize_newtype_struct(SECRET, Text)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        SECRET_DEFINITION.into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let form = |key: &str, value: serde_json::Value| {
            json_schema!({
                "type": "object", "additionalProperties": false, "required": [key], "properties": { key: value }
            })
        };
        let text = |words: &str| serde_json::json!({ "type": "string", "description": words });
        let command = "The program that prints it, with its arguments";
        json_schema!({
            "title": SECRET_DEFINITION,
            "description": "A text, `{ env = \"NAME\" }`, `{ file = \"PATH\" }` or `{ command = [\"PROGRAM\"] }`",
            "oneOf": [
                { "type": "string" },
                form("env", text("The environment variable that holds it")),
                form("file", text("The file that holds it")),
                form("command", serde_json::json!({
                    "type": "array", "items": { "type": "string" }, "description": command
                })),
            ]
        })
    }
}

/// A length of time: `30s`, `15m`, `24h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(
    inline,
    title = "duration",
    description = "A number and a unit: s, m, h or d, such as 30m, 24h or 7d",
    extend("pattern" = "^ *[0-9]+ *[smhd] *$")
)]
pub struct TimeSpan(pub Duration);

impl TryFrom<String> for TimeSpan {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let span = parse_duration(&text).ok_or("must be a length of time such as \"30m\", \"24h\" or \"7d\"")?;
        Ok(Self(span))
    }
}

impl From<TimeSpan> for String {
    fn from(TimeSpan(span): TimeSpan) -> Self {
        let seconds = span.as_secs();
        let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
        let (length, unit) =
            units.into_iter().find(|(length, _)| seconds > 0 && seconds % length == 0).unwrap_or((1, 's'));
        format!("{}{unit}", seconds / length)
    }
}

/// An address: `https://…`, or `http://` to loopback. Without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, description = "")]
pub struct Address(String);

impl Address {
    /// An address of ours, such as a default.
    pub fn usual(address: impl Into<String>) -> Self {
        Self(address.into())
    }
}

impl std::ops::Deref for Address {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        check_url(&text).map(Self)
    }
}

impl From<Address> for String {
    fn from(Address(address): Address) -> Self {
        address
    }
}

/// A whole number between two bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count<const LEAST: u64 = 0, const MOST: u64 = { u64::MAX }>(pub u64);

impl<'de, const LEAST: u64, const MOST: u64> Deserialize<'de> for Count<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            count if count < LEAST => Err(D::Error::custom(format!("must be at least {LEAST}"))),
            count if count > MOST => Err(D::Error::custom(format!("must be at most {MOST}"))),
            count => Ok(Self(count)),
        }
    }
}

impl<const LEAST: u64, const MOST: u64> From<Count<LEAST, MOST>> for u32 {
    fn from(Count(count): Count<LEAST, MOST>) -> Self {
        Self::try_from(count).unwrap_or(Self::MAX)
    }
}

impl<const LEAST: u64, const MOST: u64> JsonSchema for Count<LEAST, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "count".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({ "type": "integer", "minimum": LEAST });
        if MOST < u64::MAX {
            schema.insert("maximum".into(), MOST.into());
        }
        schema
    }
}

/// A table whose keys are the file's own, in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Entries<T, K = String>(pub Vec<(Located<K>, T)>);

impl<T, K> Default for Entries<T, K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, K: Deserialize<'de>> Deserialize<'de> for Entries<T, K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All<T, K>(PhantomData<(T, K)>);

        impl<'de, T: Deserialize<'de>, K: Deserialize<'de>> Visitor<'de> for All<T, K> {
            type Value = Entries<T, K>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(All(PhantomData))
    }
}

impl<T: JsonSchema, K> JsonSchema for Entries<T, K> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("entries-{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

/// A value that may be said in short, by a scalar, or at length, by a table or a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<Short, Long> {
    Short(Short),
    Long(Long),
}

impl<'de, Short: Deserialize<'de>, Long: Deserialize<'de>> Deserialize<'de> for Either<Short, Long> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms<Short, Long>(PhantomData<(Short, Long)>);

        impl<'de, Short: Deserialize<'de>, Long: Deserialize<'de>> Visitor<'de> for Forms<Short, Long> {
            type Value = Either<Short, Long>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a short or a long form")
            }

            fn visit_enum<A: EnumAccess<'de>>(self, value: A) -> Result<Self::Value, A::Error> {
                match value.variant()? {
                    (true, long) => long.newtype_variant().map(Either::Long),
                    (false, short) => short.newtype_variant().map(Either::Short),
                }
            }
        }

        deserializer.deserialize_enum(EITHER, &[], Forms(PhantomData))
    }
}

impl<Short: JsonSchema, Long: JsonSchema> JsonSchema for Either<Short, Long> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}-or-{}", Short::schema_name(), Long::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [generator.subschema_for::<Short>(), generator.subschema_for::<Long>()] })
    }
}

/// A key that is declared here and read by hand; `T` is its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByHand<T>(PhantomData<T>);

impl<'de, T> Deserialize<'de> for ByHand<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(PhantomData))
    }
}

schema_of!([T: JsonSchema] ByHand<T>, T);

/// Nothing is shown for what is empty.
impl<T, K> Serialize for Entries<T, K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

/// Whether a service is asked as fast as it says that it may be, or as fast as it goes. The sandbox has all the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Pace {
    /// To keep to what the service documents.
    #[default]
    Documented,
    /// To wait only when the service says so.
    None,
}
