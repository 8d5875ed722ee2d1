//! Decides whose account an account is.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use foldhash::fast::RandomState;

use crate::code::Code;
use crate::employee::EmployeeId;

use super::Account;
use super::near_keys;
use crate::field::{AccountId, Compare, FieldIndex, FieldKind, FieldSpec, FieldValue};

/// The value of a match field, in the form in which two of them are compared.
pub(super) type Key = Box<str>;

/// What an employee can be found by in one match field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum MatchKey {
    Is(Key),
    /// Known to have no value.
    Empty,
    /// Not readable, so neither a match nor its absence is proven.
    Hidden(String),
}

/// An employee as correlation sees them.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) employee: EmployeeId,
    /// Whether this plan brings their account in line, so that it gives up a key which is theirs no longer.
    pub(super) moves: bool,
    /// Whether an account is meant for them, or may be: they have not left, and the filters do not say no.
    pub(super) claims: bool,
    /// Whether they are in scope; who has left is where the target keeps leavers.
    pub(super) meant: bool,
    /// That they have left, with the last day as far as it is known.
    pub(super) left: Option<LastDay>,
    /// The last day of somebody who is still there.
    pub(super) leaves: LastDay,
}

impl Candidate {
    /// Whether they have left, where the target keeps leavers.
    fn is_leaver(&self) -> bool {
        self.meant && self.left.is_some()
    }
}

/// The keys of the candidates, worked out when somebody asks: whose account a link tells is seldom asked for them.
pub(super) struct Keys<'a> {
    known: Vec<OnceCell<Box<[MatchKey]>>>,
    make: &'a dyn Fn(usize) -> Box<[MatchKey]>,
}

impl<'a> Keys<'a> {
    /// For so many candidates; `make` gives the keys of the one at a place.
    pub(super) fn new(candidates: usize, make: &'a dyn Fn(usize) -> Box<[MatchKey]>) -> Self {
        Self { known: vec![OnceCell::new(); candidates], make }
    }

    /// Of the candidate at this place, in the order of the match fields.
    pub(super) fn of(&self, candidate: usize) -> &[MatchKey] {
        self.known[candidate].get_or_init(|| (self.make)(candidate))
    }

    fn text(&self, candidate: usize, position: usize) -> Option<&str> {
        match &self.of(candidate)[position] {
            MatchKey::Is(key) => Some(key),
            MatchKey::Empty | MatchKey::Hidden(_) => None,
        }
    }
}

/// The last day of somebody who has left; an unknown one sorts first.
pub(super) type LastDay = Option<NaiveDate>;

/// What correlation finds for one employee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The account at this place of the snapshot, and the match field that told; `None` for a stored link.
    Account(usize, Option<FieldIndex>),
    /// One at this place that belongs to somebody who has left or is no longer delivered.
    Former(usize, EmployeeId),
    /// None, and every key says so.
    Nothing,
    /// It cannot be told; a stable code, and why in words.
    Unclear(Code, String),
}

/// Everybody's account.
#[derive(Debug)]
pub(super) struct Correlation {
    /// In the order of the candidates.
    pub(super) found: Vec<Found>,
    /// The owner of each account: the place of the candidate.
    pub(super) owners: Vec<Option<usize>>,
    /// Accounts that an employee other than the owner has a key of: the place of that candidate, and the field. Such
    /// an account is what somebody works with.
    pub(super) claimed: BTreeMap<usize, (usize, FieldIndex)>,
    /// For those who have left and are in scope: whose a key of theirs is now, and the field. They get no account of
    /// their own beside that.
    pub(super) succeeded: BTreeMap<usize, (EmployeeId, FieldIndex)>,
}

/// Where a key stands. One place is the rule, and takes no memory of its own.
#[derive(Debug, Default)]
enum Holders {
    #[default]
    None,
    One(usize),
    Several(Vec<usize>),
}

