#[cfg(test)]
mod tests;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use foldhash::fast::RandomState;
use parking_lot::Mutex;
use serde_json::Value as Json;

use super::answer::{error_of, refusal, unexpected};
use super::garbled::repaired;
use super::requests::{self, LONGEST_ADDRESS, PAGE_LIMIT, READ_EMPLOYEES};
use super::wire::{CatalogueEntry, Columns, Envelope, Page, Records, parse_page};
use super::{ReadResult, Source, SourceError, SourceErrorKind, SourceSettings, auth};
use crate::employee::{Attributes, Column, Completeness, Employee, EmployeeId, Employees};
use crate::http::{Client, ClientSettings, Clock, RealClock, Request, Requests, Tally, TokenAuth, UnexpectedBody};
use crate::plan::Notice;
use crate::progress::Progress;
use crate::words::count;

/// How often an answer that cannot be read (a web page, a document cut off) is asked for.
const READ_ATTEMPTS: usize = 3;

/// How often the whole list is read at most, as long as each time brings somebody new.
const READS: usize = 4;

/// Why a read of those who changed is never a read of everybody.
const CHANGES_ONLY: &str = "only those who changed were read";

/// So many pages in a row without anybody new, and the paging leads nowhere.
const FRUITLESS: u64 = 5;

/// What Personio says when it is asked for one employee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// There is somebody with this id.
    There,
    /// There is nobody.
    Gone,
}

/// Personio, read through API v1.
#[derive(Debug)]
pub(super) struct PersonioSource {
    client: Client,
    readers: usize,
    tally: Arc<Tally>,
}

impl PersonioSource {
    /// Prepares a source; contacts nobody yet.
    ///
    /// # Errors
    ///
    /// When the base address is not usable or TLS cannot be set up.
    pub(super) fn new(settings: SourceSettings) -> anyhow::Result<Self> {
        Self::with_clock(settings, Arc::new(RealClock::new()))
    }

    pub(super) fn with_clock(settings: SourceSettings, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let tally = Arc::new(Tally::default());
        let (client, readers) = tally.of(|| Self::client(settings, clock))?;
        Ok(Self { client, readers, tally })
    }

