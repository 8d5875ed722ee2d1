use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::Response;

/// So many requests of one class in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The class of [`Request::class`](super::Request::class).
    pub class: &'static str,
    /// How many.
    pub requests: u32,
    /// In any stretch of this length.
    pub per: Duration,
}

/// How long the budget lasts that the headers `x-ratelimit-total` and `-remaining` speak of.
///
/// Freshservice counts each kind of endpoint by the minute; when the minute began it does not say.
const WINDOW: Duration = Duration::from_secs(60);

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
    /// When requests were sent, or will be by those who wait; only as many as the limits look back.
    sent: VecDeque<Duration>,
    /// The service asked for silence until then.
    hold: Duration,
    /// What the service says is left.
    budget: Option<Budget>,
    /// Requests whose answer is still to come.
    open: u32,
}

#[derive(Debug)]
struct Budget {
    total: u32,
    left: u32,
    /// The latest moment at which the service counts afresh.
    ends: Duration,
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
        let mut look_back = 0;
        for limit in self.limits.iter().filter(|limit| limit.class == class) {
            let requests = usize::try_from(limit.requests.max(1)).unwrap_or(usize::MAX);
            look_back = look_back.max(requests);
            if let Some(index) = state.sent.len().checked_sub(requests) {
                at = at.max(state.sent[index].saturating_add(limit.per));
            }
        }
        if let Some(budget) = &mut state.budget {
            if at < budget.ends && budget.left == 0 {
                at = budget.ends;
            }
            if at >= budget.ends {
                budget.left = budget.total;
                budget.ends = at + WINDOW;
            }
            budget.left = budget.left.saturating_sub(1);
        }
        state.open += 1;
        if look_back > 0 {
            let last = state.sent.back().copied().unwrap_or_default();
            state.sent.push_back(at.max(last));
            while state.sent.len() > look_back {
                state.sent.pop_front();
            }
        }
        at - now
    }

    /// Learns from the answer to a request that was booked; without one, only that it is over.
    pub fn settle(&mut self, class: &'static str, now: Duration, answer: Option<&Response>) {
        let state = self.classes.entry(class).or_default();
        state.open = state.open.saturating_sub(1);
        if !self.learn {
            return;
        }
        let number = |name| answer?.header(name)?.trim().parse::<u32>().ok();
        let (Some(total), Some(remaining)) = (number("x-ratelimit-total"), number("x-ratelimit-remaining")) else {
            return;
        };
        // Requests on their way are not counted in the report yet.
        let left = remaining.saturating_sub(state.open);
        match &mut state.budget {
            Some(budget) if left <= budget.left && now < budget.ends => {
                budget.total = total;
                budget.left = left;
            }
            // An answer that was overtaken by later ones knows less than we do.
            Some(budget) if now < budget.ends && left <= budget.left.saturating_add(state.open) => {}
            budget => *budget = Some(Budget { total, left, ends: now + WINDOW }),
        }
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
        pacer.settle("list", seconds(0.5), Some(&answer(140, 2)));
        assert_eq!(pacer.book("list", seconds(1.0)), Duration::ZERO);
        assert_eq!(pacer.book("list", seconds(1.0)), Duration::ZERO);
        assert_eq!(pacer.book("list", seconds(1.0)), seconds(59.5), "until the minute is over for certain");
        assert_eq!(pacer.book("write", seconds(1.0)), Duration::ZERO, "another budget");
        // The next minute begins with the full budget, less the one booked above.
        assert_eq!(pacer.book("list", seconds(61.0)), Duration::ZERO);
    }

    #[test]
    fn others_use_the_same_budget_and_the_minute_may_turn_early() {
        let mut pacer = Pacer::new(Vec::new(), true);
        for (at, remaining) in [(0.0, 100), (1.0, 50), (2.0, 1)] {
            assert_eq!(pacer.book("list", seconds(at)), Duration::ZERO);
            pacer.settle("list", seconds(at), Some(&answer(140, remaining)));
        }
        assert_eq!(pacer.book("list", seconds(3.0)), Duration::ZERO);
        pacer.settle("list", seconds(3.0), Some(&answer(140, 139)));
        for _ in 0..139 {
            assert_eq!(pacer.book("list", seconds(4.0)), Duration::ZERO);
        }
        assert_eq!(pacer.book("list", seconds(4.0)), seconds(59.0));
    }

    #[test]
    fn an_overtaken_answer_does_not_raise_the_budget() {
        let mut pacer = Pacer::new(Vec::new(), true);
        for _ in 0..3 {
            pacer.book("list", seconds(0.0));
        }
        pacer.settle("list", seconds(1.0), Some(&answer(140, 2)));
        pacer.settle("list", seconds(1.0), Some(&answer(140, 1)));
        pacer.settle("list", seconds(1.0), Some(&answer(140, 0)));
        assert!(pacer.book("list", seconds(1.0)) > Duration::ZERO);
    }

    #[test]
    fn without_such_headers_nothing_is_limited_and_silence_is_kept_when_asked_for() {
        let mut pacer = Pacer::new(Vec::new(), true);
        for _ in 0..1000 {
            assert_eq!(pacer.book("a", seconds(1.0)), Duration::ZERO);
            pacer.settle("a", seconds(1.0), Some(&Response::default()));
        }
        pacer.hold("a", seconds(31.0));
        assert_eq!(pacer.book("a", seconds(1.0)), seconds(30.0));
        assert_eq!(pacer.book("b", seconds(1.0)), Duration::ZERO);
    }
}
