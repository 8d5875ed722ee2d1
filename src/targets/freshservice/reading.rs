//! A list of users on its way to becoming accounts.

use std::collections::{HashMap, HashSet};

use crate::field::{FieldIndex, FieldSpec};
use crate::plan::{Account, Protection};

use super::fields::is_for_agents;
use super::names::Names;
use super::wire::{Row, User};

/// What must be known of a user to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// Written only where the file says so, and then through another address.
    pub(super) is_agent: bool,
    /// Must be said again in every PUT.
    pub(super) sees_all_tickets: bool,
}

impl Standing {
    pub(super) fn of(user: &User) -> Self {
        Self { is_agent: user.is_agent, sees_all_tickets: user.sees_all_tickets }
    }
}

/// Lets the allowed fields of an agent be written, and nothing else.
fn open_agent(account: &mut Account, schema: &[FieldSpec]) {
    let allowed = schema.iter().enumerate().filter(|(_, spec)| is_for_agents(&spec.name));
    let positions = allowed.filter_map(|(position, _)| u16::try_from(position).ok().map(FieldIndex));
    account.protection = None;
    account.writable = Some(positions.collect());
}

/// What a list of users turned into.
pub(super) struct Reading<'a> {
    pub(super) schema: &'a [FieldSpec],
    /// Each id once.
    pub(super) accounts: Vec<Account>,
    /// Where each id stands, and whether the list of agents delivered it.
    positions: HashMap<u64, (usize, bool)>,
    /// What is known of each for writing.
    pub(super) standings: Vec<(u64, Standing)>,
    /// What could not be read of single accounts.
    pub(super) problems: Vec<String>,
    /// Whether an id came more than once.
    pub(super) repeated: bool,
    /// The agents whose allowed fields may be written.
    pub(super) open_agents: HashSet<u64>,
    /// Why the list may not be whole otherwise.
    pub(super) doubt: Option<String>,
}

impl<'a> Reading<'a> {
    /// Nothing read yet.
    pub(super) fn new(schema: &'a [FieldSpec]) -> Self {
        Self {
            schema,
            accounts: Vec::new(),
            positions: HashMap::new(),
            standings: Vec::new(),
            problems: Vec::new(),
            repeated: false,
            open_agents: HashSet::new(),
            doubt: None,
        }
    }

    /// Takes a row, with the names of what it refers to where it does not say them; returns whether it says something
    /// new.
    pub(super) fn take(&mut self, row: Row, from_agents: bool, names: &Names) -> bool {
        let user = match User::read(row, from_agents) {
            Ok(user) => user,
            Err(why) => {
                self.doubt = Some(why);
                return true;
            }
        };
        match self.positions.get_mut(&user.id) {
            Some((_, known_as_agent)) if *known_as_agent == from_agents => {
                self.repeated = true;
                false
            }
            // Became an agent between the two lists.
            Some((position, known_as_agent)) => {
                *known_as_agent = true;
                self.accounts[*position].protection = Some(Protection::Agent);
                self.standings.push((user.id, Standing::of(&user)));
                true
            }
            None => {
                let (mut account, problem) = user.account(self.schema, names);
                if user.is_agent && problem.is_none() && self.open_agents.contains(&user.id) {
                    open_agent(&mut account, self.schema);
                }
                self.positions.insert(user.id, (self.accounts.len(), from_agents));
                self.standings.push((user.id, Standing::of(&user)));
                self.accounts.push(account);
                self.problems.extend(problem);
                true
            }
        }
    }
}
