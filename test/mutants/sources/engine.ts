/** The file log's engine broken: what it decides, where jobs stand, who waits. */
import { change, mutantsOf } from "../SourceMutant.ts"

const inFile = (file: string, changes: Parameters<typeof mutantsOf>[2]) =>
  mutantsOf(`src/backends/file/${file}`, ["file"], changes)

const claim = inFile("EngineClaim.ts", [
  change("recoveryIsLegalPrefix", "a grant is not recorded", "    recorder.run(Tag.Granted, chunk.sequence[i]!)\n", ""),
  change("recoveryIsLegalPrefix", "a grant's holder is not recorded", "    recorder.holder(session.number)\n", ""),
  change(
    "renewNeverRevives",
    "an expired session can claim",
    "const session = engine.live(request.session, true)",
    "const session = engine.live(request.session, false)"
  ),
  change("pauseHolds", "a paused queue grants", "if (queue.paused) return undefined", ""),
  change(
    "reclaimOnExpiry",
    "a claim comes back empty although a lease has run out",
    "if (claimed.count === 0 && reclaimExpired(engine, Number.POSITIVE_INFINITY) > 0) {",
    "if (claimed.count < 0) {"
  ),
  change(
    "numberedCallsRepeat",
    "a repeated claim claims again",
    `if (repeated !== undefined) return repeated._tag === "Claim" ? done(repeated) : refuse(repeated)`,
    ""
  ),
  change(
    "singleClaimer",
    "a claim is given one job more than it asked for",
    "while (claimed.count < limit) {",
    "while (claimed.count <= limit) {"
  ),
  change(
    "capabilitiesHonest",
    "jobs of other names are granted",
    "if (names !== undefined && !names.has(",
    "if (names === null && !names.has("
  ),
  change(
    "eventuallyClaimed",
    "jobs of other names that were passed over are lost",
    "if (passed !== undefined) for (const row of passed) putBack(store, queue, row)",
    ""
  ),
  change(
    "groupFifo",
    "a second permit of a group is not used",
    "if ((flags & Flag.Group) !== 0) showNext(store, queue, row)",
    ""
  ),
  change(
    "noLostWakeUp",
    "the next instant leaves delays out",
    "Math.min(queue.delays.topKey, engine.sessions.nextExpiry())",
    "engine.sessions.nextExpiry()"
  ),
  change(
    "transitionsKept",
    "the next instant leaves leases out",
    "Math.min(queue.delays.topKey, engine.sessions.nextExpiry())",
    "queue.delays.topKey"
  )
])

const settle = inFile("EngineSettle.ts", [
  change(
    "staleTokenRefused",
    "anybody's grant can be completed",
    "if (slot === -1 || grants.session[slot] !== session.number) return -1",
    "if (slot === -1) return -1"
  ),
  change(
    "tokenBinding",
    "a token is good for any job",
    "return id === item.id ? slot : -1",
    "return id === undefined ? -1 : slot"
  ),
  change(
    "completedStaysCompleted",
    "a plain completion is not recorded",
    "          recorder.run(Tag.Completed, chunk.sequence[i]!)\n",
    ""
  ),
  change(
    "completedStaysCompleted",
    "a completion with follow-ups is not recorded",
    "    recorder.run(Tag.Completed, sequence)\n",
    ""
  ),
  change(
    "atomicBatch",
    "a completion and its follow-ups are two records",
    "    recordCompletion(engine, row, settlement.result)\n",
    "    recordCompletion(engine, row, settlement.result)\n    engine.recorder.close()\n"
  ),
  change(
    "followUpsAtomic",
    "unsound follow-ups are enqueued",
    `if (invalid !== undefined) return { _tag: "Refused"`,
    `if (invalid === null) return { _tag: "Refused"`
  ),
  change(
    "readsAgree",
    "the place of a result is off by one",
    "store.setResult(row, { segment: engine.journal.currentSegment, offset, length })",
    "store.setResult(row, { segment: engine.journal.currentSegment, offset: offset + 1, length: length - 1 })"
  ),
  change(
    "numberedCallsRepeat",
    "a repeated settlement settles again",
    `  if (repeated !== undefined) {
    return repeated._tag === "Settle"`,
    `  if (repeated === null) {
    return repeated._tag === "Settle"`
  ),
  change(
    "numberedCallsRepeat",
    "a settlement's answer is not kept",
    `  session.remember(request.call, { _tag: "Settle", results })\n`,
    ""
  ),
  change(
    "renewNeverRevives",
    "an expired session can be renewed",
    "const session = engine.live(request.session, true)",
    "const session = engine.live(request.session, false)"
  ),
  change("reclaimOnExpiry", "a renewal moves nothing", "  session.expiresAt = store.now + session.leaseDuration\n", ""),
  change("reclaimGuarded", "the mark of a start is dropped", `    applyEvent(engine, row, { _tag: "Started" })\n`, ""),
  change("compactionKeepsAll", "progress is not kept", "    store.setProgress(row, value)\n", ""),
  change(
    "cancelIsTerminal",
    "a holder is not told of cancellations",
    "cancelled: [...session.cancelled].map((slot) => BigInt(grants.token[slot]!))",
    "cancelled: []"
  ),
  change("pauseHolds", "a holder is not told of a pause", "paused: pausedOf(engine, session)", "paused: []"),
  change("staleTokenRefused", "a holder is not told of what it lost", "lost: [...lost]", "lost: []")
])

