//! Several changes at once: a `$batch` with an outcome for each part, or an upload to the provisioning service.

use std::time::Duration;

use super::super::{Write, WriteBatches, Written};
use super::*;

/// How often a part is sent in all, when Graph says that there were too many.
const ATTEMPTS: usize = 5;
/// The pause after such an answer when it does not say how long to wait.
const PAUSE: Duration = Duration::from_secs(10);
/// The most that a batch waits for its parts, in all.
const PATIENCE: Duration = Duration::from_secs(300);

impl<C: Transport> Entra<C> {
    /// Sends requests together, as many as a batch takes. Graph throttles each on its own: those, and only those, are
    /// sent again once the time that it asks for has passed.
    pub(super) fn send_together(&self, requests: &[Request]) -> Vec<Result<Value, TargetError>> {
        let mut outcomes: Vec<Option<Result<Value, TargetError>>> = vec![None; requests.len()];
        let mut open: Vec<usize> = (0..requests.len()).collect();
        let mut waited = Duration::ZERO;
        for attempt in 1..=ATTEMPTS {
            let (mut busy, mut wait) = (Vec::new(), Duration::ZERO);
            for chunk in open.chunks(BATCH) {
                if let [only] = chunk {
                    outcomes[*only] = Some(self.write(&requests[*only]));
                    continue;
                }
                let parts: Vec<Request> = chunk.iter().map(|position| requests[*position].clone()).collect();
                let batch = requests::batch(&parts);
                let answers = self.write(&batch).and_then(|body| {
                    wire::batch_answers(&body, parts.len()).map_err(|why| unexpected(&why, &batch, 200))
                });
                for (number, position) in chunk.iter().enumerate() {
                    let request = &requests[*position];
                    outcomes[*position] = Some(match &answers {
                        Err(error) => Err(error.clone()),
                        Ok(answers) => match &answers[number] {
                            Some(part) if (200..=299).contains(&part.status) => Ok(part.body.clone()),
                            Some(part) if matches!(part.status, 429 | 503) && attempt < ATTEMPTS => {
                                let asked =
                                    part.retry_after.as_deref().and_then(|wait| self.transport.asked_wait(wait));
                                let asked = asked.unwrap_or(PAUSE);
                                if waited.saturating_add(asked) <= PATIENCE {
                                    wait = wait.max(asked);
                                    busy.push(*position);
                                    continue;
                                }
                                Err(too_long(asked, PATIENCE, request))
                            }
                            Some(part) if part.status == 404 && attempt < ATTEMPTS && self.names_new(request) => {
                                wait = wait.max(REPLICATION[(attempt - 1).min(REPLICATION.len() - 1)]);
                                busy.push(*position);
                                continue;
                            }
                            Some(part) => Err(refused(part.status, &part.body, request)),
                            None => Err(unexpected("the batch has no answer for it", request, 200)),
                        },
                    });
                }
            }
            if busy.is_empty() {
                break;
            }
            self.transport.pause(requests::WRITE, wait);
            waited += wait;
            open = busy;
        }
        outcomes.into_iter().map(|outcome| outcome.expect("every request has an outcome")).collect()
    }

    /// Changes properties of several users, then what they are tied to.
    fn change_together(&self, writes: &[Write<'_>]) -> Vec<Written> {
        let mut results: Vec<Result<(), TargetError>> = vec![Ok(()); writes.len()];
        let mut organisations = self.organisations(writes);
        let (mut parts, mut bodies): (Vec<(usize, Request)>, Vec<_>) = (Vec::new(), Vec::new());
        for (position, write) in writes.iter().enumerate() {
            let body = match write {
                Write::Create { .. } => continue,
                Write::Reactivate { .. } => Ok(enabled(true)),
                Write::Deactivate { .. } => Ok(enabled(false)),
                Write::Update { changes, .. } => organisations
                    .remove(&position)
                    .unwrap_or_else(|| Ok(Map::new()))
                    .and_then(|now| wire::body(changes, now).map_err(|why| TargetError::new(ErrorKind::Refused, why))),
            };
            match (body, account(write)) {
                (Ok(body), Some(account)) if !body.is_empty() => {
                    parts.push((position, requests::update_user(&account.0, &Value::Object(body.clone()))));
                    bodies.push((position, account, body));
                }
                (Ok(_), _) => {}
                (Err(error), _) => results[position] = Err(error),
            }
        }
        self.send_parts(parts, &mut results, |_| None);
        for (position, account, body) in bodies {
            if let Some(refusal) = results[position].clone().err().filter(|error| error.kind == ErrorKind::Rights) {
                results[position] = self.change_one_by_one(account, &body, refusal);
            }
        }
        let resolved = match self.resolved() {
            Ok(resolved) => resolved,
            Err(error) => {
                return results.into_iter().map(|result| result.and(Err(error.clone())).map(|()| None)).collect();
            }
        };
        // Properties that are refused are no reason to keep somebody out of a group.
        let (mut ties, mut names) = (Vec::new(), Vec::new());
        for (position, write) in writes.iter().enumerate() {
            let Write::Update { account, changes } = write else { continue };
            for change in *changes {
                match self.tie_request(account, change, &resolved) {
                    None => {}
                    Some(Ok(request)) => {
                        ties.push((position, request));
                        names.push(&*change.field);
                    }
                    Some(Err(error)) => note(&mut results[position], Err(error), Some(&change.field)),
                }
            }
        }
        self.send_parts(ties, &mut results, |number| Some(names[number]));
        results.into_iter().map(|result| result.map(|()| None)).collect()
    }

    /// Sends parts and adds what came of each to the result of the change that it belongs to.
    fn send_parts<'n>(
        &self,
        parts: Vec<(usize, Request)>,
        results: &mut [Result<(), TargetError>],
        name: impl Fn(usize) -> Option<&'n str>,
    ) {
        let (positions, requests): (Vec<usize>, Vec<Request>) = parts.into_iter().unzip();
        let outcomes = self.send_together(&requests);
        for (number, (position, outcome)) in positions.into_iter().zip(outcomes).enumerate() {
            note(&mut results[position], unless_so_already(outcome.map(drop), &requests[number]), name(number));
        }
    }