impl Holders {
    fn add(&mut self, index: usize) {
        match self {
            Self::None => *self = Self::One(index),
            Self::One(first) => *self = Self::Several(vec![*first, index]),
            Self::Several(holders) => holders.push(index),
        }
    }

    fn as_slice(&self) -> &[usize] {
        match self {
            Self::None => &[],
            Self::One(index) => std::slice::from_ref(index),
            Self::Several(holders) => holders,
        }
    }
}

/// The comparable form of a match field's value; `None` when it has none.
pub(super) fn key<'v>(value: &'v FieldValue, spec: &FieldSpec) -> Option<Cow<'v, str>> {
    if value.is_empty() {
        return None;
    }
    let text = match spec.written(value) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    if text.is_empty() {
        return None;
    }
    let folds = spec.kind == FieldKind::Email || spec.compare == Compare::IgnoreCase;
    Some(if folds { Cow::Owned(text.to_lowercase()) } else { text })
}

/// Finds everybody's account: by the stored link first, then by the match fields in order.
///
/// Nothing is guessed. Two employees who share a key get neither the account nor a new one; nor does an
/// employee whose key several accounts carry. Who has left is no rival of somebody who is there, and of several who
/// have left the last one counts: Personio makes a new profile for a rehire, and keys may stand on both.
pub(super) fn correlate(
    candidates: &[Candidate],
    keys: &Keys<'_>,
    accounts: &[Account],
    match_fields: &[(FieldIndex, &FieldSpec)],
    links: &BTreeMap<EmployeeId, AccountId>,
) -> Correlation {
    let mut search = Search {
        candidates,
        keys,
        accounts,
        match_fields,
        holders: Vec::new(),
        found: vec![None; candidates.len()],
        owners: vec![None; accounts.len()],
        by_key: vec![false; accounts.len()],
        absent: vec![None; accounts.len()],
    };
    if !links.is_empty() {
        search.follow_links(links);
    }
    search.index_keys();
    search.by_keys(|candidate| candidate.left.is_none());
    search.by_keys(|candidate| candidate.left.is_some());
    search.one_claim_each();
    near_keys::set_aside(keys, accounts, match_fields, &search.owners, &mut search.found);
    search.finish()
}

struct Search<'a> {
    candidates: &'a [Candidate],
    keys: &'a Keys<'a>,
    accounts: &'a [Account],
    match_fields: &'a [(FieldIndex, &'a FieldSpec)],
    /// For each match field, where each key that is asked for stands among the accounts.
    holders: Vec<HashMap<&'a str, Holders, RandomState>>,
    found: Vec<Option<Found>>,
    owners: Vec<Option<usize>>,
    /// Whether a key told the owner, and no link.
    by_key: Vec<bool>,
    /// Linked to somebody who is no longer delivered.
    absent: Vec<Option<EmployeeId>>,
}

impl<'a> Search<'a> {
    fn follow_links(&mut self, links: &BTreeMap<EmployeeId, AccountId>) {
        let by_id: HashMap<&AccountId, usize, RandomState> =
            self.accounts.iter().enumerate().map(|(index, account)| (&account.id, index)).collect();
        // Of two with a link to one account, the one who is there has it.
        let there = |(_, candidate): &(usize, &Candidate)| candidate.left.is_none();
        let (there, left): (Vec<_>, Vec<_>) = self.candidates.iter().enumerate().partition(there);
        for (index, candidate) in there.into_iter().chain(left) {
            let Some(account) = links.get(&candidate.employee).and_then(|id| by_id.get(id)) else {
                continue;
            };
            if self.owners[*account].is_none() {
                self.owners[*account] = Some(index);
                self.found[index] = Some(Found::Account(*account, None));
            }
        }
        let delivered: HashSet<EmployeeId> = self.candidates.iter().map(|candidate| candidate.employee).collect();
        for (employee, id) in links.iter().filter(|(employee, _)| !delivered.contains(employee)) {
            if let Some(account) = by_id.get(id).filter(|account| self.owners[**account].is_none()) {
                self.absent[*account] = Some(*employee);
            }
        }
    }

