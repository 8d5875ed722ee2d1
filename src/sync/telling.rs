//! Tells each channel what is new to it, and remembers what it was told.

use std::collections::BTreeSet;

use crate::notify::{Channel, Fact, Message, NotifySettings, Observed, Topic, news};
use crate::state::{StateError, StoredFact};

use super::memory::Memory;

impl Memory {
    /// Tells what is new, all channels at once: one that keeps silent keeps nobody else waiting. Returns who was not
    /// told, in words; what did not arrive is told after the next run.
    pub fn tell(&self, settings: &NotifySettings, observed: &Observed, run: Option<&str>) -> Vec<String> {
        std::thread::scope(|scope| {
            let tell = |channel| scope.spawn(move || self.tell_one(channel, &settings.on, observed, run));
            let threads: Vec<_> = settings.channels.iter().map(tell).collect();
            let joined = threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            joined.filter_map(Result::err).collect()
        })
    }

    fn tell_one(&self, channel: &Channel, on: &[Topic], observed: &Observed, run: Option<&str>) -> Result<(), String> {
        let name = channel.as_str();
        let unkept = |error: StateError| format!("notify.{name}: what was told is not kept: {error}");
        let told = self.state.told(name).map_err(unkept)?.iter().filter_map(fact).collect::<BTreeSet<Fact>>();
        let news = news(&told, observed, on);
        let sent = match news.entries.is_empty() {
            true => Ok(()),
            false => channel.send(&Message::of(&news, run), self.now()),
        };
        if sent.as_ref().is_ok_and(|()| !news.begun.is_empty() || !news.over.is_empty())
            || sent.as_ref().is_err_and(|undelivered| undelivered.reached_somebody)
        {
            let rows = |facts: &[Fact]| facts.iter().map(row).collect::<Vec<StoredFact>>();
            self.state.tell(name, &rows(&news.begun), &rows(&news.over), self.now()).map_err(unkept)?;
        }
        sent.map_err(|undelivered| match undelivered.reached_somebody {
            true => format!("notify.{name}: {}", undelivered.why),
            false => format!("notify.{name}: nobody was told: {}; the next run tries again", undelivered.why),
        })
    }
}

/// `None` for a topic that only a newer version knows.
pub(super) fn fact(told: &StoredFact) -> Option<Fact> {
    let topic = Topic::ALL.into_iter().find(|topic| topic.as_str() == &*told.topic)?;
    let StoredFact { target, code, subject, .. } = told.clone();
    Some(Fact { topic, target, code, subject })
}

pub(super) fn row(fact: &Fact) -> StoredFact {
    let Fact { topic, target, code, subject } = fact.clone();
    StoredFact { topic: topic.as_str().into(), target, code, subject }
}
