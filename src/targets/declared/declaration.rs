//! What a file says of a service: how it signs in, and how accounts are listed and changed.

use std::time::Duration;

use chrono::NaiveDate;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use toml::de::DeValue;

use crate::code::Code;
use crate::field::{Access, FieldKind, FieldSpec};
use crate::http::Method;
use crate::section::shape::{self, Address, Count, Either, Entries, TimeSpan};
use crate::section::{Located, Problems, Table};
use crate::targets::auth::{Headers, SignIn, as_sent};

use super::paging::{Paging, PagingKeys};
use super::pointer::Pointer;
use super::template::{Allowed, Template, Text, Written};

/// Where the service is, and how it is asked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Service {
    /// The address: `https`, or plain `http` to loopback
    #[schemars(example = &"https://hr.example.com/api")]
    base_url: Address,
    /// How requests are signed: one of these forms, or `none` where the service wants no sign-in
    #[serde(default)]
    #[schemars(extend("default" = "none"))]
    auth: SignIn,
    /// Further headers of every request
    #[serde(default)]
    headers: Headers,
    /// The most requests. Left out: no limit
    #[serde(default)]
    pace: Pace,
    /// How long an answer may take
    #[serde(default = "minute")]
    timeout: TimeSpan,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct Pace {
    /// In a second
    per_second: Option<Count<1>>,
    /// In a minute
    per_minute: Option<Count<1>>,
}

fn minute() -> TimeSpan {
    TimeSpan(Duration::from_secs(60))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Reading {
    /// How accounts are listed
    #[schemars(example = json!({ "path": "/people", "items": "/data", "id": "/id" }))]
    list: Located<ListKeys>,
}

/// What may be left out. The structs are several so that what is wrong with one is told whatever another lacks.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Interface {
    /// How an emptied field is written: as null, as an empty text, or not at all
    #[serde(default)]
    clear: Clear,
    /// What an account has: a kind, or a table. Left out: any name is a text of that name
    fields: Option<Entries<Either<Kind, FieldKeys>>>,
    /// How one account is read by its id. Then whoever the list lacks is asked for before anybody counts as gone
    read: Option<Located<ReadKeys>>,
    /// How an account is made; without it, none is
    create: Option<Located<CreateKeys>>,
    /// How fields are changed; without it, none is
    update: Option<Located<UpdateKeys>>,
    /// How an account is taken out of use; without it, none is
    deactivate: Option<Located<SwitchKeys>>,
    /// How an account is brought back; without it, none is
    reactivate: Option<Located<SwitchKeys>>,
}

