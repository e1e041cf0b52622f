import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toList;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Scenarios through Apache Kafka's Java client. Arguments and answers: tests/clients/python/contract.py. More: Transactions.java. */
public class Client {
    private static final String CLIENT = "java";
    private static final int ONE_MIB = 1 << 20;
    private static final long MATRIX_START_MS = 1_700_000_000_000L;
    private static final Duration DEADLINE = Duration.ofSeconds(30);
    private static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");

    final String bootstrap;
    final String run;
    final String topic;
    private final String writer;

    Client(String bootstrap, String run, String scenario, String writer) {
        this.bootstrap = bootstrap;
        this.run = run;
        this.topic = run + "-" + CLIENT + "-" + scenario;
        this.writer = writer;
    }

    Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", bootstrap));
    }

    void create(int partitions, Map<String, String> configs) throws Exception {
        try (Admin admin = admin()) {
            admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1).configs(configs))).all().get();
        }
    }

    KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> more) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest", "enable.auto.commit", false));
        config.putAll(more);
        return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    KafkaConsumer<byte[], byte[]> member(String group) {
        KafkaConsumer<byte[], byte[]> member = consumer(Map.of("group.id", topic + "-" + group, "heartbeat.interval.ms", 500, "client.id", group));
        member.subscribe(List.of(topic));
        return member;
    }

    List<Long> produce(List<ProducerRecord<byte[], byte[]>> records, Map<String, Object> more) throws Exception {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "max.request.size", 4 * ONE_MIB));
        config.putAll(more);
        try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            records.forEach(record -> sent.add(producer.send(record)));
            producer.flush();
            List<Long> offsets = new ArrayList<>();
            for (Future<RecordMetadata> future : sent) {
                offsets.add(future.get().offset());
            }
            return offsets;
        }
    }

    ProducerRecord<byte[], byte[]> record(String key, String value) {
        return new ProducerRecord<>(topic, bytes(key), bytes(value));
    }

    List<ProducerRecord<byte[], byte[]>> numbers(int count) {
        return IntStream.range(0, count).mapToObj(n -> record(null, "" + n)).toList();
    }

    private List<ConsumerRecord<byte[], byte[]>> read(int count, String from, int partitions) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(Map.of())) {
            consumer.assign(IntStream.range(0, partitions).mapToObj(p -> new TopicPartition(from, p)).toList());
            return take(consumer, count);
        }
    }

    static List<ConsumerRecord<byte[], byte[]>> take(KafkaConsumer<byte[], byte[]> consumer, int count) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        until(count + " records", () -> {
            consumer.poll(Duration.ofMillis(200)).forEach(records::add);
            return records.size() >= count;
        });
        return records;
    }

    static List<String> values(Collection<ConsumerRecord<byte[], byte[]>> records) {
        return records.stream().map(r -> text(r.value())).toList();
    }

    void produce_consume() throws Exception {
        create(3, Map.of());
        produce(IntStream.range(0, 300).mapToObj(n -> record("k" + n % 7, "" + n)).toList(), Map.of());
        var got = read(300, topic, 3).stream().collect(groupingBy(r -> text(r.key()), mapping(r -> text(r.value()), toList())));
        var want = IntStream.range(0, 300).boxed().collect(groupingBy(n -> "k" + n % 7, mapping(n -> "" + n, toList())));
        equal(got, want, "values by key");
    }

    void null_key_and_value() throws Exception {
        create(1, Map.of());
        produce(List.of(record(null, "v"), record("k", null), record("", "")), Map.of());
        equal(read(3, topic, 1).stream().map(r -> text(r.key()) + "/" + text(r.value())).toList(), List.of("~/v", "k/~", "/"), "keys and values");
    }

    void headers() throws Exception {
        create(1, Map.of());
        ProducerRecord<byte[], byte[]> record = record(null, "v");
        record.headers().add("a", bytes("1")).add("a", bytes("2")).add("null", null).add("empty", new byte[0]).add("bytes", new byte[] {0, -1});
        produce(List.of(record), Map.of());
        equal(List.of(read(1, topic, 1).get(0).headers().toArray()), List.of(record.headers().toArray()), "headers");
    }

    void codecs() throws Exception {
        create(1, Map.of());
        List<String> want = new ArrayList<>();
        for (String codec : CODECS) {
            List<String> values = IntStream.range(0, 50).mapToObj(n -> codec + "-" + n + "-" + "y".repeat(100)).toList();
            produce(values.stream().map(value -> record(null, value)).toList(), Map.of("compression.type", codec, "linger.ms", 20));
            want.addAll(values);
        }
        equal(values(read(250, topic, 1)), want, "values");
    }

    void one_mib_record() throws Exception {
        create(1, Map.of("max.message.bytes", "" + 2 * ONE_MIB));
        byte[] value = new byte[ONE_MIB];
        IntStream.range(0, ONE_MIB).forEach(n -> value[n] = (byte) n);
        produce(List.of(new ProducerRecord<>(topic, value)), Map.of());
        check(Arrays.equals(read(1, topic, 1).get(0).value(), value), "the value came back changed");
    }

    void message_too_large() throws Exception {
        create(1, Map.of());
        fails(RecordTooLargeException.class, () -> produce(List.of(new ProducerRecord<>(topic, new byte[ONE_MIB * 3 / 2])), Map.of()));
    }

    void idempotent_produce() throws Exception {
        create(1, Map.of());
        List<Long> offsets = produce(numbers(500), Map.of("enable.idempotence", true, "batch.size", 500));
        equal(offsets, IntStream.range(0, 500).mapToObj(n -> (long) n).toList(), "offsets");
        equal(values(read(500, topic, 1)), IntStream.range(0, 500).mapToObj(n -> "" + n).toList(), "values");
    }

    void offsets_for_times() throws Exception {
        create(1, Map.of("retention.ms", "-1"));
        produce(IntStream.range(0, 5).mapToObj(n -> new ProducerRecord<byte[], byte[]>(topic, 0, MATRIX_START_MS + 1000L * n, null, bytes("v"))).toList(), Map.of());
        TopicPartition place = new TopicPartition(topic, 0);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(Map.of())) {
            for (long[] want : new long[][] {{0, 0}, {1, 1}, {2500, 3}, {4000, 4}}) {
                equal(consumer.offsetsForTimes(Map.of(place, MATRIX_START_MS + want[0])).get(place).offset(), want[1], "offset at " + want[0]);
            }
            equal(consumer.offsetsForTimes(Map.of(place, MATRIX_START_MS + 9000)).get(place), null, "offset after the last");
            equal(consumer.beginningOffsets(List.of(place)).get(place), 0L, "beginning");
            equal(consumer.endOffsets(List.of(place)).get(place), 5L, "end");
        }
        try (Admin admin = admin()) {
            var youngest = admin.listOffsets(Map.of(place, OffsetSpec.maxTimestamp())).partitionResult(place).get();
            equal(List.of(youngest.offset(), youngest.timestamp()), List.of(4L, MATRIX_START_MS + 4000), "offset of the youngest");
        }
    }

    void long_poll() throws Exception {
        create(1, Map.of());
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(Map.of("fetch.max.wait.ms", 4000))) {
            consumer.assign(List.of(new TopicPartition(topic, 0)));
            equal(consumer.poll(Duration.ofSeconds(1)).count(), 0, "records of an empty topic");
            long began = System.nanoTime();
            produce(numbers(1), Map.of());
            take(consumer, 1);
            check(System.nanoTime() - began < 3_000_000_000L, "a parked fetch was not woken by the record");
        }
    }

    void group_two_members_rebalance() throws Exception {
        create(4, Map.of());
        try (KafkaConsumer<byte[], byte[]> first = member("members")) {
            until("all partitions for the only member", () -> held(first).equals("[4]: [0, 1, 2, 3]"));
            try (KafkaConsumer<byte[], byte[]> second = member("members")) {
                until("two for each", () -> held(first, second).equals("[2, 2]: [0, 1, 2, 3]"));
            }
            until("all for the member that stayed", () -> held(first).equals("[4]: [0, 1, 2, 3]"));
        }
    }

    @SafeVarargs
    private static String held(KafkaConsumer<byte[], byte[]>... members) {
        List<Integer> sizes = new ArrayList<>();
        Set<Integer> all = new TreeSet<>();
        for (KafkaConsumer<byte[], byte[]> member : members) {
            member.poll(Duration.ofMillis(50));
            sizes.add(member.assignment().size());
            member.assignment().forEach(place -> all.add(place.partition()));
        }
        return sizes + ": " + all;
    }

    void group_resume_from_committed() throws Exception {
        create(1, Map.of());
        produce(numbers(20), Map.of());
        TopicPartition place = new TopicPartition(topic, 0);
        try (KafkaConsumer<byte[], byte[]> first = member("resume")) {
            take(first, 10);
            first.commitSync(Map.of(place, new OffsetAndMetadata(10, "half")));
        }
        try (KafkaConsumer<byte[], byte[]> second = member("resume")) {
            equal(values(take(second, 10)), IntStream.range(10, 20).mapToObj(n -> "" + n).toList(), "values after the commit");
            OffsetAndMetadata committed = second.committed(Set.of(place)).get(place);
            equal(committed.offset() + committed.metadata(), "10half", "committed");
        }
    }

    void groups_list_describe() throws Exception {
        create(1, Map.of());
        String group = topic + "-watched";
        try (Admin admin = admin()) {
            try (KafkaConsumer<byte[], byte[]> member = member("watched")) {
                until("an assignment", () -> held(member).equals("[1]: [0]"));
                member.commitSync(Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(0)));
                GroupListing listed = admin.listGroups().all().get().stream().filter(g -> g.groupId().equals(group)).findFirst().orElseThrow();
                equal(listed.groupState().orElseThrow(), GroupState.STABLE, "listed state");
                var seen = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
                equal(seen.groupState() + seen.members().iterator().next().clientId(), "Stablewatched", "description");
                fails(GroupNotEmptyException.class, () -> admin.deleteConsumerGroups(List.of(group)).all().get());
            }
            admin.deleteConsumerGroups(List.of(group)).all().get();
            check(get(admin.listGroups().all()).stream().noneMatch(g -> g.groupId().equals(group)), "still listed");
        }
    }

    void admin_create_describe_delete() throws Exception {
        create(2, Map.of());
        fails(TopicExistsException.class, () -> create(1, Map.of()));
        try (Admin admin = admin()) {
            check(!admin.describeCluster().clusterId().get().isEmpty(), "no cluster id");
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(4))).all().get();
            until("four partitions", () -> get(admin.describeTopics(List.of(topic)).allTopicNames()).get(topic).partitions().size() == 4);
            admin.deleteTopics(List.of(topic)).all().get();
            until("the topic to be gone", () -> !get(admin.listTopics().names()).contains(topic));
        }
    }

    void admin_configs() throws Exception {
        create(1, Map.of("retention.ms", "3600000"));
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        try (Admin admin = admin()) {
            ConfigEntry created = retention(admin, resource);
            equal(created.value() + created.source(), "3600000" + ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG, "as created");
            alter(admin, resource, "7200000", AlterConfigOp.OpType.SET);
            until("the new retention.ms", () -> retention(admin, resource).value().equals("7200000"));
            alter(admin, resource, null, AlterConfigOp.OpType.DELETE);
            until("the default retention.ms", () -> retention(admin, resource).value().equals("604800000"));
            fails(InvalidConfigurationException.class, () -> alter(admin, resource, "soon", AlterConfigOp.OpType.SET));
            ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, "" + admin.describeCluster().controller().get().id());
            check(admin.describeConfigs(List.of(broker)).all().get().get(broker).get("log.retention.hours") != null, "no broker configs");
        }
    }

    private static ConfigEntry retention(Admin admin, ConfigResource resource) {
        return get(admin.describeConfigs(List.of(resource)).all()).get(resource).get("retention.ms");
    }

    private static void alter(Admin admin, ConfigResource resource, String value, AlterConfigOp.OpType operation) throws Exception {
        var change = new AlterConfigOp(new ConfigEntry("retention.ms", value), operation);
        admin.incrementalAlterConfigs(Map.of(resource, List.of(change))).all().get();
    }

    void delete_records() throws Exception {
        create(1, Map.of());
        produce(numbers(10), Map.of());
        TopicPartition place = new TopicPartition(topic, 0);
        try (Admin admin = admin()) {
            equal(admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(6))).lowWatermarks().get(place).get().lowWatermark(), 6L, "low watermark");
            equal(admin.listOffsets(Map.of(place, OffsetSpec.earliest())).partitionResult(place).get().offset(), 6L, "beginning");
        }
        equal(read(4, topic, 1).stream().map(ConsumerRecord::offset).toList(), List.of(6L, 7L, 8L, 9L), "offsets");
    }

    void offset_out_of_range() throws Exception {
        create(1, Map.of());
        produce(numbers(3), Map.of());
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(Map.of())) {
            consumer.assign(List.of(new TopicPartition(topic, 0)));
            consumer.seek(new TopicPartition(topic, 0), 1000);
            equal(values(take(consumer, 3)), List.of("0", "1", "2"), "values after the reset");
        }
    }

    void matrix_write() throws Exception {
        create(1, Map.of("retention.ms", "-1"));
        for (String codec : CODECS) {
            long start = MATRIX_START_MS + 1000L * CODECS.indexOf(codec);
            byte[] key = bytes("key-" + codec);
            byte[] value = bytes(CLIENT + "-" + codec + "-" + "x".repeat(200));
            List<Header> headers = List.of(new RecordHeader("client", bytes(CLIENT)), new RecordHeader("codec", bytes(codec)));
            produce(List.of(
                new ProducerRecord<>(topic, 0, start, key, value, headers),
                new ProducerRecord<>(topic, 0, start + 1, key, value),
                new ProducerRecord<>(topic, 0, start + 2, null, value),
                new ProducerRecord<>(topic, 0, start + 3, key, (byte[]) null)), Map.of("compression.type", codec, "linger.ms", 20));
        }
    }

    List<String> matrix_read() {
        return read(4 * CODECS.size(), run + "-" + writer + "-matrix_write", 1).stream().map(r -> {
            String pairs = Arrays.stream(r.headers().toArray()).map(h -> h.key() + "=" + text(h.value())).collect(joining(","));
            return r.offset() + " " + r.timestamp() + " " + text(r.key()) + " " + text(r.value()) + " " + (pairs.isEmpty() ? "-" : pairs);
        }).toList();
    }

    static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] bytes) {
        return bytes == null ? "~" : StandardCharsets.UTF_8.decode(ByteBuffer.wrap(bytes)).toString();
    }

    static void check(boolean condition, String why) {
        if (!condition) {
            throw new AssertionError(why);
        }
    }

    static void equal(Object got, Object want, String what) {
        check(Objects.equals(got, want), what + ": " + got + ", expected " + want);
    }

    static <T> T get(KafkaFuture<T> future) {
        try {
            return future.get();
        } catch (InterruptedException | ExecutionException failed) {
            throw new IllegalStateException(failed.getCause());
        }
    }

    // -- share groups (KIP-932) -------------------------------------------------------------------------------------------

    private KafkaShareConsumer<byte[], byte[]> sharer(String mode) {
        var consumer = new KafkaShareConsumer<>(
            Map.<String, Object>of("bootstrap.servers", bootstrap, "group.id", topic, "share.acknowledgement.mode", mode),
            new ByteArrayDeserializer(), new ByteArrayDeserializer());
        consumer.subscribe(List.of(topic));
        return consumer;
    }

    /** A share group begins with what comes after its first fetch: write until something arrives, and accept that. */
    private void warm(KafkaShareConsumer<byte[], byte[]> consumer, boolean explicit) {
        until("a first record", () -> {
            try {
                produce(List.of(record(null, "warm")), Map.of());
            } catch (Exception failed) {
                throw new IllegalStateException(failed);
            }
            var records = consumer.poll(Duration.ofMillis(300));
            if (explicit) {
                records.forEach(r -> consumer.acknowledge(r, AcknowledgeType.ACCEPT));
            }
            return !records.isEmpty();
        });
        consumer.commitSync();
    }

    private List<ConsumerRecord<byte[], byte[]>> some(KafkaShareConsumer<byte[], byte[]> consumer, int count, boolean explicit) {
        List<ConsumerRecord<byte[], byte[]>> found = new ArrayList<>();
        until(count + " shared records", () -> {
            for (var r : consumer.poll(Duration.ofMillis(300))) {
                if (text(r.value()).equals("warm")) {
                    if (explicit) {
                        consumer.acknowledge(r, AcknowledgeType.ACCEPT);
                    }
                } else {
                    found.add(r);
                }
            }
            return found.size() >= count;
        });
        return found;
    }

    private void share_implicit() throws Exception {
        create(2, Map.of());
        try (var consumer = sharer("implicit")) {
            warm(consumer, false);
            produce(IntStream.range(0, 100).mapToObj(n -> record("k" + n, "" + n)).toList(), Map.of());
            var values = new TreeSet<>(values(some(consumer, 100, false)));
            consumer.commitSync();
            equal(values.size(), 100, "records, each once");
        }
        try (var consumer = sharer("implicit")) {
            produce(List.of(record(null, "last")), Map.of());
            List<String> seen = new ArrayList<>();
            until("the last record", () -> {
                consumer.poll(Duration.ofMillis(300)).forEach(r -> seen.add(text(r.value())));
                return seen.contains("last");
            });
            seen.removeIf(value -> value.equals("warm"));
            equal(seen, List.of("last"), "what was accepted does not come again");
        }
    }

    private void share_explicit() throws Exception {
        create(1, Map.of());
        try (var consumer = sharer("explicit")) {
            warm(consumer, true);
            produce(List.of(record(null, "accept"), record(null, "release"), record(null, "reject")), Map.of("linger.ms", 50));
            for (var r : some(consumer, 3, true)) {
                consumer.acknowledge(r, AcknowledgeType.valueOf(text(r.value()).toUpperCase(java.util.Locale.ROOT)));
            }
            consumer.commitSync().values().forEach(failed -> check(failed.isEmpty(), "acknowledged: " + failed));
            var again = some(consumer, 1, true);
            equal(values(again), List.of("release"), "what comes again");
            equal(again.get(0).deliveryCount().get(), (short) 2, "delivery count");
            consumer.acknowledge(again.get(0), AcknowledgeType.ACCEPT);
            consumer.commitSync().values().forEach(failed -> check(failed.isEmpty(), "acknowledged: " + failed));
        }
    }

    private void share_two_members() throws Exception {
        create(1, Map.of());
        try (var first = sharer("implicit"); var second = sharer("implicit")) {
            warm(first, false);
            warm(second, false);
            List<String> seen = new ArrayList<>();
            produce(IntStream.range(0, 200).mapToObj(n -> record(null, "" + n)).toList(), Map.of("batch.size", 200));
            until("200 records of both", () -> {
                for (var consumer : List.of(first, second)) {
                    consumer.poll(Duration.ofMillis(100)).forEach(r -> seen.add(text(r.value())));
                }
                seen.removeIf(value -> value.equals("warm"));
                return seen.size() >= 200;
            });
            equal(new TreeSet<>(seen).size(), 200, "different records");
            equal(seen.size(), 200, "records");
        }
    }

    private void share_leaving_member() throws Exception {
        create(1, Map.of());
        try (var stays = sharer("explicit")) {
            warm(stays, true);
            try (var leaves = sharer("explicit")) {
                warm(leaves, true);
                produce(List.of(record(null, "left")), Map.of());
                equal(values(some(leaves, 1, true)), List.of("left"), "the record of who leaves");
            }
            var again = some(stays, 1, true);
            equal(values(again), List.of("left"), "the record of who stays");
            equal(again.get(0).deliveryCount().get(), (short) 2, "delivery count");
            consume(stays, again);
        }
    }

    private void share_renew() throws Exception {
        create(1, Map.of());
        try (var consumer = sharer("explicit")) {
            warm(consumer, true);
            check(consumer.acquisitionLockTimeoutMs().orElse(0) == 30_000, "lock: " + consumer.acquisitionLockTimeoutMs());
            produce(List.of(record(null, "slow")), Map.of());
            var slow = some(consumer, 1, true);
            consumer.acknowledge(slow.get(0), AcknowledgeType.RENEW);
            consumer.commitSync().values().forEach(failed -> check(failed.isEmpty(), "renewed: " + failed));
            List<String> seen = new ArrayList<>();
            until("the renewed record", () -> {
                var records = consumer.poll(Duration.ofMillis(300));
                records.forEach(r -> seen.add(text(r.value())));
                records.forEach(r -> consumer.acknowledge(r, AcknowledgeType.ACCEPT));
                return seen.contains("slow");
            });
            consumer.commitSync().values().forEach(failed -> check(failed.isEmpty(), "accepted: " + failed));
        }
    }

    private void consume(KafkaShareConsumer<byte[], byte[]> consumer, List<ConsumerRecord<byte[], byte[]>> records) {
        records.forEach(r -> consumer.acknowledge(r, AcknowledgeType.ACCEPT));
        consumer.commitSync().values().forEach(failed -> check(failed.isEmpty(), "acknowledged: " + failed));
    }

    interface Attempt {
        void make() throws Exception;
    }

    static void fails(Class<? extends Exception> kind, Attempt attempt) throws Exception {
        try {
            attempt.make();
        } catch (ExecutionException failed) {
            check(kind.isInstance(failed.getCause()), "failed with " + failed.getCause() + ", expected " + kind.getSimpleName());
            return;
        }
        throw new AssertionError("no " + kind.getSimpleName());
    }

    static void until(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + DEADLINE.toNanos();
        while (!condition.getAsBoolean()) {
            check(System.nanoTime() < end, "waited for " + what);
        }
    }

    private static String json(Object value) {
        if (value instanceof List<?> list) {
            return list.stream().map(Client::json).collect(joining(",", "[", "]"));
        }
        return "\"" + value.toString().replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n").replace("\t", " ") + "\"";
    }

    public static void main(String[] args) {
        perform(Client::new, args);
    }

    interface Maker {
        Client make(String bootstrap, String run, String scenario, String writer);
    }

    static void perform(Maker maker, String[] args) {
        for (String name : List.of(args).subList(2, args.length)) {
            String[] parts = name.split(":");
            long began = System.nanoTime();
            StringBuilder answer = new StringBuilder("{\"scenario\":" + json(name));
            try {
                Client client = maker.make(args[0], args[1], parts[0], parts.length > 1 ? parts[1] : "");
                Object records = client.getClass().getDeclaredMethod(parts[0]).invoke(client);
                answer.append(",\"ok\":true").append(records == null ? "" : ",\"records\":" + json(records));
            } catch (ReflectiveOperationException failed) {
                Throwable cause = failed.getCause() == null ? failed : failed.getCause();
                cause.printStackTrace();
                answer.append(",\"ok\":false,\"error\":").append(json(cause));
            }
            System.out.println(answer.append(",\"ms\":" + (System.nanoTime() - began) / 1_000_000 + "}"));
        }
    }
}
