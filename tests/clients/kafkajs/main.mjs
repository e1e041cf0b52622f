// Scenarios through KafkaJS. Arguments and answers: tests/clients/python/contract.py.
import assert from 'node:assert/strict'

import kafkajs from 'kafkajs'
import snappyCodec from 'kafkajs-snappy'
import lz4 from 'lz4-napi'
import { ZstdCodec } from 'zstd-codec'

const { AssignerProtocol, CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, Partitioners, logLevel } = kafkajs

const CLIENT = 'kafkajs'
const ONE_MIB = 1 << 20
const MATRIX_START_MS = 1_700_000_000_000
const DEADLINE_MS = 30_000
const CODECS = { none: 'None', gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' }

// KafkaJS has gzip of its own and takes the others as codecs.
const zstd = await new Promise(resolve => ZstdCodec.run(resolve))
CompressionCodecs[CompressionTypes.Snappy] = snappyCodec
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: encoder => lz4.compressFrame(encoder.buffer),
  decompress: buffer => lz4.decompressFrame(buffer),
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async encoder => Buffer.from(new zstd.Simple().compress(encoder.buffer, 3)),
  decompress: async buffer => Buffer.from(new zstd.Streaming().decompress(buffer)),
})

const compression = codec => CompressionTypes[CODECS[codec]]
const range = count => [...Array(count).keys()]

/** What a scenario gets. */
class Call {
  constructor(bootstrap, run, scenario, writer) {
    Object.assign(this, { bootstrap, run, scenario, writer })
    this.topic = `${run}-${CLIENT}-${scenario}`
    this.kafka = this.named('kafkajs')
    this.open = []
  }

  named(clientId) {
    return new Kafka({ clientId, brokers: [this.bootstrap], logLevel: logLevel.ERROR, logCreator: () => entry => console.error(entry.log.message, entry.log.error ?? '') })
  }

  /** Connects, and disconnects when the scenario is over. */
  async connected(client) {
    await client.connect()
    this.open.push(client)
    return client
  }

  async close() {
    for (const client of this.open.splice(0).reverse()) await client.disconnect()
  }

  admin() {
    return this.connected(this.kafka.admin())
  }

  async create(numPartitions = 1, configs = {}) {
    const admin = await this.admin()
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    return admin.createTopics({ waitForLeaders: true, topics: [{ topic: this.topic, numPartitions, replicationFactor: 1, configEntries }] })
  }

  async produce(messages, options = {}, producerOptions = {}) {
    const producer = await this.connected(this.kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, ...producerOptions }))
    return producer.send({ topic: this.topic, messages, ...options })
  }

  /** A consumer of a group; its records come from `take`, its assignments from `assigned`. */
  async member(group, options = {}, kafka = this.kafka, topic = this.topic) {
    const consumer = kafka.consumer({ groupId: `${this.topic}-${group}`, heartbeatInterval: 500, maxWaitTimeInMs: 200, ...options })
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => (member.assigned = payload.memberAssignment[topic] ?? []))
    const member = { consumer, assigned: [], records: [] }
    await this.connected(consumer)
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => member.records.push({ partition, ...message }),
    })
    return member
  }

  async take(member, count) {
    await until(`${count} records`, () => member.records.length >= count)
    return member.records.splice(0, count)
  }

  async read(count, topic = this.topic) {
    return this.take(await this.member(`reader-${topic}`, {}, this.kafka, topic), count)
  }
}

