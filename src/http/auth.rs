use std::fmt;

use parking_lot::{Condvar, Mutex};
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

    /// Called once a request that was sent with these headers is over, but for a 401. `accepted` when it was answered:
    /// the headers are good.
    fn answered(&self, headers: &[(&'static str, String)], accepted: bool) {
        let _ = (headers, accepted);
    }

    /// Called after a 401 instead, with the headers that were refused. Returns whether another try with new headers
    /// makes sense.
    fn renew(&self, refused: &[(&'static str, String)]) -> Result<bool, HttpError> {
        let _ = refused;
        Ok(false)
    }
}

/// The same headers on every request: an API key, Basic credentials, or nothing at all.
#[derive(Clone, Default)]
pub struct FixedAuth(Vec<(&'static str, String)>);

impl FixedAuth {
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
/// However many threads are refused at once, the token is fetched once. A service may let its tokens die after a few
/// requests; only a token that was never good for any says that the credential is refused.
pub struct TokenAuth<F> {
    fetch: F,
    token: Mutex<Option<Token>>,
    /// Told of whenever a request is over.
    over: Condvar,
    beside: Vec<(&'static str, String)>,
}

struct Token {
    header: Zeroizing<String>,
    /// Whether a request was answered with it.
    accepted: bool,
    /// Whether it took the place of one that was never accepted either.
    second: bool,
    /// Requests that were sent with it and are not over.
    open: usize,
}

impl<F> fmt::Debug for TokenAuth<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenAuth")
    }
}

impl<F: Fn() -> Result<String, HttpError> + Send + Sync> TokenAuth<F> {
    /// `fetch` signs in and returns the bare token; the headers `beside` go with every request.
    pub fn new(fetch: F, beside: Vec<(&'static str, String)>) -> Self {
        Self { fetch, token: Mutex::new(None), over: Condvar::new(), beside }
    }

    fn fetched(&self, second: bool) -> Result<Token, HttpError> {
        let token = Zeroizing::new((self.fetch)()?);
        Ok(Token { header: Zeroizing::new(format!("Bearer {}", *token)), accepted: false, second, open: 0 })
    }
}

fn authorization<'h>(headers: &'h [(&'static str, String)]) -> Option<&'h str> {
    headers.iter().find(|(name, _)| *name == "authorization").map(|(_, value)| value.as_str())
}

impl<F: Fn() -> Result<String, HttpError> + Send + Sync> Auth for TokenAuth<F> {
    fn headers(&self) -> Result<Vec<(&'static str, String)>, HttpError> {
        let mut token = self.token.lock();
        let token = match &mut *token {
            Some(token) => token,
            none => none.insert(self.fetched(false)?),
        };
        token.open += 1;
        let mut headers = vec![("authorization", token.header.to_string())];
        headers.extend(self.beside.iter().cloned());
        Ok(headers)
    }

    fn answered(&self, headers: &[(&'static str, String)], accepted: bool) {
        if let Some(token) = &mut *self.token.lock()
            && authorization(headers) == Some(&token.header)
        {
            token.open = token.open.saturating_sub(1);
            token.accepted |= accepted;
        }
        self.over.notify_all();
    }

    fn renew(&self, refused: &[(&'static str, String)]) -> Result<bool, HttpError> {
        self.answered(refused, false);
        // A refusal can be faster than the answers to requests that were sent before it.
        let undecided = |token: &mut Option<Token>| {
            let refused = token.as_ref().filter(|current| authorization(refused) == Some(&current.header));
            refused.is_some_and(|token| token.second && !token.accepted && token.open > 0)
        };
        let mut token = self.token.lock();
        self.over.wait_while(&mut token, undecided);
        let never_good = match &*token {
            // Another thread renewed it while this one's answer was on its way.
            Some(current) if authorization(refused) != Some(&current.header) => return Ok(true),
            Some(Token { accepted: false, second: true, .. }) => return Ok(false),
            Some(current) => !current.accepted,
            None => false,
        };
        *token = None;
        *token = Some(self.fetched(never_good)?);
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
    fn tokens_may_die_young_and_one_that_was_never_good_is_the_end() {
        let fetched = AtomicUsize::new(0);
        let auth = TokenAuth::new(|| Ok(format!("token-{}", fetched.fetch_add(1, Ordering::SeqCst))), Vec::new());
        for _ in 0..5 {
            let headers = auth.headers().unwrap();
            auth.answered(&headers, true);
            assert_eq!(auth.renew(&headers), Ok(true), "it was good for a while");
        }
        let young = auth.headers().unwrap();
        assert_eq!(auth.renew(&young), Ok(true), "it may have died unused");
        let second = auth.headers().unwrap();
        assert_eq!(auth.renew(&second), Ok(false), "the credential is refused");
        assert_eq!(auth.renew(&young), Ok(true), "whoever was late tries with the one that is there");
        assert_eq!(fetched.load(Ordering::SeqCst), 7);
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