/// A request as the file has it, with keys of its own.
macro_rules! request {
    ($name:ident, $(#[$method:meta])* $methods:ty, $body:literal, $($own:tt)*) => {
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(inline)]
        struct $name {
            /// The method
            $(#[$method])*
            method: $methods,
            /// The path below `base_url`
            #[schemars(example = &"/people")]
            path: Located<RequestPath>,
            /// Query parameters
            #[serde(default)]
            query: Entries<Located<QueryValue>>,
            #[doc = $body]
            body: Option<Located<Written>>,
            /// The statuses that mean that it worked. Left out: any 2xx
            success: Option<Statuses>,
            $($own)*
        }

        impl $name {
            /// `None` after problems.
            fn operation(&self, allowed: Allowed<'_>, problems: &Problems<'_>) -> Option<Operation> {
                let wrong = |span, why: String| problems.error(span, Code::WrongValue, why);
                // The whole account has no place in an address.
                let path = Text::parse(&self.path.value.0, Allowed { item: false, ..allowed });
                let path = path.map_err(|why| wrong(self.path.span.clone(), why)).ok();
                let query = self.query.0.iter().map(|(name, value)| {
                    let text = Text::parse(&value.value.0, allowed);
                    let text = text.map_err(|why| wrong(value.span.clone(), why)).ok()?;
                    Some((name.value.clone(), text))
                });
                let query: Vec<Option<(String, Text)>> = query.collect();
                let body = match &self.body {
                    Some(body) => Template::parse(body, allowed, problems).map(Some),
                    None => Some(None),
                };
                Some(Operation {
                    method: self.method.into(),
                    path: path?,
                    query: query.into_iter().collect::<Option<_>>()?,
                    body: body?,
                    success: self.success.as_ref().map(|statuses| statuses.0.clone()).unwrap_or_default(),
                })
            }
        }
    };
}

request! { ListKeys, #[serde(default)] ReadMethod, "The JSON body",
    /// Where the list is in the answer, as a JSON pointer. Left out: it is the answer
    items: Option<Pointer>,
    /// Where the id is in an account
    #[serde(default = "id")]
    id: Pointer,
    /// Where an account says that it is in use. Left out: every account is
    active: Option<Either<Pointer, ActiveKeys>>,
    /// Where the answer says how many accounts there are
    total: Option<Pointer>,
    /// How pages follow each other. Left out: there is one page
    paging: Option<Located<PagingKeys>>,
}

request! { ReadKeys, #[serde(default)] ReadMethod, "The JSON body",
    /// Where the account is in the answer. Left out: it is the answer
    item: Option<Pointer>,
}

request! { CreateKeys, #[serde(default = "post")] ChangeMethod, "The JSON body. Left out: all fields",
    /// Where the new id is in the answer. Left out: as in `list`
    id: Option<Pointer>,
    /// The statuses that mean that the account is there already
    #[serde(default = "conflict")]
    exists: Statuses,
}

request! { UpdateKeys, #[serde(default = "patch")] ChangeMethod, "The JSON body. Left out: all fields", }

request! { SwitchKeys, #[schemars(example = &"POST")] SwitchMethod, "The JSON body", }

fn id() -> Pointer {
    Pointer::member("id")
}

fn post() -> ChangeMethod {
    ChangeMethod::Post
}

fn patch() -> ChangeMethod {
    ChangeMethod::Patch
}

fn conflict() -> Statuses {
    Statuses(vec![409])
}

/// The methods that a request may have.
macro_rules! methods {
    ($name:ident { $first:ident $(, $other:ident)* }) => {
        #[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
        #[serde(rename_all = "UPPERCASE")]
        #[schemars(inline)]
        enum $name {
            #[default]
            $first,
            $($other,)*
        }

        impl From<$name> for Method {
            fn from(method: $name) -> Self {
                match method {
                    $name::$first => Self::$first,
                    $($name::$other => Self::$other,)*
                }
            }
        }
    };
}

methods!(ReadMethod { Get, Post });
methods!(ChangeMethod { Post, Put, Patch });
methods!(SwitchMethod { Post, Put, Patch, Delete });

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline)]
struct RequestPath(String);

impl TryFrom<String> for RequestPath {
    type Error = &'static str;

    fn try_from(path: String) -> Result<Self, Self::Error> {
        let fits = path.starts_with('/') && !path.contains(['?', '#']);
        if fits { Ok(Self(path)) } else { Err("begins with `/`; a query goes into `query`") }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "Json")]
#[schemars(inline)]
struct QueryValue(#[schemars(with = "Json")] String);

impl TryFrom<Json> for QueryValue {
    type Error = &'static str;

    fn try_from(value: Json) -> Result<Self, Self::Error> {
        match value {
            Json::String(text) => Ok(Self(text)),
            Json::Null | Json::Array(_) | Json::Object(_) => Err("must be a text or a number"),
            scalar => Ok(Self(scalar.to_string())),
        }
    }
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "Vec<u16>")]
#[schemars(inline)]
struct Statuses(Vec<u16>);

impl TryFrom<Vec<u16>> for Statuses {
    type Error = &'static str;

    fn try_from(statuses: Vec<u16>) -> Result<Self, Self::Error> {
        let fit = !statuses.is_empty() && statuses.iter().all(|status| (100..600).contains(status));
        if fit { Ok(Self(statuses)) } else { Err("must be a list of HTTP statuses, such as [200, 201]") }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct ActiveKeys {
    /// Where it says so
    #[schemars(example = &"/status")]
    at: Pointer,
    /// The values that mean that it is in use. Left out: `true`
    values: Option<ActiveValues>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Json>")]
#[schemars(inline)]
struct ActiveValues(Vec<Json>);

impl TryFrom<Vec<Json>> for ActiveValues {
    type Error = &'static str;

    fn try_from(values: Vec<Json>) -> Result<Self, Self::Error> {
        let scalar = |value: &Json| !(value.is_null() || value.is_array() || value.is_object());
        if values.is_empty() || !values.iter().all(scalar) {
            return Err("must be a list of the values that mean that an account is in use, such as [\"active\"]");
        }
        Ok(Self(values))
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct FieldKeys {
    /// What it holds
    #[serde(default)]
    kind: Kind,
    /// Where it is in an account: a JSON pointer such as `/name/first`. Left out: a member of that name
    at: Option<Member>,
    /// Whether an account cannot exist without it
    #[serde(default)]
    required: bool,
    /// Whether it holds an id of ours: a `match` on it without a mapping means the employee id
    #[serde(default)]
    identity: bool,
    /// Whether letter case does not count
    #[serde(default)]
    ignore_case: bool,
    /// The most characters
    max_length: Option<Count>,
    /// What it may hold, for `kind = "choice"`
    choices: Option<Located<Vec<String>>>,
    /// How days are written, such as `%d.%m.%Y`, for `kind = "date"`
    format: Option<Located<String>>,
    /// When it may be written
    #[serde(default)]
    write: Write,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Kind {
    #[default]
    Text,
    Email,
    Phone,
    Boolean,
    Number,
    Date,
    Choice,
    List,
}

impl From<Kind> for FieldKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Email => Self::Email,
            Kind::Phone => Self::Phone,
            Kind::Boolean => Self::Bool,
            Kind::Number => Self::Number,
            Kind::Date => Self::Date,
            Kind::Choice => Self::Choice,
            Kind::List => Self::List,
        }
    }
}

#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Write {
    #[default]
    Always,
    Create,
    Never,
}

impl From<Write> for Access {
    fn from(write: Write) -> Self {
        match write {
            Write::Always => Self::ReadWrite,
            Write::Create => Self::CreateOnly,
            Write::Never => Self::ReadOnly,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "Pointer")]
#[schemars(inline)]
struct Member(Pointer);

impl TryFrom<Pointer> for Member {
    type Error = &'static str;

    fn try_from(at: Pointer) -> Result<Self, Self::Error> {
        if at.as_str().is_empty() { Err("must name a member") } else { Ok(Self(at)) }
    }
}

/// The section of a target of the type `http`, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// Without a trailing slash.
    pub base_url: String,
    pub auth: SignIn,
    pub headers: Vec<(&'static str, String)>,
    /// So many requests in such a time, at most.
    pub pace: Vec<(u32, Duration)>,
    /// How long one request may take.
    pub timeout: Duration,
    /// How a field is emptied.
    pub clear: Clear,
    /// The fields; `None` when the section has no `fields`: then any name is a text of that name.
    pub fields: Option<Vec<DeclaredField>>,
    /// How accounts are read.
    pub list: List,
    /// How one account is read by its id.
    pub read: Option<ReadOne>,
    pub create: Option<Create>,
    pub update: Option<Operation>,
    /// How one is taken out of use.
    pub deactivate: Option<Operation>,
    /// How one is brought back.
    pub reactivate: Option<Operation>,
    /// The keys that say so, as TOML without addresses and secrets, for the sandbox.
    source: String,
}

/// How an empty value is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Clear {
    #[default]
    Null,
    /// As an empty text.
    #[serde(rename = "empty")]
    Text,
    /// The service cannot empty a field.
    Never,
}

/// A field with its place in an account.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredField {
    /// Name, type and limits. Days are written in its `day_format`.
    pub spec: FieldSpec,
    /// Where it is in an account as listed, and in `{fields}`.
    pub at: Pointer,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub method: Method,
    /// Path below the base address.
    pub path: Text,
    pub query: Vec<(String, Text)>,
    pub body: Option<Template>,
    /// Statuses that mean that it worked; any 2xx when empty.
    pub success: Vec<u16>,
}

/// How accounts are read.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// The request of the first page.
    pub request: Operation,
    /// Where the list is in an answer.
    pub items: Pointer,
    /// Where the id is in an item: a text or a whole number.
    pub id: Pointer,
    /// How an item says whether it is in use; without it every item is.
    pub active: Option<ActiveFlag>,
    /// Where an answer says how many accounts there are.
    pub total: Option<Pointer>,
    /// How the next page is asked for.
    pub paging: Paging,
}

/// How an item says whether it is in use.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveFlag {
    pub at: Pointer,
    /// The values that mean that it is.
    pub values: Vec<Json>,
}

