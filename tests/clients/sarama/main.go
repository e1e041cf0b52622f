// Scenarios through Sarama. Arguments and answers: tests/clients/python/contract.py.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

const (
	client        = "sarama"
	oneMiB        = 1 << 20
	matrixStartMS = 1_700_000_000_000
	deadline      = 30 * time.Second
)

var codecs = []string{"none", "gzip", "snappy", "lz4", "zstd"}

// call is what a scenario gets.
type call struct {
	context.Context
	bootstrap, run, scenario, writer string
}

func (c call) topic() string { return c.run + "-" + client + "-" + c.scenario }

func (c call) addresses() []string { return []string{c.bootstrap} }

// config is Sarama's own with what a user sets first: the version, and to be told of successes.
func config(changes ...func(*sarama.Config)) *sarama.Config {
	conf := sarama.NewConfig()
	conf.Version = sarama.MaxVersion
	conf.Producer.Return.Successes = true
	conf.Producer.RequiredAcks = sarama.WaitForAll
	conf.Consumer.Offsets.Initial = sarama.OffsetOldest
	conf.Consumer.Offsets.AutoCommit.Enable = false
	for _, change := range changes {
		change(conf)
	}
	return conf
}

func (c call) admin() sarama.ClusterAdmin {
	return must(sarama.NewClusterAdmin(c.addresses(), config()))
}

func (c call) create(partitions int32, configs map[string]*string) {
	adm := c.admin()
	defer adm.Close()
	ok(adm.CreateTopic(c.topic(), &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: configs}, false))
}

func (c call) tryProduce(messages []*sarama.ProducerMessage, changes ...func(*sarama.Config)) error {
	producer := must(sarama.NewSyncProducer(c.addresses(), config(changes...)))
	defer producer.Close()
	for _, message := range messages {
		message.Topic = c.topic()
	}
	return producer.SendMessages(messages)
}

func (c call) produce(messages []*sarama.ProducerMessage, changes ...func(*sarama.Config)) {
	ok(c.tryProduce(messages, changes...))
}

func numbers(count int) []*sarama.ProducerMessage {
	var messages []*sarama.ProducerMessage
	for n := range count {
		messages = append(messages, &sarama.ProducerMessage{Value: sarama.StringEncoder(strconv.Itoa(n))})
	}
	return messages
}

// read gives count messages, partition by partition.
func (c call) read(counts []int, topic string, changes ...func(*sarama.Config)) []*sarama.ConsumerMessage {
	consumer := must(sarama.NewConsumer(c.addresses(), config(changes...)))
	defer consumer.Close()
	var messages []*sarama.ConsumerMessage
	for partition, count := range counts {
		part := must(consumer.ConsumePartition(topic, int32(partition), sarama.OffsetOldest))
		messages = append(messages, c.take(part, count)...)
		part.AsyncClose()
	}
	return messages
}

func (c call) take(part sarama.PartitionConsumer, count int) []*sarama.ConsumerMessage {
	var messages []*sarama.ConsumerMessage
	for len(messages) < count {
		select {
		case message := <-part.Messages():
			messages = append(messages, message)
		case <-c.Done():
			panic(fmt.Sprintf("waited for %d records, got %d", count, len(messages)))
		}
	}
	return messages
}

func produceConsume(c call) []string {
	c.create(3, nil)
	messages, want := numbers(300), map[string][]string{}
	for n, message := range messages {
		key := fmt.Sprint("k", n%7)
		message.Key = sarama.StringEncoder(key)
		want[key] = append(want[key], strconv.Itoa(n))
	}
	c.produce(messages)
	counts, got := []int{0, 0, 0}, map[string][]string{}
	for _, message := range messages {
		counts[message.Partition]++
	}
	for _, message := range c.read(counts, c.topic()) {
		got[string(message.Key)] = append(got[string(message.Key)], string(message.Value))
	}
	equal(got, want, "values by key")
	return nil
}

