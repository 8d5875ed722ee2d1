//! Reading everybody, page after page.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::http::Response;
use crate::progress::Progress;
use crate::targets::TargetError;

use super::super::deviations::Paging;
use super::super::discovery::resources;
use super::super::errors::{Operation, refusal, scim_type, unexpected};
use super::super::path::get;
use super::super::requests::Page;
use super::super::wire::{Resource, id, version, whole};
use super::Service;

/// Everybody, or why it may not be everybody.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Each user once.
    pub(crate) users: Vec<(String, Resource)>,
    /// Why the list is not proven to be whole.
    pub(crate) incomplete: Option<String>,
}

/// What one walk over the list came to.
struct Pass {
    seen: BTreeSet<String>,
    incomplete: Option<String>,
    /// Whether a second look may help.
    repeatable: bool,
}

/// What is behind the page with which a list seems to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beyond {
    NotAsked,
    /// The last request was for it.
    Asked,
    /// Accounts that the service had not spoken of.
    There,
}

pub(super) struct List {
    pub(super) total: Option<u64>,
    /// How many the service says it gives at a time.
    page_size: Option<u64>,
    next_cursor: Option<String>,
    pub(super) resources: Vec<Resource>,
}

impl Service {
    /// All users. A list that is not proven to be whole says why.
    pub(crate) fn walk(&self, progress: &dyn Progress) -> Result<Walk, TargetError> {
        let mut users = BTreeMap::new();
        let mut pass = self.pass(&mut users, progress)?;
        // People who moved between pages while the list was read are found by a second look.
        if pass.incomplete.is_some() && pass.repeatable {
            pass = self.pass(&mut users, progress)?;
            // Whoever is missing from a list that is whole has left since the first look.
            if pass.incomplete.is_none() {
                users.retain(|id, _| pass.seen.contains(id));
            }
        }
        let mut learned = self.learned.lock();
        learned.versions =
            users.iter().filter_map(|(id, (_, resource))| Some((id.clone(), version(resource)?))).collect();
        drop(learned);
        let mut users: Vec<(usize, String, Resource)> =
            users.into_iter().map(|(id, (at, resource))| (at, id, resource)).collect();
        users.sort_by_key(|(at, _, _)| *at);
        Ok(Walk {
            users: users.into_iter().map(|(_, id, resource)| (id, resource)).collect(),
            incomplete: pass.incomplete,
        })
    }

