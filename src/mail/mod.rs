//! By e-mail.
//!
//! One envelope for each recipient: with several in one, `lettre` delivers to nobody once the server refuses one of them.

mod settings;

use std::error::Error as _;
use std::io::ErrorKind;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, SmtpTransport, Transport as _};

pub use settings::{MailSettings, Shape};

/// Why a mail did not reach everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// Whether it reached some of them.
    pub reached_somebody: bool,
    pub why: String,
}

/// What is to be said.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    pub subject: &'a str,
    pub text: String,
    /// Names of files, and what they hold.
    pub attachments: Vec<(&'a str, &'a [u8])>,
}

/// How long a server may keep silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// TLS from the start, instead of after STARTTLS.
const TLS_FROM_THE_START: u16 = 465;

/// Sends a mail to each recipient.
///
/// # Errors
///
/// Names who was not reached and why; the others were.
pub fn send(settings: &MailSettings, draft: &Draft<'_>, now: DateTime<Utc>) -> Result<(), Undelivered> {
    send_within(PATIENCE, settings, draft, now)
}

fn send_within(
    patience: Duration,
    settings: &MailSettings,
    draft: &Draft<'_>,
    now: DateTime<Utc>,
) -> Result<(), Undelivered> {
    let nobody = |why: String| Undelivered { reached_somebody: false, why };
    let server = format!("{}:{}", settings.host, settings.port);
    let from = address(&settings.from).map_err(nobody)?;
    let transport = transport(settings, from.domain(), patience).map_err(|why| nobody(format!("{server}: {why}")))?;
    let mail = write(settings, draft, now).map_err(nobody)?;
    let (mut reached, mut refused) = (0, Vec::new());
    for (position, recipient) in settings.to.iter().enumerate() {
        let sent = address(recipient).and_then(|to| {
            let envelope = Envelope::new(Some(from.clone()), vec![to]).map_err(|error| error.to_string())?;
            Ok(transport.send_raw(&envelope, &mail))
        });
        match sent {
            Ok(Ok(_)) => reached += 1,
            Ok(Err(error)) if error.is_permanent() || error.is_transient() => {
                refused.push(format!("{recipient}: {server} answers: {}", explain(&error)));
            }
            // The server itself is the trouble: asking it again for each of the others would only take longer.
            Ok(Err(error)) => {
                refused.push(format!("{}: {server}: {}", settings.to[position..].join(", "), explain(&error)));
                break;
            }
            Err(why) => refused.push(format!("{recipient}: {why}")),
        }
    }
    match refused.is_empty() {
        true => Ok(()),
        false => Err(Undelivered { reached_somebody: reached > 0, why: format!("not sent to {}", refused.join("; ")) }),
    }
}

