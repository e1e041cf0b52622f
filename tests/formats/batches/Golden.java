import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.*;
import java.nio.ByteBuffer;
import java.nio.file.*;

public class Golden {
    public static void main(String[] args) throws Exception {
        for (String name : new String[] {"none", "gzip", "snappy", "lz4", "zstd"}) {
            var builder = MemoryRecords.builder(ByteBuffer.allocate(1 << 16), RecordBatch.CURRENT_MAGIC_VALUE,
                Compression.of(name).build(), TimestampType.CREATE_TIME, 0L, -1L, 4000L, (short) 1, 20, false, -1);
            for (int i = 0; i < 10; i++) {
                byte[] key = i % 3 == 0 ? null : ("key-" + i).getBytes();
                byte[] value = i == 7 ? null : ("value ".repeat(20) + i).getBytes();
                Header[] headers = i % 2 == 0 ? new Header[0]
                    : new Header[] {new RecordHeader("h", "x".getBytes()), new RecordHeader("h", (byte[]) null)};
                builder.appendWithOffset(i, 1_700_000_000_000L + (i % 2 == 0 ? i : -i), key, value, headers);
            }
            ByteBuffer bytes = builder.build().buffer();
            byte[] out = new byte[bytes.remaining()];
            bytes.get(out);
            Files.write(Path.of(args[0], "java-" + name + ".batch"), out);
            System.out.println(name + " " + out.length);
        }
    }
}
