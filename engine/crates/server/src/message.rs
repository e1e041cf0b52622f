//! What a shard is told by the others and by Python. A shard shares nothing: work for another shard is one of these.

use std::sync::Arc;

use model::{ConnectionId, ErrorCode, GroupId, ShardId, TopicId};
use partition::{Appended, FetchError, FetchSpec, Fetched, Guard, ListedOffset, Now, Origin, Refused};

use crate::calls::{CallId, Request};
use crate::routing::Topic;
use crate::waits::Token;

/// Topics that are new or changed, and the ids of those that are gone.
#[derive(Debug, Default)]
pub struct TopicsChange {
    /// New or changed.
    pub put: Vec<Arc<Topic>>,
    /// Gone for ever.
    pub removed: Vec<TopicId>,
}

/// One message to a shard, handled in the order of arrival from each sender.
#[derive(Debug)]
pub enum Message {
    /// Append to a partition of yours; `Appended` answers when the order is fixed, `Acked` when it is durable.
    Append {
        /// Where the answer goes.
        token: Token,
        /// The partition.
        group: GroupId,
        /// One whole record batch.
        batch: Vec<u8>,
        /// Who appends.
        origin: Origin,
    },
    /// Its transaction is not open there: it comes back, to be sent again when the coordinator was asked.
    Unverified {
        /// As given.
        token: Token,
        /// The partition.
        group: GroupId,
        /// Shows that it was refused.
        guard: Guard,
        /// As given.
        batch: Vec<u8>,
    },
    /// The order is fixed, or the append is refused.
    Appended {
        /// As given.
        token: Token,
        /// Where it stands.
        result: Result<Appended, Refused>,
    },
    /// An append is acknowledged, or failed after its order was fixed.
    Acked {
        /// As given.
        token: Token,
        /// How it ended.
        error: ErrorCode,
    },
    /// Read a partition of yours; if `watch`, tell with `Woken` when there is more.
    Fetch {
        /// Where the answer goes.
        token: Token,
        /// What to read.
        spec: FetchSpec,
        /// Whether to watch it.
        watch: bool,
    },
    /// What a partition had.
    Fetched {
        /// As given.
        token: Token,
        /// The data.
        result: Result<Fetched, FetchError>,
    },
    /// There is more than before in a watched partition.
    Woken {
        /// As given.
        token: Token,
    },
    /// Stop watching.
    Unwatch {
        /// The partition.
        group: GroupId,
        /// As given.
        token: Token,
    },
    /// Look an offset up.
    List {
        /// Where the answer goes.
        token: Token,
        /// What is asked.
        query: partition::ListQuery,
    },
    /// The offset.
    Listed {
        /// As given.
        token: Token,
        /// What was found.
        result: Result<ListedOffset, ErrorCode>,
    },
    /// Python's answer to a handed-off request; `None` closes the connection.
    Answer {
        /// Whose request.
        connection: ConnectionId,
        /// The answer without its length.
        response: Option<Vec<u8>>,
    },
    /// Python's answer to a verification: an error for each of its partitions.
    Verified {
        /// The verification's.
        token: Token,
        /// In the order of its partitions.
        errors: Vec<ErrorCode>,
    },
    /// The controller's news.
    Topics {
        /// Told when this shard holds it.
        call: CallId,
        /// The news.
        change: Arc<TopicsChange>,
    },
    /// Every topic that there is has been named: remove for ever the partitions that are not.
    RemoveUnnamed,
    /// Python asks something of a partition.
    Call {
        /// Told when it is done.
        call: CallId,
        /// What.
        request: Request,
    },
    /// Settings that changed.
    Settings(Arc<crate::Settings>),
    /// What ApiVersions tells of features from now on.
    Features(Arc<crate::Features>),
    /// Answer what is parked with retriable errors and begin nothing new.
    StopAccepting,
    /// Make everything durable, write the closing commit, end the loop.
    Stop,
}

/// Messages that a turn leaves for other shards.
#[derive(Default)]
pub struct Outbox(pub Vec<(ShardId, Message)>);

/// The moment of a turn, once for all that happens in it.
pub type TurnTime = Now;