func nullKeyAndValue(c call) []string {
	c.create(1, nil)
	c.produce([]*sarama.ProducerMessage{{Value: sarama.StringEncoder("v")}, {Key: sarama.StringEncoder("k")}, {Key: sarama.ByteEncoder{}, Value: sarama.ByteEncoder{}}})
	got := c.read([]int{3}, c.topic())
	check(got[0].Key == nil && string(got[0].Value) == "v", "null key")
	check(string(got[1].Key) == "k" && got[1].Value == nil, "null value")
	check(got[2].Key != nil && got[2].Value != nil && len(got[2].Key)+len(got[2].Value) == 0, "empty key and value")
	return nil
}

func headers(c call) []string {
	c.create(1, nil)
	sent := []sarama.RecordHeader{{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("a"), Value: []byte("2")}, {Key: []byte("empty"), Value: []byte{}}, {Key: []byte("bytes"), Value: []byte{0, 255}}}
	c.produce([]*sarama.ProducerMessage{{Value: sarama.StringEncoder("v"), Headers: sent}})
	var got []sarama.RecordHeader
	for _, header := range c.read([]int{1}, c.topic())[0].Headers {
		got = append(got, *header)
	}
	equal(got, sent, "headers")
	return nil
}

func codec(name string) func(*sarama.Config) {
	return func(conf *sarama.Config) { ok(conf.Producer.Compression.UnmarshalText([]byte(name))) }
}

func together(conf *sarama.Config) { conf.Producer.Flush.Frequency = 20 * time.Millisecond }

func fiveCodecs(c call) []string {
	c.create(1, nil)
	var want, got []string
	for _, name := range codecs {
		var messages []*sarama.ProducerMessage
		for n := range 50 {
			value := fmt.Sprint(name, "-", n, "-", strings.Repeat("y", 100))
			want = append(want, value)
			messages = append(messages, &sarama.ProducerMessage{Value: sarama.StringEncoder(value)})
		}
		c.produce(messages, codec(name), together)
	}
	for _, message := range c.read([]int{250}, c.topic()) {
		got = append(got, string(message.Value))
	}
	equal(got, want, "values")
	return nil
}

func large(conf *sarama.Config) { conf.Producer.MaxMessageBytes = 4 * oneMiB }

func oneMiBRecord(c call) []string {
	limit := strconv.Itoa(2 * oneMiB)
	c.create(1, map[string]*string{"max.message.bytes": &limit})
	value := make([]byte, oneMiB)
	for n := range value {
		value[n] = byte(n)
	}
	c.produce([]*sarama.ProducerMessage{{Value: sarama.ByteEncoder(value)}}, large)
	check(bytes.Equal(c.read([]int{1}, c.topic())[0].Value, value), "the value came back changed")
	return nil
}

func messageTooLarge(c call) []string {
	c.create(1, nil)
	err := c.tryProduce([]*sarama.ProducerMessage{{Value: sarama.ByteEncoder(make([]byte, oneMiB*3/2))}}, large)
	var failed sarama.ProducerErrors
	check(errors.As(err, &failed) && errors.Is(failed[0].Err, sarama.ErrMessageSizeTooLarge), fmt.Sprint("error: ", err))
	return nil
}

func idempotentProduce(c call) []string {
	c.create(1, nil)
	messages := numbers(500)
	c.produce(messages, func(conf *sarama.Config) {
		conf.Producer.Idempotent = true
		conf.Net.MaxOpenRequests = 1 // Sarama asks for it
		conf.Producer.Flush.MaxMessages = 50
	})
	for n, message := range messages {
		equal(message.Offset, int64(n), "offset")
	}
	for n, message := range c.read([]int{500}, c.topic()) {
		equal(string(message.Value), strconv.Itoa(n), "value")
	}
	return nil
}

