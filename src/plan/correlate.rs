//! Decides whose account an account is.

use std::collections::{BTreeMap, HashMap};

use crate::employee::EmployeeId;

use super::near_keys;
use super::{Account, AccountId, FieldKind, FieldSpec, FieldValue};
use super::{Compare, FieldIndex};

/// The value of a match field, in the form in which two of them are compared.
pub(super) type Key = Box<str>;

/// What an employee can be found by: one entry for each match field, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum MatchKey {
    /// This value.
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
    /// In the order of the match fields.
    pub(super) keys: Vec<MatchKey>,
    /// Whether this plan brings their account in line, so that it gives up a key which is theirs no longer.
    pub(super) moves: bool,
}

/// What correlation finds for one employee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The account at this place of the snapshot, and the match field that told; `None` for a stored link.
    Account(usize, Option<FieldIndex>),
    /// None, and every key says so.
    Nothing,
    /// It cannot be told; a stable code, and why in words.
    Unclear(&'static str, String),
}

/// Everybody's account.
#[derive(Debug)]
pub(super) struct Correlation {
    /// In the order of the candidates.
    pub(super) found: Vec<Found>,
    /// The owner of each account: the place of the candidate.
    pub(super) owners: Vec<Option<usize>>,
}

/// Where a key stands. One place is the rule, and takes no memory of its own.
#[derive(Debug, Default)]
enum Places {
    #[default]
    None,
    One(usize),
    Several(Vec<usize>),
}

impl Places {
    fn add(&mut self, place: usize) {
        match self {
            Self::None => *self = Self::One(place),
            Self::One(first) => *self = Self::Several(vec![*first, place]),
            Self::Several(places) => places.push(place),
        }
    }

    fn as_slice(&self) -> &[usize] {
        match self {
            Self::None => &[],
            Self::One(place) => std::slice::from_ref(place),
            Self::Several(places) => places,
        }
    }
}

/// The comparable form of a match field's value; `None` when it has none.
pub(super) fn key(value: &FieldValue, spec: &FieldSpec) -> Option<Key> {
    let text = match value {
        FieldValue::Empty => return None,
        other => spec.written(other).trim().to_owned(),
    };
    if text.is_empty() {
        return None;
    }
    let folds = spec.kind == FieldKind::Email || spec.compare == Compare::IgnoreCase;
    Some(if folds { text.to_lowercase() } else { text }.into())
}

/// Finds everybody's account: by the stored link first, then by the match fields in order.
///
/// Nothing is guessed. Two employees who share a key get neither the account nor a new one; nor does an
/// employee whose key several accounts carry.
pub(super) fn correlate(
    candidates: &[Candidate],
    accounts: &[Account],
    match_fields: &[(FieldIndex, &FieldSpec)],
    links: &BTreeMap<EmployeeId, AccountId>,
) -> Correlation {
    let mut found: Vec<Option<Found>> = vec![None; candidates.len()];
    let mut owners: Vec<Option<usize>> = vec![None; accounts.len()];

    if !links.is_empty() {
        let by_id: HashMap<&AccountId, usize> =
            accounts.iter().enumerate().map(|(place, account)| (&account.id, place)).collect();
        for (place, candidate) in candidates.iter().enumerate() {
            let Some(account) = links.get(&candidate.employee).and_then(|id| by_id.get(id)) else {
                continue;
            };
            if owners[*account].is_none() {
                owners[*account] = Some(place);
                found[place] = Some(Found::Account(*account, None));
            }
        }
    }

    for (position, (field, spec)) in match_fields.iter().enumerate() {
        let mut accounts_by_key: HashMap<Key, Places> = HashMap::with_capacity(accounts.len());
        for (place, account) in accounts.iter().enumerate() {
            if let Some(key) = key(account.field(*field), spec) {
                accounts_by_key.entry(key).or_default().add(place);
            }
        }
        let mut employees_by_key: HashMap<&str, Places> = HashMap::with_capacity(candidates.len());
        for (place, candidate) in candidates.iter().enumerate() {
            if let (None, MatchKey::Is(key)) = (&found[place], &candidate.keys[position]) {
                employees_by_key.entry(key).or_default().add(place);
            }
        }
        for (key, sharing) in &employees_by_key {
            let sharing = sharing.as_slice();
            if let [first, second, ..] = *sharing {
                for place in sharing {
                    let other = if *place == first { second } else { first };
                    found[*place] = Some(Found::Unclear(
                        "match_key_shared",
                        format!("shares {} with employee {}", spec.name, candidates[other].employee),
                    ));
                }
                continue;
            }
            let place = sharing[0];
            found[place] = match accounts_by_key.get(*key).map(Places::as_slice) {
                None => None,
                Some([account]) => match owners[*account] {
                    None => {
                        owners[*account] = Some(place);
                        Some(Found::Account(*account, Some(*field)))
                    }
                    // The linked account is about to give this key up; nobody is found by it.
                    Some(owner) if gives_up(&candidates[owner], position, key) => None,
                    Some(owner) => Some(Found::Unclear(
                        "account_taken",
                        format!(
                            "the account with the same {} belongs to employee {}",
                            spec.name, candidates[owner].employee
                        ),
                    )),
                },
                Some(several) => {
                    let mut ids: Vec<String> = several.iter().map(|place| accounts[*place].id.to_string()).collect();
                    ids.sort_unstable();
                    Some(Found::Unclear(
                        "several_accounts",
                        format!("accounts {} have the same {}", ids.join(", "), spec.name),
                    ))
                }
            };
        }
    }
    near_keys::set_aside(candidates, accounts, match_fields, &owners, &mut found);

    let found = found
        .into_iter()
        .zip(candidates)
        .map(|(found, candidate)| {
            found.unwrap_or_else(|| {
                let hidden = candidate.keys.iter().find_map(|key| match key {
                    MatchKey::Hidden(why) => Some(why.clone()),
                    _ => None,
                });
                hidden.map_or(Found::Nothing, |why| Found::Unclear("match_key_hidden", why))
            })
        })
        .collect();
    Correlation { found, owners }
}

/// Whether the owner of an account that carries this key is known by another one now, which this plan will write.
fn gives_up(owner: &Candidate, position: usize, key: &str) -> bool {
    owner.moves && matches!(&owner.keys[position], MatchKey::Is(own) if **own != *key)
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
            .map(|(id, number, email)| Candidate {
                employee: EmployeeId(*id),
                keys: vec![text(number), text(email)],
                moves: *id < 100,
            })
            .collect();
        let accounts: Vec<Account> = accounts
            .iter()
            .map(|(id, number, email)| Account::new(*id, true, [FieldValue::text(number), FieldValue::text(email)]))
            .collect();
        let links =
            links.iter().map(|(employee, account)| (EmployeeId(*employee), AccountId::from(*account))).collect();
        let correlation =
            correlate(&candidates, &accounts, &[(FieldIndex(0), &number), (FieldIndex(1), &email)], &links);
        correlation
            .found
            .into_iter()
            .map(|found| match found {
                Found::Account(place, _) => accounts[place].id.to_string(),
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