const reclaim = inFile("EngineReclaim.ts", [
  change(
    "singleClaimer",
    "live sessions are reclaimed",
    "if (!session.dead && session.expiresAt > store.now) continue",
    ""
  ),
  change(
    "singleClaimer",
    "a lease ends a millisecond early",
    "session.expiresAt > store.now) continue",
    "session.expiresAt > store.now + 1) continue"
  ),
  change(
    "reclaimBound",
    "a lease ends a second late",
    "session.expiresAt > store.now) continue",
    "session.expiresAt > store.now - 1000) continue"
  ),
  change("reclaimOnExpiry", "a reclaim takes more than it was asked to", "if (taken >= limit) return taken", ""),
  change(
    "reclaimBound",
    "a reclaim takes back one job at most",
    "const reclaimed = reclaimExpired(engine, limit, count)",
    "const reclaimed = reclaimExpired(engine, Math.min(limit, 1), count)"
  ),
  change(
    "deadLettersConserved",
    "reclaim leaves overdue jobs where they are",
    "while (left > 0 && order.topKey <= store.now) {",
    "while (left < 0) {"
  ),
  change(
    "renewNeverRevives",
    "a session that lost its jobs lives on",
    "    session.dead = true\n    engine.waits.endSession(session)\n    for (const slot",
    "    engine.waits.endSession(session)\n    for (const slot"
  ),
  change(
    "attemptsBounded",
    "closing a session costs an attempt",
    `    engine.recorder.event(store.sequenceOf(row), decision)
    const queue = store.queueOf(row)
    store.transition(row, decision)
    if (decision._tag === "CancelConfirmed")`,
    `    const queue = store.queueOf(row)
    end(engine, row, { _tag: "Reclaim" })
    if (decision._tag === "CancelConfirmed")`
  )
])

