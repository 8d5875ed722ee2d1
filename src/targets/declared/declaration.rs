//! What a file says of a service: how it signs in, and how accounts are listed and changed.

use std::time::Duration;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::DeValue;

use crate::code::Code;
use crate::field::{Access, FieldKind, FieldSpec};
use crate::http::Method;
use crate::section::{Located, Table};
use crate::targets::auth::{Headers, SignIn, settled as settled_headers};

use super::paging::Paging;
use super::pointer::Pointer;
use super::template::{Allowed, Template, Text, scalar_json};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Clear {
    #[default]
    Null,
    /// As an empty text.
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

/// The kinds a field may be declared with.
const KINDS: &[(&str, FieldKind)] = &[
    ("text", FieldKind::Text),
    ("email", FieldKind::Email),
    ("phone", FieldKind::Phone),
    ("boolean", FieldKind::Bool),
    ("number", FieldKind::Number),
    ("date", FieldKind::Date),
    ("choice", FieldKind::Choice),
    ("list", FieldKind::List),
];

const READ: &[(&str, Method)] = &[("GET", Method::Get), ("POST", Method::Post)];
const CHANGE: &[(&str, Method)] = &[("POST", Method::Post), ("PUT", Method::Put), ("PATCH", Method::Patch)];
const REMOVE: &[(&str, Method)] =
    &[("POST", Method::Post), ("PUT", Method::Put), ("PATCH", Method::Patch), ("DELETE", Method::Delete)];

impl Declaration {
    /// Reads the keys of a section. `None` when something needed is missing or wrong, which is then among the
    /// problems.
    pub fn parse(section: &Table<'_>) -> Option<Self> {
        let base_url = match section.has("base_url") {
            true => section.base_url("base_url"),
            false => {
                section.missing("base_url", "base_url = \"https://hr.example.com/api\"");
                None
            }
        };
        let beside: Option<Beside> = section.read();
        let auth = beside.as_ref().map(|beside| beside.auth.clone());
        let headers = beside.and_then(|beside| headers(section, &beside.headers));
        let pace = pace(section);
        let timeout = section.duration("timeout").unwrap_or(Duration::from_secs(60));
        let clears = [("null", Clear::Null), ("empty", Clear::Text), ("never", Clear::Never)];
        let clear = section.choice("clear", &clears).unwrap_or_default();
        let fields = section.has("fields").then(|| section.table("fields").map(fields));
        let declared = fields.as_ref().and_then(Option::as_ref);
        let names: Option<Vec<&str>> = declared.map(|fields| fields.iter().map(|field| &*field.spec.name).collect());
        let names = names.as_deref();

        let list = list(section);
        let id = list.as_ref().map(|list| list.id.clone());
        let read = section.has("read").then(|| read(section));
        let create = section.has("create").then(|| create(section, names, id.unwrap_or_default()));
        let update = section.has("update").then(|| update(section, names));
        let switch = |key: &'static str| section.has(key).then(|| switch(section, key));
        let (deactivate, reactivate) = (switch("deactivate"), switch("reactivate"));
        if let (Some(list), Some(_)) = (&list, &reactivate)
            && list.active.is_none()
        {
            section.problems().error(
                section.key_span("reactivate"),
                Code::WrongValue,
                format!(
                    "{} needs `list.active`: without it nothing says which accounts are out of use",
                    section.name_of("reactivate")
                ),
            );
        }
        let source = source(section);
        Some(Self {
            source,
            base_url: base_url?,
            auth: auth?,
            headers: headers?,
            pace: pace?,
            timeout,
            clear,
            list: list?,
            read: settled(read)?,
            create: settled(create)?,
            update: settled(update)?,
            deactivate: settled(deactivate)?,
            reactivate: settled(reactivate)?,
            fields: match fields {
                None => None,
                Some(fields) => Some(fields?),
            },
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

/// An optional part: absent is fine, wrong is not.
fn settled<T>(part: Option<Option<T>>) -> Option<Option<T>> {
    match part {
        None => Some(None),
        Some(found) => found.map(Some),
    }
}

fn wrong(table: &Table<'_>, span: std::ops::Range<usize>, message: String) {
    table.problems().error(span, Code::WrongValue, message);
}

fn pointer(table: &Table<'_>, text: &Located<&str>) -> Option<Pointer> {
    Pointer::parse(text.value).map_err(|why| wrong(table, text.span.clone(), why)).ok()
}

fn pointer_or(table: &Table<'_>, key: &str, default: &str) -> Option<Pointer> {
    match table.has(key) {
        true => pointer(table, &table.text(key)?),
        false => Pointer::parse(default).ok(),
    }
}

/// What signs requests, and what goes with them.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Beside {
    #[serde(default)]
    auth: SignIn,
    #[serde(default)]
    headers: Headers,
}

fn headers(section: &Table<'_>, headers: &Headers) -> Option<Vec<(&'static str, String)>> {
    let Some((name, _)) = headers.0.iter().find(|(name, _)| name.value.as_str() == "authorization") else {
        return Some(settled_headers(headers));
    };
    wrong(section, name.span.clone(), "credentials belong in `auth`, which keeps them out of messages".into());
    None
}

fn pace(section: &Table<'_>) -> Option<Vec<(u32, Duration)>> {
    if !section.has("pace") {
        return Some(Vec::new());
    }
    let table = section.table("pace")?;
    if !table.has("per_second") && !table.has("per_minute") {
        table.missing("per_minute", "pace = { per_minute = 120 }");
    }
    let mut limits = Vec::new();
    for (key, seconds) in [("per_second", 1), ("per_minute", 60)] {
        if !table.has(key) {
            continue;
        }
        match table.count(key).and_then(|count| u32::try_from(count).ok()) {
            Some(0) => wrong(&table, table.key_span(key), format!("{} must be at least 1", table.name_of(key))),
            Some(count) => limits.push((count, Duration::from_secs(seconds))),
            None => {}
        }
    }
    table.finish();
    Some(limits)
}

fn fields(table: Table<'_>) -> Vec<DeclaredField> {
    let mut fields = Vec::new();
    for (name, value) in table.entries() {
        if value.get_ref().is_str() {
            let Some(kind) = table.choice(name.value, KINDS) else { continue };
            let spec = FieldSpec::new(name.value, kind);
            fields.push(DeclaredField { spec, at: Pointer::member(name.value) });
        } else if let Some(inner) = table.table(name.value) {
            fields.extend(field(name.value, &inner));
            inner.finish();
        }
    }
    table.finish();
    fields
}

fn field(name: &str, table: &Table<'_>) -> Option<DeclaredField> {
    let kind = if table.has("kind") { table.choice("kind", KINDS) } else { Some(FieldKind::Text) };
    let at = match table.has("at") {
        true => pointer_or(table, "at", "").filter(|at| {
            let whole = at.as_str().is_empty();
            if whole {
                wrong(table, table.key_span("at"), format!("{} must name a member", table.name_of("at")));
            }
            !whole
        }),
        false => Some(Pointer::member(name)),
    };
    let accesses = [("always", Access::ReadWrite), ("create", Access::CreateOnly), ("never", Access::ReadOnly)];
    let mut spec = FieldSpec::new(name, kind.unwrap_or(FieldKind::Text));
    if let Some(access) = table.choice("write", &accesses) {
        spec = spec.access(access);
    }
    if let Some(most) = table.count("max_length").and_then(|most| u32::try_from(most).ok()) {
        spec = spec.max_length(most);
    }
    if let Some(choices) = table.texts("choices") {
        spec = spec.choices(choices.iter().map(|choice| choice.value));
        if kind.is_some_and(|kind| kind != FieldKind::Choice) {
            let message = format!("{} are for `kind = \"choice\"`", table.name_of("choices"));
            wrong(table, table.key_span("choices"), message);
        }
    }
    if let Some(format) = table.text("format") {
        let mut written = String::new();
        let day = chrono::NaiveDate::from_ymd_opt(2026, 2, 28).unwrap_or_default();
        let unreadable = std::fmt::Write::write_fmt(&mut written, format_args!("{}", day.format(format.value)))
            .is_err()
            || chrono::NaiveDate::parse_from_str(&written, format.value) != Ok(day);
        if unreadable || kind.is_some_and(|kind| kind != FieldKind::Date) {
            let message = format!("{} is the form of a date, such as \"%d.%m.%Y\"", table.name_of("format"));
            wrong(table, format.span, message);
        }
        spec = spec.day_format(format.value);
    }
    if table.boolean("required") == Some(true) {
        spec = spec.required();
    }
    if table.boolean("ignore_case") == Some(true) {
        spec = spec.ignore_case();
    }
    if table.boolean("identity") == Some(true) {
        spec = spec.identity();
    }
    kind?;
    Some(DeclaredField { spec, at: at? })
}

/// The keys that every request has.
fn operation(
    table: &Table<'_>,
    methods: &[(&str, Method)],
    default: Option<Method>,
    allowed: Allowed<'_>,
) -> Option<Operation> {
    let method = match (table.has("method"), default) {
        (false, Some(method)) => Some(method),
        (false, None) => {
            table.missing("method", "method = \"POST\"");
            None
        }
        (true, _) => table.choice("method", methods),
    };
    let path = table.required_text("path", "path = \"/people\"").and_then(|path| {
        if !path.value.starts_with('/') || path.value.contains(['?', '#']) {
            let message = format!("{} begins with `/`; a query goes into `query`", table.name_of("path"));
            wrong(table, path.span, message);
            return None;
        }
        // The whole account has no place in an address.
        let allowed = Allowed { item: false, ..allowed };
        Text::parse(path.value, allowed).map_err(|why| wrong(table, path.span.clone(), why)).ok()
    });
    let query = query(table, allowed);
    let body = table.raw("body").map(|value| Template::parse(value, allowed, table.problems()));
    let success = statuses(table, "success");
    Some(Operation { method: method?, path: path?, query: query?, body: settled(body)?, success: success? })
}

fn query(table: &Table<'_>, allowed: Allowed<'_>) -> Option<Vec<(String, Text)>> {
    if !table.has("query") {
        return Some(Vec::new());
    }
    let query = table.table("query")?;
    let mut pairs = Vec::new();
    let mut all = true;
    for (name, value) in query.entries() {
        let text = match scalar_json(value.get_ref()) {
            Some(Json::String(text)) => text,
            Some(other) => other.to_string(),
            None => return query.wrong_type(name.value, value, "a text or a number"),
        };
        match Text::parse(&text, allowed) {
            Ok(text) => pairs.push((name.value.to_owned(), text)),
            Err(why) => {
                wrong(&query, value.span(), why);
                all = false;
            }
        }
    }
    query.finish();
    all.then_some(pairs)
}

fn statuses(table: &Table<'_>, key: &str) -> Option<Vec<u16>> {
    let Some(value) = table.raw(key) else { return Some(Vec::new()) };
    let wanted = "a list of HTTP statuses, such as [200, 201]";
    let Some(items) = value.get_ref().as_array() else { return table.wrong_type(key, value, wanted) };
    let status = |item: &Spanned<DeValue<'_>>| match scalar_json(item.get_ref())?.as_u64()? {
        status @ 100..600 => u16::try_from(status).ok(),
        _ => None,
    };
    match items.iter().map(status).collect::<Option<Vec<u16>>>() {
        Some(found) if !found.is_empty() => Some(found),
        _ => {
            wrong(table, value.span(), format!("{} must be {wanted}", table.name_of(key)));
            None
        }
    }
}

const NOTHING: Allowed<'_> = Allowed { account: false, employee: false, fields: false, item: false, names: None };

fn list(section: &Table<'_>) -> Option<List> {
    if !section.has("list") {
        section.missing("list", "list = { path = \"/people\", items = \"/data\", id = \"/id\" }");
        return None;
    }
    let table = section.table("list")?;
    let request = operation(&table, READ, Some(Method::Get), NOTHING);
    let items = pointer_or(&table, "items", "");
    let id = pointer_or(&table, "id", "/id");
    let total = table.text("total").map(|text| pointer(&table, &text));
    let active = table.raw("active").map(|value| active(&table, value));
    let paging = Paging::parse(&table);
    table.finish();
    Some(List {
        request: request?,
        items: items?,
        id: id?,
        active: settled(active)?,
        total: settled(total)?,
        paging: paging?,
    })
}

fn active(list: &Table<'_>, value: &Spanned<DeValue<'_>>) -> Option<ActiveFlag> {
    if value.get_ref().is_str() {
        return Some(ActiveFlag { at: pointer(list, &list.text("active")?)?, values: vec![Json::Bool(true)] });
    }
    let table = list.table("active")?;
    let at = table.required_text("at", "at = \"/status\"").and_then(|text| pointer(&table, &text));
    let wanted = "a list of the values that mean that an account is in use, such as [\"active\"]";
    let values = match table.raw("values") {
        None => Some(vec![Json::Bool(true)]),
        Some(value) => {
            let values = value.get_ref().as_array().map(|items| items.iter().map(|item| scalar_json(item.get_ref())));
            match values.and_then(|values| values.collect::<Option<Vec<Json>>>()) {
                Some(values) if !values.is_empty() => Some(values),
                _ => table.wrong_type("values", value, wanted),
            }
        }
    };
    table.finish();
    Some(ActiveFlag { at: at?, values: values? })
}

fn read(section: &Table<'_>) -> Option<ReadOne> {
    let table = section.table("read")?;
    let request = operation(&table, READ, Some(Method::Get), Allowed { account: true, ..NOTHING });
    let item = pointer_or(&table, "item", "");
    table.finish();
    let request = request.filter(|request| names_account(section, "read", request));
    Some(ReadOne { request: request?, item: item? })
}

fn create(section: &Table<'_>, names: Option<&[&str]>, id: Pointer) -> Option<Create> {
    let table = section.table("create")?;
    let allowed = Allowed { account: false, employee: true, fields: true, item: false, names };
    let request = operation(&table, CHANGE, Some(Method::Post), allowed);
    let id = if table.has("id") { pointer_or(&table, "id", "") } else { Some(id) };
    let exists = if table.has("exists") { statuses(&table, "exists") } else { Some(vec![409]) };
    let request = request.map(|request| with_fields(&table, request));
    table.finish();
    Some(Create { request: request?, id: id?, exists: exists? })
}

fn update(section: &Table<'_>, names: Option<&[&str]>) -> Option<Operation> {
    let table = section.table("update")?;
    let allowed = Allowed { account: true, employee: false, fields: true, item: true, names };
    let request = operation(&table, CHANGE, Some(Method::Patch), allowed);
    let request = request.map(|request| with_fields(&table, request));
    table.finish();
    request.filter(|request| names_account(section, "update", request))
}

fn switch(section: &Table<'_>, key: &str) -> Option<Operation> {
    let table = section.table(key)?;
    let allowed = Allowed { account: true, employee: false, fields: false, item: false, names: None };
    let request = operation(&table, REMOVE, None, allowed);
    table.finish();
    request.filter(|request| names_account(section, key, request))
}

/// A body of all fields when the file has none, and a problem when its body sends no field.
fn with_fields(table: &Table<'_>, mut request: Operation) -> Operation {
    let body = request.body.get_or_insert(Template::Fields);
    if !body.sends_fields() {
        let message = format!("{} sends no field; write \"{{fields}}\" where they belong", table.name_of("body"));
        wrong(table, table.key_span("body"), message);
    }
    request
}

fn names_account(section: &Table<'_>, key: &str, request: &Operation) -> bool {
    let named = request.path.names_account()
        || request.query.iter().any(|(_, value)| value.names_account())
        || request.body.as_ref().is_some_and(Template::names_account);
    if !named {
        let message =
            format!("{} does not say whose account it is; put `{{account}}` into its path", section.name_of(key));
        wrong(section, section.key_span(key), message);
    }
    named
}