/// How one account is read by its id.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadOne {
    pub request: Operation,
    /// Where the answer holds the account, in the form in which the list has it.
    pub item: Pointer,
}

/// How an account is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    pub request: Operation,
    /// Where the answer holds the new id.
    pub id: Pointer,
    /// Statuses that mean that the account exists already.
    pub exists: Vec<u16>,
}

impl Operation {
    /// Whether a status means that it worked.
    pub fn worked(&self, status: u16) -> bool {
        if self.success.is_empty() { (200..300).contains(&status) } else { self.success.contains(&status) }
    }

    /// Method and path without any value, for messages: `PATCH /people/{account}`.
    pub fn outline(&self) -> String {
        format!("{} {}", self.method.as_str(), self.path.outline())
    }
}

const NOTHING: Allowed<'_> = Allowed { account: false, employee: false, fields: false, item: false, names: None };

/// The keys of type `http`, for editors and the reference.
pub(super) fn schema(generator: &mut SchemaGenerator) -> Json {
    shape::joined([
        shape::definition::<Service>(generator),
        shape::definition::<Reading>(generator),
        shape::definition::<Interface>(generator),
    ])
}

impl Declaration {
    /// Reads the keys of a section. `None` when something needed is missing or wrong, which is then among the
    /// problems.
    pub fn parse(section: &Table<'_>) -> Option<Self> {
        let service: Option<Service> = section.read();
        let headers = service.as_ref().and_then(|service| headers(section, &service.headers));
        let pace = service.as_ref().map(|service| pace(section, &service.pace));
        let reading: Option<Reading> = section.read();
        let interface: Option<Interface> = section.read();
        let list = reading.and_then(|reading| list(section, &reading.list.value));
        let interface = interface?;

        let fields = interface.fields.as_ref().map(|declared| fields(section, declared));
        let names: Option<Vec<&str>> =
            fields.as_ref().map(|fields| fields.iter().map(|field| &*field.spec.name).collect());
        let names = names.as_deref();
        let id = list.as_ref().map(|list| list.id.clone()).unwrap_or_default();
        let read = interface.read.map(|keys| read(section, &keys));
        let create = interface.create.map(|keys| create(section, &keys, names, id));
        let update = interface.update.map(|keys| update(section, &keys, names));
        let deactivate = interface.deactivate.map(|keys| switch(section, "deactivate", &keys));
        if let (Some(list), Some(reactivate)) = (&list, &interface.reactivate)
            && list.active.is_none()
        {
            let message = format!(
                "{} needs `list.active`: without it nothing says which accounts are out of use",
                section.name_of("reactivate")
            );
            wrong(section, reactivate.span.clone(), message);
        }
        let reactivate = interface.reactivate.map(|keys| switch(section, "reactivate", &keys));
        let service = service?;
        Some(Self {
            source: source(section),
            base_url: service.base_url.to_string(),
            auth: service.auth,
            headers: headers?,
            pace: pace?,
            timeout: service.timeout.0,
            clear: interface.clear,
            list: list?,
            read: unless_wrong(read)?,
            create: unless_wrong(create)?,
            update: unless_wrong(update)?,
            deactivate: unless_wrong(deactivate)?,
            reactivate: unless_wrong(reactivate)?,
            fields,
        })
    }

