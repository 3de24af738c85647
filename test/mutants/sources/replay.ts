/** What the file log writes down and reads back broken: records, replay, snapshots, compaction. */
import { change, crashLaw, mutantsOf } from "../SourceMutant.ts"

const inFile = (file: string, changes: Parameters<typeof mutantsOf>[2]) =>
  mutantsOf(`src/backends/file/${file}`, ["file"], changes)

const replay = inFile("Replay.ts", [
  change("attemptsBounded", "grants are not replayed", "else store.grant(row, this.#holder)", "else store.nextToken++"),
  change(
    "compactionKeepsAll",
    "tokens of trimmed jobs are not counted",
    "if (row === -1) store.nextToken++",
    "if (row === -1) store.nextToken += 0"
  ),
  change(
    "neverEarly",
    "a retry's instant is lost",
    `{ _tag: "Retried", visibleAt: reader.varint(), cause: takeCause(reader) }`,
    `{ _tag: "Retried", visibleAt: reader.varint() * 0, cause: takeCause(reader) }`
  ),
  change("pauseHolds", "a pause is lost", "queue.paused = (flags & 1) !== 0", ""),
  change(
    "groupFifo",
    "a queue's group concurrency is lost",
    "queue.policy.groupConcurrency = reader.varint()",
    "reader.varint()"
  ),
  change(
    "groupFifo",
    "a queue's rule for retries is lost",
    `queue.policy.groupOnRetry = (flags & 2) !== 0 ? "stepAside" : "block"`,
    ""
  ),
  change(
    "retentionKeepsKeys",
    "what remains of a key is lost",
    "this.#store.bury({ scoped, id, until, state, segment: meta.segment })",
    ""
  ),
  change("durabilityNamed", "a run's progress is lost", "if (row !== -1) this.#store.setProgress(row, value)", ""),
  change(
    "durabilityNamed",
    "a result is lost",
    "this.#store.setResult(row, { segment: meta.segment, offset, length: reader.position - offset })",
    ""
  ),
  change(
    "recoveryIsLegalPrefix",
    "a result is looked for in the wrong place",
    "this.#store.setResult(row, { segment: meta.segment, offset, length: reader.position - offset })",
    "this.#store.setResult(row, { segment: meta.segment, offset: offset + 1, length: reader.position - offset - 1 })"
  ),
  change(
    "attemptsBounded",
    "the mark of a start is lost",
    `return store.transition(row, { _tag: "Started" })`,
    "return"
  ),
  change(
    "cancelIsTerminal",
    "a cancellation is lost",
    `return store.transition(row, { _tag: "Cancelled", at })`,
    "return"
  ),
  change(
    "completedStaysCompleted",
    "a completion is lost",
    "        return store.complete(row, at)\n",
    "        return\n"
  ),
  change("recoveryIsLegalPrefix", "a purge is lost", "return store.purge(row)", "return"),
  change(
    "attemptsBounded",
    "whether a dead letter's last attempt counts is lost",
    "counted: reader.u8() === 1, cause",
    "counted: reader.u8() === 2, cause"
  ),
  change(
    "recoveryIsLegalPrefix",
    "a replacement is lost",
    "store.replace(row, job, meta.segment, offset, length)\n",
    "if (length < 0) store.replace(row, job, meta.segment, offset, length)\n    if (length > 0) return\n"
  ),
  change(
    "priorityOrder",
    "a new priority is lost",
    "priority: unzigzag(reader.varint()) }",
    "priority: unzigzag(reader.varint()) * 0 }"
  ),
  change("durabilityNamed", "a bound of the backlog is lost", "if (maxBacklog !== 0) this.#store.bounded = true", "")
])

