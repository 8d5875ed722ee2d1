//! Whom Conversations imports from its directory, held against the people of Personio. Pure.

use std::collections::BTreeSet;

use crate::employee::EmployeeId;
use crate::field::AccountId;
use crate::plan::Protection;

/// An account of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    pub account: AccountId,
    /// Its addresses, in lower case.
    pub addresses: Vec<Box<str>>,
    /// Whether it is in use.
    pub active: bool,
    /// Whether it is nobody's to change: a bot, a guest.
    pub protection: Option<Protection>,
    /// The employee whose account it is, however that was found.
    pub owner: Option<EmployeeId>,
}

/// An employee, as far as a contact can be theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    pub employee: EmployeeId,
    /// Their address, in lower case.
    pub address: Option<Box<str>>,
    pub left: bool,
}

/// How the directory differs from the people of Personio; all sorted.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Comparison {
    /// In use in the directory, and nobody's: people outside the company and bots, who become contacts all the same.
    /// The second says whether it is a guest, a bot or the like.
    pub outsiders: Vec<(AccountId, bool)>,
    /// Employed, and not to be found there.
    pub not_there: Vec<EmployeeId>,
    /// Left, and still in use there.
    pub left: Vec<EmployeeId>,
    /// Employed, and without an address, so that no contact can be theirs.
    pub without_address: Vec<EmployeeId>,
    /// Employed, and sharing an address with somebody else.
    pub shared: Vec<EmployeeId>,
}

/// Compares by address, as Conversations most likely does, and by what is known of whose account is whose.
pub fn compare(requesters: &[Requester], contacts: &[Contact], accepted: &dyn Fn(&str) -> bool) -> Comparison {
    let in_use = || contacts.iter().filter(|contact| contact.active);
    let addresses: BTreeSet<&str> = in_use().flat_map(|contact| &contact.addresses).map(AsRef::as_ref).collect();
    let owners: BTreeSet<EmployeeId> = in_use().filter_map(|contact| contact.owner).collect();
    let known: BTreeSet<&str> = requesters.iter().filter_map(|one| one.address.as_deref()).collect();
    let employed = || requesters.iter().filter(|one| !one.left);
    let there = |one: &Requester| {
        owners.contains(&one.employee) || one.address.as_deref().is_some_and(|address| addresses.contains(address))
    };
    let sorted = |mut list: Vec<EmployeeId>| {
        list.sort_unstable();
        list
    };
    let taken = |address: &str| employed().any(|one| one.address.as_deref() == Some(address));
    let mut outsiders: Vec<(AccountId, bool)> = in_use()
        .filter(|contact| contact.owner.is_none())
        .filter(|contact| !contact.addresses.iter().any(|address| known.contains(&**address) || accepted(address)))
        .map(|contact| (contact.account.clone(), contact.protection == Some(Protection::Foreign)))
        .collect();
    outsiders.sort();
    let mut by_address: Vec<(&str, EmployeeId)> =
        employed().filter_map(|one| Some((one.address.as_deref()?, one.employee))).collect();
    by_address.sort_unstable();
    let shared: BTreeSet<EmployeeId> =
        by_address.windows(2).filter(|pair| pair[0].0 == pair[1].0).flat_map(|pair| [pair[0].1, pair[1].1]).collect();
    let who = |wanted: &dyn Fn(&Requester) -> bool| {
        sorted(requesters.iter().filter(|one| wanted(one)).map(|one| one.employee).collect())
    };
    Comparison {
        outsiders,
        not_there: who(&|one| !one.left && one.address.is_some() && !there(one)),
        // An address that a colleague has now is the colleague's.
        left: who(&|one| one.left && there(one) && !one.address.as_deref().is_some_and(taken)),
        without_address: who(&|one| !one.left && one.address.is_none()),
        shared: shared.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requester(employee: u64, address: &str, left: bool) -> Requester {
        let address = (!address.is_empty()).then(|| address.into());
        Requester { employee: EmployeeId(employee), address, left }
    }

    fn contact(account: &str, address: &str) -> Contact {
        let addresses = if address.is_empty() { Vec::new() } else { vec![address.into()] };
        Contact { account: account.into(), addresses, active: true, protection: None, owner: None }
    }

    fn ids(list: &[u64]) -> Vec<EmployeeId> {
        list.iter().copied().map(EmployeeId).collect()
    }

    #[test]
    fn outsiders_absentees_and_leavers() {
        let requesters = [
            requester(5, "mira@example.com", false),
            requester(2, "bo@example.com", false),
            requester(3, "ada@example.com", true),
            requester(4, "", false),
            requester(6, "twin@example.com", false),
            requester(7, "twin@example.com", false),
            requester(8, "new@example.com", false),
            requester(9, "mira@example.com", true),
        ];
        let contacts = [
            contact("U1", "mira@example.com"),
            contact("U3", "ada@example.com"),
            contact("U9", "x@example.org"),
            Contact { active: false, ..contact("U8", "old@example.org") },
            Contact { protection: Some(Protection::Foreign), ..contact("B1", "") },
            contact("U7", "partner@agency.example.org"),
            contact("U6", "twin@example.com"),
            Contact { owner: Some(EmployeeId(8)), ..contact("U5", "before.marriage@example.com") },
        ];
        let found = compare(&requesters, &contacts, &|address| address.ends_with("@agency.example.org"));
        assert_eq!(found.outsiders, [("B1".into(), true), ("U9".into(), false)]);
        assert_eq!(found.not_there, ids(&[2]));
        assert_eq!(found.left, ids(&[3]));
        assert_eq!(found.without_address, ids(&[4]));
        assert_eq!(found.shared, ids(&[6, 7]));
    }
}
