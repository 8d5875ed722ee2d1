use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A keyed hash: equal for equal contents, and of no use to anyone without the key of the state.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(Box<str>);

impl Fingerprint {
    pub(super) fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// Lower-case hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Makes [`Fingerprint`]s with the key that each state draws when it is made.
///
/// The key keeps short, guessable contents (a birthday, an e-mail address) from being found by trying.
#[derive(Clone)]
pub struct Hasher {
    keyed: Hmac<Sha256>,
}

/// How many bytes of a hash are kept: a chance meeting of two is out of the question, and rows stay short.
const KEPT: usize = 16;

impl Hasher {
    pub(super) fn new(key: &[u8]) -> Self {
        Self { keyed: Hmac::new_from_slice(key).expect("HMAC takes keys of any length") }
    }

    /// The fingerprint of some parts, in order. `purpose` keeps equal contents of different things apart.
    pub fn fingerprint<'a>(&self, purpose: &str, parts: impl IntoIterator<Item = &'a str>) -> Fingerprint {
        let mut keyed = self.keyed.clone();
        // Each part after its length, so that ["ab", "c"] and ["a", "bc"] differ.
        let mut add = |part: &str| {
            keyed.update(&(part.len() as u64).to_be_bytes());
            keyed.update(part.as_bytes());
        };
        add(purpose);
        parts.into_iter().for_each(add);
        Fingerprint(hex(&keyed.finalize().into_bytes()[..KEPT]).into())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

/// Random bytes for a new key, in hexadecimal.
pub(super) fn new_key() -> Result<String, rustls::crypto::GetRandomFailed> {
    let mut key = [0; 32];
    rustls::crypto::ring::default_provider().secure_random.fill(&mut key)?;
    Ok(hex(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_the_purpose_and_the_borders_of_parts_all_count() {
        let hasher = Hasher::new(b"one");
        let fingerprint = hasher.fingerprint("fields", ["ab", "c"]);
        assert_eq!(fingerprint, Hasher::new(b"one").fingerprint("fields", ["ab", "c"]));
        for other in [
            Hasher::new(b"two").fingerprint("fields", ["ab", "c"]),
            hasher.fingerprint("section", ["ab", "c"]),
            hasher.fingerprint("fields", ["a", "bc"]),
            hasher.fingerprint("fields", ["abc"]),
            hasher.fingerprint("fields", ["c", "ab"]),
        ] {
            assert_ne!(fingerprint, other);
        }
    }

    #[test]
    fn two_keys_are_never_the_same() {
        assert_ne!(new_key().unwrap(), new_key().unwrap());
    }
}
