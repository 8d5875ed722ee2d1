use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::de::value::{BoolDeserializer, StrDeserializer, UsizeDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer as _, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::code::Code;
use crate::words::known;

use super::super::reader::{Context, Table, describe};
use super::error::{Error, Place, What};
use super::{EITHER, LOCATED, SECRET};

/// One reading of a table, and what the readings before it found out.
pub(super) struct Reading<'a> {
    /// Dotted path of the table, for messages.
    pub(super) base: &'a str,
    pub(super) context: Context<'a>,
    /// What is wrong and said already; it counts as not being there.
    pub(super) left_out: RefCell<BTreeSet<Vec<Box<str>>>>,
    /// The tables that structs were read from, by path.
    pub(super) tables: RefCell<BTreeMap<Vec<Box<str>>, Place>>,
}

impl Reading<'_> {
    /// `targets.chat.groups.people-ops`
    pub(super) fn name(&self, path: &[Box<str>]) -> String {
        let below = path.join(".");
        match (self.base, below.as_str()) {
            ("", _) => below,
            (base, "") => base.to_owned(),
            (base, _) => format!("{base}.{below}"),
        }
    }

    /// Reports the keys of a table that nobody knows, once.
    fn unknown_keys(&self, path: &[Box<str>], table: &DeTable<'_>, fields: &[&str]) {
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if !fields.contains(&name) && self.left_out.borrow_mut().insert(below(path, name)) {
                let hint = known(name, fields.iter().copied());
                let message = format!("[{}] does not know `{name}`; {hint}", self.name(path));
                self.context.problems.error(key.span(), Code::UnknownKey, message);
            }
        }
    }
}

fn below(path: &[Box<str>], key: &str) -> Vec<Box<str>> {
    path.iter().cloned().chain([key.into()]).collect()
}

/// The table of a section. Other shapes may read it, too, so that its keys are counted as known and nothing else.
pub(super) struct Section<'r, 'a> {
    pub(super) reading: &'r Reading<'r>,
    pub(super) table: &'r Table<'a>,
}

impl<'de> Deserializer<'de> for Section<'_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::wrong_type("read as a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        for field in fields {
            self.table.has(field);
        }
        let (table, span) = (self.table.content(), self.table.span());
        let top = Position { reading: self.reading, path: Vec::new(), span: span.clone(), in_list: false };
        let keys = || table.iter().map(|(key, _)| key.get_ref().as_ref().into()).collect();
        let place = || Place { path: Vec::new(), span: span.clone(), found: "a table", keys: keys(), in_list: false };
        self.reading.tables.borrow_mut().insert(Vec::new(), place());
        top.map(table, Some(fields), visitor).map_err(|error| error.at(place))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Where reading has come to.
struct Position<'r> {
    reading: &'r Reading<'r>,
    path: Vec<Box<str>>,
    /// The key of a table, else the value.
    span: Range<usize>,
    in_list: bool,
}

impl Position<'_> {
    fn map<'de, V: Visitor<'de>>(
        self,
        table: &DeTable<'_>,
        fields: Option<&[&str]>,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let entries = table
            .iter()
            .filter(|(key, _)| fields.is_none_or(|fields| fields.contains(&key.get_ref().as_ref())))
            .map(|(key, value)| (below(&self.path, key.get_ref()), key, value))
            .filter(|(path, ..)| !self.reading.left_out.borrow().contains(path));
        visitor.visit_map(Entries { reading: self.reading, entries, value: None })
    }
}

/// What is told of a value that is wrong.
fn place(path: Vec<Box<str>>, span: Range<usize>, value: &DeValue<'_>, in_list: bool) -> Place {
    let keys = value.as_table().into_iter().flatten().map(|(key, _)| key.get_ref().as_ref().into()).collect();
    Place { path, span, found: describe(value), keys, in_list }
}

/// A value below the section.
struct Value<'r, 'a> {
    at: Position<'r>,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'r, 'a> Value<'r, 'a> {
    fn new(
        reading: &'r Reading<'r>,
        path: Vec<Box<str>>,
        key: Range<usize>,
        value: &'a Spanned<DeValue<'a>>,
        in_list: bool,
    ) -> Self {
        let span = if value.get_ref().is_table() { key } else { value.span() };
        Self { at: Position { reading, path, span, in_list }, value }
    }

