//! News in the words and the form that each channel takes. Ids and counts; no name, no value.

use serde::Serialize;
use serde_json::{Value, json};

use crate::code::Code;
use crate::words::count;

use super::facts::{Entry, News, Topic};

/// So many ids are named of one thing; the command line has them all.
const NAMED: usize = 10;

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub title: String,
    pub paragraphs: Vec<Paragraph>,
    json: Value,
}

/// A thing, and below it what it means and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paragraph {
    pub head: String,
    pub lines: Vec<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    kind: &'static str,
    tool: &'static str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    news: &'a [Entry],
}

impl Message {
    /// Of news, after a run with this number.
    pub fn of(news: &News, run: Option<&str>) -> Self {
        let mut paragraphs: Vec<Paragraph> = news.entries.iter().map(paragraph).collect();
        let still: Vec<String> = news.still.iter().map(|(topic, number)| number_of(*topic, *number)).collect();
        let mut last = Vec::new();
        if !still.is_empty() {
            last.push(format!("As told before and still so: {}.", still.join(", ")));
        }
        let of_run = run.map(|run| format!(" and `personio-sync report {run}`")).unwrap_or_default();
        let head = format!("`personio-sync status`{of_run} say more.");
        paragraphs.push(Paragraph { head, lines: last });
        Self::new(title(&news.entries), paragraphs, "news", run, &news.entries)
    }

    /// To try whether messages arrive.
    pub fn test() -> Self {
        let head = "This is a test: messages of personio-sync arrive here.".to_owned();
        let paragraphs = vec![Paragraph { head, lines: vec!["Nothing needs to be done.".into()] }];
        Self::new("personio-sync: a test".into(), paragraphs, "test", None, &[])
    }

    fn new(
        title: String,
        paragraphs: Vec<Paragraph>,
        kind: &'static str,
        run: Option<&str>,
        entries: &[Entry],
    ) -> Self {
        let tool = concat!("personio-sync ", env!("CARGO_PKG_VERSION"));
        let document = Document { schema: 1, kind, tool, title: &title, run, news: entries };
        let json = serde_json::to_value(document).expect("a document that is JSON");
        Self { title, paragraphs, json }
    }

    /// For a mail and for a program.
    pub fn text(&self) -> String {
        let paragraph = |one: &Paragraph| {
            let lines: String = one.lines.iter().map(|line| format!("  {line}\n")).collect();
            format!("{}\n{lines}", one.head)
        };
        self.paragraphs.iter().map(paragraph).collect::<Vec<_>>().join("\n")
    }

    /// For any webhook.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// For an incoming webhook of Slack, whose text knows three characters of its own.
    pub fn slack(&self) -> Value {
        let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        json!({ "text": format!("*{}*\n\n{}", plain(&self.title), plain(&self.text())) })
    }

    /// For a Teams workflow: a message with an adaptive card.
    pub fn teams(&self) -> Value {
        let block = |text: &str, rest: Value| {
            let mut block = json!({ "type": "TextBlock", "text": without_markdown(text), "wrap": true });
            block
                .as_object_mut()
                .into_iter()
                .for_each(|block| block.extend(rest.as_object().cloned().unwrap_or_default()));
            block
        };
        let mut body = vec![block(&self.title, json!({ "weight": "Bolder", "size": "Medium" }))];
        for paragraph in &self.paragraphs {
            body.push(block(&paragraph.head, json!({ "separator": true })));
            body.extend(paragraph.lines.iter().map(|line| block(line, json!({ "isSubtle": true, "spacing": "None" }))));
        }
        json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": body,
                },
            }],
        })
    }
}

/// A card reads some Markdown: names of codes must not become italics.
fn without_markdown(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars().filter(|letter| *letter != '`') {
        if matches!(letter, '\\' | '*' | '_' | '[' | ']' | '#') {
            plain.push('\\');
        }
        plain.push(letter);
    }
    plain
}

fn number_of(topic: Topic, number: usize) -> String {
    match topic {
        Topic::Failure => count(number, "failure", "failures"),
        Topic::Recovery => count(number, "recovery", "recoveries"),
        Topic::Held => format!("{number} held"),
        Topic::Todo => format!("{number} to do"),
        Topic::Budget => count(number, "budget", "budgets"),
        Topic::Missed => count(number, "missed slot", "missed slots"),
    }
}