    /// What a simulation of the service needs to know, as the text of a section: the same interface, signed in to
    /// in the same way with the secret of the sandbox.
    pub fn sandbox_text(&self, secret: &str) -> String {
        let secret = Json::from(secret);
        let auth = match &self.auth {
            SignIn::None => "\"none\"".to_owned(),
            SignIn::Bearer(_) | SignIn::ApiKey(_) => format!("{{ bearer = {secret} }}"),
            SignIn::Basic { user, .. } => {
                format!("{{ basic = {{ user = {}, password = {secret} }} }}", Json::from(user.as_str()))
            }
            SignIn::Header { name, .. } => {
                format!("{{ header = {{ name = {}, value = {secret} }} }}", Json::from(name.as_str()))
            }
            SignIn::OAuth { .. } => format!(
                "{{ oauth = {{ token_url = \"http://127.0.0.1\", client_id = {secret}, client_secret = {secret} }} }}"
            ),
        };
        format!("base_url = \"http://127.0.0.1\"\nauth = {auth}\n{}", self.source)
    }

    /// Reads what [`Declaration::sandbox_text`] gave.
    pub fn from_sandbox_text(text: &str) -> anyhow::Result<Self> {
        use crate::section::{Context, Problems};
        let document = toml::de::DeTable::parse(text)?;
        let problems = Problems::new(text);
        let secrets = crate::section::SecretReader::new(
            &|_: &str| None,
            std::path::Path::new("."),
            crate::section::SecretMode::Read,
        );
        let context = Context { problems: &problems, secrets: &secrets, zones: crate::zone::Zones::compiled() };
        let found = Self::parse(&Table::new("http", 0..text.len(), document.get_ref(), context));
        found.ok_or_else(|| anyhow::anyhow!("not a declaration: {:?}", problems.into_sorted()))
    }

