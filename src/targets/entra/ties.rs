//! Managers, groups and teams: ties between things, which are no properties.

use super::*;

impl<C: Transport> Entra<C> {
    /// Adds members to groups and takes them out, each with an outcome of its own.
    fn set_groups(
        &self,
        wanted: &BTreeMap<(FieldIndex, AccountId), bool>,
        groups: &BTreeMap<FieldIndex, Id>,
    ) -> BTreeMap<(FieldIndex, AccountId), Result<(), TargetError>> {
        let mut outcomes = BTreeMap::new();
        let mut parts = Vec::new();
        for ((index, account), member) in wanted {
            let request = match groups.get(index) {
                Some(Id::Group(group)) => self.member_request(group, account, *member),
                _ => None,
            };
            let key = (*index, account.clone());
            match request {
                Some(request) => parts.push((key, request)),
                None => {
                    let why = "the group or the account has no usable id";
                    outcomes.insert(key, Err(TargetError::new(ErrorKind::Refused, why)));
                }
            }
        }
        let requests: Vec<Request> = parts.iter().map(|(_, request)| request.clone()).collect();
        for ((key, request), outcome) in parts.into_iter().zip(self.send_together(&requests)) {
            outcomes.insert(key, unless_so_already(outcome.map(drop), &request));
        }
        outcomes
    }

    fn set_team(&self, team: &str, account: &AccountId, member: bool) -> Result<(), TargetError> {
        if member {
            let request = requests::add_team_member(&self.base_url, team, &account.0);
            return unless_so_already(self.write(&request).map(drop), &request);
        }
        // A membership has an id of its own, which a fresh look tells.
        let members = self.team_members(team)?;
        let Some(found) = members.iter().find(|member| member.user_id.as_deref() == Some(&*account.0)) else {
            return Ok(());
        };
        if found.is_owner() {
            return Err(TargetError::new(ErrorKind::Refused, "owners of a team are not taken out; do it by hand"));
        }
        let request = requests::remove(Tie::TeamMember { team, membership: &found.id })
            .ok_or_else(|| TargetError::new(ErrorKind::Unexpected, "the membership has no usable id"))?;
        unless_so_already(self.write(&request).map(drop), &request)
    }

    fn manager_request(&self, account: &AccountId, after: &FieldValue) -> Result<Request, TargetError> {
        let refuse = |why: &str| TargetError::new(ErrorKind::Refused, why);
        match after {
            FieldValue::Account(manager) => Ok(requests::set_manager(&self.base_url, &account.0, &manager.0)),
            FieldValue::Empty => requests::remove(Tie::Manager { user: &account.0 })
                .ok_or_else(|| refuse("the account has no usable id")),
            _ => Err(refuse("it refers to an employee without an account here")),
        }
    }

    fn member_request(&self, group: &str, account: &AccountId, member: bool) -> Option<Request> {
        if member {
            Some(requests::add_member(&self.base_url, group, &account.0))
        } else {
            requests::remove(Tie::Member { group, user: &account.0 })
        }
    }

    /// What a change of a manager or of a group's members takes; `None` for other fields and for teams, whose
    /// memberships are looked up first.
    pub(super) fn tie_request(
        &self,
        account: &AccountId,
        change: &FieldChange,
        resolved: &Resolved,
    ) -> Option<Result<Request, TargetError>> {
        if &*change.field == MANAGER {
            return Some(self.manager_request(account, &change.after));
        }
        match (resolved.groups.get(&change.index), resolved.problems.get(&change.index)) {
            (Some(Id::Group(group)), _) => {
                let request = self.member_request(group, account, change.after == FieldValue::Bool(true));
                Some(request.ok_or_else(|| TargetError::new(ErrorKind::Refused, "the account has no usable id")))
            }
            (None, Some(problem)) => Some(Err(TargetError::new(ErrorKind::Refused, problem.why.clone()))),
            _ => None,
        }
    }

    /// Manager and memberships, which are no properties. One that fails does not keep the others from being set.
    pub(super) fn tie(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError> {
        let resolved = self.resolved()?;
        let groups = &resolved.groups;
        let mut result = Ok(());
        for change in changes {
            if result.as_ref().is_err_and(|error: &TargetError| error.kind == ErrorKind::SignIn) {
                break;
            }
            let member = change.after == FieldValue::Bool(true);
            let done = match groups.get(&change.index) {
                _ if &*change.field == MANAGER => {
                    let request = self.manager_request(account, &change.after);
                    request.and_then(|request| unless_so_already(self.write(&request).map(drop), &request))
                }
                Some(Id::Group(_)) => self
                    .wanted
                    .submit((change.index, account.clone()), member, |wanted| self.set_groups(wanted, groups)),
                Some(Id::Team(team)) => self.set_team(team, account, member),
                None => match resolved.problems.get(&change.index) {
                    Some(problem) => Err(TargetError::new(ErrorKind::Refused, problem.why.clone())),
                    None => continue,
                },
            };
            result =
                result.and(done.map_err(|error| TargetError {
                    message: format!("`{}`: {}", change.field, error.message),
                    ..error
                }));
        }
        result
    }
}

/// What is as it should be already counts as done: a member who is one, a tie that is gone.
pub(super) fn unless_so_already(result: Result<(), TargetError>, request: &Request) -> Result<(), TargetError> {
    match result {
        Err(error) if error.kind == ErrorKind::Exists && request.method == Method::Post => Ok(()),
        Err(error) if error.kind == ErrorKind::NotFound && request.method == Method::Delete => Ok(()),
        other => other,
    }
}