const enqueue = [
  ...inFile("EngineEnqueue.ts", [
    change(
      "atomicBatch",
      "a batch is several records",
      "  const local = recorder.profile(job.profile)\n  const writer = recorder.open()",
      "  recorder.close()\n  const local = recorder.profile(job.profile)\n  const writer = recorder.open()"
    ),
    change(
      "keyDeduplicates",
      "any ended job frees its key",
      "if (chunk.status[i] !== Status.Completed) return holder",
      "if (chunk.status[i]! < Status.Completed) return holder"
    ),
    change(
      "keyDeduplicates",
      "a completed job frees its key",
      "store.grants.finishedAt[chunk.slot[i]!]! + window > store.now ? holder : undefined",
      "window < 0 ? holder : undefined"
    ),
    change(
      "keyDeduplicates",
      "a completed job holds its key for ever",
      "store.grants.finishedAt[chunk.slot[i]!]! + window > store.now ? holder : undefined",
      "window >= 0 ? holder : undefined"
    ),
    change(
      "retentionKeepsKeys",
      "a key without a record is free",
      `if (typeof holder === "object") return holder.until > store.now ? holder : undefined`,
      `if (typeof holder === "object") return undefined`
    ),
    change(
      "limitsAtTheEdge",
      "a backlog holds one job more than it may",
      "if (waiting >= queue.policy.maxBacklog) {",
      "if (waiting > queue.policy.maxBacklog) {"
    ),
    change(
      "enqueueIdempotent",
      "a known id is never looked at twice",
      `return same ? { _tag: "Inserted"`,
      `return row >= 0 ? { _tag: "Inserted"`
    ),
    change(
      "neverEarly",
      "a delay is cut to whole seconds",
      "visibleAt: item.at ?? engine.store.now + (item.delay ?? 0),",
      "visibleAt: item.at ?? engine.store.now + Math.floor((item.delay ?? 0) / 1000) * 1000,"
    )
  ]),
  ...inFile("EngineControl.ts", [
    change("noLostWakeUp", "a resumed queue wakes nobody", "      if (!paused) store.touched.add(queue)\n", ""),
    change(
      "pauseHolds",
      "a pause is not recorded",
      "      recorder.queue(queue)\n      if (!paused)",
      "      if (!paused)"
    ),
    change("noLostWakeUp", "a new policy is not applied to groups", "      refreshGroups(store, queue)\n", ""),
    change(
      "keyDeduplicates",
      "a redrive takes no notice of who holds the key by now, in the file log",
      "  if (holder === undefined || holder === row) return undefined\n",
      "  if (holder !== null) return undefined\n"
    ),
    change(
      "cancelIsTerminal",
      "an operator's command is not recorded",
      "  engine.recorder.event(store.sequenceOf(row), decision)\n",
      ""
    )
  ])
]