fn title(entries: &[Entry]) -> String {
    let of = |topic| entries.iter().filter(move |entry| entry.topic == topic);
    let mut parts = Vec::new();
    for topic in Topic::ALL {
        let number = match topic {
            // A target recovers once, of however many failures.
            Topic::Recovery => of(topic).count(),
            _ => of(topic).map(|entry| entry.count).sum(),
        };
        parts.extend((number > 0).then(|| number_of(topic, number)));
    }
    let mut targets: Vec<&str> = entries.iter().map(|entry| &*entry.target).filter(|name| !name.is_empty()).collect();
    targets.sort_unstable();
    targets.dedup();
    let targets = match targets[..] {
        [] => String::new(),
        [one] => format!(" ({one})"),
        _ => format!(" ({})", count(targets.len(), "target", "targets")),
    };
    format!("personio-sync: {}{targets}", parts.join(", "))
}

fn paragraph(entry: &Entry) -> Paragraph {
    let position = if entry.target.is_empty() { "the run".to_owned() } else { entry.target.to_string() };
    let shown = entry.subjects[..entry.subjects.len().min(NAMED)].join(", ");
    let more = match entry.subjects.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let subjects = format!("{shown}{more}");
    let employees = |what: &str| match entry.subjects.len() {
        0 => format!("{position}: {what}"),
        1 => format!("{position}: {what} for employee {subjects}"),
        _ => format!("{position}: {what} for employees {subjects}"),
    };
    let head = match entry.topic {
        Topic::Failure => employees("failed"),
        Topic::Recovery => format!("{position}: no failure any more"),
        Topic::Held => employees("held"),
        Topic::Todo => employees("to do"),
        Topic::Budget => format!("a budget: {subjects}"),
        Topic::Missed => format!("{position}: no run in {} ({subjects})", count(entry.count, "slot", "slots")),
    };
    let code = entry.code.as_deref().and_then(|code| code.parse::<Code>().ok());
    let lines = code.map(|code| vec![format!("{}: {}", code.as_str(), code.meaning()), code.remedy().to_owned()]);
    Paragraph { head, lines: lines.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::facts::{Observed, news};
    use super::*;

    fn message() -> Message {
        let mut observed = Observed::default();
        for employee in 1..=12 {
            observed.add(Topic::Failure, "desk", Code::Refused, employee.to_string());
        }
        observed.add(Topic::Held, "desk", Code::MaxDeactivate, "7");
        observed.add(Topic::Failure, "", Code::Unavailable, "");
        let known = Observed { facts: BTreeSet::new(), ..Observed::default() };
        let mut told = known.facts;
        told.extend(observed.facts.iter().filter(|fact| fact.topic == Topic::Held).cloned());
        Message::of(&news(&told, &observed, &Topic::ALL), Some("12"))
    }

    #[test]
    fn a_mail_says_what_is_new_and_what_to_do() {
        let message = message();
        assert_eq!(message.title, "personio-sync: 13 failures (desk)");
        let text = message.text();
        assert!(text.starts_with("the run: failed\n  unavailable: "), "{text}");
        let desk = "desk: failed for employees 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more\n  refused: ";
        assert!(text.contains(desk), "{text}");
        assert!(text.contains(Code::Refused.remedy()), "{text}");
        assert!(text.ends_with("As told before and still so: 1 held.\n"), "{text}");
    }

    #[test]
    fn each_channel_gets_its_form() {
        let message = message();
        let json = message.json();
        assert_eq!((&json["kind"], &json["run"]), (&json!("news"), &json!("12")));
        assert_eq!(json["news"][1]["subjects"].as_array().map(Vec::len), Some(12), "a program gets all of them");
        let card = &message.teams()["attachments"][0]["content"];
        let texts: Vec<&str> =
            card["body"].as_array().unwrap().iter().filter_map(|block| block["text"].as_str()).collect();
        assert_eq!(texts[0], "personio-sync: 13 failures (desk)");
        assert_eq!(without_markdown("`not_stored` [1]*"), "not\\_stored \\[1\\]\\*");
        let slack = Message { title: "a <b> & c".into(), paragraphs: Vec::new(), json: Value::Null }.slack();
        assert_eq!(slack["text"], "*a &lt;b&gt; &amp; c*\n\n");
    }
}
