//! Pages for a browser, from templates in Jinja: what is put in is text, and never becomes markup.

use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior, escape_formatter};

use super::visible::visible;

/// A page of ours. Whatever cannot be seen is spelt out, as everywhere else.
pub(crate) fn page(template: &str, values: Value) -> String {
    let mut jinja = Environment::new();
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    jinja.set_formatter(|out, state, value| match value.as_str() {
        Some(text) => escape_formatter(out, state, &Value::from(visible(text))),
        None => escape_formatter(out, state, value),
    });
    jinja.render_named_str("page.html", template, values).expect("a template of ours, and the values that it names")
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    #[test]
    fn text_stays_text() {
        let values = context! { text => "<b> & \"it's\"\u{1b}", number => 3_u64 };
        let page = page("<p title=\"{{ text }}\">{{ text }} {{ number }}</p>", values);
        let text = "&lt;b&gt; &amp; &quot;it&#x27;s&quot;\\u{1b}";
        assert_eq!(page, format!("<p title=\"{text}\">{text} 3</p>"));
    }
}