    /// The client, and how many pages are read at the same time.
    fn client(settings: SourceSettings, clock: Arc<dyn Clock>) -> anyhow::Result<(Client, usize)> {
        let SourceSettings { client_id, client_secret, partner_id, app_id, base_url, .. } = settings;
        let names: Vec<(&'static str, String)> = (partner_id.map(|name| ("x-personio-partner-id", name)).into_iter())
            .chain([("x-personio-app-id", app_id)])
            .collect();
        let unsigned = auth::client(&base_url, names.clone(), Arc::clone(&clock))?;
        let token = TokenAuth::new(move || auth::sign_in(&unsigned, &client_id, &client_secret), names);
        let mut paced = ClientSettings::new(base_url);
        for (requests, seconds) in [(settings.requests_per_minute, 60), (settings.requests_per_second, 1)] {
            paced = paced.limit(READ_EMPLOYEES, requests, std::time::Duration::from_secs(seconds));
        }
        Ok((Client::with_clock(paced, Box::new(token), clock)?, settings.readers.max(1)))
    }

    /// Reads everybody, in more and shorter requests where those are refused as too long. Returns the portions that the
    /// attributes were asked for in.
    fn read_first(
        &self,
        attributes: &Attributes,
        progress: &dyn Progress,
    ) -> Result<(Vec<Attributes>, Reading), SourceError> {
        let mut portions = requests::portions(attributes, LONGEST_ADDRESS);
        loop {
            match self.read_portions(attributes, &portions, 0, self.readers, progress) {
                Err(error) if error.kind == SourceErrorKind::TooLong => {
                    let longest = requests::longest_address(&portions) / 2;
                    let shorter = requests::portions(attributes, longest);
                    if longest < SHORTEST_ADDRESS || shorter.len() <= portions.len() {
                        return Err(error);
                    }
                    portions = shorter;
                }
                result => return result.map(|read| (portions, read)),
            }
        }
    }

    /// Reads everybody once for each portion, and puts together by id what came.
    fn read_portions(
        &self,
        attributes: &Attributes,
        portions: &[Attributes],
        before: u64,
        readers: usize,
        progress: &dyn Progress,
    ) -> Result<Reading, SourceError> {
        let mut whole: Option<Reading> = None;
        for portion in portions {
            let before = before + whole.as_ref().map_or(0, |whole| whole.rows);
            let read = self.read_all(attributes, portion, before, readers, progress)?;
            whole = Some(match whole {
                None => read,
                Some(whole) => whole.completed_by(read, attributes, portion),
            });
        }
        Ok(whole.unwrap_or_default())
    }

    /// `memory` holds the answer meanwhile, and the next one after it.
    fn page(
        &self,
        columns: &Columns<'_>,
        request: &Request,
        memory: &mut Vec<u8>,
    ) -> Result<(Page, Records), SourceError> {
        const WHAT: &str = "list employees";
        self.look(WHAT, request, memory, |body| {
            let mut page = parse_page(body, columns)?;
            Ok(match page.records.take() {
                _ if page.success == Some(false) => Err(refusal(WHAT, RIGHT, 200, page.error.as_ref())),
                Some(records) => Ok((page, records)),
                None => Err(no_list(WHAT)),
            })
        })
    }

    /// Sends a request that reads and converts its answer; one that cannot be read is asked for again.
    fn look<T>(
        &self,
        what: &str,
        request: &Request,
        memory: &mut Vec<u8>,
        parse: impl Fn(&[u8]) -> Result<Result<T, SourceError>, serde_json::Error>,
    ) -> Result<T, SourceError> {
        let mut attempts = 1;
        loop {
            let answer = self.client.reader().send_reusing(request, std::mem::take(memory))?;
            if !answer.is_success() {
                return Err(refusal(what, RIGHT, answer.status, error_of(&answer).as_ref()));
            }
            match parse(&answer.body) {
                Ok(result) => {
                    *memory = answer.body;
                    return result;
                }
                Err(_) if attempts < READ_ATTEMPTS => attempts += 1,
                Err(error) => return Err(unexpected(what, &UnexpectedBody::new(&answer, &error))),
            }
        }
    }

    /// Reads some of the attributes of a run. `before` counts the rows that came earlier, for the progress shown.
    fn read_all(
        &self,
        attributes: &Attributes,
        asked: &Attributes,
        before: u64,
        readers: usize,
        progress: &dyn Progress,
    ) -> Result<Reading, SourceError> {
        let columns = Columns::new(attributes);
        let mut memory = Vec::new();
        let (page, records) = self.page(&columns, &requests::employees(asked, 0, PAGE_LIMIT), &mut memory)?;
        let came = records.rows();
        let mut reading = Reading::default();
        if let Some(total) = page.total {
            progress.expect(before + total);
            reading.employees.reserve(usize::try_from(total.min(1_000_000)).unwrap_or_default());
        }
        reading.add(page.total, records);
        progress.advance(came);
        let Some(total) = page.total else {
            self.read_on(&columns, asked, came, &mut reading, progress)?;
            return Ok(reading);
        };
        if came == 0 || came >= total {
            return Ok(reading);
        }
        // What came on the first page is what a page holds, whatever was asked for.
        let shared = Mutex::new(reading);
        let (next, failure) = (AtomicU64::new(came), Mutex::new(None));
        drop(memory);
        let work = || {
            let columns = Columns::new(attributes);
            let mut memory = Vec::new();
            loop {
                let start = next.fetch_add(came, Ordering::SeqCst);
                if start >= total || failure.lock().is_some() || shared.lock().over {
                    return;
                }
                let range = Range { start, end: (start + came).min(total), last: start + came >= total };
                if let Err(error) = self.read_range(&columns, asked, &range, &mut memory, &shared, progress) {
                    failure.lock().get_or_insert(error);
                    return;
                }
            }
        };
        let pages = usize::try_from((total - came).div_ceil(came)).unwrap_or(usize::MAX);
        std::thread::scope(|scope| {
            for _ in 1..readers.min(pages) {
                scope.spawn(work);
            }
            work();
        });
        match failure.into_inner() {
            Some(error) => Err(error),
            None => Ok(shared.into_inner()),
        }
    }

    /// Reads a part of the list, in as many pages as it takes: each may be shorter than the first was.
    fn read_range(
        &self,
        columns: &Columns<'_>,
        asked: &Attributes,
        range: &Range,
        memory: &mut Vec<u8>,
        shared: &Mutex<Reading>,
        progress: &dyn Progress,
    ) -> Result<(), SourceError> {
        let mut offset = range.start;
        while offset < range.end {
            // Somebody may have joined since the first page: the last range takes all that is there.
            let limit = if range.last { PAGE_LIMIT } else { range.end - offset };
            let (page, records) = self.page(columns, &requests::employees(asked, offset, limit), memory)?;
            let came = records.rows();
            let mut reading = shared.lock();
            reading.add(page.total, records);
            if came == 0 || reading.over {
                // What is missing shows in the sum.
                return Ok(());
            }
            drop(reading);
            progress.advance(came);
            offset += came;
        }
        Ok(())
    }

    /// Pages without knowing the end: until an empty page, or pages that bring nobody new.
    fn read_on(
        &self,
        columns: &Columns<'_>,
        asked: &Attributes,
        mut offset: u64,
        reading: &mut Reading,
        progress: &dyn Progress,
    ) -> Result<(), SourceError> {
        let mut memory = Vec::new();
        while !reading.over && offset > 0 {
            let request = requests::employees(asked, offset, PAGE_LIMIT);
            let (page, records) = self.page(columns, &request, &mut memory)?;
            let came = records.rows();
            reading.add(page.total, records);
            if came == 0 {
                return Ok(());
            }
            progress.advance(came);
            offset += came;
        }
        Ok(())
    }
}

impl Source for PersonioSource {
    /// All employees, whatever their status.
    ///
    /// The list may change while it is paged, and Personio promises no order of it: each of two reads may miss other
    /// people. When the pages do not add up, everything is read once more, page by page. A read that adds up by itself
    /// counts; otherwise those of all reads are put together, and are unproven if they still do not add up.
    fn employees(&self, attributes: &Attributes, progress: &dyn Progress) -> Result<ReadResult, SourceError> {
        // Where the line is drawn shows on the first page, before anybody was read.
        let (portions, mut read) = self.read_first(attributes, progress)?;
        let mut rows = read.rows;
        for _ in 1..READS {
            if read.doubts().is_none() {
                break;
            }
            let again = self.read_portions(attributes, &portions, rows, 1, progress)?;
            rows += again.rows;
            let before = read.employees.len();
            read = if again.doubts().is_none() { again } else { again.joined_by(read) };
            if read.employees.len() == before {
                break;
            }
        }
        let completeness = match read.doubts() {
            None => Completeness::Proven,
            Some(why) => Completeness::Unproven { why },
        };
        self.tally.listed();
        Ok(read.result(attributes, completeness))
    }