/** Waits for a condition, at most as long as a scenario may take. */
async function until(what, condition, deadline = Date.now() + DEADLINE_MS) {
  while (!(await condition())) {
    assert(Date.now() < deadline, `waited for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

const SCENARIOS = {
  async produce_consume(call) {
    await call.create(3)
    await call.produce(range(300).map(n => ({ key: `k${n % 7}`, value: `${n}` })))
    const records = await call.read(300)
    for (const key of range(7)) {
      const values = records.filter(r => r.key.toString() === `k${key}`).map(r => Number(r.value))
      assert.deepEqual(values, range(300).filter(n => n % 7 === key))
    }
  },

  async null_key_and_value(call) {
    await call.create()
    await call.produce([{ key: null, value: 'v' }, { key: 'k', value: null }, { key: '', value: '' }])
    const got = (await call.read(3)).map(r => [r.key, r.value].map(b => b && b.toString()))
    assert.deepEqual(got, [[null, 'v'], ['k', null], ['', '']])
  },

  async headers(call) {
    await call.create()
    await call.produce([{ value: 'v', headers: { a: ['1', '2'], empty: '', bytes: Buffer.from([0, 255]) } }])
    const { headers } = (await call.read(1))[0]
    assert.deepEqual(headers, { a: [Buffer.from('1'), Buffer.from('2')], empty: Buffer.alloc(0), bytes: Buffer.from([0, 255]) })
  },

  async codecs(call) {
    await call.create()
    const want = Object.keys(CODECS).flatMap(codec => range(50).map(n => `${codec}-${n}-${'y'.repeat(100)}`))
    for (const codec of Object.keys(CODECS)) {
      await call.produce(want.filter(value => value.startsWith(codec)).map(value => ({ value })), { compression: compression(codec) })
    }
    assert.deepEqual((await call.read(250)).map(r => r.value.toString()), want)
  },

  async one_mib_record(call) {
    await call.create(1, { 'max.message.bytes': `${2 * ONE_MIB}` })
    const value = Buffer.from(range(ONE_MIB).map(n => n & 255))
    await call.produce([{ value }])
    assert((await call.read(1))[0].value.equals(value), 'the value came back changed')
  },

  async message_too_large(call) {
    await call.create()
    await assert.rejects(call.produce([{ value: Buffer.alloc((ONE_MIB * 3) / 2) }]), { type: 'MESSAGE_TOO_LARGE' })
  },

  async idempotent_produce(call) {
    await call.create()
    const producer = await call.connected(call.kafka.producer({ idempotent: true, maxInFlightRequests: 1 }))
    const offsets = []
    for (const part of range(10)) {
      const messages = range(50).map(n => ({ value: `${part * 50 + n}` }))
      offsets.push(Number((await producer.send({ topic: call.topic, messages }))[0].baseOffset))
    }
    assert.deepEqual(offsets, range(10).map(part => part * 50))
    assert.deepEqual((await call.read(500)).map(r => Number(r.value)), range(500))
  },

  async offsets_for_times(call) {
    await call.create(1, { 'retention.ms': '-1' })
    await call.produce(range(5).map(n => ({ value: 'v', timestamp: `${MATRIX_START_MS + 1000 * n}` })))
    const admin = await call.admin()
    const at = async ms => Number((await admin.fetchTopicOffsetsByTimestamp(call.topic, MATRIX_START_MS + ms))[0].offset)
    // KafkaJS gives the end offset where no record is that young.
    assert.deepEqual([await at(0), await at(1), await at(2500), await at(4000), await at(9000)], [0, 1, 3, 4, 5])
    const [{ low, high }] = await admin.fetchTopicOffsets(call.topic)
    assert.deepEqual([low, high], ['0', '5'])
    assert.equal((await call.read(1))[0].timestamp, `${MATRIX_START_MS}`)
  },

  async long_poll(call) {
    await call.create()
    const member = await call.member('reader', { maxWaitTimeInMs: 4000 })
    await until('an assignment', () => member.assigned.length === 1)
    const fetched = new Promise(resolve => member.consumer.on(member.consumer.events.FETCH_START, resolve))
    await fetched
    const began = Date.now()
    await call.produce([{ value: 'wake' }])
    await call.take(member, 1)
    assert(Date.now() - began < 3000, 'a parked fetch was not woken by the record')
  },

  async group_two_members_rebalance(call) {
    await call.create(4)
    const held = (...members) => JSON.stringify(members.map(m => m.assigned.length)) + members.flatMap(m => m.assigned).sort()
    const first = await call.member('members')
    await until('all partitions for the only member', () => held(first) === '[4]0,1,2,3')
    const second = await call.member('members')
    await until('two for each', () => held(first, second) === '[2,2]0,1,2,3')
    await second.consumer.disconnect()
    await until('all for the member that stayed', () => held(first) === '[4]0,1,2,3')
  },

  async group_resume_from_committed(call) {
    await call.create()
    await call.produce(range(20).map(n => ({ value: `${n}` })))
    const first = await call.member('resume')
    await call.take(first, 10)
    await first.consumer.commitOffsets([{ topic: call.topic, partition: 0, offset: '10', metadata: 'half' }])
    await first.consumer.disconnect()
    const second = await call.member('resume')
    assert.deepEqual((await call.take(second, 10)).map(r => Number(r.value)), range(20).slice(10))
    const [{ partitions }] = await (await call.admin()).fetchOffsets({ groupId: `${call.topic}-resume`, topics: [call.topic] })
    assert.deepEqual(partitions, [{ partition: 0, offset: '10', metadata: 'half' }])
  },

  async groups_list_describe(call) {
    await call.create()
    const groupId = `${call.topic}-seen`
    const member = await call.member('seen', {}, call.named('watched'))
    await until('an assignment', () => member.assigned.length === 1)
    const admin = await call.admin()
    const listed = async () => (await admin.listGroups()).groups.map(group => group.groupId)
    assert((await listed()).includes(groupId), 'the group is not listed')
    const [group] = (await admin.describeGroups([groupId])).groups
    assert.deepEqual([group.state, group.members.map(m => m.clientId)], ['Stable', ['watched']])
    const { assignment } = AssignerProtocol.MemberAssignment.decode(group.members[0].memberAssignment)
    assert.deepEqual({ ...assignment }, { [call.topic]: [0] })
    await assert.rejects(admin.deleteGroups([groupId]), error => error.groups[0].error.type === 'NON_EMPTY_GROUP')
    await member.consumer.disconnect()
    await admin.deleteGroups([groupId])
    assert(!(await listed()).includes(groupId), 'still listed')
  },

  async admin_create_describe_delete(call) {
    assert.equal(await call.create(2), true)
    assert.equal(await call.create(2), false) // KafkaJS's word for TOPIC_ALREADY_EXISTS
    const admin = await call.admin()
    await admin.createPartitions({ topicPartitions: [{ topic: call.topic, count: 4 }] })
    await until('four partitions', async () => (await admin.fetchTopicMetadata({ topics: [call.topic] })).topics[0].partitions.length === 4)
    await admin.deleteTopics({ topics: [call.topic] })
    await until('the topic to be gone', async () => !(await admin.listTopics()).includes(call.topic))
  },

  async admin_configs(call) {
    await call.create(1, { 'retention.ms': '3600000' })
    const admin = await call.admin()
    const type = ConfigResourceTypes.TOPIC
    const read = async name => {
      const { resources } = await admin.describeConfigs({ includeSynonyms: true, resources: [{ type, name: call.topic, configNames: [name] }] })
      return resources[0].configEntries[0].configValue
    }
    const alter = (name, value) => admin.alterConfigs({ validateOnly: false, resources: [{ type, name: call.topic, configEntries: [{ name, value }] }] })
    assert.deepEqual([await read('retention.ms'), await read('cleanup.policy')], ['3600000', 'delete'])
    await alter('max.message.bytes', '2000000')
    await until('the new max.message.bytes', async () => (await read('max.message.bytes')) === '2000000')
    // AlterConfigs replaces the whole set: what it does not name goes back to its default.
    assert.equal(await read('retention.ms'), '604800000')
    await assert.rejects(alter('retention.ms', 'soon'), { type: 'INVALID_CONFIG' })
  },

  async delete_records(call) {
    await call.create()
    await call.produce(range(10).map(n => ({ value: `${n}` })))
    const admin = await call.admin()
    await admin.fetchTopicOffsets(call.topic) // deleteTopicRecords needs metadata that it does not load itself
    await admin.deleteTopicRecords({ topic: call.topic, partitions: [{ partition: 0, offset: '6' }] })
    assert.equal((await admin.fetchTopicOffsets(call.topic))[0].low, '6')
    assert.deepEqual((await call.read(4)).map(r => Number(r.offset)), [6, 7, 8, 9])
  },

  async offset_out_of_range(call) {
    await call.create()
    await call.produce(range(3).map(n => ({ value: `${n}` })))
    const member = await call.member('reader')
    await call.take(member, 3)
    member.consumer.seek({ topic: call.topic, partition: 0, offset: '1000' })
    assert.deepEqual((await call.take(member, 3)).map(r => Number(r.offset)), [0, 1, 2])
  },

  async matrix_write(call) {
    await call.create(1, { 'retention.ms': '-1' })
    for (const [index, codec] of Object.keys(CODECS).entries()) {
      const at = n => `${MATRIX_START_MS + 1000 * index + n}`
      const [key, value] = [`key-${codec}`, `${CLIENT}-${codec}-${'x'.repeat(200)}`]
      const messages = [
        { key, value, timestamp: at(0), headers: { client: CLIENT, codec } },
        { key, value, timestamp: at(1) },
        { key: null, value, timestamp: at(2) },
        { key, value: null, timestamp: at(3) },
      ]
      await call.produce(messages, { compression: compression(codec) })
    }
  },

  async matrix_read(call) {
    const records = await call.read(4 * Object.keys(CODECS).length, `${call.run}-${call.writer}-matrix_write`)
    return records.map(r => {
      const pairs = Object.entries(r.headers).map(([name, value]) => `${name}=${value}`)
      return `${r.offset} ${r.timestamp} ${r.key ?? '~'} ${r.value ?? '~'} ${pairs.join(',') || '-'}`
    })
  },
}

const [bootstrap, run, ...names] = process.argv.slice(2)
for (const name of names) {
  const [base, writer = ''] = name.split(':')
  const call = new Call(bootstrap, run, base, writer)
  const began = Date.now()
  const answer = { scenario: name, ok: true }
  try {
    answer.records = await SCENARIOS[base](call)
  } catch (error) {
    Object.assign(answer, { ok: false, error: `${error.name}: ${error.message}`.slice(0, 2000) })
    console.error(error)
  }
  await call.close()
  console.log(JSON.stringify({ ...answer, ms: Date.now() - began }))
}
