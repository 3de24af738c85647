/** Talks to a log that may fail at any call: tells everything, repeats what the port says may be repeated, gives up late. */
import * as Effect from "effect/Effect"
import type {
  ControlCommand,
  EnqueueItem,
  EnqueueResult,
  Grant,
  JobLogOperations,
  SettleItem,
  Settlement
} from "../../src/log/JobLog.ts"
import { type LogError, refused, Unavailable } from "../../src/log/LogError.ts"
import { describe, queue } from "./Job.ts"
import type { Effects, Tell } from "./Line.ts"

/** Whole tries of one step, each with a session of its own. */
const tries = 4

export interface Decision {
  readonly settlement: Settlement
  /** The job once the settlement took effect. */
  readonly after: string
}

let calls = 0

const readyAfter = ({ id }: EnqueueItem): Effects => ({ [id]: "Ready a0" })

const effectsOf = (items: ReadonlyArray<EnqueueItem>, after: (item: EnqueueItem) => Effects): Effects =>
  Object.fromEntries(items.flatMap((item) => Object.entries(after(item))))

export class Client {
  readonly #log: JobLogOperations
  readonly #tell: Tell
  readonly #waits: boolean
  #session: { readonly id: string; calls: number } | undefined

  /** After a failure it opens a session; one that `waits` opens none and leaves a poisoned log to recover by itself. */
  constructor(log: JobLogOperations, tell: Tell, waits = false) {
    this.#log = log
    this.#tell = tell
    this.#waits = waits
  }

  #attempt<A>(what: string, effects: Effects, act: Effect.Effect<A, LogError>): Effect.Effect<A, LogError> {
    return Effect.suspend(() => {
      const call = ++calls
      this.#tell({ _tag: "Doing", call, what, effects })
      return act.pipe(
        Effect.tap(() => Effect.sync(() => this.#tell({ _tag: "Done", call }))),
        Effect.tapError(({ message, outcome, reason }) =>
          Effect.sync(() => this.#tell({ _tag: "Failed", call, outcome, reason: reason._tag, detail: message }))
        )
      )
    })
  }

  #wrong(detail: string): void {
    this.#tell({ _tag: "Wrong", detail })
  }

  readonly #open: Effect.Effect<{ readonly id: string; calls: number }, LogError> = Effect.suspend(() => {
    if (this.#session !== undefined) return Effect.succeed(this.#session)
    return Effect.map(
      this.#attempt("open", {}, this.#log.open({ owner: "faults", leaseDuration: 60_000 })),
      ({ id }) => (this.#session = { id, calls: 0 })
    )
  })

  /** Ends the session without asking how that came out, so that nothing stays leased to it, and opens the next. */
  readonly #renewSession: Effect.Effect<void, LogError> = Effect.suspend(() => {
    const former = this.#session
    this.#session = undefined
    return Effect.andThen(former === undefined ? Effect.void : Effect.ignore(this.#log.close(former.id)), this.#open)
  })

  /** Repeats a step whose calls may be repeated. A poisoned log is opened again by the next session. */
  persist<A>(step: Effect.Effect<A, LogError>, ids: ReadonlyArray<string> = []): Effect.Effect<A, LogError> {
    const again = (left: number): Effect.Effect<A, LogError> =>
      Effect.catch(step, (error) => {
        if (left === 0) return Effect.fail(error)
        // what came of an unknown call shows now
        const recover = this.#waits ? Effect.sleep(400) : this.#renewSession
        const look = Effect.andThen(recover, ids.length === 0 ? Effect.void : this.states(ids))
        return Effect.andThen(Effect.ignore(look), again(left - 1))
      })
    // whoever only waits is refused also while another's call opens the log again
    return again(this.#waits ? 2 * tries : tries - 1)
  }

  /** A numbered call, sent a second time under its number where its session may know the answer. */
  #numbered<A>(
    what: string,
    effects: Effects,
    act: (session: string, call: number) => Effect.Effect<A, LogError>
  ): Effect.Effect<A, LogError> {
    return Effect.flatMap(this.#open, (session) => {
      const number = ++session.calls
      const once = Effect.suspend(() => this.#attempt(what, effects, act(session.id, number)))
      return Effect.catch(once, (error) =>
        error.reason._tag === "SessionDead" || error.reason._tag === "Poisoned" ? Effect.fail(error) : once
      )
    })
  }

  states(ids: ReadonlyArray<string>): Effect.Effect<Effects, LogError> {
    return Effect.gen({ self: this }, function* () {
      const states: Record<string, string> = {}
      for (const id of ids) {
        const answer = yield* this.#log.read({ _tag: "Job", id })
        states[id] = describe(answer._tag === "Job" ? answer.job : undefined)
      }
      this.#tell({ _tag: "Saw", states })
      return states
    })
  }

  /** As {@link enqueue}, without a second try. */
  enqueueOnce(
    items: ReadonlyArray<EnqueueItem>,
    after = readyAfter,
    expected: EnqueueResult["_tag"] = "Inserted"
  ): Effect.Effect<void, LogError> {
    const effects = effectsOf(items, after)
    return Effect.map(this.#attempt(`enqueue ${items.length}`, effects, this.#log.enqueue(items)), (answers) => {
      const others = answers.filter(({ _tag }) => _tag !== expected)
      if (others.length > 0) this.#wrong(`enqueue answered ${JSON.stringify(others[0])} instead of ${expected}`)
    })
  }

