/** Every state, command and condition against the table, `decide` and `apply`. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import type { Command, CommandContext, NewJob } from "../../src/model/Command.ts"
import type { FailureCause } from "../../src/model/FailureCause.ts"
import type { Job } from "../../src/model/Job.ts"
import { apply, decide, isRejection } from "../../src/model/Transition.ts"
import type { Decision } from "../../src/model/Transition.ts"
import { tableState } from "../../src/model/TransitionRow.ts"
import type { Row } from "../../src/model/TransitionRow.ts"
import { matchingRows, transitionTable } from "../../src/model/TransitionTable.ts"

const now = 1000
const booleans = [false, true]
const cause: FailureCause = { kind: "failure", tag: "Declined", message: "no" }
const newJob: NewJob = { priority: 3, visibleAt: now + 5, maxAttempts: 2, maxDeliveries: 4, deadline: undefined }

/** All jobs that the transitions can lead to, one of each kind. */
function* jobs(): Generator<Job | undefined> {
  yield undefined
  const statuses = ["Waiting", "Leased", "Completed", "DeadLettered", "Cancelled", "CancelledHeld"] as const
  for (const status of statuses) {
    const held = status === "Leased" || status === "CancelledHeld"
    const ended = status !== "Waiting" && status !== "Leased"
    for (const visibleAt of [now - 10, now, now + 10]) {
      for (const deadline of [undefined, now - 20, now, now + 5, now + 500]) {
        for (const attempts of [0, 1, 2]) {
          for (const deliveries of [0, 1, 4]) {
            for (const token of [0, 7]) {
              for (const started of booleans) {
                if (held && (token === 0 || deliveries === 0)) continue
                // a token without deliveries is what a redrive leaves behind
                if (token === 0 && (deliveries > 0 || attempts > 0)) continue
                if (status === "Completed" && (token === 0 || deliveries === 0)) continue
                if (started && !held) continue
                yield {
                  status: status === "CancelledHeld" ? "Cancelled" : status,
                  priority: 0,
                  visibleAt,
                  attempts,
                  deliveries,
                  generation: 1,
                  token,
                  session: held ? "holder" : undefined,
                  started,
                  maxAttempts: 3,
                  maxDeliveries: 4,
                  deadline,
                  finishedAt: ended ? now - 1 : undefined,
                  cause: undefined
                }
              }
            }
          }
        }
      }
    }
  }
}

function* commands(): Generator<Command> {
  yield { _tag: "Enqueue", job: newJob }
  yield { _tag: "Replace", job: newJob }
  for (const session of ["holder", "other"]) {
    yield { _tag: "Claim", session, token: 8 }
    for (const token of [0, 6, 7, 8]) {
      yield { _tag: "MarkStarted", session, token }
      yield { _tag: "Complete", session, token }
      yield { _tag: "DeadLetter", session, token, cause }
      for (const visibleAt of [now, now + 100]) {
        yield { _tag: "Retry", session, token, visibleAt, cause }
        yield { _tag: "Release", session, token, visibleAt, cause: undefined }
      }
    }
  }
  yield { _tag: "Reclaim" }
  yield { _tag: "Expire" }
  yield { _tag: "Cancel" }
  yield { _tag: "Redrive" }
  yield { _tag: "Reschedule", visibleAt: undefined, priority: 5 }
  yield { _tag: "Reschedule", visibleAt: now + 7, priority: undefined }
  yield { _tag: "Purge" }
}

const contexts: ReadonlyArray<CommandContext> = booleans.flatMap((sessionLive) =>
  booleans.flatMap((paused) =>
    booleans.flatMap((permit) =>
      booleans.flatMap((keyFree) =>
        booleans.map((sameRequest) => ({ now, sessionLive, paused, permit, keyFree, sameRequest }))
      )
    )
  )
)

const summary = (decision: Decision): string => {
  if (isRejection(decision)) return decision
  if (decision._tag !== "DeadLettered") return decision._tag
  const kind = decision.cause === cause ? "given" : decision.cause.kind
  return `DeadLettered by ${kind}, ${decision.counted ? "counted" : "not counted"}`
}

const promised = (row: Row): string =>
  row.outcome === "DeadLettered"
    ? `DeadLettered by ${row.cause}, ${row.counted === true ? "counted" : "not counted"}`
    : row.outcome

/** What must hold between a job and its successor whatever happened; answers what does not. */
const broken = (
  before: Job | undefined,
  decision: Exclude<Decision, string>,
  after: Job | undefined
): Array<string> => {
  if (after === undefined) return decision._tag === "Purged" ? [] : ["the job is gone"]
  const found: Array<string> = []
  const must = (condition: boolean, what: string): void => {
    if (!condition) found.push(what)
  }
  must(after.token >= (before?.token ?? 0), "the token went back")
  must(after.deliveries <= after.maxDeliveries, "more deliveries than allowed")
  must(after.generation >= (before?.generation ?? 1), "the generation went back")
  must(after.status !== "Leased" || after.session !== undefined, "leased to nobody")
  must(after.session === undefined || after.status === "Leased" || after.status === "Cancelled", "held but not leased")
  must(!after.started || after.session !== undefined, "started but not held")
  const ended = after.status !== "Waiting" && after.status !== "Leased"
  must(ended === (after.finishedAt !== undefined), "finishedAt does not tell a terminal state")
  if (before === undefined) return found
  must(after.attempts - before.attempts <= 1, "more than one attempt at once")
  must(after.attempts >= before.attempts || decision._tag === "Redriven", "attempts went back")
  must(after.deliveries >= before.deliveries || decision._tag === "Redriven", "deliveries went back")
  if (before.status === "Completed" || before.status === "Cancelled") {
    must(after.status === before.status, "a final state was left")
  }
  if (before.status === "DeadLettered") {
    must(decision._tag === "Redriven" || decision._tag === "Cancelled", "a dead letter moved by itself")
  }
  if (decision._tag === "Granted") {
    must(before.deliveries < before.maxDeliveries, "granted beyond its bound")
    must(before.session === undefined, "granted while held")
    must(before.visibleAt <= now, "granted early")
  }
  return found
}

