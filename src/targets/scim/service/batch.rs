//! Making and changing several users in one request.

use crate::http::{Request, Response};
use crate::targets::{ErrorKind, TargetError};

use super::super::bulk::{self, BulkOperation, ENVELOPE, Limits};
use super::super::deviations::{Bulk, Update};
use super::super::errors::{Operation, honest, refusal, unexpected};
use super::super::patch::Setting;
use super::super::wire::Resource;
use super::Service;

/// Where nobody says how much a service takes at once.
const OPERATIONS: u64 = 100;
const BYTES: u64 = 1_000_000;

/// A user to be made or changed.
#[derive(Clone, Debug)]
pub(crate) enum Order<'a> {
    Create {
        /// Without `active` and `schemas`.
        resource: Resource,
        /// The fields that are sent, for messages.
        names: Vec<&'a str>,
    },
    Change {
        id: &'a str,
        settings: Vec<Setting>,
        /// Taken out of use, or back.
        active: Option<bool>,
        /// The fields that are sent, for messages.
        names: Vec<&'a str>,
    },
}

/// The id of who was made, `None` for who was changed, or why not.
type Ordered = Result<Option<String>, TargetError>;

/// What becomes of an order.
enum Part {
    Sent(BulkOperation),
    /// Too large for one, or the only one: sent by itself.
    Alone,
    /// Nothing to send, or nothing that can be sent.
    Done(Ordered),
}

impl Service {
    /// Whether batches are asked for, and the service does not offer them.
    pub(crate) fn lacks_bulk(&self) -> Result<bool, TargetError> {
        Ok(self.deviations.bulk == Bulk::Offered && self.discovery()?.bulk.is_none())
    }

    /// The most operations and bytes of a batch; `None` when there are no batches.
    fn bulk_limits(&self) -> Option<(usize, usize)> {
        let offered = self.discovery().ok()?.bulk;
        let limits = match self.deviations.bulk {
            Bulk::Off => return None,
            Bulk::Offered => offered?,
            Bulk::Declared(declared) => declared.and(offered.unwrap_or_default()),
        };
        let fits = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let Limits { operations, bytes } =
            limits.and(Limits { operations: self.learned.lock().bulk_most, bytes: None });
        Some((fits(operations.unwrap_or(OPERATIONS)), fits(bytes.unwrap_or(BYTES))))
    }

    /// The most orders of a batch; 0 when there are no batches.
    pub(crate) fn bulk_most(&self) -> usize {
        self.bulk_limits().map_or(0, |(most, _)| most)
    }

