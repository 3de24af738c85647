/**
 * Hands for laws that speak about one situation rather than about whole histories.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as fc from "fast-check"
import type { Capabilities } from "../src/log/Capabilities.ts"
import type {
  ClaimRequest,
  ControlCommand,
  ControlResult,
  EnqueueItem,
  EnqueueResult,
  Grant,
  JobLogOperations,
  JobView,
  Session,
  SettleItem,
  Settlement,
  SettleResult
} from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"
import { counted } from "./Counted.ts"
import type { Harness, TestLog } from "./Harness.ts"
import { checkGenerated } from "./Law.ts"
import type { Law, RunResult } from "./Law.ts"
import type { LawName } from "./LawName.ts"
import type { Violation } from "./Model.ts"
import { json, look, ofExit } from "./World.ts"

/**
 * One log with its sessions' call numbers and a record of what was done. The helpers below use the log that is open
 * when they run, not when they are called.
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
 * A law over generated situations, each on a fresh log.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const overSituations = <Input>(options: {
  readonly name: LawName
  readonly statement: string
  readonly claimedBy: Law["claimedBy"]
  readonly needs?: Law["needs"]
  readonly inputs: fc.Arbitrary<Input>
  readonly situation: (bench: Bench, input: Input) => Effect.Effect<void, LogError>
  /** How many of them for so many histories of the other laws; default half as many. */
  readonly runs?: ((histories: number) => number) | undefined
}): Law => {
  const { name, statement, claimedBy, needs } = options
  const law = { name, statement, claimedBy, needs }
  const runs = options.runs ?? ((histories: number) => Math.ceil(histories / 2))
  return {
    ...law,
    check: (harness, checkOptions = {}) =>
      checkGenerated(
        harness,
        law,
        { ...checkOptions, runs: runs(checkOptions.runs ?? 100) },
        {
          inputs: () => options.inputs,
          run: (input) => onBench(harness, name, (bench) => options.situation(bench, input)),
          shrink: true
        }
      )
  }
}

/**
 * Several runs as one: the first that found something, with what all of them counted.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const inTurn = (runs: Iterable<Effect.Effect<RunResult, LogError>>): Effect.Effect<RunResult, LogError> =>
  Effect.gen(function* () {
    let commands = 0
    for (const run of runs) {
      const result = yield* run
      commands += result.commands ?? 0
      if (result.violations.length > 0) return { ...result, commands }
    }
    return { violations: [], history: [], commands }
  })

/**
 * Opens the log anew by one of its hands and goes on with it.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const reopen = (
  bench: Bench,
  how: string,
  opening: Effect.Effect<JobLogOperations, LogError> | undefined
): Effect.Effect<void, LogError> =>
  opening === undefined
    ? Effect.void
    : Effect.map(opening, (log) => {
        note(bench, `${how} → opened again`)
        bench.log = bench.watch(log)
      })

/**
 * Lets time pass.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const pass = (bench: Bench, millis: number): Effect.Effect<void> =>
  Effect.map(bench.test.advance(millis), () => note(bench, `${millis} ms pass`))

/**
 * Carries out an operator's command.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const control = (bench: Bench, command: ControlCommand): Effect.Effect<ControlResult | undefined, LogError> =>
  Effect.map(
    Effect.suspend(() => bench.log.control([command])),
    (answers) => {
      note(bench, `control ${json(command)} → ${json(answers)}`)
      return answers[0]
    }
  )

/**
 * One job as the log shows it.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const show = (bench: Bench, id: string): Effect.Effect<JobView | undefined, LogError> =>
  Effect.map(
    Effect.suspend(() => bench.log.read({ _tag: "Job", id })),
    (answer) => {
      note(bench, `read ${id} → ${json(answer)}`)
      return answer._tag === "Job" ? answer.job : undefined
    }
  )

/**
 * All jobs as the log shows them, as text to be compared.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const showAll = (bench: Bench): Effect.Effect<string | undefined, LogError> =>
  Effect.map(
    Effect.suspend(() => look(bench.log)),
    ({ snapshot }) => snapshot && json(snapshot.jobs)
  )

/**
 * Calls `reclaim` until it has nothing more to do; answers how often.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const reclaimAll = (bench: Bench, limit: number, most = 1000): Effect.Effect<number, LogError> =>
  Effect.gen(function* () {
    for (let calls = 1; ; calls++) {
      const answer = yield* bench.log.reclaim({ limit })
      note(bench, `reclaim ${limit} → ${json(answer)}`)
      if (!answer.more || calls === most) return calls
    }
  })

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

/** In as many calls as the log's batches need. */
const batches = (bench: Bench, items: ReadonlyArray<EnqueueItem>): ReadonlyArray<ReadonlyArray<EnqueueItem>> => {
  const size = bench.capabilities.maxBatch
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
}

/**
 * Enqueues jobs.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const enqueue = (
  bench: Bench,
  ...items: ReadonlyArray<EnqueueItem>
): Effect.Effect<ReadonlyArray<EnqueueResult>, LogError> =>
  Effect.map(
    Effect.forEach(batches(bench, items), (batch) => bench.log.enqueue(batch)),
    (answered) => {
      const answers = answered.flat()
      note(bench, `enqueue ${json(items)} → ${json(answers)}`)
      return answers
    }
  )

/**
 * Opens a session, for as long as the log's leases last at most.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const open = (bench: Bench, leaseDuration: number): Effect.Effect<Session, LogError> =>
  Effect.suspend(() =>
    bench.log.open({
      owner: "leasehold properties",
      leaseDuration: Math.min(leaseDuration, bench.capabilities.maxLease)
    })
  )

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
): Effect.Effect<ReadonlyArray<Grant>, LogError> =>
  Effect.suspend(() => {
    const request = claimRequest(bench, session, options)
    return Effect.map(bench.log.claim(request), (result) => {
      note(bench, `claim ${json(request)} → ${json(result)}`)
      return result.grants
    })
  })

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
): Effect.Effect<SettleResult | undefined, LogError> =>
  Effect.suspend(() => {
    const request = { session: session.id, call: call(bench, session.id), items: [settlementOf(grant, settlement)] }
    return Effect.map(bench.log.settle(request), (answers) => {
      note(bench, `settle ${json(request)} → ${json(answers)}`)
      return answers[0]
    })
  })
