/* Prints Kafka's own definitions of its topic, broker and group settings as JSON lines, read from the jars by reflection.
 *
 * Run by tools/gen_configs.py as `java -cp 'LIBS/*' PrintConfigs.java`. One object per line:
 * {"kind": "topic"|"broker"|"group", "name", "type", "default", "importance", "doc", "validator", "internal", "scope", "synonyms"}
 * `default` is the text a user would write, null when there is none. `scope` is "read-only", "per-broker" or
 * "cluster-wide" (broker settings only). `synonyms` of a topic setting are broker settings in falling priority, each
 * with the factor that turns its number into the topic's.
 */

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.coordinator.group.GroupConfig;
import org.apache.kafka.server.config.ConfigSynonym;
import org.apache.kafka.server.config.ServerTopicConfigSynonyms;
import org.apache.kafka.storage.internals.log.LogConfig;

public class PrintConfigs {
    public static void main(String[] args) throws Exception {
        print("topic", LogConfig.configDefCopy().configKeys());
        print("broker", kafka.server.KafkaConfig$.MODULE$.configDef().configKeys());
        print("group", GroupConfig.configDef().configKeys());
    }

    static void print(String kind, Map<String, ConfigDef.ConfigKey> keys) throws Exception {
        Map<String, String> scopes = kafka.server.DynamicBrokerConfig$.MODULE$.dynamicConfigUpdateModes();
        for (ConfigDef.ConfigKey key : new TreeMap<>(keys).values()) {
            Object fallback = key.defaultValue == ConfigDef.NO_DEFAULT_VALUE ? null : key.defaultValue;
            List<String> synonyms = new ArrayList<>();
            if (kind.equals("topic")) {
                for (ConfigSynonym s : ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS.getOrDefault(key.name, List.of())) {
                    synonyms.add("[" + quote(s.name()) + ", " + factor(s) + "]");
                }
            } else if (kind.equals("broker")) {
                scala.collection.immutable.List<String> names =
                    kafka.server.DynamicBrokerConfig$.MODULE$.brokerConfigSynonyms(key.name, false);
                for (int i = 0; i < names.size(); i++) {
                    if (!names.apply(i).equals(key.name)) synonyms.add("[" + quote(names.apply(i)) + ", 1]");
                }
            }
            System.out.println("{" + String.join(", ",
                "\"kind\": " + quote(kind),
                "\"name\": " + quote(key.name),
                "\"type\": " + quote(key.type.name()),
                "\"default\": " + (fallback == null ? "null" : quote(ConfigDef.convertToString(fallback, key.type))),
                "\"required\": " + (key.defaultValue == ConfigDef.NO_DEFAULT_VALUE),
                "\"importance\": " + quote(key.importance.name()),
                "\"doc\": " + quote(key.documentation == null ? "" : key.documentation),
                "\"validator\": " + (key.validator == null ? "null" : validator(key.validator)),
                "\"internal\": " + key.internalConfig,
                "\"scope\": " + quote(kind.equals("broker") ? scopes.getOrDefault(key.name, "read-only") : "dynamic"),
                "\"synonyms\": [" + String.join(", ", synonyms) + "]") + "}");
        }
    }

    /** The converters are functions; what they multiply by shows when they are given a one. */
    static String factor(ConfigSynonym synonym) {
        return synonym.converter().apply("1");
    }

    static String validator(ConfigDef.Validator validator) throws Exception {
        String name = validator.getClass().getSimpleName();
        List<String> parts = new ArrayList<>();
        parts.add("\"rule\": " + quote(name));
        parts.add("\"text\": " + quote(name.contains("Lambda") && validator.getClass().isHidden() ? "" : String.valueOf(validator)));
        for (String fieldName : new String[] {"min", "max", "validStrings", "validString", "validators", "isEmptyAllowed", "isNullAllowed", "maxSize"}) {
            Object value = field(validator, fieldName);
            if (value != null) parts.add(quote(fieldName) + ": " + json(value));
        }
        return "{" + String.join(", ", parts) + "}";
    }

    static Object field(Object object, String name) throws IllegalAccessException {
        for (Class<?> c = object.getClass(); c != null; c = c.getSuperclass()) {
            for (Field f : c.getDeclaredFields()) {
                if (f.getName().equals(name)) {
                    f.setAccessible(true);
                    return f.get(object);
                }
            }
        }
        return null;
    }

    static String json(Object value) throws Exception {
        if (value instanceof ConfigDef.Validator) return validator((ConfigDef.Validator) value);
        if (value instanceof Number || value instanceof Boolean) return value.toString();
        if (value instanceof Collection) {
            List<String> items = new ArrayList<>();
            for (Object item : (Collection<?>) value) items.add(json(item));
            return "[" + String.join(", ", items) + "]";
        }
        return quote(value.toString());
    }

    static String quote(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < 32) out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }
}
