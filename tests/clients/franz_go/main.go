// Scenarios through franz-go. Arguments and answers: tests/clients/python/contract.py.
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

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	client        = "franz_go"
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

func (c call) client(opts ...kgo.Opt) *kgo.Client {
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.bootstrap)}, opts...)...)
	must(err)
	return cl
}

func (c call) admin() *kadm.Client { return kadm.NewClient(c.client()) }

// create makes the scenario's topic.
func (c call) create(partitions int32, configs map[string]*string) {
	adm := c.admin()
	defer adm.Close()
	_, err := adm.CreateTopic(c, partitions, 1, configs, c.topic())
	must(err)
}

// produce sends in order and gives the offsets once all are acknowledged.
func (c call) produce(records []*kgo.Record, opts ...kgo.Opt) []int64 {
	offsets, err := c.tryProduce(records, opts...)
	must(err)
	return offsets
}

func (c call) tryProduce(records []*kgo.Record, opts ...kgo.Opt) ([]int64, error) {
	cl := c.client(append([]kgo.Opt{kgo.DefaultProduceTopic(c.topic())}, opts...)...)
	defer cl.Close()
	var offsets []int64
	for _, result := range cl.ProduceSync(c, records...) {
		if result.Err != nil {
			return nil, result.Err
		}
		offsets = append(offsets, result.Record.Offset)
	}
	return offsets, nil
}

// read gives count records of assigned partitions.
func (c call) read(count int, topic string, partitions int, from kgo.Offset) []*kgo.Record {
	assigned := map[int32]kgo.Offset{}
	for p := range partitions {
		assigned[int32(p)] = from
	}
	cl := c.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: assigned}))
	defer cl.Close()
	return c.take(cl, count)
}

func (c call) take(cl *kgo.Client, count int) []*kgo.Record {
	var records []*kgo.Record
	for len(records) < count {
		fetches := cl.PollRecords(c, count-len(records))
		must(fetches.Err())
		records = append(records, fetches.Records()...)
	}
	return records
}

func produceConsume(c call) []string {
	c.create(3, nil)
	var records []*kgo.Record
	for n := range 300 {
		records = append(records, kgo.KeyStringRecord(fmt.Sprint("k", n%7), strconv.Itoa(n)))
	}
	c.produce(records)
	got, want := map[string][]string{}, map[string][]string{}
	for _, r := range c.read(300, c.topic(), 3, kgo.NewOffset().AtStart()) {
		got[string(r.Key)] = append(got[string(r.Key)], string(r.Value))
	}
	for n := range 300 {
		key := fmt.Sprint("k", n%7)
		want[key] = append(want[key], strconv.Itoa(n))
	}
	equal(got, want, "values by key")
	return nil
}

func nullKeyAndValue(c call) []string {
	c.create(1, nil)
	sent := []*kgo.Record{{Value: []byte("v")}, {Key: []byte("k")}, {Key: []byte{}, Value: []byte{}}}
	c.produce(sent)
	got := c.read(3, c.topic(), 1, kgo.NewOffset().AtStart())
	check(got[0].Key == nil && string(got[0].Value) == "v", "null key")
	check(string(got[1].Key) == "k" && got[1].Value == nil, "null value")
	check(got[2].Key != nil && got[2].Value != nil && len(got[2].Key)+len(got[2].Value) == 0, "empty key and value")
	return nil
}

func headers(c call) []string {
	c.create(1, nil)
	sent := []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "null"}, {Key: "empty", Value: []byte{}}, {Key: "bytes", Value: []byte{0, 255}}}
	c.produce([]*kgo.Record{{Value: []byte("v"), Headers: sent}})
	got := c.read(1, c.topic(), 1, kgo.NewOffset().AtStart())[0].Headers
	equal(fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", sent), "headers")
	return nil
}

func codec(name string) kgo.Opt {
	all := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	return kgo.ProducerBatchCompression(all[name])
}

func fiveCodecs(c call) []string {
	c.create(1, nil)
	var want, got []string
	for _, name := range codecs {
		var records []*kgo.Record
		for n := range 50 {
			value := fmt.Sprint(name, "-", n, "-", strings.Repeat("y", 100))
			want = append(want, value)
			records = append(records, kgo.StringRecord(value))
		}
		c.produce(records, codec(name), kgo.ProducerLinger(20*time.Millisecond))
	}
	for _, r := range c.read(250, c.topic(), 1, kgo.NewOffset().AtStart()) {
		got = append(got, string(r.Value))
	}
	equal(got, want, "values")
	return nil
}

