//! How the next page of a list is asked for, as pure functions.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::code::Code;
use crate::http::Response;
use crate::section::shape::Count;
use crate::section::{Located, Problems};

use super::pointer::Pointer;

/// How the next page is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Paging {
    None,
    /// By the number of the page, until one is empty.
    Page {
        parameter: String,
        /// Number of the first page.
        first: u64,
    },
    /// By how many items were read, until a page is empty.
    Offset {
        parameter: String,
    },
    /// By a text that the answer gives, until it gives none.
    Cursor {
        parameter: String,
        /// Where the text is in the answer.
        at: Pointer,
    },
    Link {
        /// Where it is in the answer; in the header `Link` with `rel="next"` when `None`.
        at: Option<Pointer>,
    },
}

/// Which page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The first, where it needs no parameter.
    First,
    Query(String, String),
    /// At this address, relative to that of the page before.
    Address(String),
}

/// `paging` of a list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct PagingKeys {
    /// By the number of the page, by how many were read, by a text that the answer gives, or by a whole address
    #[schemars(example = &"page")]
    by: By,
    /// The query parameter. Left out: the name of the kind
    parameter: Option<Located<String>>,
    /// The number of the first page, for `page`
    #[schemars(extend("default" = 1))]
    first: Option<Located<Count>>,
    /// Where the text or address of the next page is in the answer. Left out with `link`: in the header `Link`
    at: Option<Located<Pointer>>,
}

#[derive(Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum By {
    Page,
    Offset,
    Cursor,
    Link,
}

impl Paging {
    /// What `paging` says. `None` when it is wrong, which is then among the problems.
    pub(super) fn of(keys: &Located<PagingKeys>, name: &str, problems: &Problems<'_>) -> Option<Self> {
        let PagingKeys { by, parameter, first, at } = &keys.value;
        let (key, span) = (|key: &str| format!("`{name}.{key}`"), |span: &Range<usize>| span.clone());
        let by_name = serde_json::to_string(by).unwrap_or_default();
        let idle = [
            ("parameter", parameter.as_ref().map(|given| span(&given.span)).filter(|_| *by == By::Link)),
            ("first", first.as_ref().map(|given| span(&given.span)).filter(|_| *by != By::Page)),
            ("at", at.as_ref().map(|given| span(&given.span)).filter(|_| matches!(by, By::Page | By::Offset))),
        ];
        for (idle, span) in idle.into_iter().filter_map(|(key, span)| Some((key, span?))) {
            problems.error(span, Code::WrongValue, format!("{} has no effect with by = {by_name}", key(idle)));
        }
        let parameter = parameter.as_ref().map_or(by_name.trim_matches('"'), |given| &given.value).to_owned();
        let at = at.as_ref().map(|at| at.value.clone());
        Some(match by {
            By::Page => Self::Page { parameter, first: first.as_ref().map_or(1, |first| first.value.0) },
            By::Offset => Self::Offset { parameter },
            By::Cursor => {
                let Some(at) = at else {
                    let message = format!("{} is missing; for example `at = \"/meta/next_cursor\"`", key("at"));
                    problems.error(keys.span.clone(), Code::MissingKey, message);
                    return None;
                };
                Self::Cursor { parameter, at }
            }
            By::Link => Self::Link { at },
        })
    }

    pub fn first(&self) -> Page {
        match self {
            Self::Page { parameter, first } => Page::Query(parameter.clone(), first.to_string()),
            Self::Offset { parameter } => Page::Query(parameter.clone(), "0".into()),
            Self::None | Self::Cursor { .. } | Self::Link { .. } => Page::First,
        }
    }