fn transport(settings: &MailSettings, our_domain: &str, patience: Duration) -> Result<SmtpTransport, String> {
    let host = settings.host.as_str();
    let secured = || TlsParameters::new(host.to_owned()).map_err(|error| explain(&error));
    let tls = match settings.port {
        TLS_FROM_THE_START => Tls::Wrapper(secured()?),
        // The mail server of this machine: what is sent to it leaves no wire, and its certificate is nobody's.
        _ if is_loopback(host) => Tls::None,
        _ => Tls::Required(secured()?),
    };
    let mut builder = SmtpTransport::builder_dangerous(host)
        .port(settings.port)
        .tls(tls)
        .timeout(Some(patience))
        .hello_name(ClientId::Domain(our_domain.to_owned()));
    if let Some((user, password)) = &settings.sign_in {
        builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
    }
    Ok(builder.build())
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// An address with its domain as mail servers take it, which need not know other letters.
fn address(text: &str) -> Result<Address, String> {
    let unusable = |why: String| format!("`{text}` cannot be an address: {why}");
    let (user, domain) = text.rsplit_once('@').ok_or_else(|| unusable("it has no @".into()))?;
    let domain = match url::Host::parse(domain).map_err(|error| unusable(error.to_string()))? {
        url::Host::Domain(domain) => domain,
        _ => domain.to_owned(),
    };
    Address::new(user, domain).map_err(|error| unusable(error.to_string()))
}

/// The mail as it is sent.
fn write(settings: &MailSettings, draft: &Draft<'_>, now: DateTime<Utc>) -> Result<Vec<u8>, String> {
    let from = address(&settings.from)?;
    // Mail servers add it for their own machines only, and without it mail is filtered as junk.
    let id = format!("<{:016x}{:016x}@{}>", fastrand::u64(..), fastrand::u64(..), from.domain());
    let mut builder = lettre::Message::builder()
        .message_id(Some(id))
        .date(now.into())
        .from(Mailbox::new(Some("personio-sync".into()), from))
        .subject(draft.subject);
    for to in &settings.to {
        // One who cannot be written to is named when it is their turn.
        if let Ok(to) = address(to) {
            builder = builder.to(Mailbox::new(None, to));
        }
    }
    let text = draft.text.clone();
    let mail = match &draft.attachments[..] {
        [] => builder.header(ContentType::TEXT_PLAIN).body(text),
        files => builder.multipart(with_files(text, files)),
    };
    let mut mail = mail.map_err(|error| error.to_string())?;
    // So that nobody's notice of absence answers it.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    mail.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".into()));
    Ok(mail.formatted())
}

fn with_files(text: String, files: &[(&str, &[u8])]) -> MultiPart {
    // Whatever a file holds, no mail server may change its bytes.
    let kind = ContentType::parse("application/octet-stream").expect("a type of content");
    let part = |(name, bytes): &(&str, &[u8])| Attachment::new((*name).to_owned()).body(bytes.to_vec(), kind.clone());
    files.iter().map(part).fold(MultiPart::mixed().singlepart(SinglePart::plain(text)), MultiPart::singlepart)
}

/// An error of the way there, in words.
fn explain(error: &lettre::transport::smtp::Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let kind = deeper.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if matches!(kind, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut)) {
            return "it keeps silent".into();
        }
        cause = deeper.source();
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_written_as_every_server_takes_them() {
        assert_eq!(address("it@münchen.example").unwrap().to_string(), "it@xn--mnchen-3ya.example");
        assert!(address("it").unwrap_err().contains("no @"));
    }

    fn draft() -> Draft<'static> {
        Draft { subject: "personio-sync: a test", text: "It works.".into(), attachments: Vec::new() }
    }

    fn settings() -> MailSettings {
        MailSettings {
            host: "mail.example.com".into(),
            port: 587,
            from: "sync@example.com".into(),
            to: vec!["it@example.com".into(), "hr@example.org".into()],
            sign_in: None,
        }
    }

    #[test]
    fn a_mail_has_its_own_id_and_says_that_no_person_wrote_it() {
        let mail = |_| String::from_utf8(write(&settings(), &draft(), DateTime::UNIX_EPOCH).unwrap()).unwrap();
        let [one, other] = [1, 2].map(mail);
        let id = |mail: &str| mail.lines().find(|line| line.starts_with("Message-ID: ")).unwrap().to_owned();
        assert!(id(&one).ends_with("@example.com>"), "{one}");
        assert_ne!(id(&one), id(&other));
        for header in [
            "Auto-Submitted: auto-generated",
            "Subject: personio-sync: a test",
            "To: it@example.com, hr@example.org",
            "Date: Thu, 01 Jan 1970 00:00:00 +0000",
        ] {
            assert!(one.lines().any(|line| line == header), "{header}\n{one}");
        }
    }

    #[test]
    fn files_arrive_under_their_names_with_all_their_bytes() {
        let files =
            [("people.csv", &b"Name;Ort\r\nJ\xfcrgen;K\xf6ln\r\n"[..]), ("people-changes.csv", b"Name;Ort\r\n")];
        let draft = Draft { attachments: files.into(), ..draft() };
        let mail = String::from_utf8(write(&settings(), &draft, DateTime::UNIX_EPOCH).unwrap()).unwrap();
        assert!(mail.contains("multipart/mixed"), "{mail}");
        for part in [
            "It works.",
            "filename=\"people.csv\"",
            "filename=\"people-changes.csv\"",
            "TmFtZTtPcnQNCkr8cmdlbjtL9mxuDQo=",
        ] {
            assert!(mail.contains(part), "{part}\n{mail}");
        }
    }

    #[test]
    fn a_server_that_keeps_silent_is_given_up_after_the_first_try() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let settings =
            MailSettings { host: "127.0.0.1".into(), port: silent.local_addr().unwrap().port(), ..settings() };
        let sent = send_within(Duration::from_millis(50), &settings, &draft(), DateTime::UNIX_EPOCH);
        let Undelivered { reached_somebody, why } = sent.unwrap_err();
        assert!(!reached_somebody);
        let expected =
            format!("not sent to it@example.com, hr@example.org: 127.0.0.1:{}: it keeps silent", settings.port);
        assert_eq!(why, expected);
        // Nobody asked it a second time.
        silent.accept().unwrap();
        silent.set_nonblocking(true).unwrap();
        assert_eq!(silent.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn mail_is_plain_to_this_machine_alone() {
        for (host, expected) in
            [("127.0.0.1", true), ("localhost", true), ("::1", true), ("mail.example.com", false), ("10.0.0.1", false)]
        {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
