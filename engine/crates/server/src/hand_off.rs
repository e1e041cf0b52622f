//! What Python must hear of, on its way there: requests, outcomes, verifications, closed connections.

use io::NetToken;
use wire::RequestHeader;

use crate::connection::Hold;
use crate::handoff::HandoffRequest;
use crate::server::{Close, Context, Server};

/// ShareFetch: what its session has acquired is free again when the connection is closed.
const SHARE_FETCH_KEY: i16 = 78;

impl Server {
    pub(crate) fn hand_off(
        &mut self,
        context: &Context<'_>,
        token: NetToken,
        header: &RequestHeader<'_>,
        body: &[u8],
    ) -> Result<(), Close> {
        if !self.api.serves(header.api_key, header.api_version) {
            return Err(Close("an api key or version that is not advertised"));
        }
        let connection = self.connection(token).expect("its frame is being read");
        let slot = connection.begin();
        connection.hold = Hold::Answer;
        connection.held_slot = Some(slot);
        connection.told_when_closed |= header.api_key == SHARE_FETCH_KEY;
        let request = HandoffRequest {
            connection: connection.id,
            api_key: header.api_key,
            api_version: header.api_version,
            correlation_id: header.correlation_id,
            client_id: header.client_id.map(str::to_owned),
            listener: connection.listener,
            peer: connection.peer.ip(),
            arrived_ns: context.now.monotonic_ns,
            body: body.to_vec(),
        };
        self.metrics.handoff_requests.add(1);
        self.handed.push_back(request);
        Ok(())
    }

    /// Moves what has gathered in this turn to Python's side.
    pub(crate) fn hand_over(&mut self) {
        self.handoff.push(usize::from(self.id.0), &mut self.handed, &mut self.outcomes);
        self.handoff.push_verifications(usize::from(self.id.0), &mut self.verifying.asked);
        if self.handed.is_empty() {
            self.handoff.push_closed(usize::from(self.id.0), &mut self.closed);
        } // else a request of theirs may still be here, and must come first
    }
}