    /// The page after an answer, if there is one. `pages` and `items` count what was read, this answer included;
    /// `empty` says that it held nothing.
    ///
    /// # Errors
    ///
    /// When the answer says where the next page is in a way that cannot be read.
    pub fn next(
        &self,
        answer: &Response,
        body: &Json,
        pages: u64,
        items: usize,
        empty: bool,
    ) -> Result<Option<Page>, String> {
        let text = |at: &Pointer| match at.get(body) {
            None => Ok(None),
            Some(Json::String(text)) if text.trim().is_empty() => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.clone())),
            Some(Json::Number(number)) => Ok(Some(number.to_string())),
            Some(Json::Bool(false)) => Ok(None),
            Some(_) => Err(format!("what stands at `{}` does not say where the next page is", at.as_str())),
        };
        Ok(match self {
            Self::None => None,
            Self::Page { .. } | Self::Offset { .. } if empty => None,
            Self::Page { parameter, first } => Some(Page::Query(parameter.clone(), (first + pages).to_string())),
            Self::Offset { parameter } => Some(Page::Query(parameter.clone(), items.to_string())),
            Self::Cursor { parameter, at } => text(at)?.map(|cursor| Page::Query(parameter.clone(), cursor)),
            Self::Link { at: Some(at) } => text(at)?.map(Page::Address),
            Self::Link { at: None } => next_link(answer).map(Page::Address),
        })
    }

    pub fn describe(&self) -> &'static str {
        match self {
            Self::None => "one page",
            Self::Page { .. } => "page by page",
            Self::Offset { .. } => "by offset",
            Self::Cursor { .. } => "by cursor",
            Self::Link { .. } => "by next link",
        }
    }
}

/// The address with `rel="next"` among the headers `Link` (RFC 8288).
fn next_link(answer: &Response) -> Option<String> {
    let headers = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("link"));
    headers.flat_map(|(_, value)| links(value)).find_map(|(address, relations)| {
        relations.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next")).then_some(address)
    })
}

/// Each address with its relations. Addresses may hold commas and semicolons.
fn links(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((address, parameters)) = after.split_once('>') else { break };
        let end = parameters.find('<').unwrap_or(parameters.len());
        let relation = parameters[..end].split([';', ',']).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"').to_owned())
        });
        found.push((address.to_owned(), relation.unwrap_or_default()));
        rest = &parameters[end..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn query(name: &str, value: &str) -> Option<Page> {
        Some(Page::Query(name.into(), value.into()))
    }

    #[test]
    fn each_way_of_paging_knows_its_end() {
        let page = Paging::Page { parameter: "p".into(), first: 0 };
        let offset = Paging::Offset { parameter: "start".into() };
        let at = Pointer::parse("/meta/next").unwrap();
        let cursor = Paging::Cursor { parameter: "c".into(), at: at.clone() };
        let link = Paging::Link { at: Some(at) };
        let none = Response::default();
        let next = |paging: &Paging, body: Json, empty| paging.next(&none, &body, 2, 40, empty).unwrap();

        assert_eq!(page.first(), Page::Query("p".into(), "0".into()));
        assert_eq!(next(&page, json!([]), false), query("p", "2"));
        assert_eq!(next(&page, json!([]), true), None);
        assert_eq!(offset.first(), Page::Query("start".into(), "0".into()));
        assert_eq!(next(&offset, json!([]), false), query("start", "40"));
        assert_eq!(next(&offset, json!([]), true), None);
        assert_eq!(cursor.first(), Page::First);
        for (body, expected) in [
            (json!({"meta": {"next": "abc"}}), query("c", "abc")),
            (json!({"meta": {"next": 7}}), query("c", "7")),
            (json!({"meta": {"next": ""}}), None),
            (json!({"meta": {"next": null}}), None),
            (json!({"meta": {"next": false}}), None),
            (json!({}), None),
        ] {
            assert_eq!(next(&cursor, body.clone(), true), expected, "{body}");
        }
        assert!(cursor.next(&none, &json!({"meta": {"next": {"a": 1}}}), 1, 1, false).is_err());
        assert_eq!(next(&link, json!({"meta": {"next": "?p=3"}}), false), Some(Page::Address("?p=3".into())));
        assert_eq!(next(&Paging::None, json!({"meta": {"next": "x"}}), false), None);
    }

    #[test]
    fn next_links_are_found_among_others() {
        let link = |header: &str| {
            let answer = Response { headers: vec![("link".into(), header.into())], ..Response::default() };
            Paging::Link { at: None }.next(&answer, &Json::Null, 1, 1, false).unwrap()
        };
        let next = Some(Page::Address("https://example.com/p?a=1,2;b&page=3".into()));
        assert_eq!(
            link("<https://example.com/p?page=1>; rel=\"prev\", <https://example.com/p?a=1,2;b&page=3>; rel=\"next\""),
            next
        );
        assert_eq!(link("<https://example.com/p?a=1,2;b&page=3>; title=\"x\"; rel=next"), next);
        assert_eq!(link("<https://example.com/p?a=1,2;b&page=3>; rel=\"last next\""), next);
        assert_eq!(link("<https://example.com/p?page=1>; rel=\"prev\""), None);
        assert_eq!(link("nonsense"), None);
    }
}