const standing = [
  ...inFile("Placement.ts", [
    change(
      "groupFifo",
      "permits of a group have no end",
      "return group.held < queue.policy.groupConcurrency && headOf(store, queue, group) === row",
      "return true"
    ),
    change(
      "groupFifo",
      "any member of a group may go first",
      "return group.held < queue.policy.groupConcurrency && headOf(store, queue, group) === row",
      "return group.held < queue.policy.groupConcurrency"
    ),
    change("eventuallyClaimed", "a permit is taken for ever", "  group.held--\n", ""),
    change(
      "groupFifo",
      "a head in back-off never blocks its group",
      `if ((flags & Flag.Group) !== 0 && store.deliveriesOf(row) > 0 && queue.policy.groupOnRetry === "block") {`,
      "if (flags < 0) {"
    ),
    change("noLostWakeUp", "a job that became claimable wakes nobody", "  store.touched.add(queue)\n", ""),
    change(
      "readsAgree",
      "a delay is not waited for",
      "if (visibleAt > store.now) {",
      "if (visibleAt > store.now + 1e6) {"
    ),
    change(
      "groupFifo",
      "a delay lasts a millisecond longer",
      "while (delays.topKey <= now) {",
      "while (delays.topKey < now) {"
    ),
    change(
      "deadLettersConserved",
      "deadlines are forgotten when the log is opened again",
      "      store.orderDeadline(row, store.deadlines.get(row)!)\n",
      ""
    ),
    change(
      "priorityOrder",
      "a job stands in the lane of its former priority",
      "const current = chunk.status[i] !== Status.Free && chunk.priority[i] === lane.priority",
      "const current = chunk.status[i] !== Status.Free"
    ),
    change(
      "noLostWakeUp",
      "groups are not looked at again under a new policy",
      "for (const group of queue.groups.values()) showHead(store, queue, group)",
      ""
    ),
    change("eventuallyClaimed", "a job that is passed over is lost", "  if (!lane.active) queue.activate(lane)\n", ""),
    change(
      "noLostWakeUp",
      "a permit that is free again shows nobody",
      "if (store.scheduling) showHead(store, store.queueOf(row), group)",
      ""
    )
  ]),
  ...inFile("Lane.ts", [
    change(
      "priorityOrder",
      "a job that comes back stands behind all others",
      "sequenceOf(this.fifo.peek()) < this.returned.topKey ?",
      "this.fifo.size > 0 ?"
    ),
    change(
      "priorityOrder",
      "a job that comes back stands before all others",
      "sequenceOf(this.fifo.peek()) < this.returned.topKey ?",
      "this.fifo.size < 0 ?"
    )
  ]),
  ...inFile("QueueState.ts", [
    change(
      "priorityOrder",
      "the least urgent goes first",
      "active[at - 1]!.priority > lane.priority",
      "active[at - 1]!.priority < lane.priority"
    )
  ]),
  ...inFile("JobStore.ts", [
    change(
      "tokenMonotone",
      "a token is given out again and again",
      "this.#hold(row, slot, session, this.nextToken++)",
      "this.#hold(row, slot, session, this.nextToken)"
    ),
    change("attemptsBounded", "a grant is not counted as a delivery", "    grants.deliveries[slot]!++\n", ""),
    change("attemptsBounded", "a completion counts no attempt", "    this.grants.attempts[slot]!++\n", ""),
    change("groupFifo", "a grant takes no permit", "this.groups.get(row)!.held++", "this.groups.get(row)!.held += 0"),
    change(
      "eventuallyClaimed",
      "the end of a grant frees no permit",
      "    if ((chunk.flags[i]! & Flag.Group) !== 0) freePermit(this, row)\n",
      ""
    ),
    change(
      "numberedCallsRepeat",
      "a grant that ended is still found",
      "    grants.session[slot] = noSession\n    grants.unindexToken(slot)\n",
      "    grants.session[slot] = noSession\n"
    ),
    change("readsAgree", "counts of a completed job are not moved", "    queue.counts[Status.Completed]!++\n", ""),
    change("readsAgree", "a purged job is still counted", "    profile.queue.counts[status]!--\n", "")
  ]),
  ...inFile("JobTransitions.ts", [
    change(
      "keyDeduplicates",
      "a cancelled job keeps its key",
      `if (after.status === "Cancelled" && (chunk.flags[i]! & Flag.Key) !== 0) store.keys.free(row)`,
      ""
    ),
    change(
      "groupFifo",
      "a member that comes back stands in no line",
      "else if (!wasMember && isMember) store.joinGroup(row, store.groups.get(row)!.key)",
      ""
    ),
    change(
      "noLostWakeUp",
      "a group whose head has left shows nobody",
      `if (before.status === "Waiting" && (chunk.flags[i]! & Flag.Group) !== 0) showNext(store, queue, row)`,
      ""
    ),
    change(
      "noLostWakeUp",
      "whoever waits for a job is not told of its end",
      "if (isTerminal && !wasTerminal && store.onTerminal !== undefined) store.onTerminal(row)",
      ""
    ),
    change("deadLettersConserved", "a cause is not kept", "  store.setCause(row, after.cause)\n", ""),
    change(
      "compactionKeepsAll",
      "a job that comes back has no place",
      `if (after.status === "Waiting") place(store, row)`,
      ""
    )
  ]),
  ...inFile("Keys.ts", [
    change(
      "keyDeduplicates",
      "keys of different job names are one",
      "`${queue}\\n${name}\\n${key}`",
      "`${queue}\\n${key}`"
    ),
    change(
      "keyDeduplicates",
      "a job frees a key that another holds",
      "if (own !== undefined && this.#holders.get(own.scoped) === row) this.#holders.delete(own.scoped)",
      "if (own !== undefined) this.#holders.delete(own.scoped)"
    )
  ]),
  ...inFile("Profiles.ts", [
    change(
      "attemptsBounded",
      "jobs share the bounds of the job before",
      "      last.maxAttempts === maxAttempts &&\n      last.maxDeliveries === maxDeliveries &&\n",
      ""
    )
  ])
]

