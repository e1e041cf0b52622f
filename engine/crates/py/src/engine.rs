//! The class `Engine`: what Python stages in one turn of its loop leaves in one `flush`, what shards have comes in one `drain`.

use std::io::{PipeReader, PipeWriter, Write};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use io::{RealStorage, SystemClock, raise_descriptor_limit};
use log::segment::OpenFiles;
use model::limits::SEGMENT_FILES_OPEN_MAX;
use model::{ConnectionId, Epoch, ErrorCode, GroupId, Offset, ShardId, TopicId};
use partition::Isolation;
use server::calls::{CallId, KeyValue, Request};
use server::waits::Token;
use server::{Message, TopicsChange};
use shard::{Config, Node};

use crate::convert;

/// The part of the process's descriptors that segment files may take: connections and the journal need theirs.
const SEGMENT_FILES_SHARE: usize = 4;

create_exception!(_engine, StartError, PyException, "(what, detail, hint, exit code)");

/// The engine: made by `Engine(settings)`, started by `start`, ended by `stop`.
#[pyclass(module = "headrace._engine")]
pub struct Engine {
    config: Config,
    wake_reader: PipeReader,
    wake_writer: Arc<PipeWriter>,
    node: Option<Node>,
    staged: Vec<Vec<Message>>,
}

type PyKeyValue<'py> = (Option<Bound<'py, PyBytes>>, Option<Bound<'py, PyBytes>>);

fn stopped() -> PyErr {
    PyRuntimeError::new_err("the engine is not running")
}

impl Engine {
    fn stage(&mut self, shard: ShardId, message: Message) {
        if let Some(staged) = self.staged.get_mut(usize::from(shard.0)) {
            staged.push(message);
        }
    }

    fn stage_call(&mut self, group: u64, call: u64, request: Request) {
        let shard = GroupId(group).shard(self.config.shards);
        self.stage(shard, Message::Call { call: CallId(call), request });
    }
}

#[pymethods]
impl Engine {
    #[new]
    fn new(settings: &Bound<'_, PyDict>) -> PyResult<Engine> {
        let config = convert::config(settings)?;
        let (wake_reader, wake_writer) = std::io::pipe()?;
        let staged = (0..config.shards).map(|_| Vec::new()).collect();
        Ok(Engine { config, wake_reader, wake_writer: Arc::new(wake_writer), node: None, staged })
    }

    /// Recovers, binds, starts the shards.
    fn start(&mut self, py: Python<'_>) -> PyResult<Vec<(String, u16)>> {
        let config = self.config.clone();
        let writer = Arc::clone(&self.wake_writer);
        let signal = Box::new(move || {
            // The pipe holds at most one byte for each drain, so it never fills; without a reader nobody needs waking.
            let _ = (&*writer).write(&[0]);
        });
        let node = py
            .detach(|| {
                let files_max = SEGMENT_FILES_OPEN_MAX.min(raise_descriptor_limit() / SEGMENT_FILES_SHARE);
                let files = OpenFiles::new(RealStorage, files_max);
                Node::start(&config, Arc::new(files), Arc::new(SystemClock), signal)
            })
            .map_err(|error| StartError::new_err((error.what, error.detail, error.hint, error.exit_code)))?;
        let addresses = node.addresses().iter().map(|at| (at.ip().to_string(), at.port())).collect();
        self.node = Some(node);
        Ok(addresses)
    }

    /// The descriptor that becomes readable when there is something to drain.
    #[getter]
    fn wake_fd(&self) -> i32 {
        self.wake_reader.as_raw_fd()
    }

