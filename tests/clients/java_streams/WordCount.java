import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/**
 * A Kafka Streams program that counts words, and the scenarios that start it, end it and read what it counted. It has two
 * subtopologies: words go through a repartition topic, counts into a store with a changelog topic.
 *
 * <p>Arguments and answers as in tests/clients/python/contract.py; {@code app ...} is the program itself.
 */
public final class WordCount {
    private static final int PARTITIONS = 3;
    private static final int LINES = 60;
    private static final List<String> WORDS = List.of("river", "weir", "wheel", "race", "mill", "pond", "sluice");
    private static final Duration DEADLINE = Duration.ofSeconds(150);

    private final String bootstrap;
    private final String name;
    private final String input;
    private final String output;
    private final String protocol;
    private final String guarantee;
    private final Path scratch;

    private WordCount(String bootstrap, String run, String scenario, Path scratch) {
        this.bootstrap = bootstrap;
        this.name = run + "-" + scenario;
        this.input = name + "-in";
        this.output = name + "-out";
        this.protocol = scenario.startsWith("classic") ? "classic" : "streams";
        this.guarantee = scenario.contains("exactly_once") ? "exactly_once_v2" : "at_least_once";
        this.scratch = scratch;
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("app")) {
            app(arguments);
            return;
        }
        int failed = 0;
        for (String scenario : Arrays.asList(arguments).subList(2, arguments.length)) {
            long began = System.currentTimeMillis();
            String error = null;
            Path scratch = Files.createTempDirectory("headrace-streams-");
            try {
                new WordCount(arguments[0], arguments[1], scenario, scratch).run(scenario);
            } catch (Exception | AssertionError problem) {
                error = problem + logs(scratch);
                failed++;
            }
            System.out.println("{\"scenario\": \"" + scenario + "\", \"ok\": " + (error == null) + ", \"error\": "
                    + (error == null ? "null" : quoted(error)) + ", \"ms\": " + (System.currentTimeMillis() - began) + "}");
        }
        System.exit(failed == 0 ? 0 : 1);
    }

    private void run(String scenario) throws Exception {
        create();
        if (scenario.endsWith("_killed")) {
            killedAndStartedAgain();
        } else {
            twoInstancesThenOne();
        }
    }

    // -- scenarios ----------------------------------------------------------------------------------------------------

    /** A second instance takes over a part; when the first one ends, all of it; nothing is lost or counted twice. */
    private void twoInstancesThenOne() throws Exception {
        Process first = start("first");
        Process second = null;
        try {
            produce(0);
            await("the counts of the first lines", () -> counts().equals(expected(LINES)));
            second = start("second");
            produce(LINES);
            await("the counts of all lines", () -> counts().equals(expected(2 * LINES)));
            await("two members", () -> members() == 2);
            end(first);
            produce(2 * LINES);
            await("the counts after the first instance has ended", () -> counts().equals(expected(3 * LINES)));
            listed();
        } finally {
            first.destroyForcibly().waitFor();
            if (second != null) {
                end(second);
            }
        }
    }

    /** Killed in the middle, started again without its state: the counts are exact, for it is read from the changelog. */
    private void killedAndStartedAgain() throws Exception {
        Process first = start("first");
        try {
            produce(0);
            await("a first count", () -> !counts().isEmpty());
        } finally {
            first.destroyForcibly().waitFor();
        }
        produce(LINES);
        Process second = start("second");
        try {
            await("the counts of all lines", () -> counts().equals(expected(2 * LINES)));
        } finally {
            end(second);
        }
    }

    // -- the cluster --------------------------------------------------------------------------------------------------

    private Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", bootstrap));
    }

    private void create() throws Exception {
        try (Admin admin = admin()) {
            List<NewTopic> topics = List.of(new NewTopic(input, PARTITIONS, (short) 1), new NewTopic(output, PARTITIONS, (short) 1));
            admin.createTopics(topics).all().get();
        }
    }

    /** Lines {@code from} and so on; line n has n mod 4 + 1 words. */
    private void produce(int from) throws Exception {
        try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", bootstrap), new StringSerializer(), new StringSerializer())) {
            for (int line = from; line < from + LINES; line++) {
                producer.send(new ProducerRecord<>(input, line % PARTITIONS, null, String.join(" ", words(line))));
            }
        }
    }

    private static List<String> words(int line) {
        return IntStream.rangeClosed(0, line % 4).mapToObj(n -> WORDS.get((line + n * 3) % WORDS.size())).toList();
    }

    private static Map<String, Long> expected(int lines) {
        Map<String, Long> counts = new HashMap<>();
        IntStream.range(0, lines).forEach(line -> words(line).forEach(word -> counts.merge(word, 1L, Long::sum)));
        return counts;
    }

    /** The last count of each word that is committed. */
    private Map<String, Long> counts() {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "isolation.level", "read_committed");
        Map<String, Long> found = new HashMap<>();
        try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new LongDeserializer())) {
            List<TopicPartition> partitions = IntStream.range(0, PARTITIONS).mapToObj(p -> new TopicPartition(output, p)).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                for (ConsumerRecord<String, Long> record : consumer.poll(Duration.ofMillis(200))) {
                    found.put(record.key(), record.value());
                }
            }
        }
        return found;
    }

    private int members() {
        try (Admin admin = admin()) {
            if (protocol.equals("classic")) {
                return admin.describeConsumerGroups(List.of(name)).describedGroups().get(name).get().members().size();
            }
            return admin.describeStreamsGroups(List.of(name)).describedGroups().get(name).get().members().size();
        } catch (Exception problem) {
            throw new IllegalStateException(problem);
        }
    }

    /** The group, as administrators see it, with the topics that were made for it. */
    private void listed() throws Exception {
        try (Admin admin = admin()) {
            Collection<GroupListing> groups = admin.listGroups().all().get();
            GroupListing group = groups.stream().filter(found -> found.groupId().equals(name)).findFirst().orElseThrow();
            expect(group.type().orElseThrow().toString().equalsIgnoreCase(protocol), "its type is " + group.type());
            List<String> internal = admin.listTopics().names().get().stream().filter(topic -> topic.startsWith(name + "-counts") || topic.startsWith(name + "-words")).sorted().toList();
            expect(internal.equals(List.of(name + "-counts-changelog", name + "-words-repartition")), "internal topics are " + internal);
            Map<TopicPartition, OffsetAndMetadata> committed = committed(admin);
            expect(committed.keySet().stream().anyMatch(place -> place.topic().equals(input)), "offsets are " + committed);
        }
    }

    private Map<TopicPartition, OffsetAndMetadata> committed(Admin admin) throws Exception {
        KafkaFuture<Map<TopicPartition, OffsetAndMetadata>> offsets = protocol.equals("classic")
                ? admin.listConsumerGroupOffsets(name).partitionsToOffsetAndMetadata()
                : admin.listStreamsGroupOffsets(Map.of(name, new org.apache.kafka.clients.admin.ListStreamsGroupOffsetsSpec())).partitionsToOffsetAndMetadata(name);
        return offsets.get();
    }

    // -- the program --------------------------------------------------------------------------------------------------

    /** The program in a process of its own, with an empty state directory. */
    private Process start(String instance) throws IOException {
        List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "WordCount", "app"));
        command.addAll(List.of(bootstrap, name, input, output, protocol, guarantee, scratch.resolve(instance).toString()));
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(scratch.resolve(instance + ".log").toFile()).start();
    }

    private static void app(String[] arguments) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(arguments[3], Consumed.with(Serdes.String(), Serdes.String()))
                .flatMapValues(line -> List.of(line.split(" ")))
                .groupBy((key, word) -> word, Grouped.with("words", Serdes.String(), Serdes.String()))
                .count(Materialized.as("counts"))
                .toStream()
                .to(arguments[4], Produced.with(Serdes.String(), Serdes.Long()));
        Properties config = new Properties();
        config.put("bootstrap.servers", arguments[1]);
        config.put("application.id", arguments[2]);
        config.put("group.protocol", arguments[5]);
        config.put("processing.guarantee", arguments[6]);
        config.put("state.dir", arguments[7]);
        config.put("commit.interval.ms", "100");
        config.put("consumer.auto.offset.reset", "earliest");
        config.put("internal.leave.group.on.close", true);
        if (arguments[5].equals("classic")) {
            config.put("session.timeout.ms", "6000");
            config.put("heartbeat.interval.ms", "500");
        }
        KafkaStreams streams = new KafkaStreams(builder.build(), config);
        streams.setStateListener((now, before) -> System.out.println(before + " -> " + now));
        streams.setUncaughtExceptionHandler(problem -> {
            problem.printStackTrace(System.out);
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(20))));
        streams.start();
    }

    private static void end(Process instance) throws InterruptedException {
        instance.destroy();
        if (!instance.waitFor(30, TimeUnit.SECONDS)) {
            instance.destroyForcibly().waitFor();
            throw new AssertionError("an instance did not end by itself");
        }
    }

    // -- words --------------------------------------------------------------------------------------------------------

    private void await(String what, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + DEADLINE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within " + DEADLINE.toSeconds() + " s: " + what + "; counted so far: " + counts());
            }
            TimeUnit.MILLISECONDS.sleep(200);
        }
    }

    private static void expect(boolean condition, String otherwise) {
        if (!condition) {
            throw new AssertionError(otherwise);
        }
    }

    private static String logs(Path scratch) throws IOException {
        StringBuilder text = new StringBuilder();
        try (var files = Files.list(scratch)) {
            for (Path file : files.filter(path -> path.toString().endsWith(".log")).sorted().toList()) {
                String log = Files.readString(file);
                text.append("\n").append(file.getFileName()).append(": ").append(log.substring(Math.max(0, log.length() - 2000)));
            }
        }
        return text.toString();
    }

    private static String quoted(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "") + "\"";
    }
}
