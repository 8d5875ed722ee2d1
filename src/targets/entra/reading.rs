//! Reads users, groups and teams, page by page or by the list of changes.

use super::*;

/// How often the list of changes is begun anew in all, when Graph says that it expired.
const ROUNDS: usize = 3;

impl<C: Transport> Entra<C> {
    /// Every row of a paged list, and why it may not be all of them, if so.
    pub(super) fn rows(&self, first: Request, mut seen: impl FnMut(usize)) -> Result<Rows, TargetError> {
        let (mut rows, mut links, mut request) = (Vec::new(), BTreeSet::new(), first);
        loop {
            let page = wire::page(self.fetch(&request)?).map_err(|why| unexpected(&why, &request, 200))?;
            seen(page.rows.len());
            rows.extend(page.rows);
            match page.next {
                None => return Ok((rows, None)),
                Some(link) if links.insert(link.clone()) => request = requests::next(&link),
                Some(_) => return Ok((rows, Some("the list leads back to an earlier page".into()))),
            }
        }
    }

    /// A list that must be whole to be of use.
    pub(super) fn all<T: serde::de::DeserializeOwned>(&self, first: Request) -> Result<Vec<T>, TargetError> {
        let odd = |why: &str| unexpected(why, &first, 200);
        match self.rows(first.clone(), |_| {})? {
            (rows, None) => {
                let read =
                    |row| serde_json::from_value(Value::Object(row)).map_err(|_| odd("a row is not what it should be"));
                rows.into_iter().map(read).collect()
            }
            (_, Some(why)) => Err(odd(&why)),
        }
    }

    /// The groups and teams that the file names, and what is wrong with the others.
    pub(super) fn resolved(&self) -> Result<Arc<Resolved>, TargetError> {
        let mut resolved = self.resolved.lock();
        if let Some(known) = &*resolved {
            return Ok(Arc::clone(known));
        }
        let mut found = Resolved::default();
        for (index, spec) in (0u16..).map(FieldIndex).zip(&self.connection.fields) {
            let Some((section, name)) = fields::membership(&spec.name) else { continue };
            let groups: Vec<Group> = self.all(requests::groups_called(name))?;
            let as_team = section == fields::TEAMS;
            match wire::only_group(&groups, name, as_team) {
                Ok(id) if as_team => _ = found.groups.insert(index, Id::Team(id)),
                Ok(id) => _ = found.groups.insert(index, Id::Group(id)),
                Err(why) => _ = found.problems.insert(index, GroupProblem { why, make: None }),
            }
        }
        let found = Arc::new(found);
        *resolved = Some(Arc::clone(&found));
        Ok(found)
    }

    pub(super) fn team_members(&self, team: &str) -> Result<Vec<TeamMember>, TargetError> {
        self.all(requests::team_members(team))
    }

    /// Who is in each group and team of the run, as of the last look since anything was written.
    pub(super) fn members(&self) -> Result<Arc<Members>, TargetError> {
        // Held during the look, so that what is written meanwhile is forgotten after it.
        let mut known = self.members.lock();
        match &*known {
            Some(known) => Ok(Arc::clone(known)),
            None => Ok(Arc::clone(known.insert(Arc::new(self.look_for_members()?)))),
        }
    }

    fn look_for_members(&self) -> Result<Members, TargetError> {
        let mut members = Members::new();
        for (index, id) in &self.resolved()?.groups {
            let found = match id {
                Id::Group(group) => {
                    let request = requests::group_members(group);
                    let (rows, doubt) = self.rows(request.clone(), |_| {})?;
                    if let Some(why) = doubt {
                        return Err(unexpected(&why, &request, 200));
                    }
                    let ids: Result<BTreeSet<_>, String> = rows.iter().map(wire::id).collect();
                    ids.map_err(|why| unexpected(&why, &request, 200))?
                }
                Id::Team(team) => self.team_members(team)?.into_iter().filter_map(|member| member.user_id).collect(),
            };
            members.insert(*index, found);
        }
        Ok(members)
    }

    /// Everybody, each once, and why it may not be everybody.
    pub(super) fn everybody(&self, progress: &dyn Progress) -> Result<Rows, TargetError> {
        match self.read {
            ReadBy::List => self.by_list(progress),
            ReadBy::Delta => self.by_changes(progress),
        }
    }

    /// Everybody by the paged list, each once.
    fn by_list(&self, progress: &dyn Progress) -> Result<Rows, TargetError> {
        let request = requests::list_users(&self.selection(), self.reads_managers(), None);
        let look = || {
            let mut count = 0;
            let (rows, mut doubt) = self.rows(request.clone(), |seen| {
                count += seen as u64;
                progress.expect(count);
                progress.advance(seen as u64);
            })?;
            let total = rows.len();
            let mut each = BTreeMap::new();
            for row in rows {
                let id = wire::id(&row).map_err(|why| unexpected(&why, &request, 200))?;
                each.insert(id, row);
            }
            if each.len() < total {
                doubt.get_or_insert("the list of users shifted while it was read: ids came more than once".into());
            }
            Ok::<_, TargetError>((each.into_values().collect(), doubt))
        };
        match look()? {
            (_, Some(_)) => look(),
            whole => Ok(whole),
        }
    }

    /// Everybody by the list of changes, from its beginning.
    fn by_changes(&self, progress: &dyn Progress) -> Result<Rows, TargetError> {
        for _ in 1..ROUNDS {
            match self.changes(progress) {
                Err(error) if error.status == Some(410) => {}
                other => return other,
            }
        }
        self.changes(progress)
    }

    fn changes(&self, progress: &dyn Progress) -> Result<Rows, TargetError> {
        let (mut users, mut links, mut count) = (BTreeMap::new(), BTreeSet::new(), 0);
        let mut request = requests::user_changes(&self.selection(), self.reads_managers());
        let mut at_the_end = false;
        loop {
            let page = wire::page(self.fetch(&request)?).map_err(|why| unexpected(&why, &request, 200))?;
            count += page.rows.len() as u64;
            progress.expect(count);
            progress.advance(page.rows.len() as u64);
            for row in page.rows {
                wire::merge(&mut users, row).map_err(|why| unexpected(&why, &request, 200))?;
            }
            let mut all = |doubt: Option<&str>| {
                Ok((std::mem::take(&mut users).into_values().collect(), doubt.map(str::to_owned)))
            };
            let link = match (page.next, page.changes) {
                (Some(link), _) => link,
                // What changed while the pages were read.
                (None, Some(link)) if !at_the_end => {
                    at_the_end = true;
                    link
                }
                (None, Some(_)) => return all(None),
                (None, None) => return all(Some("the list of changes does not say whether it is at its end")),
            };
            if !links.insert(link.clone()) {
                return all(Some("the list of changes leads back to an earlier page"));
            }
            request = requests::next(&link);
        }
    }
}
