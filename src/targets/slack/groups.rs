//! User groups and channels: which there are, who is in them, and who is to be.

use crate::words::known;

use super::wire::{Channel, Group};
use super::*;

impl<C: Transport> Slack<C> {
    /// The groups and channels that the file names, and what is wrong with the others.
    pub(super) fn resolve(&self, fields: &[(FieldSpec, Home)]) -> Result<Resolved, TargetError> {
        let (mut groups, mut channels): (Option<Vec<Group>>, Option<Vec<Channel>>) = (None, None);
        let mut found = Resolved::default();
        for (index, (_, home)) in (0u16..).map(FieldIndex).zip(fields) {
            let result = match home {
                Home::Profile(_) | Home::Custom(_) => continue,
                Home::Group(name) => {
                    let all = match &groups {
                        Some(all) => all,
                        None => groups.insert(self.groups()?),
                    };
                    user_group(all, name, self.connection.create_missing.contains(&index))
                }
                Home::Channel(name) => {
                    let all = match &channels {
                        Some(all) => all,
                        None => channels.insert(self.channels()?),
                    };
                    channel(all, name)
                }
            };
            match result {
                Ok(id) => _ = found.0.insert(index, id),
                Err(problem) => _ = found.1.insert(index, problem),
            }
        }
        *self.listed.lock() = groups;
        Ok(found)
    }

    fn groups(&self) -> Result<Vec<Group>, TargetError> {
        let token = self.token()?;
        self.reading(&requests::list_groups(token.team.as_deref()), |mut body| wire::take(&mut body, "usergroups"))
    }

    pub(super) fn channels(&self) -> Result<Vec<Channel>, TargetError> {
        let token = self.token()?;
        self.all("channels", |cursor| requests::list_channels(token.team.as_deref(), cursor))
    }

    /// Who is in each group and channel of the run, as of the last look since somebody was put in or taken out.
    /// Slack lets nobody list groups more than twenty times a minute.
    pub(super) fn members(&self, described: &Described) -> Result<Arc<Members>, TargetError> {
        // Held during the look, so that what is written meanwhile is forgotten after it.
        let mut known = self.members.lock();
        if let Some(known) = &*known {
            return Ok(Arc::clone(known));
        }
        let found = Arc::new(self.look_for_members(described)?);
        *known = Some(Arc::clone(&found));
        Ok(found)
    }

    /// Has the next look be a fresh one.
    pub(super) fn forget_members(&self) {
        *self.members.lock() = None;
    }

    fn look_for_members(&self, described: &Described) -> Result<Members, TargetError> {
        let mut members = Members::new();
        let any_group = described.groups.values().any(|id| matches!(id, Id::Group(_)));
        // One request tells both what the groups are called and who is in them.
        let groups = match self.listed.lock().take() {
            Some(listed) => listed,
            None if any_group => self.groups()?,
            None => Vec::new(),
        };
        for (index, id) in &described.groups {
            let found = match id {
                Id::Group(id) => {
                    groups.iter().find(|group| group.id == *id).map(|group| group.users.clone()).ok_or_else(|| {
                        TargetError::new(ErrorKind::Unexpected, "a user group vanished while it was read")
                    })?
                }
                Id::Channel(id) => {
                    let members = self.all("members", |cursor| requests::channel_members(id, cursor))?;
                    members.into_iter().collect()
                }
            };
            members.insert(*index, found);
        }
        Ok(members)
    }

    /// Makes a user group that is missing, where that was asked for.
    pub(super) fn make_group(&self, field: FieldIndex, name: &str) -> Result<(), TargetError> {
        let described = self.described()?;
        if described.problems.get(&field).is_none_or(|problem| problem.make.is_none()) {
            return Err(TargetError::new(ErrorKind::Refused, "only missing user groups are made by name in Slack"));
        }
        let request = requests::create_group(self.token()?.team.as_deref(), name, &fields::handle(name));
        let group: Group = match self.write(&request) {
            Ok(mut body) => wire::take(&mut body, "usergroup").map_err(|why| unexpected(&why, &request, 200))?,
            // The handle may also be that of a channel or a person, which is no group of ours.
            Err(error) if matches!(error.kind, ErrorKind::Exists | ErrorKind::Unsettled) => {
                let found = by_handle_or_name(&self.groups()?, name).cloned();
                found.filter(|group| group.obstacle().is_none()).ok_or(TargetError {
                    kind: if error.kind == ErrorKind::Exists { ErrorKind::Refused } else { error.kind },
                    ..error
                })?
            }
            Err(error) => return Err(error),
        };
        let mut described = Described::clone(&described);
        described.problems.remove(&field);
        described.groups.insert(field, Id::Group(group.id));
        *self.listed.lock() = None;
        *self.described.lock() = Some(Arc::new(described));
        self.forget_members();
        Ok(())
    }

