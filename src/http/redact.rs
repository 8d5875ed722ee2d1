use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroizing;

/// Blots out known secrets in any text before it is printed: the last line of defence, not the first.
#[derive(Default)]
pub struct Redactor {
    /// Longest first, so that a secret that contains another leaves nothing of itself.
    secrets: Vec<Zeroizing<String>>,
}

/// Shorter ones would blot out ordinary words and tell more than they hide.
const SHORTEST: usize = 8;

impl Redactor {
    /// Knows these secrets, as they are and as an address would spell them.
    pub fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let mut known: Vec<Zeroizing<String>> = Vec::new();
        for secret in secrets {
            let secret = secret.as_ref().trim();
            if secret.len() < SHORTEST {
                continue;
            }
            known.push(Zeroizing::new(secret.to_owned()));
            let encoded: String =
                percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
            known.push(Zeroizing::new(encoded));
        }
        known.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        known.dedup();
        Self { secrets: known }
    }

    /// The text with `***` for each secret.
    pub fn scrub<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut scrubbed = Cow::Borrowed(text);
        for secret in &self.secrets {
            if scrubbed.contains(secret.as_str()) {
                scrubbed = Cow::Owned(scrubbed.replace(secret.as_str(), "***"));
            }
        }
        scrubbed
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("secrets", &self.secrets.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_redacted() {
        let redactor = Redactor::new(["papi-1234", "papi-1234-longer", "pass word", "no", ""]);
        for (text, wanted) in [
            ("nothing to hide", "nothing to hide"),
            ("token papi-1234, again papi-1234", "token ***, again ***"),
            ("papi-1234-longer", "***"),
            ("?key=pass%20word", "?key=***"),
            ("no", "no"),
        ] {
            assert_eq!(redactor.scrub(text), wanted);
        }
        assert!(matches!(redactor.scrub("nothing to hide"), Cow::Borrowed(_)));
        assert!(!format!("{redactor:?}").contains("papi"));
    }
}