    /// The field of a name, if there can be one.
    pub fn field(&self, name: &str) -> Option<DeclaredField> {
        match &self.fields {
            Some(fields) => fields.iter().find(|field| &*field.spec.name == name).cloned(),
            None => Some(DeclaredField { spec: FieldSpec::new(name, FieldKind::Text), at: Pointer::member(name) }),
        }
    }

    /// What it says, a line each, without any secret; for `check`.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = vec![
            match &self.auth {
                SignIn::None => format!("asks {} without signing in", self.base_url),
                auth => format!("signs in to {} with {}", self.base_url, auth.describe()),
            },
            format!("lists accounts with {}, {}", self.list.request.outline(), self.list.paging.describe()),
        ];
        let read = self.read.as_ref();
        lines.extend(read.map(|read| format!("reads one account with {}", read.request.outline())));
        let operations = [
            ("makes an account", self.create.as_ref().map(|create| &create.request)),
            ("changes one", self.update.as_ref()),
            ("takes one out of use", self.deactivate.as_ref()),
            ("brings one back", self.reactivate.as_ref()),
        ];
        lines.extend(operations.iter().map(|(what, operation)| match operation {
            Some(operation) => format!("{what} with {}", operation.outline()),
            None => format!("{what}: not declared, so never done"),
        }));
        lines
    }
}

/// The keys of an interface as TOML, one a line.
fn source(section: &Table<'_>) -> String {
    ["clear", "fields", "list", "read", "create", "update", "deactivate", "reactivate"]
        .into_iter()
        .filter_map(|key| Some(format!("{key} = {}\n", inline(section.raw(key)?.get_ref()))))
        .collect()
}