    /// Takes an account into a group or out of it.
    pub(super) fn set_membership(
        &self,
        index: FieldIndex,
        id: &Id,
        account: &AccountId,
        member: bool,
    ) -> Result<(), TargetError> {
        *self.listed.lock() = None;
        let outcome = self.put(index, id, account, member);
        self.forget_members();
        outcome
    }

    fn put(&self, index: FieldIndex, id: &Id, account: &AccountId, member: bool) -> Result<(), TargetError> {
        match (id, self.wanted.get(&index)) {
            (Id::Group(group), Some(wanted)) => wanted.submit(account.clone(), member, |batch| {
                let kept = self.set_group(group, batch);
                let outcome = |account: &AccountId, member: bool| match &kept {
                    Err(error) => Err(error.clone()),
                    Ok(kept) if kept.contains(&*account.0) == member => Ok(()),
                    Ok(_) => {
                        let why = "Slack accepted the members of the user group and keeps others";
                        Err(TargetError::new(ErrorKind::Refused, why))
                    }
                };
                batch.iter().map(|(account, member)| (account.clone(), outcome(account, *member))).collect()
            }),
            (Id::Group(_), None) => Err(TargetError::new(ErrorKind::Refused, "the group is not part of the run")),
            (Id::Channel(channel), _) => {
                let (request, done) = if member {
                    (requests::invite(channel, &account.0), "already_in_channel")
                } else {
                    (requests::kick(channel, &account.0), "not_in_channel")
                };
                match self.write(&request) {
                    Err(error) if says(&error, done) => Ok(()),
                    result => result.map(drop),
                }
            }
        }
    }

    /// Sets a group's whole membership, from a fresh look at it. Returns who is in it then.
    fn set_group(&self, group: &str, wanted: &BTreeMap<AccountId, bool>) -> Result<BTreeSet<Box<str>>, TargetError> {
        let token = self.token()?;
        let team = token.team.as_deref();
        let existing: BTreeSet<Box<str>> =
            self.reading(&requests::group_members(team, group), |mut body| wire::take(&mut body, "users"))?;
        let mut desired = existing.clone();
        for (account, member) in wanted {
            if *member {
                desired.insert((&*account.0).into());
            } else {
                desired.remove(&*account.0);
            }
        }
        if desired == existing {
            return Ok(existing);
        }
        let deactivated = self.deactivated.lock().clone();
        desired.retain(|member| !deactivated.contains(member));
        if desired.is_empty() {
            let why = "nobody would be left in the user group, which Slack does not take; disable it by hand";
            return Err(TargetError::new(ErrorKind::Refused, why));
        }
        let answer = self.write(&requests::set_group_members(team, group, desired.iter().map(AsRef::as_ref)))?;
        let kept = answer.get("usergroup").and_then(|group| group.get("users"));
        Ok(kept.and_then(|users| serde_json::from_value(users.clone()).ok()).unwrap_or(desired))
    }
}

/// The user group that a name means.
fn user_group(all: &[Group], name: &str, may_be_made: bool) -> Result<Id, GroupProblem> {
    let Some(group) = by_handle_or_name(all, name) else {
        let hint = known(name, all.iter().map(|group| &*group.handle));
        let make = may_be_made.then(|| name.into());
        return Err(GroupProblem { why: format!("there is no user group `{name}`, so nobody joins it; {hint}"), make });
    };
    match group.obstacle() {
        Some(why) => Err(GroupProblem { why: format!("the user group `{name}` {why}"), make: None }),
        None => Ok(Id::Group(group.id.clone())),
    }
}

/// The channel that a name means.
fn channel(all: &[Channel], name: &str) -> Result<Id, GroupProblem> {
    let found = all.iter().find(|channel| channel.name == name);
    found.map(|channel| Id::Channel(channel.id.clone())).ok_or_else(|| {
        let hint = known(name, all.iter().map(|channel| &*channel.name));
        let why = format!(
            "the token sees no channel `{name}`, so nobody joins it (a private one must invite the token's owner); {hint}"
        );
        GroupProblem { why, make: None }
    })
}

fn by_handle_or_name<'g>(groups: &'g [Group], name: &str) -> Option<&'g Group> {
    let folded = |text: &str| text.trim().trim_start_matches('@').to_lowercase();
    let by = |part: fn(&Group) -> &str| groups.iter().find(|group| folded(part(group)) == folded(name));
    by(|group| &group.handle).or_else(|| by(|group| &group.name))
}