func offsetsForTimes(c call) []string {
	forever := "-1"
	c.create(1, map[string]*string{"retention.ms": &forever})
	messages := numbers(5)
	for n, message := range messages {
		message.Timestamp = time.UnixMilli(matrixStartMS + 1000*int64(n))
	}
	c.produce(messages)
	cl := must(sarama.NewClient(c.addresses(), config()))
	defer cl.Close()
	var got []int64
	for _, at := range []int64{matrixStartMS, matrixStartMS + 1, matrixStartMS + 2500, matrixStartMS + 4000, matrixStartMS + 9000, sarama.OffsetOldest, sarama.OffsetNewest} {
		got = append(got, must(cl.GetOffset(c.topic(), 0, at)))
	}
	equal(got, []int64{0, 1, 3, 4, -1, 0, 5}, "offsets")
	return nil
}

func longPoll(c call) []string {
	c.create(1, nil)
	consumer := must(sarama.NewConsumer(c.addresses(), config(func(conf *sarama.Config) { conf.Consumer.MaxWaitTime = 8 * time.Second })))
	part := must(consumer.ConsumePartition(c.topic(), 0, sarama.OffsetOldest))
	select {
	case <-part.Messages():
		panic("a record of an empty topic")
	case <-time.After(time.Second):
	}
	began := time.Now()
	c.produce(numbers(1))
	c.take(part, 1)
	check(time.Since(began) < 3*time.Second, "a parked fetch was not woken by the record")
	part.AsyncClose() // a clean close would wait for the fetch that is parked
	return nil
}

// member is one consumer of a group: it reports its claims and hands its messages on.
type member struct {
	claims   chan []int32
	messages chan *sarama.ConsumerMessage
	marked   int64 // the offset to commit once this many were read; 0: never
	topic    string
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.claims <- session.Claims()[m.topic]
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			if m.marked != 0 && message.Offset == m.marked-1 {
				session.MarkOffset(m.topic, 0, m.marked, "half")
				session.Commit()
			}
			m.messages <- message
		case <-session.Context().Done():
			return nil
		}
	}
}

// join runs a member until it is closed.
func (c call) join(group string, m *member, changes ...func(*sarama.Config)) (leave func()) {
	m.claims, m.messages, m.topic = make(chan []int32, 100), make(chan *sarama.ConsumerMessage, 1000), c.topic()
	g := must(sarama.NewConsumerGroup(c.addresses(), group, config(changes...)))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for c.Err() == nil && g.Consume(c, []string{c.topic()}, m) == nil {
		}
	}()
	return func() { ok(g.Close()); <-done }
}

func groupTwoMembersRebalance(c call) []string {
	c.create(4, nil)
	var first, second member
	held := map[*member][]int32{}
	until := func(what string, want ...int) {
		for {
			parts := append(slices.Clone(held[&first]), held[&second]...)
			slices.Sort(parts)
			if len(held[&first]) == want[0] && len(held[&second]) == want[1] && slices.Equal(parts, []int32{0, 1, 2, 3}) {
				return
			}
			select {
			case held[&first] = <-first.claims:
			case held[&second] = <-second.claims:
			case <-c.Done():
				panic(fmt.Sprint("waited for ", what, ": ", held[&first], held[&second]))
			}
		}
	}
	quick := func(conf *sarama.Config) { conf.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond }
	leave := c.join(c.topic()+"-members", &first, quick)
	defer leave()
	until("all partitions for the only member", 4, 0)
	leaveSecond := c.join(c.topic()+"-members", &second, quick)
	until("two for each", 2, 2)
	leaveSecond()
	held[&second], second.claims = nil, nil
	until("all for the member that stayed", 4, 0)
	return nil
}

func (c call) receive(m *member, count int) []string {
	var values []string
	for len(values) < count {
		select {
		case message := <-m.messages:
			values = append(values, string(message.Value))
		case <-c.Done():
			panic(fmt.Sprintf("waited for %d records, got %d", count, len(values)))
		}
	}
	return values
}

func groupResumeFromCommitted(c call) []string {
	c.create(1, nil)
	c.produce(numbers(20))
	first := member{marked: 10}
	leave := c.join(c.topic()+"-resume", &first)
	c.receive(&first, 10)
	leave()
	var second member
	leave = c.join(c.topic()+"-resume", &second)
	equal(c.receive(&second, 10), "[10 11 12 13 14 15 16 17 18 19]", "values after the commit")
	leave()
	adm := c.admin()
	defer adm.Close()
	offsets := must(adm.ListConsumerGroupOffsets(c.topic()+"-resume", map[string][]int32{c.topic(): {0}}))
	block := offsets.GetBlock(c.topic(), 0)
	equal(fmt.Sprint(block.Offset, block.Metadata), "10half", "committed")
	return nil
}