    /// Looks for the keys of those whose account no link tells, and of those who have left and are still meant, whose
    /// account may have gone on to somebody else.
    fn index_keys(&mut self) {
        let asking = |(index, candidate): (usize, &Candidate)| {
            (self.found[index].is_none() || candidate.is_leaver()).then_some(index)
        };
        let asking: Vec<usize> = self.candidates.iter().enumerate().filter_map(asking).collect();
        let holders = |(position, (field, spec)): (usize, &(FieldIndex, &FieldSpec))| {
            let mut holders: HashMap<&str, Holders, RandomState> = HashMap::default();
            if self.accounts.is_empty() {
                return holders;
            }
            let wanted = asking.iter().filter_map(|index| self.keys.text(*index, position));
            holders.extend(wanted.map(|key| (key, Holders::None)));
            for (index, account) in self.accounts.iter().enumerate() {
                let carried = key(account.field(*field), spec);
                if let Some(holders) = carried.and_then(|key| holders.get_mut(&*key)) {
                    holders.add(index);
                }
            }
            holders
        };
        self.holders = self.match_fields.iter().enumerate().map(holders).collect();
    }

    fn holders(&self, position: usize, key: &str) -> &[usize] {
        self.holders[position].get(key).map(Holders::as_slice).unwrap_or_default()
    }

    fn by_keys(&mut self, concerned: impl Fn(&Candidate) -> bool) {
        for position in 0..self.match_fields.len() {
            let mut employees_by_key: HashMap<&str, Holders, RandomState> = HashMap::default();
            for (index, _) in self.candidates.iter().enumerate().filter(|(_, candidate)| concerned(candidate)) {
                if self.found[index].is_none()
                    && let Some(key) = self.keys.text(index, position)
                {
                    employees_by_key.entry(key).or_default().add(index);
                }
            }
            for (key, sharing) in employees_by_key {
                match *self.still_meant(sharing.as_slice()) {
                    [index] => self.look(index, position, key),
                    ref several => self.shared(several, position),
                }
            }
        }
    }