    fn requests(&self) -> Requests {
        self.tally.requests()
    }

    fn changed(
        &self,
        attributes: &Attributes,
        since: DateTime<Utc>,
        progress: &dyn Progress,
    ) -> Result<Option<ReadResult>, SourceError> {
        if requests::portions(attributes, LONGEST_ADDRESS).len() > 1 {
            return Ok(None);
        }
        let columns = Columns::new(attributes);
        let (mut memory, mut reading, mut offset) = (Vec::new(), Reading::default(), 0);
        loop {
            let request = requests::changed_employees(attributes, since, offset);
            let (page, records) = match self.page(&columns, &request, &mut memory) {
                Err(error) if error.kind == SourceErrorKind::TooLong => return Ok(None),
                page => page?,
            };
            let came = records.rows();
            offset += came;
            reading.add(page.total, records);
            progress.expect(page.total.unwrap_or(offset).max(offset));
            progress.advance(came);
            if came == 0 || reading.over || page.total.is_some_and(|total| total <= offset) {
                return Ok(Some(reading.result(attributes, Completeness::Unproven { why: CHANGES_ONLY.to_owned() })));
            }
        }
    }

    /// Whether there is an employee with this id, whatever the list says.
    fn presence(&self, employee: EmployeeId) -> Result<Presence, SourceError> {
        const WHAT: &str = "look for an employee by id";
        let answer = self.client.reader().send(&requests::employee(employee))?;
        let body = answer.json_or_none();
        // A gateway that knows no such path has no `success` to say no with.
        let says = |yes: bool| body.as_ref().and_then(|body| body.get("success")).and_then(Json::as_bool) == Some(yes);
        match answer.status {
            404 if says(false) => Ok(Presence::Gone),
            200..300 if says(true) => {
                let id =
                    body.as_ref().and_then(|body| body.pointer("/data/attributes/id/value")).and_then(Json::as_u64);
                match id {
                    Some(id) if id == employee.0 => Ok(Presence::There),
                    _ => Err(no_list(WHAT)),
                }
            }
            status => Err(refusal(WHAT, RIGHT, status, error_of(&answer).as_ref())),
        }
    }