    fn read<'de, T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        self.placed(|value| seed.deserialize(value))
    }

    /// Whatever goes wrong below, and has no place of its own, is wrong with this value.
    fn placed<T>(self, read: impl FnOnce(Self) -> Result<T, Error>) -> Result<T, Error> {
        let Position { path, span, in_list, .. } = &self.at;
        let (path, span, in_list, value) = (path.clone(), span.clone(), *in_list, self.value);
        read(self).map_err(|error| error.at(|| place(path, span, value.get_ref(), in_list)))
    }

    fn seq<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Some(items) = self.value.get_ref().as_array() else {
            return Err(Error::wrong_type("a list in square brackets"));
        };
        let Position { reading, path, .. } = &self.at;
        let items = items.iter().enumerate().map(|(place, item)| (below(path, &place.to_string()), item));
        visitor.visit_seq(Items { reading, items, incomplete: false })
    }
}

/// Reads a scalar of one type.
macro_rules! scalar {
    ($method:ident $visit:ident $wanted:literal $read:expr) => {
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let read = $read;
            match read(self.value.get_ref()) {
                Some(found) => visitor.$visit(found),
                None => Err(Error::wrong_type($wanted)),
            }
        }
    };
}

fn whole_number(value: &DeValue<'_>) -> Option<i64> {
    value.as_integer().and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok())
}

fn count(value: &DeValue<'_>) -> Option<u64> {
    value.as_integer().and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok())
}

impl<'de> Deserializer<'de> for Value<'_, '_> {
    type Error = Error;

    /// By what stands there. A date is none of serde's types, and a text for whoever takes anything.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value.get_ref() {
            DeValue::Boolean(_) => self.deserialize_bool(visitor),
            DeValue::Integer(_) if count(self.value.get_ref()).is_some() => self.deserialize_u64(visitor),
            DeValue::Integer(_) => self.deserialize_i64(visitor),
            DeValue::Float(_) => self.deserialize_f64(visitor),
            DeValue::String(_) => self.deserialize_str(visitor),
            DeValue::Array(_) => self.seq(visitor),
            DeValue::Table(_) => self.deserialize_map(visitor),
            DeValue::Datetime(moment) => visitor.visit_string(moment.to_string()),
        }
    }

    scalar!(deserialize_bool visit_bool "true or false" DeValue::as_bool);
    scalar!(deserialize_str visit_str "a text in quotes" DeValue::as_str);
    scalar!(deserialize_string visit_str "a text in quotes" DeValue::as_str);
    scalar!(deserialize_u64 visit_u64 "a whole number of 0 or more" count);
    scalar!(deserialize_u32 visit_u64 "a whole number of 0 or more" count);
    scalar!(deserialize_i64 visit_i64 "a whole number" whole_number);
    scalar!(deserialize_f64 visit_f64 "a number" |value: &DeValue<'_>| match value {
        DeValue::Float(number) => number.as_str().parse().ok(),
        other => other.as_integer().and_then(|number| number.as_str().parse().ok()),
    });

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name != SECRET {
            return visitor.visit_newtype_struct(self);
        }
        let Reading { context, .. } = self.at.reading;
        let name = format!("`{}`", self.at.reading.name(&self.at.path));
        visitor.visit_str(context.secrets.read(&name, self.value, *context).expose())
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name != LOCATED {
            return self.seq(visitor);
        }
        visitor.visit_seq(Parts { span: self.at.span.clone(), read: 0, value: Some(self) })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.seq(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Error> {
        self.seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Some(table) = self.value.get_ref().as_table() else { return Err(Error::wrong_type("a table")) };
        self.at.map(table, None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let Some(table) = self.value.get_ref().as_table() else { return Err(Error::wrong_type("a table")) };
        let Position { reading, path, span, in_list } = &self.at;
        reading.unknown_keys(path, table, fields);
        let place = place(path.clone(), span.clone(), self.value.get_ref(), *in_list);
        reading.tables.borrow_mut().insert(path.clone(), place);
        self.at.map(table, None, visitor)
    }

    /// A word, or a table with one key that is the word, and what belongs to it.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == EITHER {
            return visitor.visit_enum(EitherForm(self));
        }
        match self.value.get_ref() {
            DeValue::String(word) => visitor.visit_enum(Choice { word, value: None }),
            DeValue::Table(table) => {
                let mut forms = table.iter().filter(|(key, _)| words.contains(&key.get_ref().as_ref()));
                let (Some((word, value)), None) = (forms.next(), forms.next()) else {
                    return Err(What::Form(words).into());
                };
                self.at.reading.unknown_keys(&self.at.path, table, words);
                let path = below(&self.at.path, word.get_ref());
                let value = Some(Value::new(self.at.reading, path, word.span(), value, false));
                let word = word.get_ref();
                visitor.visit_enum(Choice { word, value })
            }
            _ => Err(Error::wrong_type("a text in quotes")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i8 i16 i32 u8 u16 f32 char bytes byte_buf unit unit_struct identifier }
}

/// A key of a table.
struct Key<'a>(&'a Spanned<toml::de::DeString<'a>>);

impl<'de> Deserializer<'de> for Key<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.0.get_ref())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Parts { span: self.0.span(), read: 0, value: Some(self) })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple map struct enum identifier ignored_any
    }
}