func oneMiBRecord(c call) []string {
	c.create(1, map[string]*string{"max.message.bytes": kadm.StringPtr(strconv.Itoa(2 * oneMiB))})
	value := make([]byte, oneMiB)
	for n := range value {
		value[n] = byte(n)
	}
	c.produce([]*kgo.Record{{Value: value}}, kgo.ProducerBatchMaxBytes(4*oneMiB), kgo.ProducerBatchCompression(kgo.NoCompression()))
	check(bytes.Equal(c.read(1, c.topic(), 1, kgo.NewOffset().AtStart())[0].Value, value), "the value came back changed")
	return nil
}

func messageTooLarge(c call) []string {
	c.create(1, nil)
	_, err := c.tryProduce([]*kgo.Record{{Value: make([]byte, oneMiB*3/2)}}, kgo.ProducerBatchMaxBytes(4*oneMiB), kgo.ProducerBatchCompression(kgo.NoCompression()))
	check(errors.Is(err, kerr.MessageTooLarge), fmt.Sprint("error: ", err))
	return nil
}

func idempotentProduce(c call) []string {
	c.create(1, nil)
	var records []*kgo.Record
	var want []int64
	for n := range 500 {
		records = append(records, kgo.StringRecord(strconv.Itoa(n)))
		want = append(want, int64(n))
	}
	equal(c.produce(records, kgo.ProducerBatchMaxBytes(2000)), want, "offsets") // idempotent unless disabled
	for n, r := range c.read(500, c.topic(), 1, kgo.NewOffset().AtStart()) {
		equal(string(r.Value), strconv.Itoa(n), "value")
	}
	return nil
}

func offsetsForTimes(c call) []string {
	c.create(1, map[string]*string{"retention.ms": kadm.StringPtr("-1")})
	var records []*kgo.Record
	for n := range 5 {
		records = append(records, &kgo.Record{Value: []byte("v"), Timestamp: time.UnixMilli(matrixStartMS + 1000*int64(n))})
	}
	c.produce(records)
	adm := c.admin()
	defer adm.Close()
	at := func(ms int64) int64 {
		listed, err := adm.ListOffsetsAfterMilli(c, matrixStartMS+ms, c.topic())
		must(err)
		found, _ := listed.Lookup(c.topic(), 0)
		must(found.Err)
		return found.Offset
	}
	// kadm answers the end offset where no record is that young.
	equal([]int64{at(0), at(1), at(2500), at(4000), at(9000)}, []int64{0, 1, 3, 4, 5}, "offsets")
	youngest, err := adm.ListMaxTimestampOffsets(c, c.topic())
	must(err)
	found, _ := youngest.Lookup(c.topic(), 0)
	equal([]int64{found.Offset, found.Timestamp}, []int64{4, matrixStartMS + 4000}, "offset of the youngest")
	return nil
}

func longPoll(c call) []string {
	c.create(1, nil)
	assigned := map[string]map[int32]kgo.Offset{c.topic(): {0: kgo.NewOffset().AtStart()}}
	cl := c.client(kgo.ConsumePartitions(assigned), kgo.FetchMaxWait(8*time.Second))
	defer cl.Close()
	short, cancel := context.WithTimeout(c, time.Second)
	defer cancel()
	equal(cl.PollFetches(short).NumRecords(), 0, "records of an empty topic")
	began := time.Now()
	c.produce([]*kgo.Record{kgo.StringRecord("wake")})
	c.take(cl, 1)
	check(time.Since(began) < 3*time.Second, "a parked fetch was not woken by the record")
	return nil
}

