import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Scenarios of transactions; arguments and answers are those of Client. */
public final class Transactions extends Client {
    private final TopicPartition place;

    private Transactions(String bootstrap, String run, String scenario, String writer) {
        super(bootstrap, run, scenario, writer);
        place = new TopicPartition(topic, 0);
    }

    private KafkaProducer<byte[], byte[]> transactional() {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "transactional.id", topic, "transaction.timeout.ms", 20_000));
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
        producer.initTransactions();
        return producer;
    }

    private List<ConsumerRecord<byte[], byte[]>> read(String isolation, int count) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(Map.of("isolation.level", isolation))) {
            consumer.assign(IntStream.range(0, 3).mapToObj(p -> new TopicPartition(topic, p)).toList());
            List<ConsumerRecord<byte[], byte[]>> found = take(consumer, count);
            consumer.poll(Duration.ofMillis(300)).forEach(found::add);
            return found;
        }
    }

    void commit_and_abort() throws Exception {
        create(3, Map.of());
        try (KafkaProducer<byte[], byte[]> producer = transactional()) {
            for (int i = 0; i < 50; i++) {
                producer.beginTransaction();
                for (int j = 0; j < 5; j++) {
                    producer.send(record("k" + j, i + "/" + (i % 5 == 4 ? "aborted" : "committed")));
                }
                if (i % 5 == 4) {
                    producer.flush(); // what was not sent yet is dropped by an abort
                    producer.abortTransaction();
                } else {
                    producer.commitTransaction();
                }
            }
        }
        List<String> committed = values(read("read_committed", 200));
        equal(committed.size(), 200, "records of readers of what is committed");
        equal(Set.copyOf(committed).size(), 40, "transactions that they see");
        check(committed.stream().noneMatch(value -> value.endsWith("aborted")), "an aborted record was seen");
        equal(read("read_uncommitted", 250).size(), 250, "records of readers of all");
    }

    void consume_transform_produce() throws Exception {
        create(1, Map.of());
        produce(numbers(40), Map.of());
        String target = topic + "-target";
        try (KafkaProducer<byte[], byte[]> producer = transactional();
                KafkaConsumer<byte[], byte[]> member = consumer(Map.of("group.id", topic, "isolation.level", "read_committed", "max.poll.records", 10))) {
            member.subscribe(List.of(topic));
            int moved = 0;
            for (boolean aborts = true; moved < 40; aborts = !aborts) {
                ConsumerRecords<byte[], byte[]> records = member.poll(Duration.ofSeconds(1));
                if (records.isEmpty()) {
                    aborts = !aborts;
                    continue;
                }
                producer.beginTransaction();
                for (ConsumerRecord<byte[], byte[]> record : records) {
                    producer.send(new ProducerRecord<>(target, bytes(text(record.value()) + "'")));
                }
                producer.sendOffsetsToTransaction(Map.of(place, new OffsetAndMetadata(member.position(place))), member.groupMetadata());
                if (aborts) {
                    producer.abortTransaction();
                    OffsetAndMetadata before = member.committed(Set.of(place)).get(place);
                    equal(before == null ? 0L : before.offset(), (long) moved, "the offset after an abort");
                    member.seek(place, moved);
                } else {
                    producer.commitTransaction();
                    moved += records.count();
                    equal(member.committed(Set.of(place)).get(place).offset(), (long) moved, "the offset after a commit");
                }
            }
        }
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(Map.of("isolation.level", "read_committed"))) {
            consumer.assign(List.of(new TopicPartition(target, 0)));
            List<ConsumerRecord<byte[], byte[]>> found = take(consumer, 40);
            consumer.poll(Duration.ofMillis(300)).forEach(found::add);
            equal(values(found), IntStream.range(0, 40).mapToObj(n -> n + "'").toList(), "outputs");
        }
    }

    void fencing() throws Exception {
        create(1, Map.of());
        KafkaProducer<byte[], byte[]> zombie = transactional();
        zombie.beginTransaction();
        zombie.send(record("", "zombie's")).get();
        try (KafkaProducer<byte[], byte[]> producer = transactional()) {
            producer.beginTransaction();
            producer.send(record("", "kept")).get();
            try {
                zombie.send(record("", "late"));
                zombie.commitTransaction();
                throw new AssertionError("the first producer was not fenced");
            } catch (KafkaException fenced) {
                boolean right = false;
                for (Throwable cause = fenced; cause != null; cause = cause.getCause()) {
                    right |= cause instanceof ProducerFencedException || cause instanceof InvalidProducerEpochException;
                }
                check(right, "the first producer failed with " + fenced);
            }
            producer.commitTransaction();
        }
        zombie.close(Duration.ZERO);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(Map.of("isolation.level", "read_committed"))) {
            consumer.assign(List.of(place));
            List<ConsumerRecord<byte[], byte[]>> found = take(consumer, 1);
            consumer.poll(Duration.ofMillis(300)).forEach(found::add);
            equal(values(found), List.of("kept"), "records");
        }
    }

    void epoch_bump() throws Exception {
        create(1, Map.of());
        try (KafkaProducer<byte[], byte[]> producer = transactional(); Admin admin = admin()) {
            for (int i = 0; i < 4; i++) {
                producer.beginTransaction();
                producer.send(record("", "" + i)).get();
                ProducerState open = state(admin);
                equal(open.producerEpoch(), i, "epoch of transaction " + i);
                // Each transaction takes two offsets: its record's and its marker's.
                equal(open.currentTransactionStartOffset().orElse(-1), 2L * i, "start offset of transaction " + i);
                equal(open.coordinatorEpoch().orElse(-1), i == 0 ? -1 : 0, "coordinator epoch in transaction " + i);
                producer.commitTransaction();
                int next = i + 1;
                until("the marker to close it", () -> state(admin).currentTransactionStartOffset().isEmpty());
                equal(state(admin).producerEpoch(), next, "epoch after transaction " + i);
            }
        }
    }

    private ProducerState state(Admin admin) {
        return get(admin.describeProducers(List.of(place)).partitionResult(place)).activeProducers().get(0);
    }

    void described() throws Exception {
        create(1, Map.of());
        try (KafkaProducer<byte[], byte[]> producer = transactional(); Admin admin = admin()) {
            producer.beginTransaction();
            producer.send(record("", "open")).get();
            var found = get(admin.describeTransactions(List.of(topic)).description(topic));
            equal(found.state(), TransactionState.ONGOING, "state");
            equal(found.topicPartitions(), Set.of(place), "partitions");
            equal(found.transactionTimeoutMs(), 20_000L, "timeout");
            var ongoing = new ListTransactionsOptions().filterStates(Set.of(TransactionState.ONGOING)).filterProducerIds(Set.of(found.producerId()));
            equal(get(admin.listTransactions(ongoing).all()).stream().map(one -> one.transactionalId()).toList(), List.of(topic), "listed");
            ProducerState open = state(admin);
            admin.abortTransaction(new AbortTransactionSpec(place, open.producerId(), (short) open.producerEpoch(), open.coordinatorEpoch().orElse(0))).all().get();
            check(state(admin).currentTransactionStartOffset().isEmpty(), "the marker by hand did not end it");
        }
    }

    public static void main(String[] args) {
        perform(Transactions::new, args);
    }
}