    /// The organisation's data of those for whom they are about to change, since Graph empties what is not sent.
    fn organisations(&self, writes: &[Write<'_>]) -> BTreeMap<usize, Result<Map<String, Value>, TargetError>> {
        let (mut positions, mut looks) = (Vec::new(), Vec::new());
        for (position, write) in writes.iter().enumerate() {
            if let Write::Update { account, changes } = write
                && wire::touches_organisation(changes)
            {
                positions.push(position);
                looks.push(requests::user(&account.0, "id,employeeOrgData", false).in_path());
            }
        }
        let found = self.send_together(&looks).into_iter().map(|found| found.map(|user| wire::organisation(&user)));
        positions.into_iter().zip(found).collect()
    }

    /// Hands new users over to the provisioning service, as many as one upload takes.
    pub(super) fn upload(&self, address: &str, writes: &[Write<'_>]) -> Vec<Written> {
        let operations: Vec<Result<Value, String>> = writes
            .iter()
            .map(|write| match write {
                Write::Create { employee, fields } => provisioning::operation(&employee.to_string(), fields),
                _ => Err("only new users are uploaded".into()),
            })
            .collect();
        let sent: Vec<&Value> = operations.iter().flatten().collect();
        let answer = if sent.is_empty() {
            Ok(Value::Null)
        } else {
            self.write(&requests::bulk_upload(address, &provisioning::upload(&sent)))
        };
        if writes.len() > 1 && answer.as_ref().is_err_and(|error| error.kind == ErrorKind::Refused) {
            // One that is malformed is no reason to refuse the others: each is uploaded alone.
            return Vec::new();
        }
        let outcome = |operation: Result<Value, String>| -> Written {
            operation.map_err(|why| TargetError::new(ErrorKind::Refused, why))?;
            answer.clone()?;
            // Whether it has made the account yet, only a look tells.
            let why = "the provisioning service took the new user and makes the account in its own time; the next run \
                       looks again";
            Err(TargetError::new(ErrorKind::Pending, why))
        };
        operations.into_iter().map(outcome).collect()
    }
}

/// The body that enables a user, or disables them.
fn enabled(enabled: bool) -> Map<String, Value> {
    Map::from_iter([("accountEnabled".to_owned(), json!(enabled))])
}

fn account<'w>(write: &Write<'w>) -> Option<&'w AccountId> {
    match write {
        Write::Create { .. } => None,
        Write::Update { account, .. } | Write::Reactivate { account } | Write::Deactivate { account } => Some(account),
    }
}

/// Adds an outcome to a result; the first that went wrong counts.
fn note(result: &mut Result<(), TargetError>, outcome: Result<(), TargetError>, field: Option<&str>) {
    let Err(error) = outcome else { return };
    if result.is_ok() {
        let message = field.map_or_else(|| error.message.clone(), |field| format!("`{field}`: {}", error.message));
        *result = Err(TargetError { message, ..error });
    }
}

impl<C: Transport> WriteBatches for Entra<C> {
    fn most(&self) -> usize {
        if matches!(self.create, Create::BulkUpload(_)) { UPLOAD } else { BATCH }
    }

    fn takes(&self, write: &Write<'_>) -> bool {
        match write {
            Write::Create { .. } => matches!(self.create, Create::BulkUpload(_)),
            // Members of teams are looked up one by one, at a pace of their own.
            Write::Update { changes, .. } => {
                let is_team =
                    |change: &FieldChange| fields::membership(&change.field).is_some_and(|(of, _)| of == fields::TEAMS);
                !changes.iter().any(is_team)
            }
            Write::Reactivate { .. } | Write::Deactivate { .. } => true,
        }
    }

    fn write(&self, writes: &[Write<'_>]) -> Vec<Written> {
        let is_new = |write: &&Write<'_>| matches!(write, Write::Create { .. });
        let new = writes.iter().take_while(is_new).count();
        match &self.create {
            Create::BulkUpload(address) if new > 0 => self.upload(address, &writes[..new]),
            _ => {
                let changes = writes.iter().take(BATCH).take_while(|write| !is_new(write)).count();
                self.change_together(&writes[..changes])
            }
        }
    }
}