const brokenBy = (job: Job | undefined, decision: Exclude<Decision, string>): ReadonlyArray<string> => {
  try {
    return broken(job, decision, apply(job, decision))
  } catch (error) {
    return [String(error)]
  }
}

/** A job whose deliveries are used up never waits: whatever ends a grant sees to it. */
const canBe = (job: Job | undefined): boolean =>
  job === undefined || job.status !== "Waiting" || job.deliveries < job.maxDeliveries

describe("transition table", () => {
  it("has exactly one row for everything, and decide and apply agree with it", () => {
    const wrong = new Set<string>()
    const used = new Set<string>()
    let cases = 0
    for (const job of jobs()) {
      if (!canBe(job)) continue
      for (const command of commands()) {
        for (const context of contexts) {
          cases += 1
          const rows = matchingRows(job, command, context)
          const decision = decide(job, command, context)
          const where = `${command._tag} in ${tableState(job, now)}`
          const [row] = rows
          if (row === undefined || rows.length > 1) {
            wrong.add(`${where}: rows [${rows.map((it) => it.id).join(", ")}]`)
            continue
          }
          used.add(row.id)
          if (summary(decision) !== promised(row)) wrong.add(`${row.id} (${where}): ${summary(decision)}`)
          if (isRejection(decision)) continue
          for (const what of brokenBy(job, decision)) wrong.add(`${row.id} (${where}): ${what}`)
        }
      }
    }
    expect([...wrong]).toEqual([])
    expect(transitionTable.map((row) => row.id).filter((id) => !used.has(id))).toEqual([])
    expect(cases).toBeGreaterThan(500_000)
  })

  it("never changes what it was given", () => {
    for (const job of jobs()) {
      const frozen = job === undefined ? undefined : Object.freeze(job)
      for (const command of commands()) {
        const decision = decide(frozen, Object.freeze(command), {
          ...contexts[0],
          now,
          sessionLive: true
        } as CommandContext)
        if (!isRejection(decision) && canBe(job)) apply(frozen, Object.freeze(decision))
      }
    }
  })

  it("apply refuses events that cannot follow", () => {
    expect(() => apply(undefined, { _tag: "Purged" })).toThrow("Purged on a job that does not exist")
    const waiting = apply(undefined, { _tag: "Enqueued", job: newJob })
    expect(() => apply(waiting, { _tag: "Enqueued", job: newJob })).toThrow("Enqueued cannot follow Waiting")
    expect(() => apply(waiting, { _tag: "Completed", at: now })).toThrow("Completed cannot follow Waiting")
    const granted = apply(waiting, { _tag: "Granted", session: "s", token: 4 })
    const released = apply(granted, { _tag: "Released", visibleAt: now, cause: undefined })
    expect(() => apply(released, { _tag: "Granted", session: "s", token: 4 })).toThrow("Granted cannot follow Waiting")
    expect(() => apply(released, { _tag: "Replaced", job: newJob })).toThrow("Replaced cannot follow Waiting")
  })

  it("a redrive never sets the token back, not even by way of a replacement", () => {
    const context: CommandContext = { ...contexts[0], now, sessionLive: true, keyFree: true } as CommandContext
    let job = apply(undefined, { _tag: "Enqueued", job: newJob })
    job = apply(job, { _tag: "Granted", session: "s", token: 9 })
    job = apply(job, { _tag: "DeadLettered", at: now, cause, counted: true })
    job = apply(job, { _tag: "Redriven", visibleAt: now })
    expect(job).toMatchObject({ token: 9, deliveries: 0, attempts: 0, generation: 2 })
    expect(decide(job, { _tag: "Replace", job: newJob }, context)).toBe("granted")
  })
})

describe("docs/transitions.md", () => {
  const cells = (line: string): ReadonlyArray<string> =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim())

  it("shows the same table", () => {
    const text = readFileSync(new URL("../../docs/transitions.md", import.meta.url), "utf8")
    const shown = text
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .map(cells)
    expect(shown).toEqual(transitionTable.map(rendered))
  })
})

const when = (row: Row): string =>
  Object.entries(row.when)
    .map(([condition, value]) => (value ? condition : `not ${condition}`))
    .join(", ")

const outcome = (row: Row): string =>
  row.outcome === "DeadLettered"
    ? `**DeadLettered** (${row.cause}${row.counted === true ? ", counts" : ""})`
    : /^[A-Z]/.test(row.outcome)
      ? `**${row.outcome}**`
      : row.outcome

/** A row as the document shows it. */
const rendered = (row: Row): ReadonlyArray<string> => [
  `\`${row.id}\``,
  row.commands.join(", "),
  row.states.join(", "),
  when(row),
  outcome(row),
  row.why
]