/// A value on one line. A text of JSON is a text of TOML, too.
fn inline(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| inline(item.get_ref())).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{} = {}", Json::from(key.get_ref().as_ref()), inline(value.get_ref())))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        DeValue::Datetime(moment) => moment.to_string(),
        scalar => scalar_json(scalar).map_or_else(|| "0".to_owned(), |json| json.to_string()),
    }
}

/// A TOML value without places as JSON; a date becomes text.
fn scalar_json(value: &DeValue<'_>) -> Option<Json> {
    Some(match value {
        DeValue::String(text) => Json::from(text.as_ref()),
        DeValue::Boolean(value) => Json::from(*value),
        DeValue::Integer(number) => Json::from(i64::from_str_radix(number.as_str(), number.radix()).ok()?),
        DeValue::Float(number) => serde_json::Number::from_f64(number.as_str().parse().ok()?).map(Json::Number)?,
        DeValue::Datetime(moment) => Json::from(moment.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => return None,
    })
}

/// An optional part: absent is fine, wrong is not.
fn unless_wrong<T>(part: Option<Option<T>>) -> Option<Option<T>> {
    match part {
        None => Some(None),
        Some(found) => found.map(Some),
    }
}

fn wrong(table: &Table<'_>, span: std::ops::Range<usize>, message: String) {
    table.problems().error(span, Code::WrongValue, message);
}

fn headers(section: &Table<'_>, headers: &Headers) -> Option<Vec<(&'static str, String)>> {
    let Some((name, _)) = headers.0.iter().find(|(name, _)| name.value.as_str() == "authorization") else {
        return Some(as_sent(headers));
    };
    wrong(section, name.span.clone(), "credentials belong in `auth`, which keeps them out of messages".into());
    None
}

fn pace(section: &Table<'_>, pace: &Pace) -> Vec<(u32, Duration)> {
    if let Some(table) = section.has("pace").then(|| section.table("pace")).flatten()
        && table.content().is_empty()
    {
        table.missing("per_minute", "pace = { per_minute = 120 }");
    }
    let limits = [(pace.per_second, 1), (pace.per_minute, 60)].into_iter();
    limits.filter_map(|(count, seconds)| Some((count?.into(), Duration::from_secs(seconds)))).collect()
}

fn fields(section: &Table<'_>, declared: &Entries<Either<Kind, FieldKeys>>) -> Vec<DeclaredField> {
    let field = |(name, declared): &(Located<String>, Either<Kind, FieldKeys>)| match declared {
        Either::Short(kind) => {
            let spec = FieldSpec::new(name.value.as_str(), (*kind).into());
            DeclaredField { spec, at: Pointer::member(&name.value) }
        }
        Either::Long(keys) => field(section, &name.value, keys),
    };
    declared.0.iter().map(field).collect()
}

fn field(section: &Table<'_>, name: &str, keys: &FieldKeys) -> DeclaredField {
    let name_of = |key: &str| format!("`{}.fields.{name}.{key}`", section.path());
    let mut spec = FieldSpec::new(name, keys.kind.into()).access(keys.write.into());
    if let Some(most) = keys.max_length {
        spec = spec.max_length(most.into());
    }
    if let Some(choices) = &keys.choices {
        spec = spec.choices(choices.value.iter().map(String::as_str));
        if keys.kind != Kind::Choice {
            wrong(section, choices.span.clone(), format!("{} are for `kind = \"choice\"`", name_of("choices")));
        }
    }
    if let Some(format) = &keys.format {
        let mut written = String::new();
        let day = NaiveDate::from_ymd_opt(2026, 2, 28).unwrap_or_default();
        let unreadable = std::fmt::Write::write_fmt(&mut written, format_args!("{}", day.format(&format.value)))
            .is_err()
            || NaiveDate::parse_from_str(&written, &format.value) != Ok(day);
        if unreadable || keys.kind != Kind::Date {
            let message = format!("{} is the form of a date, such as \"%d.%m.%Y\"", name_of("format"));
            wrong(section, format.span.clone(), message);
        }
        spec = spec.day_format(format.value.as_str());
    }
    if keys.required {
        spec = spec.required();
    }
    if keys.ignore_case {
        spec = spec.ignore_case();
    }
    if keys.identity {
        spec = spec.identity();
    }
    let at = keys.at.as_ref().map_or_else(|| Pointer::member(name), |Member(at)| at.clone());
    DeclaredField { spec, at }
}

fn list(section: &Table<'_>, keys: &ListKeys) -> Option<List> {
    let request = keys.operation(NOTHING, section.problems());
    let paging = match &keys.paging {
        Some(paging) => Paging::of(paging, &format!("{}.list.paging", section.path()), section.problems()),
        None => Some(Paging::None),
    };
    let active = keys.active.as_ref().map(|active| {
        let (at, values) = match active {
            Either::Short(at) => (at, None),
            Either::Long(ActiveKeys { at, values }) => (at, values.as_ref()),
        };
        let values = values.map_or_else(|| vec![Json::Bool(true)], |ActiveValues(values)| values.clone());
        ActiveFlag { at: at.clone(), values }
    });
    Some(List {
        request: request?,
        items: keys.items.clone().unwrap_or_default(),
        id: keys.id.clone(),
        active,
        total: keys.total.clone(),
        paging: paging?,
    })
}

fn read(section: &Table<'_>, keys: &Located<ReadKeys>) -> Option<ReadOne> {
    let request = keys.value.operation(Allowed { account: true, ..NOTHING }, section.problems());
    let request = request.filter(|request| names_account(section, "read", keys, request))?;
    Some(ReadOne { request, item: keys.value.item.clone().unwrap_or_default() })
}

fn create(
    section: &Table<'_>,
    Located { value: keys, .. }: &Located<CreateKeys>,
    names: Option<&[&str]>,
    id: Pointer,
) -> Option<Create> {
    let allowed = Allowed { employee: true, fields: true, names, ..NOTHING };
    let request = keys.operation(allowed, section.problems())?;
    let request = with_fields(section, "create", keys.body.as_ref(), request);
    Some(Create { request, id: keys.id.clone().unwrap_or(id), exists: keys.exists.0.clone() })
}

fn update(section: &Table<'_>, keys: &Located<UpdateKeys>, names: Option<&[&str]>) -> Option<Operation> {
    let allowed = Allowed { account: true, fields: true, item: true, names, ..NOTHING };
    let request = keys.value.operation(allowed, section.problems())?;
    let request = with_fields(section, "update", keys.value.body.as_ref(), request);
    names_account(section, "update", keys, &request).then_some(request)
}

fn switch(section: &Table<'_>, key: &str, keys: &Located<SwitchKeys>) -> Option<Operation> {
    let request = keys.value.operation(Allowed { account: true, ..NOTHING }, section.problems())?;
    names_account(section, key, keys, &request).then_some(request)
}

/// A body of all fields when the file has none, and a problem when its body sends no field.
fn with_fields(
    section: &Table<'_>,
    key: &str,
    written: Option<&Located<Written>>,
    mut request: Operation,
) -> Operation {
    let body = request.body.get_or_insert(Template::Fields);
    if let Some(written) = written.filter(|_| !body.sends_fields()) {
        let name = format!("`{}.{key}.body`", section.path());
        let message = format!("{name} sends no field; write \"{{fields}}\" where they belong");
        wrong(section, written.span.clone(), message);
    }
    request
}

fn names_account<T>(section: &Table<'_>, key: &str, keys: &Located<T>, request: &Operation) -> bool {
    let named = request.path.names_account()
        || request.query.iter().any(|(_, value)| value.names_account())
        || request.body.as_ref().is_some_and(Template::names_account);
    if !named {
        let message =
            format!("{} does not say whose account it is; put `{{account}}` into its path", section.name_of(key));
        wrong(section, keys.span.clone(), message);
    }
    named
}
