//! A transaction's first batch in a partition waits until its coordinator was asked (KIP-890).
//!
//! ```text
//! append -> refused with a guard -> all other parts in order -> one question to Python -> its outcome
//!        -> append again with the guard, which a marker that came meanwhile has made worthless
//! ```
//! The connection begins no other request until then, so nothing overtakes the batch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use batch::Header;
use model::limits::{VERIFICATION_MS_MAX, VERIFICATIONS_IN_FLIGHT_MAX};
use model::{ConnectionId, ErrorCode, GroupId};
use partition::{Guard, Verified};
use wire::ProduceRequest;

use crate::handoff::Verification;
use crate::k00_produce::ProduceWait;
use crate::routing::TopicKey;
use crate::server::{Context, Server, Wait};
use crate::waits::Token;

const NS_PER_MS: u64 = 1_000_000;
/// From here on clients know `TRANSACTION_ABORTABLE`.
const ABORTABLE_FROM: i16 = 11;
/// From here on a Produce adds its partitions to the transaction.
const ADDS_FROM: i16 = 12;

/// A batch whose transaction is not open where it belongs.
pub(crate) struct Unverified {
    pub group: GroupId,
    pub guard: Guard,
    pub batch: Vec<u8>,
}

/// The transaction that a Produce names.
pub(crate) struct Transaction {
    id: String,
    /// Whether its coordinator is to be asked at all.
    verifies: bool,
    /// What waits for that, by part.
    unverified: Vec<(usize, Unverified)>,
    /// Which place of the question each of them is, once it is asked.
    asked: Vec<usize>,
}

impl Transaction {
    pub fn new(id: &str, verifies: bool) -> Transaction {
        Transaction { id: id.to_owned(), verifies, unverified: Vec::new(), asked: Vec::new() }
    }

    /// What an append shows.
    pub fn verified(&self, verified: Verified) -> Verified {
        if self.verifies { verified } else { Verified::Unasked }
    }
}

/// Produce requests with parts whose transaction is to be verified.
#[derive(Default)]
pub(crate) struct Verifying {
    /// Parts of theirs are still without order for another reason.
    unsent: BTreeSet<Token>,
    /// They wait for Python to say. At most [`VERIFICATIONS_IN_FLIGHT_MAX`].
    sent: BTreeSet<Token>,
    /// Questions of this turn.
    pub asked: Vec<Verification>,
}