func groupTwoMembersRebalance(c call) []string {
	c.create(4, nil)
	type change struct{ who, delta int }
	changes := make(chan change, 100)
	member := func(who int) *kgo.Client {
		count := func(sign int) func(context.Context, *kgo.Client, map[string][]int32) {
			return func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
				changes <- change{who, sign * len(parts[c.topic()])}
			}
		}
		cl := c.client(kgo.ConsumerGroup(c.topic()+"-members"), kgo.ConsumeTopics(c.topic()), kgo.HeartbeatInterval(500*time.Millisecond),
			kgo.OnPartitionsAssigned(count(1)), kgo.OnPartitionsRevoked(count(-1)), kgo.OnPartitionsLost(count(-1)))
		go func() {
			for !cl.PollFetches(c).IsClientClosed() && c.Err() == nil {
			}
		}()
		return cl
	}
	held := []int{0, 0}
	until := func(what string, want []int) {
		for !slices.Equal(held, want) {
			select {
			case got := <-changes:
				held[got.who] += got.delta
			case <-c.Done():
				panic(fmt.Sprint("waited for ", what, ": ", held))
			}
		}
	}
	first := member(0)
	defer first.Close()
	until("all partitions for the only member", []int{4, 0})
	second := member(1)
	until("two for each", []int{2, 2})
	second.Close()
	until("all for the member that stayed", []int{4, 0})
	return nil
}

func groupResumeFromCommitted(c call) []string {
	c.create(1, nil)
	var records []*kgo.Record
	for n := range 20 {
		records = append(records, kgo.StringRecord(strconv.Itoa(n)))
	}
	c.produce(records)
	group := []kgo.Opt{kgo.ConsumerGroup(c.topic() + "-resume"), kgo.ConsumeTopics(c.topic()), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}
	first := c.client(group...)
	must(first.CommitRecords(c, c.take(first, 10)...))
	first.Close()
	second := c.client(group...)
	defer second.Close()
	for n, r := range c.take(second, 10) {
		equal(string(r.Value), strconv.Itoa(10+n), "value after the commit")
	}
	adm := c.admin()
	defer adm.Close()
	offsets, err := adm.FetchOffsets(c, c.topic()+"-resume")
	must(err)
	committed, _ := offsets.Lookup(c.topic(), 0)
	equal(committed.At, int64(10), "committed")
	return nil
}

