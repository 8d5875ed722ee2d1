use std::time::Duration;

use chrono::{DateTime, Utc};

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
    /// No further attempt is made once so much time went into attempts to which no answer came: a service that hangs
    /// should be told of before long, and a connection that breaks at once is worth another try.
    pub total_unanswered: Duration,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            attempts: 5,
            connect_attempts: 3,
            first_wait: Duration::from_secs(1),
            busy_wait: None,
            total_wait: Duration::from_secs(300),
            total_unanswered: Duration::from_secs(60),
        }
    }
}

/// What one attempt came to, as far as repeating is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt<'a> {
    Answered {
        status: u16,
        retry_after: Option<&'a str>,
        /// The header Date: the service's own clock, which a moment in Retry-After is measured against,
        /// so that a clock that is wrong on our side does no harm.
        date: Option<DateTime<Utc>>,
        /// Our own clock, for a service that does not tell its own.
        ours: DateTime<Utc>,
    },
    /// It never left; nothing happened at the service.
    NotSent,
    /// It may have been carried out.
    Lost,
}

/// What came before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// How many times the request was sent, this attempt included.
    pub times: u32,
    /// How long it has waited between attempts.
    pub waited: Duration,
    /// How long attempts took to which no answer came.
    pub unanswered: Duration,
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
    let asked = |retry_after: Option<&str>, date: Option<DateTime<Utc>>, ours| {
        let wait = parse_retry_after(retry_after?, date.unwrap_or(ours))?;
        // Our own clock may be wrong, and then says nothing.
        let believed = date.is_some() || wait <= settings.total_wait || !is_moment(retry_after?);
        believed.then_some(wait)
    };
    let (attempts, wait) = match attempt {
        Attempt::Answered { status: 429, retry_after, date, ours } => {
            (settings.attempts, asked(retry_after, date, ours).or(settings.busy_wait).unwrap_or_else(backoff))
        }
        Attempt::Answered { status: 500 | 502 | 503 | 504, retry_after, date, ours } if may_repeat => {
            (settings.attempts, asked(retry_after, date, ours).unwrap_or_else(backoff))
        }
        Attempt::Lost if may_repeat && tried.unanswered < settings.total_unanswered => (settings.attempts, backoff()),
        Attempt::NotSent => (settings.connect_attempts, backoff()),
        Attempt::Answered { .. } | Attempt::Lost => return Decision::Done,
    };
    if tried.times >= attempts || tried.waited.saturating_add(wait) > settings.total_wait {
        return Decision::Done;
    }
    Decision::Wait(wait)
}

/// From here on a number is no span (over thirty years) but a moment, in seconds since 1970.
const MOMENT: f64 = 1e9;
const MOMENT_IN_MILLISECONDS: f64 = 1e12;

fn is_moment(value: &str) -> bool {
    value.trim().parse::<f64>().map_or(true, |number| number >= MOMENT)
}

/// The wait a Retry-After header asks for; `None` when it cannot be understood.
///
/// RFC 9110 knows whole seconds and an HTTP date. Services also send decimals, and the moment itself as a number.
pub(super) fn parse_retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    let since_1970 = match value.parse::<f64>() {
        Ok(number) if !number.is_finite() || number < 0.0 => return None,
        Ok(number) if number < MOMENT => return Some(Duration::from_secs_f64(number)),
        Ok(number) if number < MOMENT_IN_MILLISECONDS => number,
        Ok(number) => number / 1_000.0,
        Err(_) => return Some((parse_date(value)? - now).to_std().unwrap_or_default()),
    };
    let now = now.timestamp_millis() as f64 / 1_000.0;
    Duration::try_from_secs_f64((since_1970 - now).max(0.0)).ok()
}

/// A date as HTTP writes it.
pub(super) fn parse_date(value: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc2822(value.trim()).ok()?.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_again_and_when() {
        const DATE: &str = "Sun, 22 Nov 2026 08:00:00 GMT";
        const WRONG: DateTime<Utc> = DateTime::UNIX_EPOCH;
        let without_date = |retry_after, ours: &str| Attempt::Answered {
            status: 429,
            retry_after: Some(retry_after),
            date: None,
            ours: parse_date(ours).unwrap(),
        };
        fn answered(status: u16, retry_after: Option<&str>) -> Attempt<'_> {
            Attempt::Answered { status, retry_after, date: parse_date(DATE), ours: WRONG }
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
            // A moment is one in every spelling, and measured by the clock of the service.
            (&plain, 1, 0, false, answered(429, Some("1795334442")), wait(42)),
            (&plain, 1, 0, false, answered(429, Some("1795334442000")), wait(42)),
            (&plain, 1, 0, false, answered(429, Some("1795334000")), wait(0)),
            (&plain, 1, 0, false, answered(429, Some("7.0")), wait(7)),
            (&minute, 1, 0, true, answered(429, Some("-7")), wait(60)),
            // Where the service does not tell its clock, by ours, unless ours is far off.
            (
                &minute,
                1,
                0,
                true,
                without_date("Sun, 22 Nov 2026 09:00:00 GMT", "Sun, 22 Nov 2026 08:59:54 GMT"),
                wait(6),
            ),
            (
                &minute,
                1,
                0,
                true,
                without_date("Sun, 22 Nov 2026 09:00:00 GMT", "Sun, 22 Nov 2026 07:59:54 GMT"),
                wait(60),
            ),
            (&minute, 1, 0, true, without_date("1795338000", "Sun, 22 Nov 2026 07:59:54 GMT"), wait(60)),
            (&minute, 1, 0, true, without_date("900", DATE), done),
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
            let tried = Tried { times: *times, waited: Duration::from_secs(*waited), ..Tried::default() };
            assert_eq!(decide(settings, tried, *may_repeat, *attempt, 0.0), *wanted, "{tried:?} {attempt:?}");
        }
    }

    #[test]
    fn chance_spreads_our_own_waits_and_never_shortens_them() {
        let tried = Tried { times: 1, ..Tried::default() };
        let settings = RetrySettings::default();
        assert_eq!(
            decide(&settings, tried, true, Attempt::Lost, 1.0),
            Decision::Wait(Duration::from_millis(1250)),
            "a quarter at most"
        );
        let ours = DateTime::UNIX_EPOCH;
        let told = Attempt::Answered { status: 429, retry_after: Some("7"), date: None, ours };
        assert_eq!(decide(&settings, tried, true, told, 1.0), Decision::Wait(Duration::from_secs(7)));
    }

    #[test]
    fn a_service_that_hangs_is_given_up_soon() {
        let settings = RetrySettings::default();
        for (unanswered, again) in [(0, true), (55, true), (60, false), (110, false)] {
            let tried = Tried { times: 1, unanswered: Duration::from_secs(unanswered), ..Tried::default() };
            let decision = decide(&settings, tried, true, Attempt::Lost, 0.0);
            assert_eq!(decision != Decision::Done, again, "{unanswered}");
        }
    }
}