    /// The attributes that the credential may read.
    fn catalogue(&self) -> Result<Vec<CatalogueEntry>, SourceError> {
        const WHAT: &str = "list the readable attributes";
        self.look(WHAT, &requests::catalogue(), &mut Vec::new(), |body| {
            let envelope: Envelope<Vec<CatalogueEntry>> = serde_json::from_str(&repaired(body, '\u{fffd}'))?;
            Ok(match envelope {
                Envelope { success: Some(false), error, .. } => Err(refusal(WHAT, RIGHT, 200, error.as_ref())),
                Envelope { data: Some(entries), .. } => Ok(entries),
                _ => Err(no_list(WHAT)),
            })
        })
    }
}

/// An address as short as this is not what a refusal is about.
const SHORTEST_ADDRESS: usize = 1_000;

/// How many ids a message names.
const NAMED: usize = 5;

/// The tick box that reading needs.
const RIGHT: &str = "Employees: Read";

fn no_list(what: &str) -> SourceError {
    SourceError::new(
        SourceErrorKind::Unexpected,
        format!("Personio was asked to {what}: the answer holds no list; check `personio.base_url`"),
    )
}

/// A part of the list, by place.
struct Range {
    start: u64,
    end: u64,
    last: bool,
}

/// What one read has brought so far, or several together.
#[derive(Debug, Default)]
struct Reading {
    employees: Vec<Employee>,
    /// Where each of them is.
    seen: HashMap<EmployeeId, usize, RandomState>,
    /// Those of whom only some of the portions came.
    partial: BTreeSet<EmployeeId>,
    /// Ids with which different records came in one read.
    contested: BTreeSet<EmployeeId>,
    /// Whether it is put together from several reads.
    joined: bool,
    notices: Vec<Notice>,
    /// Lowest and highest total that any page reported.
    totals: Option<(u64, u64)>,
    /// Pages that reported none.
    without_total: u64,
    /// Records, repeats included.
    rows: u64,
    repeats: u64,
    unusable: u64,
    /// Pages in a row without anybody new.
    fruitless: u64,
    /// Whether further pages make sense.
    over: bool,
}

/// The lowest and highest of two pairs of lowest and highest.
fn both(one: Option<(u64, u64)>, other: Option<(u64, u64)>) -> Option<(u64, u64)> {
    match (one, other) {
        (Some((lowest, highest)), Some((low, high))) => Some((lowest.min(low), highest.max(high))),
        (one, other) => one.or(other),
    }
}

impl Reading {
    fn result(self, attributes: &Attributes, completeness: Completeness) -> ReadResult {
        let Self { employees, mut notices, contested, unusable, .. } = self;
        notices.sort_by(|one, other| (one.employee, &one.message).cmp(&(other.employee, &other.message)));
        let employees = Employees::new(attributes.clone(), employees, completeness).contesting(contested);
        ReadResult { employees, notices, without_id: unusable }
    }

    fn add(&mut self, total: Option<u64>, records: Records) {
        match (total, &mut self.totals) {
            (None, _) => self.without_total += 1,
            (Some(total), Some((lowest, highest))) => {
                *lowest = total.min(*lowest);
                *highest = total.max(*highest);
            }
            (Some(total), totals) => *totals = Some((total, total)),
        }
        self.rows += records.rows();
        self.unusable += records.unusable;
        let before = self.employees.len();
        let mut repeated = HashSet::new();
        for employee in records.employees {
            match self.seen.entry(employee.id) {
                Entry::Vacant(entry) => {
                    entry.insert(self.employees.len());
                    self.employees.push(employee);
                }
                Entry::Occupied(entry) => {
                    if self.employees[*entry.get()] != employee {
                        self.contested.insert(employee.id);
                    }
                    repeated.insert(employee.id);
                    self.repeats += 1;
                }
            }
        }
        self.notices.extend(
            records
                .notices
                .into_iter()
                .filter(|notice| notice.employee.is_none_or(|employee| !repeated.contains(&employee))),
        );
        self.fruitless = if self.employees.len() > before { 0 } else { self.fruitless + 1 };
        self.over |= self.fruitless >= FRUITLESS;
    }

