use crate::targets::TargetType;
use crate::targets::pento::parse;
use crate::targets::testing::{load, loaded};

const SFTP: &str = "delivery = { type = 'sftp', host = 'sftp.example.com', user = 'acme', key = 'sftp.key', known_hosts = \
                    'sftp.hosts', path = '/upload/people.csv' }";

#[test]
fn a_file_that_is_sent_is_kept_beside_the_configuration() {
    for (section, identity, how) in [
        (SFTP.to_owned(), "file:/srv/sync/people.csv", "by SFTP to acme@sftp.example.com:22, /upload/people.csv"),
        (
            SFTP.replace("'/upload", "'upload").replace("' }", "', copy_folder = 'sent', port = 2222, mode = '0644' }"),
            "file:/srv/sync/sent/people.csv",
            "by SFTP to acme@sftp.example.com:2222, ./upload/people.csv",
        ),
        (
            "delivery = { type = 'email', server = 'mail.example.com', from = 'sync@example.com', to = ['hr@example.com'], \
             path = 'out/people.csv' }"
                .to_owned(),
            "file:/srv/sync/out/people.csv",
            "by e-mail to hr@example.com",
        ),
    ] {
        let target: Box<dyn TargetType> = loaded(&section, parse);
        assert_eq!(target.identity(), identity);
        let said = target.describe().join("\n");
        assert!(said.contains(how), "{how}\n{said}");
        assert!(target.policy().delivered && !target.policy().costs_calls);
    }
}

#[test]
fn mistakes_are_told_with_their_places() {
    for (from, to, message) in [
        (
            "'sftp.example.com'",
            "'-oProxyCommand=x'",
            "`targets.t.delivery.host` must be the name or address of a server",
        ),
        ("'acme'", "'-l root'", "`targets.t.delivery.user` must be a name to sign in with"),
        ("'/upload/people.csv'", "'/upload/'", "`targets.t.delivery.path` must be the path of a file on the server"),
        ("'/upload/people.csv'", "'/up\"load/people.csv'", "`targets.t.delivery.path` must be the path of a file"),
        (
            "user = 'acme'",
            "user = 'acme', mode = 'rw-r'",
            "`targets.t.delivery.mode` must be permissions such as \"0640\"",
        ),
        ("user = 'acme'", "user = 'acme', port = 0", "`targets.t.delivery.port` must be"),
        ("user = 'acme'", "user = 'acme', pasword = 'x'", "does not know `pasword`"),
        ("key = 'sftp.key', ", "", "`targets.t.delivery.key` is missing"),
    ] {
        let section = SFTP.replace(from, to);
        let (_, problems) = load(&section, parse);
        assert!(problems.iter().any(|problem| problem.contains(message)), "{section}\n{problems:#?}");
    }
    let mail =
        "delivery = { type = 'email', server = 'mail.example.com', from = 'sync', to = [], path = 'people.csv' }";
    let (_, problems) = load(mail, parse);
    for message in ["`targets.t.delivery.from` must be an e-mail address", "`targets.t.delivery.to` names nobody"] {
        assert!(problems.iter().any(|problem| problem.contains(message)), "{problems:#?}");
    }
}
