/** The memory log's own sources broken. */
import { change, mutantsOf } from "../SourceMutant.ts"

const inMemory = (file: string, changes: Parameters<typeof mutantsOf>[2]) =>
  mutantsOf(`src/backends/memory/${file}`, ["memory"], changes)

const keys = inMemory("Keys.ts", [
  change(
    "keyDeduplicates",
    "a dead letter frees its key",
    `switch (record.job.status) {
      case "Waiting":`,
    `switch (record.job.status) {
      case "DeadLettered":
        if (key !== undefined) this.free(key)
        return
      case "Waiting":`
  ),
  change(
    "keyDeduplicates",
    "a cancelled job keeps its key",
    "        if (key !== undefined) this.free(key)",
    "        return"
  ),
  change(
    "keyDeduplicates",
    "a completed job holds its key for ever",
    `if (key !== undefined) this.expire(key, record, "Completed")`,
    ""
  ),
  change("retentionKeepsKeys", "a purge frees the key", "this.expire(key, record, key.ended)", "this.free(key)"),
  change(
    "keyDeduplicates",
    "keys of different job names are one",
    "`${item.queue}\\n${item.name}\\n${item.key.value}`",
    "`${item.queue}\\n${item.key.value}`"
  )
])

const state = inMemory("State.ts", [
  change(
    "tokenMonotone",
    "a token is given out again and again",
    "if (after.token > this.token) this.token = after.token",
    ""
  ),
  change(
    "noLostWakeUp",
    "a permit that is free again wakes nobody",
    "      if (record.item.group !== undefined) this.announce(queue)\n      return",
    "      return"
  ),
  change(
    "noLostWakeUp",
    "a group whose head has left wakes nobody",
    `if (after.status !== "Leased" && record.item.group !== undefined) this.announce(queue)`,
    ""
  ),
  change(
    "noLostWakeUp",
    "a job that waits again wakes nobody",
    "      queue.line.join(record, now)\n      this.announce(queue)\n    } else",
    "      queue.line.join(record, now)\n    } else"
  ),
  change(
    "noLostWakeUp",
    "whoever waits for a job is not told of its end",
    "if (isTerminal(after)) this.endedJobs.add(record.id)",
    ""
  ),
  change(
    "noLostWakeUp",
    "an enqueue wakes nobody",
    "    this.keys.follow(record)\n    this.announce(queue)\n    return record",
    "    this.keys.follow(record)\n    return record"
  )
])

const claim = inMemory("Claim.ts", [
  change(
    "reclaimBound",
    "a reclaim takes back one job at most",
    "takeBack(state, limit, now)\n  let left",
    "takeBack(state, Math.min(limit, 1), now)\n  let left"
  ),
  change(
    "reclaimOnExpiry",
    "a claim comes back empty although a lease has run out",
    "if (grants.length === 0 && takeBack(state, Number.POSITIVE_INFINITY, now).reclaimed > 0) {",
    "if (grants.length < 0) {"
  ),
  change(
    "singleClaimer",
    "a claim is given one job more than it asked for",
    "grants.length < request.limit",
    "grants.length <= request.limit"
  ),
  change(
    "deadLettersConserved",
    "reclaim leaves overdue jobs where they are",
    "const expired = expireDeadlines(state, queue, left, now)",
    "const expired = 0"
  )
])

const line = inMemory("Line.ts", [
  change(
    "priorityOrder",
    "the youngest goes first",
    "a.job.priority === b.job.priority ? a.sequence < b.sequence",
    "a.job.priority === b.job.priority ? a.sequence > b.sequence"
  ),
  change(
    "priorityOrder",
    "the least urgent goes first",
    ": a.job.priority < b.job.priority",
    ": a.job.priority > b.job.priority"
  ),
  change(
    "groupFifo",
    "a group's youngest member goes first",
    "const bySequence = (a: JobRecord, b: JobRecord): boolean => a.sequence < b.sequence",
    "const bySequence = (a: JobRecord, b: JobRecord): boolean => a.sequence > b.sequence"
  ),
  change(
    "groupFifo",
    "a head in back-off never blocks its group",
    `job.deliveries > 0 && this.policy.groupOnRetry === "block"`,
    "false"
  ),
  change(
    "groupFifo",
    "a head in back-off blocks its group, whatever the policy",
    `job.deliveries > 0 && this.policy.groupOnRetry === "block"`,
    "job.deliveries > 0"
  ),
  change("eventuallyClaimed", "a permit is taken for ever", "group.inFlight -= 1", ""),
  change(
    "eventuallyClaimed",
    "a delay lasts a millisecond longer",
    "next !== undefined && next.job.visibleAt <= now; next",
    "next !== undefined && next.job.visibleAt < now; next"
  )
])

