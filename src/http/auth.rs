use std::fmt;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use super::HttpError;

/// How a client signs its requests.
pub trait Auth: Send + Sync {
    /// The headers that carry the credentials; may fetch a token first.
    ///
    /// # Errors
    ///
    /// [`HttpError::SignIn`] when the credentials are refused.
    fn headers(&self) -> Result<Vec<(&'static str, String)>, HttpError>;

    /// Called once per request after a 401, with the headers that were refused. Returns whether another try
    /// with new headers makes sense.
    ///
    /// # Errors
    ///
    /// As for [`Auth::headers`].
    fn renew(&self, refused: &[(&'static str, String)]) -> Result<bool, HttpError> {
        let _ = refused;
        Ok(false)
    }
}

/// The same headers on every request: an API key, Basic credentials, or nothing at all.
#[derive(Clone, Default)]
pub struct FixedAuth(Vec<(&'static str, String)>);

impl FixedAuth {
    /// These headers.
    pub fn new(headers: Vec<(&'static str, String)>) -> Self {
        Self(headers)
    }
}

impl fmt::Debug for FixedAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FixedAuth")
    }
}

impl Auth for FixedAuth {
    fn headers(&self) -> Result<Vec<(&'static str, String)>, HttpError> {
        Ok(self.0.clone())
    }
}

/// A bearer token that is fetched when it is first needed, kept, and fetched anew once it is refused.
///
/// However many threads are refused at once, the token is fetched once.
pub struct TokenAuth<F> {
    fetch: F,
    token: Mutex<Option<Zeroizing<String>>>,
    beside: Vec<(&'static str, String)>,
}

impl<F> fmt::Debug for TokenAuth<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenAuth")
    }
}

impl<F: Fn() -> Result<String, HttpError> + Send + Sync> TokenAuth<F> {
    /// `fetch` signs in and returns the bare token; the headers `beside` go with every request.
    pub fn new(fetch: F, beside: Vec<(&'static str, String)>) -> Self {
        Self { fetch, token: Mutex::new(None), beside }
    }

    fn header(token: &str) -> String {
        format!("Bearer {token}")
    }
}

impl<F: Fn() -> Result<String, HttpError> + Send + Sync> Auth for TokenAuth<F> {
    fn headers(&self) -> Result<Vec<(&'static str, String)>, HttpError> {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let token = match &mut *token {
            Some(token) => token,
            none => none.insert(Zeroizing::new((self.fetch)()?)),
        };
        let mut headers = vec![("authorization", Self::header(token))];
        headers.extend(self.beside.iter().cloned());
        Ok(headers)
    }

    fn renew(&self, refused: &[(&'static str, String)]) -> Result<bool, HttpError> {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let current = token.as_deref().map(|token| Self::header(token));
        let refused = refused.iter().find(|(name, _)| *name == "authorization").map(|(_, value)| value);
        // Another thread may have renewed it while this one's answer was on its way.
        if current.as_ref() == refused {
            *token = None;
            *token = Some(Zeroizing::new((self.fetch)()?));
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_token_is_renewed_once_for_all_who_were_refused() {
        let fetched = AtomicUsize::new(0);
        let auth = TokenAuth::new(
            || Ok(format!("token-{}", fetched.fetch_add(1, Ordering::SeqCst))),
            vec![("x-app", "ACME".to_owned())],
        );
        let first = auth.headers().unwrap();
        assert_eq!(first, vec![("authorization", "Bearer token-0".to_owned()), ("x-app", "ACME".to_owned())]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(auth.renew(&first), Ok(true)));
            }
        });
        assert_eq!(fetched.load(Ordering::SeqCst), 2);
        assert_eq!(auth.headers().unwrap()[0].1, "Bearer token-1");
    }

    #[test]
    fn a_refused_sign_in_is_not_kept() {
        let tries = AtomicUsize::new(0);
        let auth = TokenAuth::new(
            || match tries.fetch_add(1, Ordering::SeqCst) {
                0 => Err(HttpError::SignIn("refused".into())),
                _ => Ok("token".to_owned()),
            },
            Vec::new(),
        );
        assert_eq!(auth.headers(), Err(HttpError::SignIn("refused".into())));
        assert!(auth.headers().is_ok());
        assert!(!format!("{auth:?}").contains("token"));
    }
}