    /// Carries out the first so many orders, as they fit into one request. None at all when the service refuses
    /// batches as such; it is not asked for one again.
    pub(crate) fn together(&self, orders: &[Order<'_>]) -> Vec<Ordered> {
        let Some((most, bytes)) = self.bulk_limits() else { return Vec::new() };
        let mut orders = orders;
        let mut parts = self.parts(&orders[..most.min(orders.len())], bytes);
        loop {
            orders = &orders[..parts.len()];
            let operations: Vec<&BulkOperation> = parts.iter().filter_map(Part::operation).collect();
            if operations.len() < 2 {
                return orders.iter().zip(parts).map(|(order, part)| self.unsent(order, part)).collect();
            }
            let sent = self.requests().and_then(|requests| self.send(Operation::Change, &requests.bulk(&operations)));
            let response = match sent {
                Ok(response) => response,
                Err(error) => return self.all(orders, parts, &error),
            };
            match response.status {
                // Whatever it says of itself, this was too much.
                413 => {
                    let half = operations.len() / 2;
                    self.learned.lock().bulk_most = Some(half as u64);
                    let keep = parts.iter().enumerate().filter(|(_, part)| part.operation().is_some()).nth(half);
                    let keep = keep.map_or(parts.len(), |(position, _)| position);
                    parts.truncate(keep);
                }
                401 | 429 | 300..=399 | 500 | 502..=599 => {
                    return self.all(orders, parts, &refusal(&self.name, Operation::Change, &response, &[]));
                }
                400..=599 => {
                    self.learned.lock().bulk_most = Some(1);
                    return Vec::new();
                }
                _ => {
                    let body = response.json_or_none().unwrap_or_default();
                    let Some(answers) = bulk::answers(&body, &operations) else {
                        let why = unexpected(&self.name, "the answer to a batch is not in the form of SCIM");
                        return self.all(orders, parts, &TargetError { kind: ErrorKind::Unsettled, ..why });
                    };
                    let mut answers = answers.into_iter();
                    let answered = |(order, part): (&Order<'_>, Part)| {
                        let answer = part.operation().and_then(|_| answers.next()).flatten();
                        self.answered(order, part, answer)
                    };
                    return orders.iter().zip(parts).map(answered).collect();
                }
            }
        }
    }

    fn parts(&self, orders: &[Order<'_>], bytes: usize) -> Vec<Part> {
        let mut parts = Vec::with_capacity(orders.len());
        let envelope = ENVELOPE.0.len() + ENVELOPE.1.len();
        let mut size = envelope;
        for (number, order) in orders.iter().enumerate() {
            let operation = match self.request(order) {
                Ok(Some(request)) => BulkOperation::new(number, &request),
                other => {
                    let refused = matches!(&other, Err(error) if error.kind == ErrorKind::SignIn);
                    parts.push(Part::Done(other.map(|_| None)));
                    if refused {
                        break;
                    }
                    continue;
                }
            };
            let length = operation.text.len() + 1;
            if envelope + length > bytes {
                parts.push(Part::Alone);
                continue;
            }
            if size + length > bytes {
                break;
            }
            size += length;
            parts.push(Part::Sent(operation));
        }
        parts
    }

    /// What an order would send by itself; `None` when nothing is to be sent.
    fn request(&self, order: &Order<'_>) -> Result<Option<Request>, TargetError> {
        match order {
            Order::Create { resource, .. } => Ok(Some(self.requests()?.create(&self.whole(resource.clone())))),
            Order::Change { id, settings, active, .. } => {
                let settings = self.with_active(settings.clone(), *active);
                if settings.is_empty() {
                    return Ok(None);
                }
                if !self.patches(&settings, *active)? {
                    return self.replacement(id, &settings).map(Some);
                }
                let operations = self.operations(id, &settings)?;
                if operations.is_empty() {
                    return Ok(None);
                }
                let version = self.version(id)?;
                Ok(Some(self.requests()?.patch(id, &operations, version.as_deref())))
            }
        }
    }

    /// What came of an order once its batch was answered.
    fn answered(&self, order: &Order<'_>, part: Part, answer: Option<Response>) -> Ordered {
        if part.operation().is_none() {
            return self.unsent(order, part);
        }
        let Some(answer) = answer.map(honest) else {
            let why = format!("{}: the answer to a batch does not say what came of this change", self.name);
            return Err(TargetError::new(ErrorKind::Unsettled, why));
        };
        let patch = matches!(order, Order::Change { .. }) && self.deviations.update == Update::Auto;
        match answer.status {
            // Too busy for this one; by itself it waits its turn. Nothing has happened.
            429 | 503 => self.alone(order),
            405 | 501 if patch => self.alone(order),
            _ => match order {
                Order::Create { resource, names } => self.made(&self.whole(resource.clone()), &answer, names).map(Some),
                Order::Change { id, active, names, .. } => self.changed(id, &answer, *active, names).map(|()| None),
            },
        }
    }

    fn alone(&self, order: &Order<'_>) -> Ordered {
        match order {
            Order::Create { resource, names } => self.create(resource.clone(), names).map(Some),
            Order::Change { id, settings, active, names } => {
                self.change(id, settings.clone(), *active, names).map(|()| None)
            }
        }
    }

    /// What was sent has this error.
    fn all(&self, orders: &[Order<'_>], parts: Vec<Part>, error: &TargetError) -> Vec<Ordered> {
        let result = |(order, part): (&Order<'_>, Part)| match part {
            Part::Sent(_) => Err(error.clone()),
            other => self.unsent(order, other),
        };
        orders.iter().zip(parts).map(result).collect()
    }

    fn unsent(&self, order: &Order<'_>, part: Part) -> Ordered {
        match part {
            Part::Done(result) => result,
            Part::Sent(_) | Part::Alone => self.alone(order),
        }
    }
}

impl Part {
    fn operation(&self) -> Option<&BulkOperation> {
        match self {
            Self::Sent(operation) => Some(operation),
            Self::Alone | Self::Done(_) => None,
        }
    }
}