const records = [
  ...inFile("Recorder.ts", [
    change(
      "recoveryIsLegalPrefix",
      "a run goes on over a gap",
      "this.#runFirst + this.#runCount === sequence",
      "this.#runFirst + this.#runCount <= sequence"
    ),
    change(
      "attemptsBounded",
      "whether a dead letter's last attempt counts is not written",
      "writer.u8(event.counted ? 1 : 0)",
      "writer.u8(0)"
    ),
    change(
      "neverEarly",
      "a release with a delay is written as one without",
      "if (event.cause === undefined && event.visibleAt === this.#now) return",
      "if (event.cause === undefined) return"
    ),
    change("retentionKeepsKeys", "a key's window is not written", "writer.varint(tombstone.until)", "writer.varint(1)"),
    change("pauseHolds", "a pause is not written", "writer.u8((queue.paused ? 1 : 0) |", "writer.u8("),
    change("recoveryIsLegalPrefix", "a profile is written once and never again", "    this.#frame++\n", "")
  ]),
  ...inFile("CauseCodec.ts", [
    change(
      "recoveryIsLegalPrefix",
      "the tag of a failure is not written",
      "writer.u8(FailureKind.literals.indexOf(cause.kind) * 2 + (cause.tag === undefined ? 0 : 1))\n  if (cause.tag !== undefined) writer.string(cause.tag)",
      "writer.u8(FailureKind.literals.indexOf(cause.kind) * 2)"
    )
  ]),
  ...inFile("RequestCodec.ts", [
    change(
      "payloadIntact",
      "a payload with a character of several bytes is cut",
      "    writer.varint(bytes * 2)\n",
      "    writer.varint(length * 2)\n"
    ),
    change(
      "payloadIntact",
      "a payload is read as if each byte were a character",
      "return ascii ? native.latin1Slice",
      "return bytes > 0 ? native.latin1Slice"
    ),
    change("payloadIntact", "metadata are not written", "(item.metadata === undefined ? 0 : Has.metadata) |", ""),
    change(
      "deadLettersConserved",
      "a deadline is not written",
      "(item.deadline === undefined ? 0 : Has.deadline) |",
      ""
    ),
    change("payloadIntact", "a group is not written", "(item.group === undefined ? 0 : Has.group) |", ""),
    change("recoveryIsLegalPrefix", "a key is not written", "(item.key === undefined ? 0 : Has.key) |", ""),
    change(
      "priorityOrder",
      "a negative priority loses its sign",
      "value < 0 ? -value * 2 - 1 : value * 2",
      "value < 0 ? -value * 2 : value * 2"
    ),
    change(
      "neverEarly",
      "a delay counts from the beginning of time",
      "request.at ?? request.enqueuedAt + request.delay",
      "request.at ?? request.delay"
    ),
    change(
      "enqueueIdempotent",
      "other bytes under a known id are the same job, in the file log",
      "  stored.payload === item.payload &&\n",
      ""
    )
  ])
]

const snapshot = inFile("Snapshot.ts", [
  change(
    "compactionKeepsAll",
    "a carried job forgets its attempts",
    "writer.varint(slot === noSlot ? 0 : attempts[slot]!)",
    "writer.varint(0)"
  ),
  change(
    "compactionKeepsAll",
    "a carried job forgets its deliveries",
    "writer.varint(slot === noSlot ? 0 : deliveries[slot]!)",
    "writer.varint(0)"
  ),
  change(
    "compactionKeepsAll",
    "a carried job forgets its generation",
    "writer.varint(slot === noSlot ? 1 : generation[slot]!)",
    "writer.varint(1)"
  ),
  change("compactionKeepsAll", "a carried job forgets its holder", "(holder === noSession ? 0 : Has.holder) |", ""),
  change(
    "compactionKeepsAll",
    "a carried job forgets its cause",
    "cause\n    },\n    { segment",
    "cause: undefined\n    },\n    { segment"
  ),
  change(
    "compactionKeepsAll",
    "a carried job forgets its progress",
    "if (progress !== undefined) store.setProgress(row, progress)",
    ""
  ),
  change(
    "compactionKeepsAll",
    "a carried job forgets its key",
    "if (key !== undefined) store.restoreKey(row, key, (has & Has.holdsKey) !== 0)",
    ""
  ),
  change(
    "compactionKeepsAll",
    "a carried job forgets its result",
    "  if ((has & Has.result) !== 0) store.setResult(row, result)\n",
    ""
  ),
  change(
    "compactionKeepsAll",
    "a carried job is visible at once",
    "{ profile, priority, visibleAt, deadline, group",
    "{ profile, priority, visibleAt: 0, deadline, group"
  ),
  change(
    "compactionKeepsAll",
    "a carried job has the priority of its request",
    "{ profile, priority, visibleAt, deadline, group",
    "{ profile, priority: request.priority, visibleAt, deadline, group"
  ),
  change(
    "compactionKeepsAll",
    "a carried job forgets that it had started",
    "started: (has & Has.started) !== 0,",
    "started: false,"
  )
])