const waiting = [
  ...inFile("Waits.ts", [
    change(
      "noLostWakeUp",
      "parked claims are served by nobody",
      "if (parked !== undefined) this.#serveQueue(engine, queue, parked)",
      ""
    ),
    change(
      "noLostWakeUp",
      "whoever waits for news of a queue gets none",
      "for (const tell of tells) this.#after.push(() => engine.journal.commit((failure) => tell(failure?.reason)))\n      }",
      "}"
    ),
    change(
      "noLostWakeUp",
      "time wakes nobody who waits for a delay",
      "for (const queue of new Set([...this.#parked.keys(), ...this.#watchers.keys()])) promote(store, queue)",
      ""
    ),
    change(
      "noLostWakeUp",
      "an earlier instant does not set the timer anew",
      "if (!this.isEmpty && this.wakeAt(engine) < this.#armed) this.onEarlier()",
      ""
    ),
    change(
      "noLostWakeUp",
      "a parked claim and its repetition are granted twice",
      `      const claimed =
        known?._tag === "Claim"
          ? known
          : `,
      `      const claimed =
        known === null
          ? known
          : `
    ),
    change(
      "noLostWakeUp",
      "a parked claim of a dead session is served",
      `engine.live(session.id, true) === undefined
            ? undefined
            : claimReady(engine, session, request)`,
      "claimReady(engine, session, request)"
    )
  ]),
  ...inFile("Sessions.ts", [
    change(
      "numberedCallsRepeat",
      "answers are forgotten after the next call",
      "export const keptAnswers = 64",
      "export const keptAnswers = 1"
    ),
    change(
      "transitionsKept",
      "no session ever runs out",
      "if (session.held > 0) next = Math.min(next, session.expiresAt)",
      ""
    ),
    change(
      "compactionKeepsAll",
      "sessions of all owners have the same names",
      "return `${this.#epoch}-${number}`",
      "return `${number}`"
    )
  ]),
  ...inFile("FileOperations.ts", [
    change(
      "completedStaysCompleted",
      "what is decided is answered before it is durable",
      `      const again = (loaded: KnownRequests) =>
        operateKnowing(host, operation, decide, reply, new Map([...(known ?? []), ...loaded]))
      return resume(Effect.flatMap(engine.reads.during(loadRequests(engine, outcome.rows)), again))
    }
`,
      `      const again = (loaded: KnownRequests) =>
        operateKnowing(host, operation, decide, reply, new Map([...(known ?? []), ...loaded]))
      return resume(Effect.flatMap(engine.reads.during(loadRequests(engine, outcome.rows)), again))
    }
    return resume(answer(engine, operation, outcome, reply))
`
    ),
    change(
      "recoveryIsLegalPrefix",
      "a claim is answered before it is durable",
      "    if (outcome.value !== undefined) return tell(done(outcome.value))\n",
      `    if (outcome.value !== undefined) return resume(answer(engine, "claim", done(outcome.value), claimReply))\n`
    ),
    change(
      "readYourDurability",
      "what is read need not be durable",
      `    engine.journal.commit((failure) => {
      if (failure === undefined) return resume(Effect.ensuring(found, Effect.sync(leave)))
      leave()`,
      `    resume(Effect.ensuring(found, Effect.sync(leave)))
    engine.journal.commit((failure) => {
      if (failure === undefined) return
      leave()`
    ),
    change(
      "outcomeTruth",
      "every failure is called a refusal",
      "new LogError({ operation, outcome: failure.outcome,",
      `new LogError({ operation, outcome: "refused",`
    ),
    change(
      "noLostWakeUp",
      "news of a queue before the wait are not looked at",
      "if (String(queue.version) !== cursor) {",
      "if (queue.version < 0) {"
    )
  ]),
  ...inFile("Replies.ts", [
    change(
      "payloadIntact",
      "grants are built from the wrong bytes",
      "const at = claimed.offsetAt(index) - start",
      "const at = 0"
    )
  ]),
  ...inFile("Claimed.ts", [
    change(
      "attemptsBounded",
      "a grant names the attempt before",
      "attempt: columns[at + 4]! + 1,",
      "attempt: columns[at + 4]!,"
    ),
    change(
      "tokenMonotone",
      "a claim's grants share a token",
      "token: BigInt(this.firstToken + index),",
      "token: BigInt(this.firstToken),"
    )
  ])
]

export const engineMutants = [...claim, ...settle, ...reclaim, ...enqueue, ...standing, ...waiting]
