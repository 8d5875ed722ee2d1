use std::time::Duration;

use chrono::DateTime;

/// How patient a client is with a service.
#[derive(Clone, Debug, PartialEq)]
pub struct RetrySettings {
    /// The most times one request is sent, the first included.
    pub attempts: u32,
    /// The same for a service that cannot be reached at all: a misspelt address should be reported soon.
    pub connect_attempts: u32,
    /// The wait before the second attempt; doubles with each further one. Up to a quarter is added at random.
    pub first_wait: Duration,
    /// The wait after a 429 without Retry-After, where the service is known to want another than the above.
    pub busy_wait: Option<Duration>,
    /// The most time that one request may spend waiting. A Retry-After beyond it ends the attempts.
    pub total_wait: Duration,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            attempts: 5,
            connect_attempts: 3,
            first_wait: Duration::from_secs(1),
            busy_wait: None,
            total_wait: Duration::from_secs(300),
        }
    }
}

/// What one attempt came to, as far as repeating is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt<'a> {
    /// An answer came.
    Answered {
        /// Status.
        status: u16,
        /// The header Retry-After: seconds, or an HTTP date.
        retry_after: Option<&'a str>,
        /// The header Date: the service's own clock, which the date in Retry-After is measured against,
        /// so that a clock that is wrong on our side does no harm.
        date: Option<&'a str>,
    },
    /// It never left; nothing happened at the service.
    NotSent,
    /// It may have been carried out.
    Lost,
}

/// What came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// How many times the request was sent, this attempt included.
    pub times: u32,
    /// How long it has waited between attempts.
    pub waited: Duration,
}

/// What to do after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Take the answer or the error as it is.
    Done,
    /// Wait, then send again.
    Wait(Duration),
}

/// Decides whether a request is sent again.
///
/// A 429 and a connection that was never made are repeated for every request, since nothing happened.
/// A lost answer and 500, 502, 503 and 504 are repeated only where that `may_repeat` harmlessly.
/// `chance` is a random number from 0 to 1.
pub fn decide(settings: &RetrySettings, tried: Tried, may_repeat: bool, attempt: Attempt<'_>, chance: f64) -> Decision {
    let backoff = || {
        let doubled = settings.first_wait.saturating_mul(1u32 << tried.times.saturating_sub(1).min(16));
        doubled.saturating_add(doubled.mul_f64(0.25 * chance.clamp(0.0, 1.0)))
    };
    let (attempts, wait) = match attempt {
        Attempt::Answered { status: 429, retry_after, date } => (
            settings.attempts,
            retry_after.and_then(|value| parse_retry_after(value, date)).or(settings.busy_wait).unwrap_or_else(backoff),
        ),
        Attempt::Answered { status: 500 | 502 | 503 | 504, retry_after, date } if may_repeat => {
            (settings.attempts, retry_after.and_then(|value| parse_retry_after(value, date)).unwrap_or_else(backoff))
        }
        Attempt::Lost if may_repeat => (settings.attempts, backoff()),
        Attempt::NotSent => (settings.connect_attempts, backoff()),
        Attempt::Answered { .. } | Attempt::Lost => return Decision::Done,
    };
    if tried.times >= attempts || tried.waited.saturating_add(wait) > settings.total_wait {
        return Decision::Done;
    }
    Decision::Wait(wait)
}

/// The wait a Retry-After header asks for; `None` when it cannot be understood.
fn parse_retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(value).ok()?;
    let now = DateTime::parse_from_rfc2822(date?.trim()).ok()?;
    Some((until - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_again_and_when() {
        const DATE: &str = "Sun, 22 Nov 2026 08:00:00 GMT";
        fn answered(status: u16, retry_after: Option<&str>) -> Attempt<'_> {
            Attempt::Answered { status, retry_after, date: Some(DATE) }
        }
        let plain = RetrySettings::default();
        let minute = RetrySettings { busy_wait: Some(Duration::from_secs(60)), ..RetrySettings::default() };
        let done = Decision::Done;
        let wait = |seconds| Decision::Wait(Duration::from_secs(seconds));
        // settings, times sent, seconds waited, may repeat, what came, decision
        let table: &[(&RetrySettings, u32, u64, bool, Attempt<'_>, Decision)] = &[
            // Nothing happened: repeated even where repeating would be harmful otherwise.
            (&plain, 1, 0, false, answered(429, Some("7")), wait(7)),
            (&plain, 1, 0, false, answered(429, Some("0")), wait(0)),
            (&plain, 1, 0, false, answered(429, Some("Sun, 22 Nov 2026 08:00:42 GMT")), wait(42)),
            (&plain, 1, 0, false, answered(429, Some("Sun, 22 Nov 2026 07:59:00 GMT")), wait(0)),
            (&plain, 1, 0, false, answered(429, None), wait(1)),
            (&plain, 2, 1, false, answered(429, None), wait(2)),
            (&plain, 3, 3, false, answered(429, None), wait(4)),
            (&plain, 4, 7, false, answered(429, None), wait(8)),
            (&plain, 5, 15, false, answered(429, None), done),
            (&minute, 1, 0, false, answered(429, None), wait(60)),
            (&minute, 1, 0, false, answered(429, Some("soon")), wait(60)),
            (&minute, 2, 60, false, answered(429, Some("5")), wait(5)),
            (&plain, 1, 0, false, Attempt::NotSent, wait(1)),
            (&plain, 3, 3, true, Attempt::NotSent, done),
            // A date that cannot be measured against the service's clock is no answer.
            (
                &minute,
                1,
                0,
                true,
                Attempt::Answered { status: 429, retry_after: Some("Sun, 22 Nov 2026 09:00:00 GMT"), date: None },
                wait(60),
            ),
            // It may have been carried out.
            (&plain, 1, 0, true, Attempt::Lost, wait(1)),
            (&plain, 1, 0, false, Attempt::Lost, done),
            (&plain, 1, 0, true, answered(502, None), wait(1)),
            (&plain, 1, 0, true, answered(503, Some("30")), wait(30)),
            (&plain, 2, 1, true, answered(500, None), wait(2)),
            (&plain, 1, 0, true, answered(504, None), wait(1)),
            (&plain, 1, 0, false, answered(503, Some("30")), done),
            (&plain, 5, 15, true, answered(504, None), done),
            // Answers.
            (&plain, 1, 0, true, answered(200, Some("30")), done),
            (&plain, 1, 0, true, answered(404, None), done),
            (&plain, 1, 0, true, answered(501, None), done),
            // Waiting is bounded.
            (&plain, 1, 0, true, answered(429, Some("301")), done),
            (&plain, 2, 290, true, answered(429, Some("11")), done),
        ];
        for (settings, times, waited, may_repeat, attempt, wanted) in table {
            let tried = Tried { times: *times, waited: Duration::from_secs(*waited) };
            assert_eq!(decide(settings, tried, *may_repeat, *attempt, 0.0), *wanted, "{tried:?} {attempt:?}");
        }
    }

    #[test]
    fn chance_spreads_our_own_waits_and_never_shortens_them() {
        let tried = Tried { times: 1, waited: Duration::ZERO };
        let settings = RetrySettings::default();
        assert_eq!(
            decide(&settings, tried, true, Attempt::Lost, 1.0),
            Decision::Wait(Duration::from_millis(1250)),
            "a quarter at most"
        );
        let told = Attempt::Answered { status: 429, retry_after: Some("7"), date: None };
        assert_eq!(decide(&settings, tried, true, told, 1.0), Decision::Wait(Duration::from_secs(7)));
    }
}
