//! One word as whoever reads the file takes it for one word.

/// Words of a command for a shell.
pub(super) fn shell(words: &[&str]) -> String {
    shlex::try_join(words.iter().copied()).expect("words without NUL")
}

/// `%` begins standard input in a table of cron, also between quotes.
pub(super) fn cron(command: &str) -> String {
    command.replace('%', "\\%")
}

/// `%` begins a specifier in a unit of systemd.
pub(super) fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

/// Words of `ExecStart` (systemd.service(5), "Command lines").
pub(super) fn unit(words: &[&str]) -> String {
    let word = |word: &&str| {
        let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
        let escaped = specifiers(word).replace('$', "$$").replace('\\', "\\\\").replace('"', "\\\"");
        if plain { (*word).to_owned() } else { format!("\"{escaped}\"") }
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Words of a command line of Windows. A path has no quotation mark there.
pub(super) fn windows(words: &[&str]) -> String {
    let word = |word: &&str| if word.contains(' ') { format!("\"{word}\"") } else { (*word).to_owned() };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        let words = ["/opt/sync", "100 % of $HOME's \"x\\y\""];
        assert_eq!(unit(&words), r#"/opt/sync "100 %% of $$HOME's \"x\\y\"""#);
        assert_eq!(shlex::split(&shell(&words)).unwrap(), words);
        assert_eq!(cron("date +%F"), "date +\\%F");
        assert_eq!(windows(&["sync", "C:\\Program Files\\a.toml"]), "sync \"C:\\Program Files\\a.toml\"");
    }
}