func groupsListDescribe(c call) []string {
	c.create(1, nil)
	c.produce([]*kgo.Record{kgo.StringRecord("v")})
	group := c.topic() + "-seen"
	member := c.client(kgo.ConsumerGroup(group), kgo.ConsumeTopics(c.topic()), kgo.ClientID("watched"), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	must(member.CommitRecords(c, c.take(member, 1)...))
	adm := c.admin()
	defer adm.Close()
	listed, err := adm.ListGroups(c)
	must(err)
	equal(listed[group].State, "Stable", "listed state")
	described, err := adm.DescribeGroups(c, group)
	must(err)
	equal([]string{described[group].State, described[group].Members[0].ClientID}, []string{"Stable", "watched"}, "description")
	_, err = adm.DeleteGroup(c, group)
	check(errors.Is(err, kerr.NonEmptyGroup), fmt.Sprint("deleting a group in use: ", err))
	member.Close()
	_, err = adm.DeleteGroup(c, group)
	must(err)
	listed, err = adm.ListGroups(c)
	must(err)
	check(!slices.Contains(listed.Groups(), group), "still listed")
	return nil
}

func adminCreateDescribeDelete(c call) []string {
	c.create(2, nil)
	adm := c.admin()
	defer adm.Close()
	_, err := adm.CreateTopic(c, 1, 1, nil, c.topic())
	check(errors.Is(err, kerr.TopicAlreadyExists), fmt.Sprint("creating it twice: ", err))
	grown, err := adm.UpdatePartitions(c, 4, c.topic())
	must(err)
	must(grown.Error())
	wait(c, "four partitions", func() bool {
		topics, err := adm.ListTopics(c, c.topic())
		must(err)
		return len(topics[c.topic()].Partitions) == 4
	})
	_, err = adm.DeleteTopic(c, c.topic())
	must(err)
	wait(c, "the topic to be gone", func() bool {
		topics, err := adm.ListTopics(c)
		must(err)
		return !topics.Has(c.topic())
	})
	return nil
}

func adminConfigs(c call) []string {
	c.create(1, map[string]*string{"retention.ms": kadm.StringPtr("3600000")})
	adm := c.admin()
	defer adm.Close()
	read := func(name string) string {
		described, err := adm.DescribeTopicConfigs(c, c.topic())
		must(err)
		resource, err := described.On(c.topic(), nil)
		must(err)
		must(resource.Err)
		for _, config := range resource.Configs {
			if config.Key == name {
				return config.MaybeValue()
			}
		}
		return ""
	}
	alter := func(op kadm.IncrementalOp, value *string) error {
		altered, err := adm.AlterTopicConfigs(c, []kadm.AlterConfig{{Op: op, Name: "retention.ms", Value: value}}, c.topic())
		must(err)
		return altered[0].Err
	}
	equal(read("retention.ms"), "3600000", "retention.ms as created")
	must(alter(kadm.SetConfig, kadm.StringPtr("7200000")))
	wait(c, "the new retention.ms", func() bool { return read("retention.ms") == "7200000" })
	must(alter(kadm.DeleteConfig, nil))
	wait(c, "the default retention.ms", func() bool { return read("retention.ms") == "604800000" })
	err := alter(kadm.SetConfig, kadm.StringPtr("soon"))
	check(errors.Is(err, kerr.InvalidConfig), fmt.Sprint("a bad value: ", err))
	return nil
}

func deleteRecords(c call) []string {
	c.create(1, nil)
	var records []*kgo.Record
	for n := range 10 {
		records = append(records, kgo.StringRecord(strconv.Itoa(n)))
	}
	c.produce(records)
	adm := c.admin()
	defer adm.Close()
	var place kadm.Offsets
	place.AddOffset(c.topic(), 0, 6, -1)
	deleted, err := adm.DeleteRecords(c, place)
	must(err)
	low, _ := deleted.Lookup(c.topic(), 0)
	must(low.Err)
	equal(low.LowWatermark, int64(6), "low watermark")
	starts, err := adm.ListStartOffsets(c, c.topic())
	must(err)
	start, _ := starts.Lookup(c.topic(), 0)
	equal(start.Offset, int64(6), "beginning")
	equal(c.read(4, c.topic(), 1, kgo.NewOffset().AtStart())[0].Offset, int64(6), "first offset")
	return nil
}

func offsetOutOfRange(c call) []string {
	c.create(1, nil)
	c.produce([]*kgo.Record{kgo.StringRecord("0"), kgo.StringRecord("1"), kgo.StringRecord("2")})
	assigned := map[string]map[int32]kgo.Offset{c.topic(): {0: kgo.NewOffset().At(1000)}}
	cl := c.client(kgo.ConsumePartitions(assigned), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer cl.Close()
	equal(c.take(cl, 3)[0].Offset, int64(0), "first offset after the reset")
	return nil
}

func matrixWrite(c call) []string {
	c.create(1, map[string]*string{"retention.ms": kadm.StringPtr("-1")})
	for index, name := range codecs {
		start := matrixStartMS + 1000*int64(index)
		key, value := []byte("key-"+name), []byte(client+"-"+name+"-"+strings.Repeat("x", 200))
		c.produce([]*kgo.Record{
			{Key: key, Value: value, Timestamp: time.UnixMilli(start), Headers: []kgo.RecordHeader{{Key: "client", Value: []byte(client)}, {Key: "codec", Value: []byte(name)}}},
			{Key: key, Value: value, Timestamp: time.UnixMilli(start + 1)},
			{Value: value, Timestamp: time.UnixMilli(start + 2)},
			{Key: key, Timestamp: time.UnixMilli(start + 3)},
		}, codec(name), kgo.ProducerLinger(20*time.Millisecond))
	}
	return nil
}

func matrixRead(c call) []string {
	var lines []string
	for _, r := range c.read(4*len(codecs), c.run+"-"+c.writer+"-matrix_write", 1, kgo.NewOffset().AtStart()) {
		var pairs []string
		for _, h := range r.Headers {
			pairs = append(pairs, h.Key+"="+string(h.Value))
		}
		if pairs == nil {
			pairs = []string{"-"}
		}
		lines = append(lines, fmt.Sprintf("%d %d %s %s %s", r.Offset, r.Timestamp.UnixMilli(), text(r.Key), text(r.Value), strings.Join(pairs, ",")))
	}
	return lines
}

func text(b []byte) string {
	if b == nil {
		return "~"
	}
	return string(b)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func check(ok bool, why string) {
	if !ok {
		panic(why)
	}
}

func equal[T any](got, want T, what string) {
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
		must(json.NewEncoder(os.Stdout).Encode(perform(name)))
	}
}