    fn pass(
        &self,
        users: &mut BTreeMap<String, (usize, Resource)>,
        progress: &dyn Progress,
    ) -> Result<Pass, TargetError> {
        let (requests, discovery) = (self.requests()?, self.discovery()?);
        let count = discovery.max_results.map_or(self.deviations.page_size, |most| {
            u32::try_from(most).unwrap_or(u32::MAX).min(self.deviations.page_size)
        });
        let start = match self.deviations.paging {
            Paging::None => Page::All,
            Paging::Cursor => Page::Cursor(String::new()),
            Paging::Auto if discovery.cursor => Page::Cursor(String::new()),
            Paging::Auto | Paging::Index => Page::Index(1),
        };
        let mut page = start.clone();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut cursors: BTreeSet<String> = BTreeSet::new();
        let (mut total, mut nameless, mut restarted, mut ended) = (None, 0usize, false, false);
        let mut beyond = Beyond::NotAsked;
        loop {
            let response = self.send(Operation::Read, &requests.page(&page, count))?;
            let expired = scim_type(&response).is_some_and(|word| {
                word.eq_ignore_ascii_case("expiredCursor") || word.eq_ignore_ascii_case("invalidCursor")
            });
            if expired && !restarted && matches!(&page, Page::Cursor(cursor) if !cursor.is_empty()) {
                (restarted, page) = (true, Page::Cursor(String::new()));
                seen.clear();
                cursors.clear();
                continue;
            }
            if !response.is_success() {
                if beyond != Beyond::NotAsked && response.status == 400 {
                    ended = true;
                    break;
                }
                return Err(refusal(&self.name, Operation::Read, &response, &[]));
            }
            let list = self.list(&response)?;
            if let Some(now) = list.total {
                if total.is_none() {
                    progress.expect(now);
                }
                total = Some(now);
            }
            let received = list.resources.len();
            let mut fresh = 0;
            for resource in list.resources {
                match id(&resource) {
                    None => nameless += 1,
                    Some(id) => {
                        if seen.insert(id.clone()) {
                            fresh += 1;
                        }
                        let at = users.len();
                        // A second look brings the newer state.
                        users.entry(id).and_modify(|known| known.1 = resource.clone()).or_insert((at, resource));
                    }
                }
            }
            progress.advance(fresh);
            let full = received as u64 >= list.page_size.map_or(u64::from(count), |size| size.min(u64::from(count)));
            if beyond == Beyond::Asked {
                if fresh == 0 {
                    break;
                }
                (beyond, ended) = (Beyond::There, false);
            }
            if let Some(next) = list.next_cursor {
                // A cursor that comes again would go round in circles.
                if !cursors.insert(next.clone()) {
                    break;
                }
                page = Page::Cursor(next);
                continue;
            }
            match &mut page {
                Page::Cursor(cursor) => {
                    ended = true;
                    // A service that knows no cursors gives the first page and no word of a next one.
                    if !full || received == 0 || !cursor.is_empty() {
                        break;
                    }
                    (beyond, page) = (Beyond::Asked, Page::Index(received as u64 + 1));
                }
                Page::All => break,
                Page::Index(start) => {
                    let reached = beyond != Beyond::There && total.is_some_and(|total| seen.len() as u64 >= total);
                    // The same people again: the service does not know `startIndex`.
                    let circles = received > 0 && fresh == 0 && nameless == 0;
                    let unsaid = total.is_none() || beyond == Beyond::There;
                    ended |= beyond == Beyond::There && received == 0;
                    if circles || (received == 0 && unsaid) || (reached && (!full || received == 0)) {
                        break;
                    }
                    // Some services leave out rows of a page (hidden people), now and then all of them.
                    *start += if received == 0 { u64::from(count) } else { received as u64 };
                    if reached {
                        // Some give the size of the page for the number of all: a full page earns one more request.
                        beyond = Beyond::Asked;
                    } else if !unsaid && total.is_some_and(|total| *start > total) {
                        break;
                    }
                }
            }
        }
        let distinct = seen.len() as u64;
        let (incomplete, repeatable) = match total {
            _ if nameless > 0 => {
                (Some(format!("of the accounts that {} lists {nameless} come without an id", self.name)), false)
            }
            _ if beyond == Beyond::There && ended => (None, false),
            _ if beyond == Beyond::There => {
                (Some(format!("{} lists more accounts than it speaks of, and its list has no end", self.name)), false)
            }
            Some(total) if total == distinct => (None, false),
            Some(total) => (Some(format!("{} speaks of {total} accounts and lists {distinct}", self.name)), true),
            // A list by cursor need not say how many there are; its end proves it (RFC 9865).
            None if ended => (None, false),
            None => (Some(format!("{} does not say how many accounts it has", self.name)), false),
        };
        Ok(Pass { seen, incomplete, repeatable })
    }

    pub(super) fn list(&self, response: &Response) -> Result<List, TargetError> {
        let body: Value =
            response.json().map_err(|error| unexpected(&self.name, error).with_status(response.status))?;
        let Some(object) = body.as_object() else {
            return Err(
                unexpected(&self.name, "the list of accounts is not in the form of SCIM").with_status(response.status)
            );
        };
        let total = get(object, "totalResults").and_then(whole);
        let page_size = get(object, "itemsPerPage").and_then(whole).filter(|size| *size > 0);
        let next_cursor = get(object, "nextCursor").and_then(Value::as_str).filter(|next| !next.is_empty());
        let found = match get(object, "Resources") {
            Some(Value::Array(_)) => resources(&body).cloned().collect(),
            // Left out when there is nothing, and only then.
            None | Some(Value::Null) if total.is_some() => Vec::new(),
            _ => {
                return Err(unexpected(
                    &self.name,
                    "the list of accounts is not in the form of SCIM; is `base_url` right?",
                )
                .with_status(response.status));
            }
        };
        Ok(List { total, page_size, next_cursor: next_cursor.map(str::to_owned), resources: found })
    }
}
