//! The files as templates in Jinja. Each value goes through the quoting of where it stands.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::quoting;

const TEMPLATES: [(&str, &str); 11] = [
    ("cron", include_str!("templates/cron")),
    ("quietly", include_str!("templates/quietly")),
    ("variables.env", include_str!("templates/variables.env")),
    ("systemd.service", include_str!("templates/systemd.service")),
    ("systemd.timer", include_str!("templates/systemd.timer")),
    ("systemd-alarm.service", include_str!("templates/systemd-alarm.service")),
    ("systemd-alarm.timer", include_str!("templates/systemd-alarm.timer")),
    ("github.yml", include_str!("templates/github.yml")),
    ("gitlab.yml", include_str!("templates/gitlab.yml")),
    ("kubernetes.yml", include_str!("templates/kubernetes.yml")),
    ("windows.xml", include_str!("templates/windows.xml")),
];

pub(super) fn render(template: &'static str, values: Value) -> String {
    let mut jinja = Environment::new();
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    jinja.set_auto_escape_callback(|_| AutoEscape::None);
    // A line with nothing but a condition is no line of the file.
    let lines = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    jinja.set_syntax(lines.expect("the delimiters of Jinja"));
    jinja.add_filter("sh", |value: Value| quoting::shell(&borrowed(&words(&value))));
    jinja.add_filter("unit", |value: Value| quoting::unit(&borrowed(&words(&value))));
    jinja.add_filter("windows", |value: Value| quoting::windows(&borrowed(&words(&value))));
    jinja.add_filter("cron", |text: &str| quoting::cron(text));
    jinja.add_filter("specifiers", |text: &str| quoting::specifiers(text));
    jinja.add_filter("xml", |text: &str| quick_xml::escape::escape(text).into_owned());
    // Readers of YAML disagree about plain words such as `on`, `no` and `5:30`; JSON is YAML that all read alike.
    jinja.add_filter("yaml", |value: Value| {
        let words = words(&value);
        let json =
            if value.as_str().is_some() { serde_json::to_string(&words[0]) } else { serde_json::to_string(&words) };
        json.expect("texts")
    });
    for (name, text) in TEMPLATES {
        jinja.add_template(name, text).expect("a template of ours");
    }
    let template = jinja.get_template(template).expect("a template of ours");
    template.render(values).expect("values that the template names")
}

/// One text is one word.
fn words(value: &Value) -> Vec<String> {
    match value.as_str() {
        Some(word) => vec![word.to_owned()],
        None => value.try_iter().expect("a list of words").map(|word| word.to_string()).collect(),
    }
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}