const settle = inMemory("Settle.ts", [
  change("reclaimOnExpiry", "a renewal moves nothing", "session.expiresAt = now + session.leaseDuration", ""),
  change(
    "reclaimGuarded",
    "the mark of a start is dropped",
    `{ _tag: "MarkStarted", session: session.id, token: toNumber(token) },`,
    `{ _tag: "MarkStarted", session: session.id, token: -1 },`
  ),
  change(
    "cancelIsTerminal",
    "a holder is not told of cancellations",
    "cancelled: Array.from(session.cancelled, BigInt)",
    "cancelled: []"
  ),
  change("pauseHolds", "a holder is not told of a pause", "paused: pausedQueues(state, session)", "paused: []"),
  change("staleTokenRefused", "a holder is not told of what it lost", "lost: [...lost]", "lost: []"),
  change(
    "atLeastOnce",
    "a closing session keeps what it holds",
    "for (const [token, record] of session.grants) {",
    "for (const [token, record] of new Map<number, never>()) {"
  ),
  change(
    "keyDeduplicates",
    "a result is forgotten",
    `if (settlement._tag === "Complete") record.result = settlement.result`,
    ""
  ),
  change(
    "followUpsAtomic",
    "unsound follow-ups are enqueued",
    "if (invalid !== undefined) return",
    "if (invalid === null) return"
  )
])

const rest = [
  ...inMemory("Sessions.ts", [
    change(
      "numberedCallsRepeat",
      "answers are forgotten after the next call",
      "const keptAnswers = 64",
      "const keptAnswers = 1"
    ),
    change("singleClaimer", "a lease ends a millisecond early", "this.expiresAt <= now", "this.expiresAt - 1 <= now"),
    change("reclaimBound", "a lease ends a second late", "this.expiresAt <= now", "this.expiresAt + 1000 <= now")
  ]),
  ...inMemory("Enqueue.ts", [
    change(
      "enqueueIdempotent",
      "a replacement that is sent again is another job",
      "if (holder.item.id === request.id) {",
      "if (holder.item.id === request.queue) {"
    ),
    change(
      "limitsAtTheEdge",
      "a backlog holds one job less than it may",
      "queue.waiting + count > queue.policy.maxBacklog",
      "queue.waiting + count >= queue.policy.maxBacklog"
    )
  ]),
  ...inMemory("Control.ts", [
    change(
      "noLostWakeUp",
      "a resumed queue wakes nobody",
      "queue.paused = false\n      state.announce(queue)",
      "queue.paused = false"
    ),
    change("eventuallyClaimed", "a new policy is not applied to groups", "queue.line.policy = queue.policy", ""),
    change("noLostWakeUp", "a new policy wakes nobody", "  state.announce(queue)\n}", "}"),
    change(
      "keyDeduplicates",
      "a redrive takes no notice of who holds the key by now, in the memory log",
      "const keyFree = holder === undefined || holder === command.id",
      "const keyFree = true"
    )
  ]),
  ...inMemory("MemoryLog.ts", [
    change(
      "numberedCallsRepeat",
      "a repeated call runs again",
      "if (earlier === undefined) return act(session)",
      "return act(session)"
    ),
    change(
      "renewNeverRevives",
      "an expired session can be renewed",
      `session.isExpired(now)
              ? dead("renew", session.id)
              : `,
      ""
    ),
    change(
      "renewNeverRevives",
      "an expired session can claim",
      `if (session.isExpired(now)) return dead("claim", session.id)`,
      ""
    ),
    change(
      "staleTokenRefused",
      "a session that was ended can settle what nobody took from it yet",
      "if (session === undefined || session.ended) return dead(name, request.session)",
      "if (session === undefined) return dead(name, request.session)"
    )
  ]),
  ...inMemory("Read.ts", [
    change(
      "readsAgree",
      "a page is one job short",
      "if (jobs.length === query.limit) return",
      "if (jobs.length === query.limit - 1) return"
    ),
    change("readsAgree", "counts leave cancelled jobs out", `      counts.cancelled += 1`, "")
  ]),
  ...inMemory("JobRecord.ts", [
    change(
      "payloadIntact",
      "metadata are dropped from a grant",
      "metadata: item.metadata,\n    trace: item.trace,\n    token: BigInt",
      "trace: item.trace,\n    token: BigInt"
    ),
    change("enqueueIdempotent", "other bytes under a known id are the same job", "  a.payload === b.payload &&\n", "")
  ])
]

export const memorySourceMutants = [...keys, ...state, ...claim, ...line, ...settle, ...rest]