func groupsListDescribe(c call) []string {
	c.create(1, nil)
	group := c.topic() + "-seen"
	var seen member
	leave := c.join(group, &seen, func(conf *sarama.Config) { conf.ClientID = "watched" })
	select {
	case <-seen.claims:
	case <-c.Done():
		panic("waited for an assignment")
	}
	adm := c.admin()
	defer adm.Close()
	equal(must(adm.ListConsumerGroups())[group], "consumer", "protocol type as listed")
	description := must(adm.DescribeConsumerGroups([]string{group}))[0]
	var clients []string
	for _, m := range description.Members {
		clients = append(clients, m.ClientId)
	}
	equal(fmt.Sprint(description.State, clients), "Stable[watched]", "description")
	check(errors.Is(adm.DeleteConsumerGroup(group), sarama.ErrNonEmptyGroup), "a group in use was deleted")
	leave()
	ok(adm.DeleteConsumerGroup(group))
	_, listed := must(adm.ListConsumerGroups())[group]
	check(!listed, "still listed")
	return nil
}

func adminCreateDescribeDelete(c call) []string {
	c.create(2, nil)
	adm := c.admin()
	defer adm.Close()
	err := adm.CreateTopic(c.topic(), &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false)
	check(errors.Is(err, sarama.ErrTopicAlreadyExists), fmt.Sprint("creating it twice: ", err))
	ok(adm.CreatePartitions(c.topic(), 4, nil, false))
	wait(c, "four partitions", func() bool {
		return len(must(adm.DescribeTopics([]string{c.topic()}))[0].Partitions) == 4
	})
	ok(adm.DeleteTopic(c.topic()))
	wait(c, "the topic to be gone", func() bool {
		_, listed := must(adm.ListTopics())[c.topic()]
		return !listed
	})
	return nil
}

func adminConfigs(c call) []string {
	hour, twoHours, bad := "3600000", "7200000", "soon"
	c.create(1, map[string]*string{"retention.ms": &hour})
	adm := c.admin()
	defer adm.Close()
	read := func() string {
		entries := must(adm.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: c.topic(), ConfigNames: []string{"retention.ms"}}))
		return entries[0].Value
	}
	alter := func(operation sarama.IncrementalAlterConfigsOperation, value *string) error {
		entries := map[string]sarama.IncrementalAlterConfigsEntry{"retention.ms": {Operation: operation, Value: value}}
		return adm.IncrementalAlterConfig(sarama.TopicResource, c.topic(), entries, false)
	}
	equal(read(), hour, "retention.ms as created")
	ok(alter(sarama.IncrementalAlterConfigsOperationSet, &twoHours))
	wait(c, "the new retention.ms", func() bool { return read() == twoHours })
	ok(alter(sarama.IncrementalAlterConfigsOperationDelete, nil))
	wait(c, "the default retention.ms", func() bool { return read() == "604800000" })
	err := alter(sarama.IncrementalAlterConfigsOperationSet, &bad)
	check(err != nil && strings.Contains(err.Error(), "soon"), fmt.Sprint("a bad value: ", err))
	return nil
}

func deleteRecords(c call) []string {
	c.create(1, nil)
	c.produce(numbers(10))
	adm := c.admin()
	defer adm.Close()
	ok(adm.DeleteRecords(c.topic(), map[int32]int64{0: 6}))
	cl := must(sarama.NewClient(c.addresses(), config()))
	defer cl.Close()
	equal(must(cl.GetOffset(c.topic(), 0, sarama.OffsetOldest)), int64(6), "beginning")
	equal(c.read([]int{4}, c.topic())[0].Offset, int64(6), "first offset")
	return nil
}