    /// Of those who share a key, the ones who may be meant: of people who have left, those who left last.
    fn still_meant<'p>(&self, sharing: &'p [usize]) -> Cow<'p, [usize]> {
        let last = sharing.iter().filter_map(|index| self.candidates[*index].left).max();
        match last {
            Some(last) if sharing.len() > 1 => {
                Cow::Owned(sharing.iter().copied().filter(|index| self.candidates[*index].left == Some(last)).collect())
            }
            _ => Cow::Borrowed(sharing),
        }
    }

    fn shared(&mut self, sharing: &[usize], position: usize) {
        for index in sharing {
            let other = if *index == sharing[0] { sharing[1] } else { sharing[0] };
            self.found[*index] = Some(Found::Unclear(
                Code::MatchKeyShared,
                format!(
                    "shares {} with employee {}",
                    self.match_fields[position].1.name, self.candidates[other].employee
                ),
            ));
        }
    }

    /// Looks for the account with a key that this candidate alone has.
    fn look(&mut self, index: usize, position: usize, key: &str) {
        let (field, spec) = self.match_fields[position];
        let account = match self.holders(position, key) {
            [] => return,
            [account] => *account,
            several => {
                let mut ids: Vec<String> = several.iter().map(|index| self.accounts[*index].id.to_string()).collect();
                ids.sort_unstable();
                let why = format!("accounts {} have the same {}", ids.join(", "), spec.name);
                self.found[index] = Some(Found::Unclear(Code::SeveralAccounts, why));
                return;
            }
        };
        let has_left = self.candidates[index].left.is_some();
        self.found[index] = match (self.owners[account], self.absent[account]) {
            (None, None) => {
                self.owners[account] = Some(index);
                self.by_key[account] = true;
                Some(Found::Account(account, Some(field)))
            }
            (None, Some(absent)) if has_left => Some(self.taken(absent, &spec.name)),
            (None, Some(absent)) => Some(Found::Former(account, absent)),
            // The linked account is about to give this key up; nobody is found by it.
            (Some(owner), _) if !has_left && self.gives_up(owner, position, key) => None,
            (Some(owner), _) => {
                let other = &self.candidates[owner];
                match (has_left, other.left.is_some()) {
                    (false, true) => Some(Found::Former(account, other.employee)),
                    (true, false) if self.by_key[account] && !self.agrees(owner, account, position) => {
                        // Found for both by a key each; whoever is there now may be given it.
                        self.found[owner] = Some(Found::Former(account, self.candidates[index].employee));
                        self.owners[account] = Some(index);
                        Some(Found::Account(account, Some(field)))
                    }
                    // The account went on to somebody who is there.
                    (true, false) => None,
                    _ => Some(self.taken_by(other, &spec.name)),
                }
            }
        };
    }

    fn taken(&self, owner: EmployeeId, field: &str) -> Found {
        Found::Unclear(Code::AccountTaken, format!("the account with the same {field} belongs to employee {owner}"))
    }

    /// The same of somebody who is there, or has left as well.
    fn taken_by(&self, owner: &Candidate, field: &str) -> Found {
        match (self.taken(owner.employee, field), owner.leaves) {
            (Found::Unclear(code, why), Some(day)) => Found::Unclear(code, format!("{why}, whose last day is {day}")),
            (taken, _) => taken,
        }
    }

    /// Whether a candidate has the key that the account carries.
    fn agrees(&self, index: usize, account: usize, position: usize) -> bool {
        let (field, spec) = self.match_fields[position];
        let carried = key(self.accounts[account].field(field), spec);
        carried.is_some_and(|carried| self.keys.text(index, position) == Some(&*carried))
    }

    /// Whether the owner of an account that carries this key is known by another one now, which this plan will write.
    fn gives_up(&self, owner: usize, position: usize, key: &str) -> bool {
        self.candidates[owner].moves && self.keys.text(owner, position).is_some_and(|own| own != key)
    }

    /// An account goes on to one person: two who each have a key of it are not told apart.
    fn one_claim_each(&mut self) {
        let mut claims: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, found) in self.found.iter().enumerate() {
            if let Some(Found::Former(account, _)) = found
                && self.candidates[index].claims
            {
                claims.entry(*account).or_default().push(index);
            }
        }
        for (account, claiming) in claims.into_iter().filter(|(_, claiming)| claiming.len() > 1) {
            for index in &claiming {
                let other = if *index == claiming[0] { claiming[1] } else { claiming[0] };
                let why = format!(
                    "has a key of account {}, and so has employee {}",
                    self.accounts[account].id, self.candidates[other].employee
                );
                self.found[*index] = Some(Found::Unclear(Code::MatchKeyShared, why));
            }
        }
    }

    /// The accounts that somebody without an account of their own has a key of.
    fn claimed(&self) -> BTreeMap<usize, (usize, FieldIndex)> {
        let mut claimed = BTreeMap::new();
        for (index, _) in self.candidates.iter().enumerate().filter(|(_, candidate)| candidate.claims) {
            if matches!(self.found[index], Some(Found::Account(..))) {
                continue;
            }
            for (position, (field, _)) in self.match_fields.iter().enumerate() {
                let Some(own) = self.keys.text(index, position) else { continue };
                for account in self.holders(position, own) {
                    claimed.entry(*account).or_insert((index, *field));
                }
            }
        }
        claimed
    }

    /// Whose the keys of people who have left are now: of somebody who is there, or who left later.
    fn succeeded(&self) -> BTreeMap<usize, (EmployeeId, FieldIndex)> {
        let mut succeeded = BTreeMap::new();
        if !self.candidates.iter().any(Candidate::is_leaver) {
            return succeeded;
        }
        for (position, (field, _)) in self.match_fields.iter().enumerate() {
            // Somebody who is there comes before everybody who has left.
            let rank = |candidate: &Candidate| (candidate.left.is_none(), candidate.left.flatten());
            let mut latest: HashMap<&str, &Candidate> = HashMap::new();
            let concerned = |(_, candidate): &(usize, &Candidate)| candidate.claims || candidate.is_leaver();
            for (index, candidate) in self.candidates.iter().enumerate().filter(concerned) {
                let Some(key) = self.keys.text(index, position) else { continue };
                let known = latest.entry(key).or_insert(candidate);
                if rank(candidate) > rank(known) {
                    *known = candidate;
                }
            }
            for (index, candidate) in self.candidates.iter().enumerate().filter(|(_, one)| one.is_leaver()) {
                let Some(key) = self.keys.text(index, position) else { continue };
                let owners = self.holders(position, key).iter().filter_map(|account| self.owners[*account]);
                let owner = owners.map(|owner| &self.candidates[owner]);
                let other = owner.chain(latest.get(key).copied()).find(|other| rank(other) > rank(candidate));
                if let Some(other) = other {
                    succeeded.entry(index).or_insert((other.employee, *field));
                }
            }
        }
        succeeded
    }

    fn succeeded_by(&self, (other, field): (EmployeeId, FieldIndex)) -> Found {
        let name = self.match_fields.iter().find(|(known, _)| *known == field).map_or("key", |(_, spec)| &spec.name);
        let why = format!("has left, and the account is that of employee {other}, who has the same {name}");
        Found::Unclear(Code::AccountTaken, why)
    }

    fn finish(mut self) -> Correlation {
        let claimed = self.claimed();
        let succeeded = self.succeeded();
        for (index, by) in &succeeded {
            if self.found[*index].is_none() {
                self.found[*index] = Some(self.succeeded_by(*by));
            }
        }
        let found = self
            .found
            .into_iter()
            .enumerate()
            .map(|(index, found)| {
                found.unwrap_or_else(|| {
                    let hidden = self.keys.of(index).iter().find_map(|key| match key {
                        MatchKey::Hidden(why) => Some(why.clone()),
                        _ => None,
                    });
                    hidden.map_or(Found::Nothing, |why| Found::Unclear(Code::MatchKeyHidden, why))
                })
            })
            .collect();
        Correlation { found, owners: self.owners, claimed, succeeded }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(employees: &[(u64, &str, &str)], accounts: &[(&str, &str, &str)], links: &[(u64, &str)]) -> Vec<String> {
        let number = FieldSpec::new("external_id", FieldKind::Text);
        let email = FieldSpec::new("primary_email", FieldKind::Email);
        let text = |text: &str| match text {
            "" => MatchKey::Empty,
            "?" => MatchKey::Hidden("`email` is not readable".into()),
            text => MatchKey::Is(text.into()),
        };
        let candidates: Vec<Candidate> = employees
            .iter()
            .map(|(id, ..)| Candidate {
                employee: EmployeeId(*id),
                moves: *id < 100,
                claims: true,
                meant: true,
                left: None,
                leaves: None,
            })
            .collect();
        let accounts: Vec<Account> = accounts
            .iter()
            .map(|(id, number, email)| Account::new(*id, true, [FieldValue::text(number), FieldValue::text(email)]))
            .collect();
        let links =
            links.iter().map(|(employee, account)| (EmployeeId(*employee), AccountId::from(*account))).collect();
        let keys_of = |index: usize| [text(employees[index].1), text(employees[index].2)].into();
        let keys = Keys::new(employees.len(), &keys_of);
        let match_fields = [(FieldIndex(0), &number), (FieldIndex(1), &email)];
        let correlation = correlate(&candidates, &keys, &accounts, &match_fields, &links);
        correlation
            .found
            .into_iter()
            .map(|found| match found {
                Found::Account(index, _) => accounts[index].id.to_string(),
                Found::Former(index, owner) => format!("{} of {owner}", accounts[index].id),
                Found::Nothing => "nothing".into(),
                Found::Unclear(code, detail) => format!("{code}: {detail}"),
            })
            .collect()
    }

    #[test]
    fn the_fields_are_tried_in_order_and_without_letter_case_for_e_mail() {
        assert_eq!(
            run(
                &[(1, "1", "a@example.com"), (2, "2", "b@example.com"), (3, "3", "c@example.com")],
                &[("x", "2", "old@example.com"), ("y", "", "A@Example.com")],
                &[]
            ),
            ["y", "x", "nothing"]
        );
    }

    #[test]
    fn a_link_outlives_a_changed_e_mail_and_a_swap() {
        assert_eq!(
            run(
                &[(1, "", "b@example.com"), (2, "", "a@example.com")],
                &[("x", "", "a@example.com"), ("y", "", "b@example.com")],
                &[(1, "x"), (2, "y")]
            ),
            ["x", "y"]
        );
    }

    #[test]
    fn a_shared_key_is_never_guessed() {
        assert_eq!(
            run(
                &[(1, "", "a@example.com"), (2, "", "a@example.com"), (3, "", "b@example.com")],
                &[("x", "", "a@example.com")],
                &[]
            ),
            [
                "match_key_shared: shares primary_email with employee 2",
                "match_key_shared: shares primary_email with employee 1",
                "nothing"
            ]
        );
    }

    #[test]
    fn a_rehire_with_a_new_id_does_not_take_the_old_account() {
        assert_eq!(
            run(&[(1, "", "a@example.com"), (2, "", "a@example.com")], &[("x", "", "a@example.com")], &[(1, "x")]),
            ["x", "account_taken: the account with the same primary_email belongs to employee 1"]
        );
    }

    #[test]
    fn a_key_that_its_owner_gives_up_is_free_for_another() {
        let accounts = [("x", "", "a@example.com")];
        assert_eq!(
            run(&[(1, "", "b@example.com"), (2, "", "a@example.com")], &accounts, &[(1, "x")]),
            ["x", "nothing"]
        );
        // Whose account stays as it is gives nothing up.
        assert_eq!(
            run(&[(101, "", "b@example.com"), (2, "", "a@example.com")], &accounts, &[(101, "x")]),
            ["x", "account_taken: the account with the same primary_email belongs to employee 101"]
        );
        assert_eq!(
            run(&[(1, "", "?"), (2, "", "a@example.com")], &accounts, &[(1, "x")])[1],
            "account_taken: the account with the same primary_email belongs to employee 1"
        );
    }

    #[test]
    fn several_accounts_with_one_key_are_listed() {
        assert_eq!(
            run(&[(1, "", "a@example.com")], &[("y", "", "a@example.com"), ("x", "", "a@example.com")], &[]),
            ["several_accounts: accounts x, y have the same primary_email"]
        );
    }

    #[test]
    fn a_key_that_people_read_as_the_same_one_gives_neither_the_account_nor_a_new_one() {
        let with_zeros = "key_nearly_equal: the external_id of account x differs from theirs only by zeros in front; write \
                          it the same way on both sides";
        assert_eq!(run(&[(1, "001", "")], &[("x", "1", "")], &[]), [with_zeros]);
        // Whose account another key has found needs no second look, and somebody's own account is not another's.
        assert_eq!(
            run(
                &[(1, "001", "a@example.com"), (2, "2", ""), (3, "002", "")],
                &[("x", "1", "a@example.com"), ("y", "2", "")],
                &[]
            ),
            ["x", "y", "nothing"]
        );
    }

    #[test]
    fn a_hidden_key_proves_nothing() {
        assert_eq!(
            run(&[(1, "1", "?"), (2, "2", "?")], &[("x", "1", "")], &[]),
            ["x", "match_key_hidden: `email` is not readable"]
        );
    }
}