    /// Together with a read of further attributes of the same people. What did not come with somebody stays hidden.
    fn completed_by(mut self, further: Self, attributes: &Attributes, asked: &Attributes) -> Self {
        let columns: Vec<Column> = asked.keys().filter_map(|key| attributes.column(key)).collect();
        self.partial.extend(self.seen.keys().filter(|employee| !further.seen.contains_key(employee)));
        for employee in further.employees {
            match self.seen.entry(employee.id) {
                Entry::Occupied(entry) => self.employees[*entry.get()].take_from(employee, &columns),
                Entry::Vacant(entry) => {
                    self.partial.insert(employee.id);
                    entry.insert(self.employees.len());
                    self.employees.push(employee);
                }
            }
        }
        self.totals = both(self.totals, further.totals);
        self.notices.extend(further.notices);
        self.contested.extend(further.contested);
        self.without_total += further.without_total;
        self.rows += further.rows;
        self.repeats += further.repeats;
        self.unusable = self.unusable.max(further.unusable);
        self
    }

    /// Together with an earlier read: whoever came now is as they came now.
    fn joined_by(mut self, earlier: Self) -> Self {
        self.joined = true;
        let only_then: BTreeSet<EmployeeId> =
            earlier.seen.keys().filter(|employee| !self.seen.contains_key(employee)).copied().collect();
        for employee in earlier.employees.into_iter().filter(|employee| only_then.contains(&employee.id)) {
            self.seen.insert(employee.id, self.employees.len());
            self.employees.push(employee);
        }
        let concerned = |notice: &Notice| notice.employee.is_some_and(|employee| only_then.contains(&employee));
        self.notices.extend(earlier.notices.into_iter().filter(concerned));
        self.contested.extend(earlier.contested);
        self.partial.extend(earlier.partial.intersection(&only_then));
        self.totals = both(self.totals, earlier.totals);
        self.without_total += earlier.without_total;
        self.unusable = self.unusable.max(earlier.unusable);
        self
    }

    /// Why this may not be everybody; `None` when it is proven to be.
    fn doubts(&self) -> Option<String> {
        let read = self.employees.len() as u64;
        let mut doubts = Vec::new();
        match self.totals {
            None => doubts.push(format!("Personio told no total, and {read} came")),
            Some((lowest, highest)) if lowest != highest => {
                doubts
                    .push(format!("the total changed between {lowest} and {highest} during the read, and {read} came"));
            }
            Some((total, _)) if total != read => {
                doubts.push(format!("Personio tells a total of {total}, and {read} came"));
            }
            Some((0, _)) => doubts.push("Personio delivers nobody at all".to_owned()),
            Some(_) if self.without_total > 0 => doubts.push("not every page told the total".to_owned()),
            Some(_) => {}
        }
        if !self.partial.is_empty() {
            let people = count(self.partial.len(), "employee came", "employees came");
            doubts.push(format!("{people} with some of the attributes only"));
        }
        // Where the order changes between requests each read has repeats; what all of them have is counted above.
        if self.repeats > 0 && !(self.joined && doubts.is_empty()) {
            doubts.push(format!("{} of the records came twice", self.repeats));
        }
        if self.unusable > 0 {
            doubts.push(format!(
                "{} no id",
                count(
                    usize::try_from(self.unusable).unwrap_or(usize::MAX),
                    "of the records has",
                    "of the records have"
                )
            ));
        }
        if !self.contested.is_empty() {
            let ids: Vec<String> = self.contested.iter().take(NAMED).map(ToString::to_string).collect();
            let more = if self.contested.len() > NAMED { " and others" } else { "" };
            doubts.push(format!("several different records came with the id {}{more}", ids.join(", ")));
        }
        if doubts.is_empty() { None } else { Some(doubts.join("; ")) }
    }
}
