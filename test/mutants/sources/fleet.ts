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
      "a completion is lost",
      "        return store.complete(row, at)\n",
      "        return\n"
    ),
    change(
      "cancelIsTerminal",
      "a cancellation is lost",
      `return store.transition(row, { _tag: "Cancelled", at })`,
      "return"
    ),
    change(
      "neverEarly",
      "a retry's instant is lost",
      `{ _tag: "Retried", visibleAt: reader.varint(), cause: takeCause(reader) }`,
      `{ _tag: "Retried", visibleAt: reader.varint() * 0, cause: takeCause(reader) }`
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
      "any token completes its job",
      `  if (typeof decision === "string") return refusal(decision)\n  const { settlement } = item\n  if`,
      `  if (typeof decision === "string" && decision !== "stale") return refusal(decision)\n  const { settlement } = item\n  if`
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
      "any member of a group may go first",
      "return group.held < queue.policy.groupConcurrency && headOf(store, queue, group) === row",
      "return group.held < queue.policy.groupConcurrency"
    )
  ]),
  ...inFile("Recorder.ts", [
    change(
      "recoveryIsLegalPrefix",
      "a run goes on over a gap",
      "this.#runFirst + this.#runCount === sequence",
      "this.#runFirst + this.#runCount <= sequence"
    )
  ])
]
