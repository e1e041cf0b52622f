import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A worker through Kafka's own client, which speaks the second protocol of transactions (KIP-890). What it is told and says:
 * tests/eos/worker.py; what it makes: tests/eos/transform.py. Arguments: name, bootstrap, seed, batch_max, transaction_ms,
 * session_ms.
 */
public final class Transformer {
    private static final int DOOMED_EVERY = 8;
    private static final CountDownLatch GO = new CountDownLatch(1);
    private static volatile boolean hold;
    private static volatile boolean stop;

    private final String name;
    private final Random random;
    private final int batchMax;
    private final KafkaProducer<String, String> producer;
    private final KafkaConsumer<String, String> consumer;
    private int transactions;
    private int moved;

    private Transformer(String[] args) {
        name = args[0];
        random = new Random(Long.parseLong(args[2]));
        batchMax = Integer.parseInt(args[3]);
        producer = new KafkaProducer<>(Map.of("bootstrap.servers", args[1], "client.id", name, "transactional.id", name,
            "transaction.timeout.ms", args[4], "reconnect.backoff.max.ms", 200, "max.block.ms", 30_000), new StringSerializer(), new StringSerializer());
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", args[1], "client.id", name, "group.id", "transformers",
            "auto.offset.reset", "earliest", "enable.auto.commit", false, "isolation.level", "read_committed", "session.timeout.ms", args[5],
            "heartbeat.interval.ms", Integer.parseInt(args[5]) / 8, "fetch.max.wait.ms", 50, "reconnect.backoff.max.ms", 200));
        config.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer.RangeAssignor");
        config.put("max.poll.records", batchMax);
        consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    private void run() {
        producer.initTransactions();
        consumer.subscribe(List.of("in"), new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> places) {
            }

            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> places) {
                say("assigned", places.size());
            }
        });
        say("ready", 1);
        while (!stop) {
            ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(100));
            if (!records.isEmpty()) {
                move(records);
            }
        }
        consumer.close();
    }

    private void move(ConsumerRecords<String, String> records) {
        boolean doomed = random.nextInt(DOOMED_EVERY) == 0;
        int wanted = 1 + random.nextInt(batchMax);
        transactions++;
        int taken = 0;
        try {
            producer.beginTransaction();
            Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
            for (ConsumerRecord<String, String> record : records) {
                if (taken == wanted) {
                    break;
                }
                taken++;
                producer.send(new ProducerRecord<>("out", record.partition(), null, made(record, doomed)));
                offsets.put(new TopicPartition("in", record.partition()), new OffsetAndMetadata(record.offset() + 1));
            }
            producer.flush();
            if (hold) {
                hold = false;
                say("held", transactions);
                GO.await();
            }
            producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
            if (doomed) {
                abort();
                return;
            }
            say("committing", transactions);
            commit();
            for (TopicPartition place : records.partitions()) {
                OffsetAndMetadata next = offsets.get(place);
                // What was read and not taken is read again.
                consumer.seek(place, next == null ? records.records(place).get(0).offset() : next.offset());
            }
        } catch (ProducerFencedException | InvalidProducerEpochException | OutOfOrderSequenceException | AuthorizationException
            | UnsupportedVersionException | InterruptedException fatal) {
            throw new IllegalStateException(fatal);
        } catch (KafkaException failed) {
            System.err.println(name + " aborts: " + failed);
            abort();
            return;
        }
        moved += taken;
        say("moved", moved);
    }

    private String made(ConsumerRecord<String, String> record, boolean doomed) {
        long number = Long.parseLong(record.value());
        return record.partition() + " " + record.offset() + " " + number + " " + (7 * number + 3) + " " + name + " " + transactions + " "
            + (doomed ? "doomed" : "kept");
    }

    /** A commit whose answer is late may be asked for again; nothing else may follow it. */
    private void commit() {
        while (true) {
            try {
                producer.commitTransaction();
                return;
            } catch (TimeoutException late) {
                System.err.println(name + " commits again: " + late);
            }
        }
    }

    private void abort() {
        producer.abortTransaction();
        say("aborted", transactions);
        var committed = consumer.committed(consumer.assignment());
        for (TopicPartition place : consumer.assignment()) {
            consumer.seek(place, committed.get(place) == null ? 0 : committed.get(place).offset());
        }
    }

    private static void say(String word, int number) {
        System.out.println(word + " " + number);
    }

    private static void listen() {
        try (BufferedReader commands = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line = commands.readLine(); line != null; line = commands.readLine()) {
                switch (line) {
                    case "hold" -> hold = true;
                    case "go" -> GO.countDown();
                    case "stop" -> stop = true;
                    default -> throw new IllegalArgumentException(line);
                }
            }
        } catch (java.io.IOException gone) {
            System.err.println(gone);
        }
        Runtime.getRuntime().halt(1);
    }

    public static void main(String[] args) {
        Thread ears = new Thread(Transformer::listen);
        ears.setDaemon(true);
        ears.start();
        try {
            new Transformer(args).run();
        } catch (RuntimeException failed) {
            System.err.println(name(args) + " ends: " + failed);
            Runtime.getRuntime().halt(3);
        }
        Runtime.getRuntime().halt(0);
    }

    private static String name(String[] args) {
        return args.length > 0 ? args[0] : "?";
    }
}