    /// Everything that waits: (outcomes, requests, verifications, closed connections).
    fn drain<'py>(&mut self, py: Python<'py>) -> PyResult<[Bound<'py, PyList>; 4]> {
        let node = self.node.as_ref().ok_or_else(stopped)?;
        let drained = node.handoff().drain();
        let outcomes = PyList::empty(py);
        for outcome in drained.outcomes {
            outcomes.append(convert::outcome(py, outcome)?)?;
        }
        let requests = PyList::empty(py);
        for request in drained.requests {
            requests.append(convert::request(py, request)?)?;
        }
        let verifications = PyList::empty(py);
        for verification in &drained.verifications {
            verifications.append(convert::verification(py, verification)?)?;
        }
        let closed = PyList::new(py, drained.closed.iter().map(|connection| connection.0))?;
        Ok([outcomes, requests, verifications, closed])
    }

    /// Sends everything staged since the last flush to the shards, one wake-up each.
    fn flush(&mut self) -> PyResult<()> {
        let node = self.node.as_ref().ok_or_else(stopped)?;
        for (shard, staged) in self.staged.iter_mut().enumerate() {
            node.send(ShardId(u16::try_from(shard).expect("shards are few")), staged);
        }
        Ok(())
    }

    /// Stages an answer; `None` closes the connection.
    fn answer(&mut self, connection: u64, response: Option<&[u8]>) {
        let connection = ConnectionId(connection);
        let response = response.map(<[u8]>::to_vec);
        self.stage(connection.shard(), Message::Answer { connection, response });
    }

    /// Stages news of topics for every shard; each answers the call once. Gives how many will.
    fn topics(&mut self, call: u64, changed: &Bound<'_, PyList>, removed: Vec<[u8; 16]>) -> PyResult<usize> {
        let put = changed.iter().map(|topic| convert::topic(&topic)).collect::<PyResult<Vec<_>>>()?;
        let removed = removed.into_iter().map(TopicId).collect();
        let change = Arc::new(TopicsChange { put, removed });
        for shard in 0..self.config.shards {
            let change = Arc::clone(&change);
            self.stage(ShardId(shard), Message::Topics { call: CallId(call), change });
        }
        Ok(usize::from(self.config.shards))
    }

    /// Stages the removal of every partition that no topic named.
    fn remove_unnamed(&mut self) {
        for shard in 0..self.config.shards {
            self.stage(ShardId(shard), Message::RemoveUnnamed);
        }
    }

    /// Stages the outcome of a verification: an error code for each of its partitions.
    fn verified(&mut self, token: u64, errors: Vec<i16>) {
        let token = Token(token);
        let errors = errors.into_iter().map(ErrorCode).collect();
        self.stage(token.shard(), Message::Verified { token, errors });
    }

    #[pyo3(signature = (call, group, records, expected_end, makes_room, producer))]
    fn append(
        &mut self,
        call: u64,
        group: u64,
        records: Vec<PyKeyValue<'_>>,
        expected_end: Option<i64>,
        makes_room: bool,
        producer: Option<(i64, i16)>,
    ) {
        let bytes = |bytes: Option<Bound<'_, PyBytes>>| bytes.map(|bytes| bytes.as_bytes().to_vec());
        let records = records
            .into_iter()
            .map(|(key, value)| KeyValue { key: bytes(key), value: bytes(value) })
            .collect();
        let expected_end = expected_end.map(Offset);
        let producer = producer.map(convert::producer);
        let group = GroupId(group);
        let request = Request::Append { group, records, expected_end, makes_room, producer };
        self.stage_call(group.0, call, request);
    }

    #[pyo3(signature = (call, group, producer, marker, expected_end))]
    fn append_marker(
        &mut self,
        call: u64,
        group: u64,
        producer: (i64, i16),
        marker: (bool, i32),
        expected_end: Option<i64>,
    ) {
        let request = Request::AppendMarker {
            group: GroupId(group),
            producer: convert::producer(producer),
            marker: convert::marker(marker),
            expected_end: expected_end.map(Offset),
        };
        self.stage_call(group, call, request);
    }

    fn read(&mut self, call: u64, group: u64, offset: i64, bytes_max: usize) {
        let request = Request::Read { group: GroupId(group), offset: Offset(offset), bytes_max };
        self.stage_call(group, call, request);
    }

    /// Stages the question for every shard; each answers with its part. Gives how many will.
    fn log_info(&mut self, call: u64, groups: Vec<u64>) -> usize {
        let groups: Vec<GroupId> = groups.into_iter().map(GroupId).collect();
        for shard in 0..self.config.shards {
            let request = Request::LogInfo { groups: groups.clone() };
            self.stage(ShardId(shard), Message::Call { call: CallId(call), request });
        }
        usize::from(self.config.shards)
    }

    fn delete_records(&mut self, call: u64, group: u64, before: i64) {
        let request = Request::DeleteRecords { group: GroupId(group), before: Offset(before) };
        self.stage_call(group, call, request);
    }

    fn epoch_end(&mut self, call: u64, group: u64, current_epoch: i32, epoch: i32) {
        let request = Request::EpochEnd {
            group: GroupId(group),
            current_epoch: Epoch(current_epoch),
            epoch: Epoch(epoch),
        };
        self.stage_call(group, call, request);
    }

    fn producers(&mut self, call: u64, group: u64) {
        self.stage_call(group, call, Request::Producers { group: GroupId(group) });
    }

    fn read_batches(&mut self, call: u64, group: u64, offset: i64, bytes_max: usize, committed: bool) {
        let isolation = Isolation::from_wire(i8::from(committed));
        let request =
            Request::Batches { group: GroupId(group), offset: Offset(offset), bytes_max, isolation };
        self.stage_call(group, call, request);
    }

    fn await_more(&mut self, call: u64, group: u64, seen: i64, committed: bool) {
        let isolation = Isolation::from_wire(i8::from(committed));
        let request = Request::AwaitMore { group: GroupId(group), isolation, seen: Offset(seen) };
        self.stage_call(group, call, request);
    }

    fn offset_of_time(&mut self, call: u64, group: u64, timestamp_ms: i64) {
        self.stage_call(group, call, Request::OffsetOfTime { group: GroupId(group), timestamp_ms });
    }

    /// Stages changed broker settings for every shard.
    fn set_values(&mut self, values: Vec<(String, String)>) {
        self.config.values.extend(values);
        let settings = server::Settings::new(self.config.node_id, self.config.dev, &self.config.values);
        let settings = Arc::new(settings);
        for shard in 0..self.config.shards {
            self.stage(ShardId(shard), Message::Settings(Arc::clone(&settings)));
        }
    }

    /// Stages for every shard what ApiVersions tells of features.
    fn set_features(&mut self, epoch: i64, levels: Vec<(String, i16, i16, i16)>) {
        let features = Arc::new(server::Features { epoch, levels });
        for shard in 0..self.config.shards {
            self.stage(ShardId(shard), Message::Features(Arc::clone(&features)));
        }
    }

    /// Counters and gauges by name.
    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let metrics = PyDict::new(py);
        if let Some(node) = &self.node {
            for (name, value) in node.metrics() {
                metrics.set_item(name, value)?;
            }
        }
        Ok(metrics)
    }

    /// Stops listening and answers what is parked.
    fn stop_accepting(&mut self) {
        for shard in 0..self.config.shards {
            self.stage(ShardId(shard), Message::StopAccepting);
        }
    }

    /// Makes everything durable and joins the threads.
    fn stop(&mut self, py: Python<'_>) {
        if let Some(node) = self.node.take() {
            py.detach(|| node.stop());
        }
    }
}
