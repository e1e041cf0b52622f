//! Python objects to the engine's plain data and back.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyAnyMethods, PyBytes, PyDict, PyList, PyTuple};

use batch::{ControlKind, EndMarker};
use model::{GroupId, TopicId};
use partition::TopicConfig;
use server::calls::{Outcome, Producer, Reply};
use server::routing::Topic;
use server::{HandoffRequest, Verification};
use shard::{Config, ListenerConfig};

fn item<'py>(settings: &Bound<'py, PyDict>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    settings.get_item(name)?.ok_or_else(|| PyKeyError::new_err(name.to_owned()))
}

/// Reads `Settings` as a dict.
pub fn config(settings: &Bound<'_, PyDict>) -> PyResult<Config> {
    let listeners: Vec<(String, String, u16)> = item(settings, "listeners")?.extract()?;
    let listeners = listeners
        .into_iter()
        .map(|(name, host, port)| {
            let ip = host.parse().map_err(|_| {
                PyValueError::new_err(format!("listener {name}: {host} is not an IP address"))
            })?;
            Ok(ListenerConfig { name, address: SocketAddr::new(ip, port) })
        })
        .collect::<PyResult<Vec<_>>>()?;
    Ok(Config {
        data_dir: PathBuf::from(item(settings, "data_dir")?.extract::<String>()?),
        shards: item(settings, "shards")?.extract()?,
        listeners,
        dev: item(settings, "dev")?.extract()?,
        node_id: item(settings, "node_id")?.extract()?,
        values: item(settings, "values")?.extract()?,
        api_ranges: item(settings, "api_ranges")?.extract()?,
    })
}

/// Reads a `Topic` tuple of `engine/port.py`.
pub fn topic(topic: &Bound<'_, PyAny>) -> PyResult<Arc<Topic>> {
    type Parts = ([u8; 16], String, Vec<(u64, i32)>, bool, Vec<(String, String)>);
    let (id, name, partitions, internal, configs): Parts = topic.extract()?;
    let pairs: Vec<(&str, &str)> = configs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let mut groups = vec![None; partitions.len()];
    for (group, index) in partitions {
        let place = usize::try_from(index).ok().and_then(|place| groups.get_mut(place));
        *place.ok_or_else(|| PyValueError::new_err("partition numbers have a gap"))? = Some(GroupId(group));
    }
    let groups = groups
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| PyValueError::new_err("partition numbers have a gap"))?;
    let config = TopicConfig::from_pairs(&pairs)
        .map_err(|error| PyValueError::new_err(format!("topic {name}: {error}")))?;
    Ok(Arc::new(Topic { id: TopicId(id), name: name.into(), internal, config, groups }))
}

/// Makes a `Request` tuple of `engine/port.py`.
pub fn request<'py>(py: Python<'py>, request: HandoffRequest) -> PyResult<Bound<'py, PyTuple>> {
    let body = PyBytes::new(py, &request.body);
    (
        request.connection.0,
        request.api_key,
        request.api_version,
        request.correlation_id,
        request.client_id,
        request.listener.0,
        request.connection.0,
        request.peer.to_string(),
        request.arrived_ns,
        body,
    )
        .into_pyobject(py)
}

/// Makes a `Verification` tuple of `engine/port.py`.
pub fn verification<'py>(py: Python<'py>, verification: &Verification) -> PyResult<Bound<'py, PyTuple>> {
    let partitions = PyList::empty(py);
    for (topic, index) in &verification.partitions {
        partitions.append((&**topic, index.0))?;
    }
    (
        verification.token.0,
        &verification.transactional_id,
        (verification.producer_id, verification.producer_epoch),
        partitions,
        verification.adds,
        verification.api_version,
    )
        .into_pyobject(py)
}

/// Reads a producer tuple: id, epoch.
pub fn producer((id, epoch): (i64, i16)) -> Producer {
    Producer { id, epoch }
}

/// Reads a `Marker` tuple: committed, coordinator epoch.
pub fn marker((committed, coordinator_epoch): (bool, i32)) -> EndMarker {
    let kind = if committed { ControlKind::Commit } else { ControlKind::Abort };
    EndMarker { kind, coordinator_epoch }
}

/// Makes an outcome: (call, kind, value...).
pub fn outcome<'py>(py: Python<'py>, outcome: Outcome) -> PyResult<Bound<'py, PyTuple>> {
    let call = outcome.call.0;
    let bytes = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| PyBytes::new(py, bytes));
    match outcome.reply {
        Reply::Topics => (call, "topics").into_pyobject(py),
        Reply::Appended { error, base_offset, end_offset } => {
            (call, "append", error.0, base_offset.0, end_offset.0).into_pyobject(py)
        }
        Reply::Read { error, records, next_offset, high_watermark } => {
            let list = PyList::empty(py);
            for record in &records {
                let (key, value) = (bytes(&record.key), bytes(&record.value));
                let producer = record.producer.map(|producer| (producer.id, producer.epoch));
                let marker = record.marker.map(|m| (m.kind == ControlKind::Commit, m.coordinator_epoch));
                list.append((record.offset.0, record.timestamp_ms, key, value, producer, marker))?;
            }
            (call, "read", error.0, list, next_offset.0, high_watermark.0).into_pyobject(py)
        }
        Reply::LogInfo(logs) => {
            let list = PyList::empty(py);
            for log in &logs {
                let w = log.watermarks;
                list.append((
                    log.group.0,
                    log.epoch.0,
                    w.log_start.0,
                    w.last_stable.0,
                    w.high_watermark.0,
                    w.log_end.0,
                    log.size_bytes,
                ))?;
            }
            (call, "log_info", list).into_pyobject(py)
        }
        Reply::Batches { error, spans, data, watermarks } => {
            let list = PyList::empty(py);
            for span in &spans {
                list.append((span.first.0, span.last.0, span.bytes, span.aborted))?;
            }
            let marks = (watermarks.log_start.0, watermarks.last_stable.0, watermarks.high_watermark.0);
            (call, "batches", error.0, list, PyBytes::new(py, &data), marks).into_pyobject(py)
        }
        Reply::More => (call, "more").into_pyobject(py),
        Reply::OffsetOfTime { error, offset } => {
            (call, "offset_of_time", error.0, offset.0).into_pyobject(py)
        }
        Reply::Deleted { error, log_start } => (call, "deleted", error.0, log_start.0).into_pyobject(py),
        Reply::EpochEnd { error, epoch, end_offset } => {
            (call, "epoch_end", error.0, epoch.0, end_offset.0).into_pyobject(py)
        }
        Reply::Producers(producers) => {
            let list = PyList::empty(py);
            for producer in &producers {
                list.append((
                    producer.producer_id,
                    producer.producer_epoch,
                    producer.last_sequence,
                    producer.last_timestamp_ms,
                    producer.coordinator_epoch,
                    producer.transaction_start.map_or(-1, |offset| offset.0),
                ))?;
            }
            (call, "producers", list).into_pyobject(py)
        }
    }
}