func offsetOutOfRange(c call) []string {
	c.create(1, nil)
	c.produce(numbers(3))
	consumer := must(sarama.NewConsumer(c.addresses(), config()))
	defer consumer.Close()
	_, err := consumer.ConsumePartition(c.topic(), 0, 1000)
	check(errors.Is(err, sarama.ErrOffsetOutOfRange), fmt.Sprint("offset 1000 of 3: ", err))
	return nil
}

func matrixWrite(c call) []string {
	forever := "-1"
	c.create(1, map[string]*string{"retention.ms": &forever})
	for index, name := range codecs {
		key, value := sarama.StringEncoder("key-"+name), sarama.StringEncoder(client+"-"+name+"-"+strings.Repeat("x", 200))
		pairs := []sarama.RecordHeader{{Key: []byte("client"), Value: []byte(client)}, {Key: []byte("codec"), Value: []byte(name)}}
		messages := []*sarama.ProducerMessage{{Key: key, Value: value, Headers: pairs}, {Key: key, Value: value}, {Value: value}, {Key: key}}
		for n, message := range messages {
			message.Timestamp = time.UnixMilli(matrixStartMS + 1000*int64(index) + int64(n))
		}
		c.produce(messages, codec(name), together)
	}
	return nil
}

func matrixRead(c call) []string {
	var lines []string
	for _, m := range c.read([]int{4 * len(codecs)}, c.run+"-"+c.writer+"-matrix_write") {
		var pairs []string
		for _, header := range m.Headers {
			pairs = append(pairs, string(header.Key)+"="+string(header.Value))
		}
		if pairs == nil {
			pairs = []string{"-"}
		}
		lines = append(lines, fmt.Sprintf("%d %d %s %s %s", m.Offset, m.Timestamp.UnixMilli(), text(m.Key), text(m.Value), strings.Join(pairs, ",")))
	}
	return lines
}

func text(b []byte) string {
	if b == nil {
		return "~"
	}
	return string(b)
}

func must[T any](value T, err error) T {
	ok(err)
	return value
}

func ok(err error) {
	if err != nil {
		panic(err)
	}
}

func check(condition bool, why string) {
	if !condition {
		panic(why)
	}
}

func equal(got, want any, what string) {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		panic(fmt.Sprintf("%s: %s, expected %s", what, g, w))
	}
}

func wait(c call, what string, condition func() bool) {
	for !condition() {
		check(c.Err() == nil, "waited for "+what)
	}
}

var scenarios = map[string]func(call) []string{
	"produce_consume": produceConsume, "null_key_and_value": nullKeyAndValue, "headers": headers, "codecs": fiveCodecs,
	"one_mib_record": oneMiBRecord, "message_too_large": messageTooLarge, "idempotent_produce": idempotentProduce,
	"offsets_for_times": offsetsForTimes, "long_poll": longPoll, "group_two_members_rebalance": groupTwoMembersRebalance,
	"group_resume_from_committed": groupResumeFromCommitted, "groups_list_describe": groupsListDescribe,
	"admin_create_describe_delete": adminCreateDescribeDelete, "admin_configs": adminConfigs, "delete_records": deleteRecords,
	"offset_out_of_range": offsetOutOfRange, "matrix_write": matrixWrite, "matrix_read": matrixRead,
}

type answer struct {
	Scenario string   `json:"scenario"`
	OK       bool     `json:"ok"`
	Error    string   `json:"error,omitempty"`
	Records  []string `json:"records,omitempty"`
	MS       int64    `json:"ms"`
}

func perform(name string) (a answer) {
	base, writer, _ := strings.Cut(name, ":")
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	a.Scenario = name
	defer func() {
		a.MS = time.Since(began).Milliseconds()
		if r := recover(); r != nil {
			a.OK, a.Error = false, fmt.Sprint(r)
		}
	}()
	a.Records = scenarios[base](call{ctx, os.Args[1], os.Args[2], base, writer})
	a.OK = true
	return a
}

func main() {
	for _, name := range os.Args[3:] {
		ok(json.NewEncoder(os.Stdout).Encode(perform(name)))
	}
}
