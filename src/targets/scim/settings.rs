//! What the file says of a SCIM service.

use toml::de::DeValue;

use crate::code::Code;
use crate::section::{Secret, Table};
use crate::words::known;

use super::bulk::Limits;
use super::deviations::{Bulk, Clear, Deviations, ManagerForm, PRESETS, Paging, PatchStyle, Replace, Update, preset};
use super::path::Path;
use super::sign_in::SignIn;

/// A `scim` section, settled.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Address without a trailing slash; `/Users` comes right after it.
    pub(crate) base_url: String,
    /// How requests are signed.
    pub(crate) sign_in: SignIn,
    /// Where the service departs from the standard.
    pub(crate) deviations: Deviations,
    /// Attributes that a replacement must keep although the service returns them only when asked.
    pub(crate) preserve: Vec<Path>,
    /// Headers beside the usual ones.
    pub(crate) headers: Vec<(String, String)>,
    /// User name of the account that owns the credentials.
    pub(crate) key_owner: Option<String>,
}

const AUTH_EXAMPLE: &str = r#"auth = { bearer = { env = "SCIM_TOKEN" } }"#;

/// Reads a section. `None` when something needed is missing or wrong, which is then among the problems.
pub(crate) fn read(table: &Table<'_>) -> Option<Settings> {
    if !table.has("base_url") {
        table.missing("base_url", r#"base_url = "https://wiki.example.com/scim/v2""#);
    }
    let base_url = table.base_url("base_url");
    let sign_in = sign_in(table);
    let mut deviations = deviations(table);
    if let (Some(deviations), Some(bulk)) = (&mut deviations, bulk(table)) {
        deviations.bulk = bulk;
    }
    let preserve = paths(table, "preserve");
    let headers = headers(table);
    let key_owner = key_owner(table);
    Some(Settings {
        base_url: base_url?,
        sign_in: sign_in?,
        deviations: deviations?,
        preserve: preserve?,
        headers: headers?,
        key_owner,
    })
}

fn sign_in(table: &Table<'_>) -> Option<SignIn> {
    if !table.has("auth") {
        table.missing("auth", AUTH_EXAMPLE);
    }
    let auth = table.table("auth")?;
    let forms = ["bearer", "basic", "header", "oauth"];
    let given: Vec<&str> = forms.into_iter().filter(|form| auth.has(form)).collect();
    let found = match given.as_slice() {
        ["bearer"] => auth.secret("bearer").map(SignIn::Bearer),
        ["basic"] => auth.table("basic").and_then(|basic| {
            let (user, password) = (basic.required_text("user", "user = \"sync\""), basic.required_secret("password"));
            basic.finish();
            Some(SignIn::Basic { user: user?.value.to_owned(), password: password? })
        }),
        ["header"] => auth.table("header").and_then(|header| {
            let (name, value) = (header.required_text("name", "name = \"X-Api-Key\""), header.required_secret("value"));
            let name = name.filter(|name| {
                let fits = is_header_name(name.value);
                if !fits {
                    header.problems().error(
                        name.span.clone(),
                        Code::WrongValue,
                        format!("{} is no header", header.name_of("name")),
                    );
                }
                fits
            });
            header.finish();
            Some(SignIn::Header { name: name?.value.to_owned(), value: value? })
        }),
        ["oauth"] => auth.table("oauth").and_then(|oauth| {
            if !oauth.has("token_url") {
                oauth.missing("token_url", "token_url = \"https://login.example.com/oauth/token\"");
            }
            let token_url = oauth.base_url("token_url");
            let id = oauth.required_secret("client_id");
            let secret = oauth.required_secret("client_secret");
            let scope = oauth.text("scope").map(|scope| scope.value.to_owned());
            oauth.finish();
            Some(SignIn::OAuth { token_url: token_url?, client_id: id?, client_secret: secret?, scope })
        }),
        _ => {
            table.problems().error(
                auth.span(),
                Code::WrongValue,
                format!(
                    "{} needs exactly one of `bearer`, `basic`, `header` and `oauth`; for example `{AUTH_EXAMPLE}`",
                    table.name_of("auth")
                ),
            );
            None
        }
    };
    auth.finish();
    found
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
}

fn deviations(table: &Table<'_>) -> Option<Deviations> {
    let found = match table.text("preset") {
        None if table.has("preset") => return None,
        None => Deviations::default(),
        Some(name) => match preset(name.value) {
            Some(deviations) => deviations,
            None => {
                let names = PRESETS.iter().map(|(name, _)| *name);
                table.problems().error(
                    name.span.clone(),
                    Code::UnknownValue,
                    format!("{} does not know `{}`; {}", table.name_of("preset"), name.value, known(name.value, names)),
                );
                return None;
            }
        },
    };
    Some(declared_deviations(table, found))
}

/// The deviations that the file declares, on top of those that are known.
pub(crate) fn declared_deviations(table: &Table<'_>, mut found: Deviations) -> Deviations {
    let updates = [("auto", Update::Auto), ("patch", Update::Patch), ("put", Update::Put)];
    found.update = table.choice("update", &updates).unwrap_or(found.update);
    let replaces = [("merged", Replace::Merged), ("changes", Replace::Changes)];
    found.replace = table.choice("put_body", &replaces).unwrap_or(found.replace);
    let styles = [
        ("pathed", PatchStyle::Pathed),
        ("object", PatchStyle::Object),
        ("dotted", PatchStyle::Dotted),
        ("extension_object", PatchStyle::ExtensionObject),
    ];
    found.patch_style = table.choice("patch_style", &styles).unwrap_or(found.patch_style);
    let managers = [("object", ManagerForm::Object), ("value", ManagerForm::Value), ("text", ManagerForm::Text)];
    found.manager = table.choice("manager", &managers).unwrap_or(found.manager);
    let clears = [("remove", Clear::Remove), ("empty", Clear::Empty), ("null", Clear::Null), ("never", Clear::Never)];
    found.clear = table.choice("clear", &clears).unwrap_or(found.clear);
    let pagings =
        [("auto", Paging::Auto), ("index", Paging::Index), ("cursor", Paging::Cursor), ("none", Paging::None)];
    found.paging = table.choice("paging", &pagings).unwrap_or(found.paging);
    for (key, flag) in [
        ("capital_operations", &mut found.capital_operations),
        ("one_operation", &mut found.one_operation),
        ("filtered_paths", &mut found.filtered_paths),
        ("text_booleans", &mut found.text_booleans),
        ("etag", &mut found.etag),
        ("filter", &mut found.filter),
        ("primary", &mut found.primary),
        ("discovery", &mut found.discovery),
        ("plain_json", &mut found.plain_json),
    ] {
        *flag = table.boolean(key).unwrap_or(*flag);
    }
    let number = |key: &str, most: u64| {
        let number = table.count(key)?;
        if !(1..=most).contains(&number) {
            let why = format!("{} must be from 1 to {most}", table.name_of(key));
            table.problems().error(table.key_span(key), Code::WrongValue, why);
            return None;
        }
        u32::try_from(number).ok()
    };
    found.page_size = number("page_size", 10_000).unwrap_or(found.page_size);
    found.requests_per_minute = number("requests_per_minute", 100_000).or(found.requests_per_minute);
    found
}

/// Whether several changes are sent in one request: yes, no, or what the service takes although it does not say so.
fn bulk(table: &Table<'_>) -> Option<Bulk> {
    match table.raw("bulk")?.get_ref() {
        DeValue::Boolean(true) => Some(Bulk::Offered),
        DeValue::Boolean(false) => Some(Bulk::Off),
        DeValue::Table(_) => {
            let limits = table.table("bulk")?;
            let number = |key: &str| {
                let number = limits.count(key)?;
                if number == 0 {
                    let why = format!("{} must be at least 1", limits.name_of(key));
                    limits.problems().error(limits.key_span(key), Code::WrongValue, why);
                }
                Some(number)
            };
            let (operations, bytes) = (number("max_operations"), number("max_payload_size"));
            limits.finish();
            Some(Bulk::Declared(Limits { operations, bytes }))
        }
        _ => table.wrong_type("bulk", table.raw("bulk")?, "true, false or a table with `max_operations`"),
    }
}

fn paths(table: &Table<'_>, key: &str) -> Option<Vec<Path>> {
    let Some(texts) = table.texts(key) else { return (!table.has(key)).then(Vec::new) };
    let paths: Vec<Option<Path>> = texts
        .into_iter()
        .map(|text| match Path::parse(text.value) {
            Ok(path) => Some(path),
            Err(why) => {
                let message = format!("{}: `{}` is no attribute path: {why}", table.name_of(key), text.value);
                table.problems().error(text.span, Code::WrongValue, message);
                None
            }
        })
        .collect();
    paths.into_iter().collect()
}

fn headers(table: &Table<'_>) -> Option<Vec<(String, String)>> {
    if !table.has("headers") {
        return Some(Vec::new());
    }
    let headers = table.table("headers")?;
    let mut found = Vec::new();
    for (name, _) in headers.entries() {
        let value = headers.text(name.value)?;
        if !is_header_name(name.value) || !value.value.chars().all(|letter| (' '..='~').contains(&letter)) {
            let why = format!("{} is no header", headers.name_of(name.value));
            table.problems().error(name.span, Code::WrongValue, why);
            return None;
        }
        found.push((name.value.to_lowercase(), value.value.to_owned()));
    }
    Some(found)
}

/// The user name of the account that owns the credentials.
pub(crate) fn key_owner(table: &Table<'_>) -> Option<String> {
    table.text("key_owner").map(|owner| owner.value.trim().to_owned()).filter(|owner| !owner.is_empty())
}

impl Settings {
    /// Points at the sandbox, with the secret that it accepts and without a pace.
    pub(crate) fn redirect(&mut self, base_url: String, secret: Secret) {
        self.base_url = base_url;
        self.deviations.requests_per_minute = None;
        self.sign_in = SignIn::Bearer(secret);
    }
}
