//! Stops a simulated system at one write, so that a test can look or strike at this very moment.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use super::world::World;

/// On which side of a write the system stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It has arrived and is not carried out.
    Before,
    /// It is carried out, and its answer is not sent.
    After,
}

/// How those who wait go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Wait,
    Go,
    /// Nothing more is carried out, and nobody is answered.
    Drop,
}

/// How far the writes have come. They are handled side by side: when one arrives, those before it may still be under way.
#[derive(Debug, Default)]
struct Reached {
    has_arrived: bool,
    carried_out: u64,
}

/// Counts the writes to one system and keeps them waiting from one number on.
#[derive(Debug)]
pub(super) struct Gate {
    system: Box<str>,
    number: u64,
    when: When,
    counted: Mutex<u64>,
    reached: Mutex<Reached>,
    is_reached: Condvar,
    order: watch::Sender<Order>,
}

impl Gate {
    pub(super) fn concerns(&self, system: &str) -> bool {
        *self.system == *system
    }

    /// The number of a write that has just arrived.
    pub(super) fn count(&self) -> u64 {
        let mut counted = self.counted.lock();
        *counted += 1;
        *counted
    }

    /// Waits where this write has to wait; returns whether it goes on.
    pub(super) async fn pass(&self, number: u64, side: When) -> bool {
        let stops = match (self.when, side) {
            (When::Before, When::Before) => number >= self.number,
            // What comes after the one that is carried out and not answered has to wait, too.
            (When::After, When::Before) => number > self.number,
            (When::After, When::After) => number == self.number,
            (When::Before, When::After) => false,
        };
        {
            let mut reached = self.reached.lock();
            reached.has_arrived |= stops && number == self.number;
            reached.carried_out += u64::from(side == When::After);
        }
        self.is_reached.notify_all();
        if !stops {
            return true;
        }
        let mut order = self.order.subscribe();
        let given = order.wait_for(|order| *order != Order::Wait).await;
        given.is_ok_and(|order| *order == Order::Go)
    }
}

/// A system that stops at one write, until this is released or dropped.
pub struct Pause {
    world: Arc<World>,
    gate: Arc<Gate>,
}

impl fmt::Debug for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.gate.fmt(f)
    }
}

impl Pause {
    pub(super) fn new(world: &Arc<World>, system: &str, number: u64, when: When) -> Self {
        let gate = Arc::new(Gate {
            system: system.into(),
            number,
            when,
            counted: Mutex::default(),
            reached: Mutex::default(),
            is_reached: Condvar::new(),
            order: watch::Sender::new(Order::Wait),
        });
        world.gates.lock().push(Arc::clone(&gate));
        Self { world: Arc::clone(world), gate }
    }

    /// Waits until the write has come and those before it are carried out, but no longer than this. Returns whether it has come.
    pub fn reached_within(&self, limit: Duration) -> bool {
        let mut reached = self.gate.reached.lock();
        let before = self.gate.number - u64::from(self.gate.when == When::Before);
        let is_there = |reached: &Reached| reached.has_arrived && reached.carried_out >= before;
        self.gate.is_reached.wait_while_for(&mut reached, |reached| !is_there(reached), limit);
        is_there(&reached)
    }

    pub fn release(self) {
        self.end(Order::Go);
    }

    /// Carries nothing more out and answers nobody: who sent it is gone.
    pub fn abandon(self) {
        self.end(Order::Drop);
    }

    fn end(&self, order: Order) {
        self.world.gates.lock().retain(|gate| !Arc::ptr_eq(gate, &self.gate));
        self.gate.order.send_if_modified(|current| {
            let waits = *current == Order::Wait;
            if waits {
                *current = order;
            }
            waits
        });
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.end(Order::Go);
    }
}
