use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::Response;

/// So many requests of one class in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The class of [`Request::class`](super::Request::class).
    pub class: &'static str,
    pub requests: u32,
    /// In any stretch of this length.
    pub per: Duration,
}

/// How long the budget lasts that the headers `x-ratelimit-total` and `-remaining` speak of.
///
/// Freshservice counts each kind of endpoint by the minute. Whether the minute slides, and when a fixed one began, it
/// does not say; what keeps to a sliding minute keeps to both.
const WINDOW: Duration = Duration::from_secs(60);

/// A request does not take the same time to arrive as the one a minute before it.
const SKEW: Duration = Duration::from_millis(500);

/// When the next request may be sent. A pure function of the time that is handed in, which counts from
/// any fixed moment.
#[derive(Debug, Default)]
pub struct Pacer {
    limits: Vec<Limit>,
    learn: bool,
    classes: BTreeMap<&'static str, Class>,
}

#[derive(Debug, Default)]
struct Class {
    /// When requests were sent, or will be by those who wait; sorted, and only as many as anything looks back.
    sent: VecDeque<Duration>,
    /// The service asked for silence until then.
    hold: Duration,
    /// What the service says of its own limit.
    budget: Option<Budget>,
    /// Requests whose answer is still to come.
    open: u32,
}

/// A limit that the service reports, less what others use of it.
#[derive(Clone, Copy, Debug)]
struct Budget {
    total: u32,
    /// Those among them that are not ours.
    foreign: u32,
    /// When the foreign ones no longer count.
    foreign_until: Duration,
    /// When the newest report came, and how many requests it spoke of.
    reported: (Duration, u32),
}

impl Budget {
    fn ours(&self, at: Duration) -> u32 {
        if at < self.foreign_until { self.total.saturating_sub(self.foreign) } else { self.total }
    }
}

impl Class {
    /// The first moment from `at` on before which fewer than so many requests were sent within `per`.
    fn free(&self, at: Duration, requests: u32, per: Duration) -> Duration {
        let requests = usize::try_from(requests.max(1)).unwrap_or(usize::MAX);
        let first = self.sent.len().checked_sub(requests).map(|index| self.sent[index].saturating_add(per));
        first.map_or(at, |free| at.max(free))
    }

    /// As [`Class::free`], for what the service reports.
    fn within_budget(&self, at: Duration) -> Duration {
        let Some(budget) = self.budget else {
            return at;
        };
        let shared = match budget.ours(at) {
            0 => budget.foreign_until,
            ours => self.free(at, ours, WINDOW + SKEW),
        };
        // Once what others used no longer counts, the whole is ours.
        let at = if shared <= budget.foreign_until { at.max(shared) } else { at.max(budget.foreign_until) };
        self.free(at, budget.total, WINDOW + SKEW)
    }

    fn sent_between(&self, from: Duration, to: Duration) -> u32 {
        let (from, to) =
            (self.sent.partition_point(|sent| *sent < from), self.sent.partition_point(|sent| *sent <= to));
        u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX)
    }
}

impl Pacer {
    /// Keeps to `limits`, and if told to `learn`, to what the service reports of its own limits.
    pub fn new(limits: Vec<Limit>, learn: bool) -> Self {
        Self { limits, learn, classes: BTreeMap::new() }
    }

    /// Books the next free moment for a request and returns how long to wait for it.
    ///
    /// Everyone who asks gets a moment of their own, so nobody has to ask again after waiting.
    pub fn book(&mut self, class: &'static str, now: Duration) -> Duration {
        let state = self.classes.entry(class).or_default();
        let mut at = now.max(state.hold);
        let mut longest = if self.learn { WINDOW + SKEW } else { Duration::ZERO };
        for limit in self.limits.iter().filter(|limit| limit.class == class) {
            longest = longest.max(limit.per);
            at = state.free(at, limit.requests, limit.per);
        }
        at = state.within_budget(at);
        state.open += 1;
        if !longest.is_zero() {
            at = at.max(state.sent.back().copied().unwrap_or_default());
            state.sent.push_back(at);
            let seen = now.saturating_sub(longest);
            while state.sent.front().is_some_and(|sent| *sent < seen) {
                state.sent.pop_front();
            }
        }
        at - now
    }

    /// Learns from the answer to a request that was booked for the moment `sent`; without one, only that it is over.
    pub fn record(&mut self, class: &'static str, sent: Duration, now: Duration, answer: Option<&Response>) {
        let state = self.classes.entry(class).or_default();
        state.open = state.open.saturating_sub(1);
        if !self.learn {
            return;
        }
        let number = |name| answer?.header(name)?.trim().parse::<u32>().ok();
        let (Some(total), Some(remaining)) = (number("x-ratelimit-total"), number("x-ratelimit-remaining")) else {
            return;
        };
        let used = total.saturating_sub(remaining);
        if let Some(Budget { reported: (at, before), .. }) = state.budget {
            if sent >= at && used < before {
                // The service has begun to count afresh, earlier than could be told from here.
                let counted = usize::try_from(used.saturating_add(state.open)).unwrap_or(usize::MAX);
                let past = state.sent.partition_point(|other| *other <= now);
                state.sent.drain(..past.saturating_sub(counted));
            } else if used < before {
                // Overtaken by an answer that knows more.
                return;
            }
        }
        // An answer tells of the window in which its request arrived, however late it comes.
        let ours = state.sent_between(sent.saturating_sub(WINDOW + SKEW + SKEW), now);
        let foreign = used.saturating_sub(ours);
        let foreign_until = sent.saturating_add(WINDOW + SKEW);
        state.budget = Some(Budget { total, foreign, foreign_until, reported: (now, used) });
    }