  /** Enqueues jobs that become `after`; `expected` is how every item is answered. */
  enqueue(
    items: ReadonlyArray<EnqueueItem>,
    after = readyAfter,
    expected: EnqueueResult["_tag"] = "Inserted"
  ): Effect.Effect<void, LogError> {
    return this.persist(this.enqueueOnce(items, after, expected), Object.keys(effectsOf(items, after)))
  }

  /** `effects` hold when all of the commands took effect. */
  control(commands: ReadonlyArray<ControlCommand>, effects: Effects): Effect.Effect<void, LogError> {
    const what = commands.map(({ _tag }) => _tag).join(", ")
    let first = true
    const send = Effect.suspend(() => {
      // a repeated command may find itself done already, and is refused then
      const mayRefuse = !first
      first = false
      return Effect.map(this.#attempt(what, effects, this.#log.control(commands)), (results) => {
        const refusals = results.filter(({ _tag }) => _tag === "Refused")
        if (refusals.length > 0 && !mayRefuse) this.#wrong(`${what} answered ${JSON.stringify(refusals[0])}`)
      })
    })
    return this.persist(
      send,
      Object.keys(effects).filter((id) => !id.startsWith("queue "))
    )
  }

  claim(limit: number): Effect.Effect<ReadonlyArray<Grant>, LogError> {
    return this.#numbered("claim", {}, (session, call) =>
      Effect.map(this.#log.claim({ session, call, queue, limit }), ({ grants }) => {
        for (const { id, token, receipt, generation, delivery } of grants) {
          this.#tell({ _tag: "Granted", id, session, token: token.toString(), receipt, generation, delivery })
        }
        return grants
      })
    )
  }

  settle(items: ReadonlyArray<SettleItem>, effects: Effects): Effect.Effect<void, LogError> {
    const act = (session: string, call: number) => this.#log.settle({ session, call, items })
    return Effect.map(this.#numbered(`settle ${items.length}`, effects, act), (answers) => {
      const others = answers.filter(({ _tag }) => _tag !== "Settled")
      if (others.length > 0) this.#wrong(`settle answered ${JSON.stringify(others[0])}`)
    })
  }

  /** Claims and settles, `batch` at a time, until all of these jobs stand as decided. */
  work(
    ids: ReadonlyArray<string>,
    decide: (id: string) => Decision,
    batch = ids.length,
    effectsOf: (id: string) => Effects = () => ({})
  ): Effect.Effect<void, LogError> {
    const round = Effect.gen({ self: this }, function* () {
      for (;;) {
        const states = yield* this.states(ids)
        const left = new Set(ids.filter((id) => states[id] !== decide(id).after))
        if (left.size === 0) return
        const grants = yield* this.claim(batch)
        if (!grants.some(({ id }) => left.has(id))) {
          return yield* refused("claim", new Unavailable({ detail: `none of ${[...left].join()} is claimable` }))
        }
        const effects: Record<string, string> = {}
        const items = grants.map(({ id, receipt, token }) => {
          if (!left.has(id)) return { id, token, receipt, settlement: { _tag: "Release" } as const }
          Object.assign(effects, { [id]: decide(id).after }, effectsOf(id))
          return { id, token, receipt, settlement: decide(id).settlement }
        })
        yield* this.settle(items, effects)
      }
    })
    return this.persist(round)
  }
}