/// Whether a request is refused as a whole for one of its transactional batches. `producer` is that of the ones before it.
pub(crate) fn refused_transaction(
    request: &ProduceRequest<'_>,
    batch: Option<&[u8]>,
    producer: &mut Option<(i64, i16)>,
) -> Option<ErrorCode> {
    if request.transactional_id.is_none() {
        return Some(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    }
    // What is no batch is refused by its partition.
    let header = Header::read(batch?).ok()?;
    let this = (header.producer_id, header.producer_epoch);
    (*producer.get_or_insert(this) != this).then_some(ErrorCode::INVALID_PRODUCER_ID_MAPPING)
}

/// What a client of this version is told of a verification's outcome, with a sentence where the code alone would mislead:
/// what only brokers know becomes something that every client retries without asking for new metadata.
pub(crate) fn told(error: ErrorCode, version: i16) -> (ErrorCode, Option<&'static str>) {
    let not_added = (ErrorCode::INVALID_TXN_STATE, Some("Partition was not added to the transaction"));
    let retried = |message| (ErrorCode::NOT_ENOUGH_REPLICAS, Some(message));
    macro_rules! underlying {
        ($name:literal) => {
            retried(concat!(
                "Unable to verify the partition has been added to the transaction. Underlying error: ",
                $name
            ))
        };
    }
    match error {
        ErrorCode::PRODUCER_FENCED => (ErrorCode::INVALID_PRODUCER_EPOCH, None),
        ErrorCode::TRANSACTION_ABORTABLE if version < ABORTABLE_FROM => not_added,
        ErrorCode::INVALID_TXN_STATE => not_added,
        ErrorCode::CONCURRENT_TRANSACTIONS => underlying!("CONCURRENT_TRANSACTIONS"),
        ErrorCode::NETWORK_EXCEPTION => underlying!("NETWORK_EXCEPTION"),
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS => underlying!("COORDINATOR_LOAD_IN_PROGRESS"),
        ErrorCode::COORDINATOR_NOT_AVAILABLE => underlying!("COORDINATOR_NOT_AVAILABLE"),
        ErrorCode::NOT_COORDINATOR => underlying!("NOT_COORDINATOR"),
        error => (error, None),
    }
}

impl ProduceWait {
    /// Whether its coordinator was asked and has not answered.
    pub(crate) fn is_verifying(&self) -> bool {
        self.transaction.as_ref().is_some_and(|transaction| !transaction.asked.is_empty())
    }

    /// Parts whose transaction is to be verified.
    fn unverified(&self) -> usize {
        self.transaction.as_ref().map_or(0, |transaction| transaction.unverified.len())
    }
}

impl Server {
    /// A part was refused until its transaction is verified.
    pub(crate) fn unverified(&mut self, token: Token, unverified: Unverified) {
        let Some(wait) = self.produce_wait(token) else { return };
        let transaction = wait.transaction.as_mut().expect("only parts of a transaction are verified");
        transaction.unverified.push((token.part_number(), unverified));
        self.verifying.unsent.insert(token.part(0));
    }

    /// Asks for every request that has nothing else to wait for.
    pub(crate) fn send_verifications(&mut self, context: &mut Context<'_>) {
        for name in std::mem::take(&mut self.verifying.unsent) {
            let Some(wait) = self.produce_wait(name) else { continue };
            if wait.unordered > wait.unverified() {
                self.verifying.unsent.insert(name);
                continue;
            }
            if self.is_stopping() || self.verifying.sent.len() >= VERIFICATIONS_IN_FLIGHT_MAX {
                self.end_verification(context, name, ErrorCode::COORDINATOR_NOT_AVAILABLE);
                continue;
            }
            let verification = self.verification_of(name);
            self.verifying.asked.push(verification);
            self.verifying.sent.insert(name);
            let wait = self.produce_wait(name).expect("just seen");
            let before = (wait.due_ns, name);
            wait.due_ns = context.now.monotonic_ns + VERIFICATION_MS_MAX * NS_PER_MS;
            let due = (wait.due_ns, name);
            self.deadlines.remove(&before);
            self.deadlines.insert(due);
        }
    }

    fn verification_of(&mut self, name: Token) -> Verification {
        let Some(Wait::Produce(wait)) = self.waits.get(name) else { unreachable!("the caller has seen it") };
        let transaction = wait.transaction.as_mut().expect("it has unverified parts");
        // Other shards refuse theirs later than this one.
        transaction.unverified.sort_by_key(|(part, _)| *part);
        let transaction = wait.transaction.as_ref().expect("just seen");
        let (mut asked, mut partitions) = (Vec::with_capacity(transaction.unverified.len()), Vec::new());
        let mut places = BTreeMap::new();
        for (part, _) in &transaction.unverified {
            let (topic, index) = wait.place_of(*part);
            let name = match topic {
                TopicKey::Name(name) => Arc::clone(name),
                // A topic that was deleted since has no name any more: the append finds that out.
                TopicKey::Id(id) => {
                    self.routing.with_id(*id).map_or_else(|| "".into(), |topic| Arc::clone(&topic.name))
                }
            };
            asked.push(*places.entry((Arc::clone(&name), index)).or_insert_with(|| {
                partitions.push((name, index));
                partitions.len() - 1
            }));
        }
        let (_, first) = transaction.unverified.first().expect("it has unverified parts");
        let header = Header::read(&first.batch).expect("the partition has read it");
        let verification = Verification {
            token: name,
            transactional_id: transaction.id.clone(),
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            partitions,
            adds: wait.version >= ADDS_FROM,
            api_version: wait.version,
        };
        wait.transaction.as_mut().expect("just seen").asked = asked;
        verification
    }

    /// Python's outcome: what is in order is appended, in the order of the request.
    pub(crate) fn verified(&mut self, context: &mut Context<'_>, name: Token, errors: &[ErrorCode]) {
        if !self.verifying.sent.remove(&name) {
            return; // its time is over, or its connection has gone
        }
        let now = context.now.monotonic_ns;
        let Some(wait) = self.produce_wait(name) else { return };
        let version = wait.version;
        let transaction = wait.transaction.as_mut().expect("it was asked for");
        let asked = std::mem::take(&mut transaction.asked);
        let unverified = std::mem::take(&mut transaction.unverified);
        let before = (wait.due_ns, name);
        wait.restart(now);
        self.deadlines.remove(&before);
        for ((part, Unverified { group, guard, batch }), place) in unverified.into_iter().zip(asked) {
            let Some(wait) = self.produce_wait(name) else { return };
            let error = errors.get(place).copied().unwrap_or(ErrorCode::UNKNOWN_SERVER_ERROR);
            wait.unordered -= 1;
            if error.is_none() {
                self.append_part(context, name.part(part), group, &batch, Verified::Yes(guard));
            } else {
                let (error, message) = told(error, version);
                wait.refuse_unverified(part, error, message);
            }
        }
        self.produce_progress(name);
    }

    /// Nobody will say any more.
    pub(crate) fn end_verification(&mut self, context: &mut Context<'_>, name: Token, error: ErrorCode) {
        let Some(wait) = self.produce_wait(name) else { return };
        let transaction = wait.transaction.as_mut().expect("it is to be verified");
        transaction.asked.clear();
        let version = wait.version;
        let parts = std::mem::take(&mut wait.transaction.as_mut().expect("just seen").unverified);
        let before = (wait.due_ns, name);
        wait.restart(context.now.monotonic_ns);
        let (error, message) = told(error, version);
        for (part, _) in parts {
            wait.unordered -= 1;
            wait.refuse_unverified(part, error, message);
        }
        self.deadlines.remove(&before);
        self.verifying.sent.remove(&name);
        self.produce_progress(name);
    }

    /// The node stops: Python says nothing any more.
    pub(crate) fn end_verifications(&mut self, context: &mut Context<'_>) {
        for name in std::mem::take(&mut self.verifying.sent) {
            self.end_verification(context, name, ErrorCode::COORDINATOR_NOT_AVAILABLE);
        }
    }

    /// Forgets what a connection that is gone has waiting: its batches are not appended.
    pub(crate) fn drop_verifications_of(&mut self, connection: ConnectionId) {
        let waiting: Vec<Token> = self.verifying.sent.union(&self.verifying.unsent).copied().collect();
        for name in waiting {
            if self.produce_wait(name).is_some_and(|wait| wait.connection == connection) {
                self.verifying.sent.remove(&name);
                self.verifying.unsent.remove(&name);
                if let Some(Wait::Produce(wait)) = self.waits.remove(name) {
                    self.deadlines.remove(&(wait.due_ns, name));
                }
            }
        }
    }
}
