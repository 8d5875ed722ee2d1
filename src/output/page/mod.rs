//! Pages for a browser, from templates in Jinja: what is put in is text, and never becomes markup.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use minijinja::value::Value;
use minijinja::{Environment, HtmlEscape, UndefinedBehavior, context, escape_formatter};
use sha2::{Digest, Sha256};

use super::visible::visible;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("filter.js");

/// What pages for files are made of.
const PARTS: [(&str, &str); 5] = [
    ("frame.html", include_str!("frame.html")),
    ("filter.html", include_str!("filter.html")),
    ("jobs.html", include_str!("jobs.html")),
    ("page.css", STYLE),
    ("filter.js", SCRIPT),
];

/// A page of ours. Whatever cannot be seen is spelt out, as everywhere else.
pub(crate) fn page(template: &'static str, values: Value) -> String {
    let mut jinja = Environment::new();
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    jinja.set_formatter(|out, state, value| match value.as_str().filter(|_| !value.is_safe()) {
        Some(text) => escape_formatter(out, state, &Value::from(visible(text))),
        None => escape_formatter(out, state, value),
    });
    jinja.add_filter("with_code", with_code);
    for (name, part) in PARTS {
        jinja.add_template(name, part).expect("a template of ours");
    }
    let values = context! { policy => policy(), ..values };
    jinja.render_named_str("page.html", template, values).expect("a template of ours, and the values that it names")
}

/// A message with what stands between backticks as code, which is the only markup that a text can become.
fn with_code(text: &str) -> Value {
    let parts: Vec<String> = text.split('`').map(|part| HtmlEscape(&visible(part)).to_string()).collect();
    if parts.len().is_multiple_of(2) {
        return text.into();
    }
    let marked = parts.iter().enumerate().map(|(position, part)| match position % 2 {
        0 => part.clone(),
        _ => format!("<code>{part}</code>"),
    });
    Value::from_safe_string(marked.collect())
}

/// What a browser may do with a page that is a file: show it with its own style and script, and ask nobody for anything
/// (<https://www.w3.org/TR/CSP3/>).
fn policy() -> String {
    let [style, script] = [STYLE, SCRIPT].map(|part| {
        // A template ends without its last line feed.
        let digest = Sha256::digest(part.strip_suffix('\n').unwrap_or(part));
        format!("'sha256-{}'", BASE64_STANDARD.encode(digest))
    });
    format!("default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let values = context! { text => "<b> & \"it's\"\u{1b}", number => 3_u64 };
        let page = page("<p title=\"{{ text }}\">{{ text }} {{ number }}</p>", values);
        let text = "&lt;b&gt; &amp; &quot;it&#x27;s&quot;\\u{1b}";
        assert_eq!(page, format!("<p title=\"{text}\">{text} 3</p>"));
    }

    #[test]
    fn what_stands_between_backticks_is_code_and_nothing_else_is_markup() {
        for (text, expected) in [
            ("run `plan` or `sync <b>`\u{1b}", "run <code>plan</code> or <code>sync &lt;b&gt;</code>\\u{1b}"),
            ("<i>plain</i>", "&lt;i&gt;plain&lt;&#x2f;i&gt;"),
            ("one ` alone <b>", "one ` alone &lt;b&gt;"),
        ] {
            assert_eq!(page("{{ text | with_code }}", context! { text }), expected);
        }
    }
}