/** What only a loss of power at one particular instant shows. */
const losingPower = mutantsOf(
  "src/backends/file/Snapshot.ts",
  ["crash"],
  [
    change(
      crashLaw,
      "a carried job is looked for where it was",
      `    store.unlocate(known)
    store.locate(known, meta.segment, requestAt, length)
`,
      ""
    )
  ]
)

const compaction = [
  ...inFile("Compaction.ts", [
    change(
      "compactionKeepsAll",
      "keys that outlive their jobs are not carried forward",
      "if (tombstone.until <= store.now) {",
      "if (tombstone.until > 0) {"
    ),
    change(
      "compactionKeepsAll",
      "a segment goes although something lives in it",
      "while (upTo < last && store.segments.count(upTo) === 0 &&",
      "while (upTo < last && store.segments.count(upTo) <= 1 &&"
    ),
    change(
      "compactionKeepsAll",
      "the oldest segments go, whatever lives in them",
      "while (upTo < last && store.segments.count(upTo) === 0 && !store.segments.pinned(upTo)) upTo++",
      "while (upTo < last) upTo++"
    ),
    change(
      "numberedCallsRepeat",
      "a segment goes that a kept answer needs",
      "store.segments.count(upTo) === 0 && !store.segments.pinned(upTo)) upTo++",
      "store.segments.count(upTo) === 0) upTo++"
    )
  ]),
  ...inFile("Engine.ts", [
    change(
      "compactionKeepsAll",
      "a new segment does not say how far the tokens are",
      "recorder.checkpoint(store.nextSequence, store.nextToken)",
      ""
    ),
    change("compactionKeepsAll", "a new segment does not repeat the queues' state", "      recorder.queue(queue)\n", "")
  ]),
  ...inFile("Retention.ts", [
    change(
      "retentionKeepsKeys",
      "a key goes with the record of its job",
      "  if (!held) return\n",
      "  if (own !== undefined) return\n"
    ),
    change(
      "retentionKeepsKeys",
      "records are kept for ever",
      "if (kept <= policy.retainCompletedCount && !expired) return true",
      "if (kept >= 0) return true"
    ),
    change(
      "retentionKeepsKeys",
      "records go at once",
      "if (kept <= policy.retainCompletedCount && !expired) return true",
      ""
    )
  ]),
  ...inFile("EngineOpen.ts", [
    change(
      "recoveryIsLegalPrefix",
      "a former owner's sessions live on",
      "          reclaimFormer(engine, held.slice(from, from + reclaimBatch))\n",
      ""
    ),
    change(
      "compactionKeepsAll",
      "recovered jobs have no place in their queues",
      "        takePlaces(store)\n",
      "        store.scheduling = true\n"
    ),
    change(
      "clockStepSafe",
      "the log's time begins anew with its owner",
      "        logClock ??= new LogClock(clock, replay.lastAt)",
      "        logClock = new LogClock(clock, 0)"
    )
  ]),
  ...inFile("LogClock.ts", [
    change(
      "clockStepSafe",
      "the log's time follows the wall clock back",
      "    if (now > this.#last) this.#last = now\n",
      "    this.#last = now\n"
    ),
    change("clockStepSafe", "the log's time follows the wall clock only", "Math.max(wall, monotonic)", "wall"),
    change(
      "clockStepSafe",
      "the log's time does not begin where it ended",
      "Math.max(recorded, this.#wallStart)",
      "this.#wallStart"
    )
  ])
]

export const replayMutants = [...replay, ...records, ...snapshot, ...losingPower, ...compaction]
