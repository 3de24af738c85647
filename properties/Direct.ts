/**
 * Hands for laws that speak about one situation rather than about whole histories.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Capabilities } from "../src/log/Capabilities.ts"
import type {
  ClaimRequest,
  EnqueueItem,
  Grant,
  JobLogOperations,
  Session,
  SettleItem,
  Settlement
} from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"
import { counted } from "./Counted.ts"
import type { Harness, TestLog } from "./Harness.ts"
import type { RunResult } from "./Law.ts"
import type { LawName } from "./LawName.ts"
import type { Violation } from "./Model.ts"
import { json, ofExit } from "./World.ts"

/**
 * One log with its sessions' call numbers and a record of what was done.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Bench {
  log: JobLogOperations
  readonly test: TestLog
  readonly capabilities: Capabilities
  /** Wraps a log that was opened so that calls are counted. */
  readonly watch: (log: JobLogOperations) => JobLogOperations
  readonly patience: number
  readonly calls: Map<string, number>
  readonly lines: Array<string>
  readonly violations: Array<Violation>
  readonly cells: Map<string, number>
  commands: number
  ids: number
}

/**
 * Runs a situation on a fresh log; an unexpected failure of the log is a violation too.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const onBench = (
  harness: Harness,
  law: LawName,
  body: (bench: Bench) => Effect.Effect<void, LogError>
): Effect.Effect<RunResult, LogError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const test = yield* harness.make
      const bench: Bench = {
        log: test.log,
        test,
        capabilities: harness.capabilities ?? test.log.capabilities,
        watch: (log) => counted(log, () => void (bench.commands += 1)),
        patience: harness.patience ?? 5000,
        calls: new Map(),
        lines: [],
        violations: [],
        cells: new Map(),
        commands: 0,
        ids: 0
      }
      bench.log = bench.watch(test.log)
      const ended = ofExit(yield* Effect.exit(body(bench)))
      if (ended._tag !== "Ok") {
        broken(bench, law, ended._tag === "Died" ? ended.message : ended.error.message)
      }
      return { violations: bench.violations, history: bench.lines, cells: bench.cells, commands: bench.commands }
    })
  )

/**
 * Notes a violation.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const broken = (bench: Bench, law: LawName, message: string): void => {
  bench.lines.push(`!! ${message}`)
  bench.violations.push({ laws: [law], message })
}

/**
 * Adds a line to the record.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const note = (bench: Bench, line: string): void => void bench.lines.push(line)

/**
 * A job to enqueue under a new id.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const newItem = (bench: Bench, options?: Partial<EnqueueItem>): EnqueueItem => {
  bench.ids += 1
  return {
    id: `00000000-0000-4000-8000-${bench.ids.toString(16).padStart(12, "0")}`,
    queue: "alpha",
    name: "mail",
    version: 1,
    payload: "{}",
    ...options
  }
}

/**
 * Enqueues jobs.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const enqueue = (bench: Bench, ...items: ReadonlyArray<EnqueueItem>): Effect.Effect<void, LogError> =>
  Effect.map(bench.log.enqueue(items), (answers) => note(bench, `enqueue ${json(items)} → ${json(answers)}`))

/**
 * Opens a session.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const open = (bench: Bench, leaseDuration: number): Effect.Effect<Session, LogError> =>
  bench.log.open({ owner: "leasehold properties", leaseDuration })

/**
 * The number of a session's next call.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const call = (bench: Bench, session: string): number => {
  const next = (bench.calls.get(session) ?? 0) + 1
  bench.calls.set(session, next)
  return next
}

/**
 * A claim of one job of queue `alpha`, unless told otherwise.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const claimRequest = (bench: Bench, session: Session, options?: Partial<ClaimRequest>): ClaimRequest => ({
  session: session.id,
  call: call(bench, session.id),
  queue: "alpha",
  limit: 1,
  ...options
})

/**
 * Claims; answers the grants.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const claim = (
  bench: Bench,
  session: Session,
  options?: Partial<ClaimRequest>
): Effect.Effect<ReadonlyArray<Grant>, LogError> => {
  const request = claimRequest(bench, session, options)
  return Effect.map(bench.log.claim(request), (result) => {
    note(bench, `claim ${json(request)} → ${json(result)}`)
    return result.grants
  })
}

/**
 * A settlement of a grant.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const settlementOf = (grant: Grant, settlement: Settlement): SettleItem => ({
  id: grant.id,
  token: grant.token,
  receipt: grant.receipt,
  settlement
})

/**
 * Settles one grant.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const settle = (
  bench: Bench,
  session: Session,
  grant: Grant,
  settlement: Settlement
): Effect.Effect<void, LogError> => {
  const request = { session: session.id, call: call(bench, session.id), items: [settlementOf(grant, settlement)] }
  return Effect.map(bench.log.settle(request), (answers) => note(bench, `settle ${json(request)} → ${json(answers)}`))
}
