//! What a partition asks of consensus, and a quorum of one.