    /// The service asked for silence: later requests of the class wait, too.
    pub fn hold(&mut self, class: &'static str, until: Duration) {
        let state = self.classes.entry(class).or_default();
        state.hold = state.hold.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn answer(total: u32, remaining: u32) -> Response {
        Response {
            status: 200,
            headers: vec![
                ("x-ratelimit-total".into(), total.to_string()),
                ("x-ratelimit-remaining".into(), remaining.to_string()),
            ],
            body: Vec::new(),
        }
    }

    #[test]
    fn no_stretch_of_time_sees_more_than_either_limit() {
        let limits = [(300, 60.0), (15, 1.0)];
        let mut pacer = Pacer::new(
            limits
                .iter()
                .map(|(requests, per)| Limit { class: "a", requests: *requests, per: seconds(*per) })
                .collect(),
            false,
        );
        // Five askers that are always ready: one asks again as soon as its turn came.
        let mut ready = [Duration::ZERO; 5];
        let mut sent = Vec::new();
        for _ in 0..700 {
            let asker = (0..5).min_by_key(|asker| ready[*asker]).unwrap();
            ready[asker] += pacer.book("a", ready[asker]);
            sent.push(ready[asker]);
        }
        sent.sort_unstable();
        for (requests, per) in limits {
            for (early, late) in sent.iter().zip(&sent[requests as usize..]) {
                assert!(*late - *early >= seconds(per), "{requests} in {per} s: {early:?} {late:?}");
            }
        }
        // Not slower than needed either.
        assert!(sent[299] < seconds(20.0), "{:?}", sent[299]);
        assert!(sent[300] <= seconds(60.0) && sent[699] <= seconds(127.0), "{:?} {:?}", sent[300], sent[699]);
        assert_eq!(pacer.book("another class", Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn a_service_that_reports_its_budget_is_not_asked_beyond_it() {
        let mut pacer = Pacer::new(Vec::new(), true);
        assert_eq!(pacer.book("list", seconds(0.0)), Duration::ZERO);
        pacer.record("list", seconds(0.0), seconds(0.5), Some(&answer(140, 2)));
        assert_eq!(pacer.book("list", seconds(1.0)), Duration::ZERO);
        assert_eq!(pacer.book("list", seconds(1.0)), Duration::ZERO);
        assert_eq!(pacer.book("list", seconds(1.0)), seconds(59.5), "until the first one no longer counts");
        assert_eq!(pacer.book("write", seconds(1.0)), Duration::ZERO, "another budget");
        // By then what others used does not count either.
        assert_eq!(pacer.book("list", seconds(61.0)), Duration::ZERO);
    }

    #[test]
    fn others_use_the_same_budget_and_the_minute_may_turn_early() {
        let mut pacer = Pacer::new(Vec::new(), true);
        for (at, remaining) in [(0.0, 100), (1.0, 50), (2.0, 1)] {
            assert_eq!(pacer.book("list", seconds(at)), Duration::ZERO);
            pacer.record("list", seconds(at), seconds(at), Some(&answer(140, remaining)));
        }
        assert_eq!(pacer.book("list", seconds(3.0)), Duration::ZERO);
        pacer.record("list", seconds(3.0), seconds(3.0), Some(&answer(140, 139)));
        for _ in 0..139 {
            assert_eq!(pacer.book("list", seconds(4.0)), Duration::ZERO);
        }
        assert_eq!(pacer.book("list", seconds(4.0)), seconds(59.5));
    }

    #[test]
    fn an_overtaken_answer_does_not_raise_the_budget() {
        let mut pacer = Pacer::new(Vec::new(), true);
        for _ in 0..3 {
            pacer.book("list", seconds(0.0));
        }
        pacer.record("list", seconds(0.0), seconds(1.0), Some(&answer(140, 2)));
        pacer.record("list", seconds(0.0), seconds(1.0), Some(&answer(140, 1)));
        pacer.record("list", seconds(0.0), seconds(1.0), Some(&answer(140, 0)));
        assert!(pacer.book("list", seconds(1.0)) > Duration::ZERO);
    }

    #[test]
    fn without_such_headers_nothing_is_limited_and_silence_is_kept_when_asked_for() {
        let mut pacer = Pacer::new(Vec::new(), true);
        for _ in 0..1000 {
            assert_eq!(pacer.book("a", seconds(1.0)), Duration::ZERO);
            pacer.record("a", seconds(1.0), seconds(1.0), Some(&Response::default()));
        }
        pacer.hold("a", seconds(31.0));
        assert_eq!(pacer.book("a", seconds(1.0)), seconds(30.0));
        assert_eq!(pacer.book("b", seconds(1.0)), Duration::ZERO);
    }

    /// A service that allows so many requests a minute and tells what is left.
    struct Service {
        allowed: usize,
        /// Whether each request counts for a minute, or a new minute begins at every full one.
        slides: bool,
        /// Offset of the full minutes.
        offset: f64,
        arrived: Vec<f64>,
    }

    impl Service {
        fn counted(&self, at: f64) -> usize {
            let since = if self.slides { at - 60.0 } else { ((at - self.offset) / 60.0).floor() * 60.0 + self.offset };
            self.arrived.iter().filter(|arrived| **arrived > since || (!self.slides && **arrived == since)).count()
        }

        /// What is left after the request, or the seconds to wait.
        fn ask(&mut self, at: f64) -> Result<usize, f64> {
            if self.counted(at) >= self.allowed {
                let again = if self.slides {
                    self.arrived[self.arrived.len() - self.allowed] + 60.0 - at
                } else {
                    ((at - self.offset) / 60.0).floor() * 60.0 + self.offset + 60.0 - at
                };
                return Err(again.ceil());
            }
            self.arrived.push(at);
            Ok(self.allowed - self.counted(at))
        }
    }

    /// Seconds until all is written by eight writers whose answers take this long, and how many were refused.
    fn write_all(mut service: Service, mut left: usize, latency: f64) -> (f64, usize) {
        enum Step {
            Ask,
            Arrive(f64),
            Answered(f64, Result<usize, f64>),
        }
        let mut pacer = Pacer::new(Vec::new(), true);
        let mut steps: Vec<(f64, Step)> = (0..8).map(|_| (0.0, Step::Ask)).collect();
        let (mut end, mut refused) = (0.0, 0);
        while !steps.is_empty() {
            let next = (0..steps.len()).min_by(|one, two| steps[*one].0.total_cmp(&steps[*two].0)).unwrap();
            let (now, step) = steps.remove(next);
            match step {
                Step::Ask if left == 0 => {}
                Step::Ask => {
                    left -= 1;
                    let sent = now + pacer.book("write", seconds(now)).as_secs_f64();
                    steps.push((sent + latency / 2.0, Step::Arrive(sent)));
                }
                Step::Arrive(sent) => {
                    let outcome = service.ask(now);
                    steps.push((now + latency / 2.0, Step::Answered(sent, outcome)));
                }
                Step::Answered(sent, outcome) => {
                    let total = u32::try_from(service.allowed).unwrap();
                    let remaining = u32::try_from(outcome.unwrap_or_default()).unwrap();
                    pacer.record("write", seconds(sent), seconds(now), Some(&answer(total, remaining)));
                    if let Err(wait) = outcome {
                        refused += 1;
                        left += 1;
                        pacer.hold("write", seconds(now + wait));
                    }
                    end = now;
                    steps.push((now, Step::Ask));
                }
            }
        }
        (end, refused)
    }

    #[test]
    fn the_budget_of_every_minute_is_used() {
        // allowed, sliding, writes, latency, the seconds that the budget takes
        let table = [
            (200, true, 353, 0.2, 60.0),
            (200, true, 353, 1.0, 60.0),
            (200, false, 353, 0.2, 60.0),
            (16, true, 24, 0.4, 60.0),
            (140, true, 1_400, 0.3, 540.0),
            (140, false, 1_400, 0.3, 540.0),
            (50, true, 500, 4.0, 540.0),
        ];
        for (allowed, slides, writes, latency, least) in table {
            let service = Service { allowed, slides, offset: 41.0, arrived: Vec::new() };
            let (took, refused) = write_all(service, writes, latency);
            // What remains in the last minute takes its time, too, with eight writers.
            let busy = ((writes - 1) % allowed + 1) as f64 / 8.0 * latency;
            let allowed_time = least + busy;
            assert!(took <= 1.15 * allowed_time, "{allowed} {slides} {writes} {latency}: {took} of {allowed_time} s");
            assert!(refused <= writes / 100, "{allowed} {slides} {writes} {latency}: {refused} refused");
        }
    }

    #[test]
    fn a_late_answer_tells_nothing_of_the_next_minute() {
        let mut pacer = Pacer::new(Vec::new(), true);
        for left in (0..16).rev() {
            pacer.book("write", seconds(0.0));
            pacer.record("write", seconds(0.0), seconds(0.2), Some(&answer(16, left)));
        }
        pacer.book("write", seconds(0.2));
        assert_eq!(pacer.book("write", seconds(60.6)), Duration::ZERO);
        pacer.record("write", seconds(0.1), seconds(60.7), Some(&answer(16, 0)));
        for _ in 0..8 {
            assert_eq!(pacer.book("write", seconds(60.7)), Duration::ZERO);
        }
    }
}