struct Entries<'r, 'a, I> {
    reading: &'r Reading<'r>,
    entries: I,
    value: Option<Value<'r, 'a>>,
}

type Entry<'a> = (Vec<Box<str>>, &'a Spanned<toml::de::DeString<'a>>, &'a Spanned<DeValue<'a>>);

impl<'de, 'a, I: Iterator<Item = Entry<'a>>> MapAccess<'de> for Entries<'_, 'a, I> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((path, key, value)) = self.entries.next() else { return Ok(None) };
        let value = Value::new(self.reading, path, key.span(), value, false);
        // A key that is wrong is left out with its value.
        let path = value.at.path.clone();
        self.value = Some(value);
        let wrong = |error: Error| error.at(|| place(path, key.span(), &DeValue::String("".into()), false));
        seed.deserialize(Key(key)).map(Some).map_err(wrong)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        match self.value.take() {
            Some(value) => value.read(seed),
            None => Err(Error::wrong_type("asked for once")),
        }
    }
}

struct Items<'r, I> {
    reading: &'r Reading<'r>,
    items: I,
    /// Whether one of them is left out. Then the list is none, rather than a shorter one that nobody wrote.
    incomplete: bool,
}

impl<'de, 'a, I: Iterator<Item = (Vec<Box<str>>, &'a Spanned<DeValue<'a>>)>> SeqAccess<'de> for Items<'_, I> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        for (path, item) in self.items.by_ref() {
            if !self.reading.left_out.borrow().contains(&path) {
                return Value::new(self.reading, path, item.span(), item, true).read(seed).map(Some);
            }
            self.incomplete = true;
        }
        if self.incomplete { Err(What::Incomplete.into()) } else { Ok(None) }
    }
}

/// What `Located` is made of: start, end, and the value itself.
struct Parts<D> {
    span: Range<usize>,
    read: usize,
    value: Option<D>,
}

impl<'de, D: Deserializer<'de, Error = Error>> SeqAccess<'de> for Parts<D> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.read += 1;
        let bound = |bound: usize| -> UsizeDeserializer<Error> { bound.into_deserializer() };
        match (self.read, self.value.take()) {
            (1, value) => {
                self.value = value;
                seed.deserialize(bound(self.span.start)).map(Some)
            }
            (2, value) => {
                self.value = value;
                seed.deserialize(bound(self.span.end)).map(Some)
            }
            (_, Some(value)) => seed.deserialize(value).map(Some),
            (_, None) => Ok(None),
        }
    }
}

struct Choice<'r, 'a> {
    word: &'a str,
    value: Option<Value<'r, 'a>>,
}

impl<'de, 'r, 'a> EnumAccess<'de> for Choice<'r, 'a> {
    type Error = Error;
    type Variant = Variant<'r, 'a>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self::Variant), Error> {
        let word: StrDeserializer<'_, Error> = self.word.into_deserializer();
        Ok((seed.deserialize(word)?, Variant(self.value)))
    }
}

/// A value in its short or its long form: a table or a list is long.
struct EitherForm<'r, 'a>(Value<'r, 'a>);

impl<'de, 'r, 'a> EnumAccess<'de> for EitherForm<'r, 'a> {
    type Error = Error;
    type Variant = Variant<'r, 'a>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self::Variant), Error> {
        let is_long = matches!(self.0.value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
        let is_long: BoolDeserializer<Error> = is_long.into_deserializer();
        Ok((seed.deserialize(is_long)?, Variant(Some(self.0))))
    }
}

struct Variant<'r, 'a>(Option<Value<'r, 'a>>);

impl<'r, 'a> Variant<'r, 'a> {
    fn value(self) -> Result<Value<'r, 'a>, Error> {
        self.0.ok_or_else(|| Error::wrong_type("a table"))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        if self.0.is_none() { Ok(()) } else { Err(Error::wrong_type("a text in quotes")) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        self.value()?.read(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Error> {
        self.value()?.placed(|value| value.seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.value()?.placed(|value| value.deserialize_struct("", fields, visitor))
    }
}
