/** The file log broken, before whole fleets: what its own laws find must not pass there either. */
import { change, mutantsOf } from "../SourceMutant.ts"

const inFile = (file: string, changes: Parameters<typeof mutantsOf>[2]) =>
  mutantsOf(`src/backends/file/${file}`, ["fleet"], changes)

export const fleetMutants = [
  ...inFile("FileOperations.ts", [
    change(
      "atLeastOnce",
      "what is decided is answered before it is durable",
      `      return resume(Effect.flatMap(engine.reads.during(loadRequests(engine, outcome.rows)), again))
    }
`,
      `      return resume(Effect.flatMap(engine.reads.during(loadRequests(engine, outcome.rows)), again))
    }
    return resume(answer(engine, operation, outcome, reply))
`
    ),
    change(
      "refusedHasNoEffect",
      "every failure is called a refusal",
      "new LogError({ operation, outcome: failure.outcome,",
      `new LogError({ operation, outcome: "refused",`
    ),
    change(
      "eventuallyClaimed",
      "a log whose disk failed stays closed",
      "        host.reopen,\n",
      "        Effect.void,\n"
    )
  ]),
  ...inFile("Replies.ts", [
    change(
      "singleClaimer",
      "grants are built from the wrong bytes",
      "const at = claimed.offsetAt(index) - start",
      "const at = 0"
    )
  ]),
  ...inFile("Claimed.ts", [
    change(
      "payloadIntact",
      "a grant's payload is cut",
      "payload: request.payload,",
      "payload: request.payload?.slice(0, -1),"
    )
  ]),
  ...inFile("Housekeeping.ts", [
    change(
      "eventuallyAnswered",
      "a disk that was full once is full for ever",
      "engine.diskLow = free < options.reserve",
      "engine.diskLow ||= free < options.reserve"
    )
  ]),
  ...inFile("EngineReclaim.ts", [
    change(
      "singleClaimer",
      "live sessions are reclaimed",
      "if (!session.dead && session.expiresAt > store.now) continue",
      ""
    )
  ]),
  ...inFile("Replay.ts", [
    change(
      "completedStaysCompleted",
      "a completion with a result is taken for a release",
      "this.#store.complete(row, meta.at)\n",
      `return this.#store.transition(row, { _tag: "Released", visibleAt: meta.at, cause: undefined })\n`
    ),
    change(
      "recoveryIsLegalPrefix",
      "a cancellation is lost",
      `return store.transition(row, { _tag: "Cancelled", at })`,
      "return"
    ),
    change(
      "neverEarly",
      "a job's delay is lost",
      "visibleAt: firstVisibleAt(request),",
      "visibleAt: request.enqueuedAt,"
    )
  ]),
  ...inFile("JobStore.ts", [
    change("attemptsBounded", "a grant is not counted as a delivery", "    grants.deliveries[slot]!++\n", ""),
    change(
      "tokenMonotone",
      "a token is given out again and again",
      "this.#hold(row, slot, session, this.nextToken++)",
      "this.#hold(row, slot, session, this.nextToken)"
    ),
    change("readsAgree", "a completion is not counted", "    queue.counts[Status.Completed]!++\n", "")
  ]),
  ...inFile("EngineSettle.ts", [
    change(
      "staleTokenRefused",
      "a dead session's completions are taken at their word",
      `const session = engine.live(request.session, false)
  if (session === undefined) return engine.dead(request.session)
  const repeated = engine.repeated(session, request.call, "Settle")`,
      `const session = engine.live(request.session, false)
  if (session === undefined) {
    const results = request.items.map((item): SettleResult => {
      const row = rowOf(engine, item)
      const held = row !== -1 && engine.store.job(row).status === "Leased"
      if (!held || item.settlement._tag !== "Complete") return stale
      recordCompletion(engine, row, item.settlement.result)
      return completed
    })
    return done({ results, missing: [] })
  }
  const repeated = engine.repeated(session, request.call, "Settle")`
    ),
    change(
      "followUpsAtomic",
      "a refused completion leaves its follow-ups",
      `if (typeof decision === "string") return refusal(decision)`,
      `if (typeof decision === "string") {
    if (item.settlement._tag === "Complete") insertAll(engine, item.settlement.enqueue ?? [], known, fresh)
    return refusal(decision)
  }`
    )
  ]),
  ...inFile("Placement.ts", [
    change(
      "groupConcurrency",
      "permits of a group have no end",
      "return group.held < queue.policy.groupConcurrency && headOf(store, queue, group) === row",
      "return true"
    ),
    change(
      "groupFifo",
      "the latest member of a group goes first",
      "group.line.push(chunk.sequence[i]!, row)",
      "group.line.push(-chunk.sequence[i]!, row)"
    )
  ]),
  ...inFile("QueueState.ts", [
    change(
      "priorityKept",
      "the worst priority goes first",
      "active[at - 1]!.priority > lane.priority",
      "active[at - 1]!.priority < lane.priority"
    ),
    change(
      "priorityKept",
      "a lane that fills again stands behind the others",
      "active[at - 1]!.priority > lane.priority",
      "active[at - 1]!.priority > 1_000"
    )
  ]),
  ...inFile("EngineClaim.ts", [
    change(
      "deadlineKept",
      "a claim looks at no deadline",
      "if ((flags & Flag.Deadline) !== 0 && store.deadlines.get(row)! <= now) {",
      "if ((flags & Flag.Deadline) !== 0 && store.deadlines.get(row)! <= 0) {"
    ),
    change("pauseReaches", "a paused queue is claimed from", "  if (queue.paused) return undefined\n", "")
  ]),
  ...inFile("EngineControl.ts", [
    change(
      "cancelIsTerminal",
      "a cancellation is answered and not done",
      `  const queue = store.queueOf(row)
  engine.recorder`,
      `  if (decision._tag === "Cancelled") return ok
  const queue = store.queueOf(row)
  engine.recorder`
    )
  ]),
  ...inFile("EngineEnqueue.ts", [
    change(
      "refusedHasNoEffect",
      "a full queue refuses jobs and takes them",
      "if (full !== undefined) return refuse(full)",
      "if (full !== undefined) {\n    insertParsed(engine, items, known)\n    return refuse(full)\n  }"
    ),
    change(
      "keyHeldOnce",
      "a job that is held does not hold its key",
      "if (chunk.status[i] !== Status.Completed) return holder",
      "if (chunk.status[i] === Status.Leased) return undefined\n  if (chunk.status[i] !== Status.Completed) return holder"
    ),
    change(
      "keyHeldOnce",
      "a dead letter frees its key",
      "if (chunk.status[i] !== Status.Completed) return holder",
      "if (chunk.status[i] === Status.DeadLettered) return undefined\n  if (chunk.status[i] !== Status.Completed) return holder"
    )
  ]),
  ...inFile("Recorder.ts", [
    change(
      "recoveryIsLegalPrefix",
      "a run goes on over a gap",
      "this.#runFirst + this.#runCount === sequence",
      "this.#runFirst + this.#runCount <= sequence"
    )
  ]),
  // what a log may say and do when its files have rotted
  ...inFile("journal/SegmentScan.ts", [
    change(
      "payloadIntact",
      "the frames of closed segments are taken unseen",
      "if (!isIntact(buffer, at, frame, request.salt)) return",
      "if (request.lastSeq === undefined && !isIntact(buffer, at, frame, request.salt)) return"
    )
  ]),
  ...inFile("journal/Recovery.ts", [
    change(
      "recoveryIsLegalPrefix",
      "a torn tail is called damage",
      "      walk.torn = { segment: segment.name, offset: end.end, detail: end.detail }\n",
      "      yield* corrupt(segment.name, end.end, end.detail)\n"
    ),
    change(
      "atLeastOnce",
      "what a later frame calls durable is cut off like a torn tail",
      "    if (witness === undefined) {",
      "    if (witness !== null) {"
    ),
    change(
      "haltOnDamage",
      "damage is told of the segment behind it",
      `if (end._tag === "Bad") return yield* corrupt(segment.name, end.end, end.detail)`,
      `if (end._tag === "Bad") return yield* corrupt(segmentName(next.firstSeq), end.end, end.detail)`
    ),
    change(
      "haltOnDamage",
      "a damaged header is taken for another version's",
      `    case "Damaged":
      return yield* corrupt(name, 0, found.detail)`,
      `    case "Damaged":
      return yield* refused("open", new UnsupportedFormat({ path: name, found: 0, supported: formatVersion }))`
    )
  ])
]
