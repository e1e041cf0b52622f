//! Topics with partitions in an answer: every count stands before what it counts, so a writer is held to what it announced.

use crate::topic::TopicRef;
use crate::write::Write;

/// The topics of an answer while they are written.
#[derive(Debug)]
pub(crate) struct Counts {
    flexible: bool,
    topics_left: usize,
    partitions_left: usize,
    topic_open: bool,
}

impl Counts {
    /// Announces `topics` topics.
    pub fn begin(out: &mut Vec<u8>, flexible: bool, topics: usize) -> Counts {
        out.count(flexible, topics);
        Counts { flexible, topics_left: topics, partitions_left: 0, topic_open: false }
    }

    /// Begins the next topic and announces its partitions.
    pub fn topic(&mut self, out: &mut Vec<u8>, topic: TopicRef<'_>, partitions: usize) {
        self.end_topic(out);
        self.topics_left = self.topics_left.checked_sub(1).expect("no more topics than announced");
        topic.write(out, self.flexible);
        out.count(self.flexible, partitions);
        self.partitions_left = partitions;
        self.topic_open = true;
    }

    /// Counts the topic's next partition, which the caller writes.
    pub fn partition(&mut self) {
        self.partitions_left =
            self.partitions_left.checked_sub(1).expect("no more partitions than announced");
    }

    fn end_topic(&mut self, out: &mut Vec<u8>) {
        assert_eq!(self.partitions_left, 0, "a topic has as many partitions as announced");
        if std::mem::take(&mut self.topic_open) {
            out.no_tags(self.flexible);
        }
    }

    /// Ends the last topic.
    pub fn end(mut self, out: &mut Vec<u8>) {
        self.end_topic(out);
        assert_eq!(self.topics_left, 0, "an answer has as many topics as announced");
    }
}
