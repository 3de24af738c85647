/**
 * The port's operations over a live engine: check, decide in one synchronous step, answer when it is durable.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ClaimRequest, ClaimResult, JobLogOperations, ReadAnswer, ReadQuery } from "../../log/JobLog.ts"
import { Closed, LogError, type LogErrorReason, Poisoned, refused } from "../../log/LogError.ts"
import * as Validate from "../../log/Validate.ts"
import type { Engine } from "./Engine.ts"
import { done, type Outcome } from "./Outcome.ts"
import type { Claimed } from "./Claimed.ts"
import { claim } from "./EngineClaim.ts"
import { control } from "./EngineControl.ts"
import { enqueue, type KnownRequests } from "./EngineEnqueue.ts"
import { close, reclaim } from "./EngineReclaim.ts"
import { renew, settle, validateSettle } from "./EngineSettle.ts"
import { capabilities } from "./FileCapabilities.ts"
import { readStore } from "./FileReader.ts"
import type { JournalFailure } from "./journal/JournalAppender.ts"
import { promote } from "./Placement.ts"
import { claimReply, enqueueReply, loadRequests, settleReply } from "./Replies.ts"

/**
 * Who has the engine: it is another one after a poisoned log was opened again.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Host {
  engine: Engine
  /** Opens a poisoned log again from its storage; nothing while it is sound. */
  readonly reopen: Effect.Effect<void, LogError>
}

const failed = (operation: string, failure: JournalFailure): LogError =>
  new LogError({ operation, outcome: failure.outcome, reason: failure.reason })

/** A call may have waited for the disk, or have been on its way, while the log failed or was closed. */
const unusable = (operation: string, engine: Engine): LogError | undefined => {
  if (engine.failure !== undefined) return refused(operation, new Poisoned({ detail: engine.failure }))
  return engine.journal.closed ? refused(operation, new Closed({})) : undefined
}

/**
 * Decides now; answers, also refusals that depend on the state, when all that was decided up to now is durable.
 */
const operate = <A, B>(
  host: Host,
  operation: string,
  decide: (engine: Engine) => Outcome<A>,
  reply: (engine: Engine, value: A) => Effect.Effect<B, LogError>
): Effect.Effect<B, LogError> =>
  Effect.callback((resume) => {
    const { engine } = host
    const refusal = unusable(operation, engine)
    if (refusal !== undefined) return resume(Effect.fail(refusal))
    const outcome = engine.step(decide)
    engine.journal.commit((failure) => {
      if (failure !== undefined) return lost(host, engine, operation, failure, resume)
      resume(answer(engine, operation, outcome, reply))
    })
  })

/** The journal failed: nobody who waits will be served by this engine. */
const lost = <B>(
  host: Host,
  engine: Engine,
  operation: string,
  failure: JournalFailure,
  resume: (effect: Effect.Effect<B, LogError>) => void
): void => {
  resume(Effect.fail(failed(operation, failure)))
  if (host.engine === engine) engine.waits.fail(failure.reason)
}

const invalidOr = <A>(
  operation: string,
  invalid: LogErrorReason | undefined,
  effect: () => Effect.Effect<A, LogError>
): Effect.Effect<A, LogError> => (invalid === undefined ? effect() : Effect.fail(refused(operation, invalid)))

/** As {@link operate}, for what may have to read the stored requests of ids that exist already before it can decide. */
const operateKnowing = <A, B>(
  host: Host,
  operation: string,
  decide: (engine: Engine, known: KnownRequests | undefined) => Outcome<A>,
  reply: (engine: Engine, value: A) => Effect.Effect<B, LogError>,
  known?: KnownRequests
): Effect.Effect<B, LogError> =>
  Effect.callback((resume) => {
    const { engine } = host
    const refusal = unusable(operation, engine)
    if (refusal !== undefined) return resume(Effect.fail(refusal))
    const outcome = engine.step((live) => decide(live, known))
    if (outcome._tag === "Missing") {
      // it looks again afterwards: a job may have moved, ended or appeared meanwhile
      const again = (loaded: KnownRequests) =>
        operateKnowing(host, operation, decide, reply, new Map([...(known ?? []), ...loaded]))
      return resume(Effect.flatMap(engine.reads.during(loadRequests(engine, outcome.rows)), again))
    }
    engine.journal.commit((failure) => {
      if (failure !== undefined) return lost(host, engine, operation, failure, resume)
      resume(answer(engine, operation, outcome, reply))
    })
  })

const answer = <A, B>(
  engine: Engine,
  operation: string,
  outcome: Outcome<A>,
  reply: (engine: Engine, value: A) => Effect.Effect<B, LogError>
): Effect.Effect<B, LogError> => {
  if (outcome._tag === "Done") return reply(engine, outcome.value)
  if (outcome._tag === "Refused") return Effect.fail(refused(operation, outcome.reason))
  return Effect.die(new Error("leasehold: an operation that reads nothing asked for stored requests"))
}

const claimOnce = (host: Host, request: ClaimRequest): Effect.Effect<ClaimResult, LogError> => {
  return Effect.callback((resume) => {
    const { engine } = host
    const refusal = unusable("claim", engine)
    if (refusal !== undefined) return resume(Effect.fail(refusal))
    const tell = (outcome: Outcome<Claimed>): void =>
      engine.journal.commit((failure) => {
        if (failure !== undefined) return lost(host, engine, "claim", failure, resume)
        resume(answer(engine, "claim", outcome, claimReply))
      })
    const outcome = engine.step((live) => claim(live, request))
    if (outcome._tag !== "Done") return tell(outcome)
    if (outcome.value !== undefined) return tell(done(outcome.value))
    const session = engine.sessions.find(request.session)!
    const leave = engine.waits.park(engine.store.queue(request.queue), { session, request, answer: tell })
    return Effect.sync(leave)
  })
}

/** What the query is about is looked at now; what only the journal has is read once all of it is durable. */
const readNow = (host: Host, query: ReadQuery): Effect.Effect<ReadAnswer, LogError> =>
  Effect.callback((resume) => {
    const { engine } = host
    const refusal = unusable("read", engine)
    if (refusal !== undefined) return resume(Effect.fail(refusal))
    const leave = engine.reads.enter()
    const found = engine.step(({ journal, store }) => readStore(journal, store, query))
    engine.journal.commit((failure) => {
      if (failure === undefined) return resume(Effect.ensuring(found, Effect.sync(leave)))
      leave()
      lost(host, engine, "read", { outcome: "refused", reason: failure.reason }, resume)
    })
    return Effect.sync(leave)
  })

const watchQueue = (host: Host, name: string, cursor: string): Effect.Effect<void, LogError> =>
  Effect.callback((resume) => {
    const { engine } = host
    const refusal = unusable("changes", engine)
    if (refusal !== undefined) return resume(Effect.fail(refusal))
    const queue = engine.store.queue(name)
    engine.step(({ store }) => promote(store, queue))
    const tell = (reason: LogErrorReason | undefined): void =>
      resume(reason === undefined ? Effect.void : Effect.fail(refused("changes", reason)))
    if (String(queue.version) !== cursor) {
      return engine.journal.commit((failure) => tell(failure?.reason))
    }
    return Effect.sync(engine.waits.watchQueue(queue, tell))
  })

const watchJob = (host: Host, id: string): Effect.Effect<void, LogError> =>
  Effect.callback((resume) => {
    const { engine } = host
    const refusal = unusable("changes", engine)
    if (refusal !== undefined) return resume(Effect.fail(refusal))
    const tell = (reason: LogErrorReason | undefined): void =>
      resume(reason === undefined ? Effect.void : Effect.fail(refused("changes", reason)))
    const leave = engine.waits.watchJob(engine, id, tell)
    if (leave === undefined) return engine.journal.commit((failure) => tell(failure?.reason))
    return Effect.sync(leave)
  })

const succeed = <A>(_engine: Engine, value: A): Effect.Effect<A> => Effect.succeed(value)

/**
 * The operations of a file log.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const makeOperations = (host: Host): JobLogOperations => ({
  capabilities,
  open: (options) =>
    invalidOr("open", Validate.open(options), () =>
      Effect.andThen(
        host.reopen,
        operate(
          host,
          "open",
          (engine) => {
            const session = engine.sessions.open(options.leaseDuration, engine.store.now)
            const { id, leaseDuration, expiresAt } = session
            return done({ id, leaseDuration, now: engine.store.now, expiresAt })
          },
          succeed
        )
      )
    ),
  renew: (request) =>
    invalidOr("renew", Validate.renew(request), () =>
      operate(host, "renew", (engine) => renew(engine, request), succeed)
    ),
  close: (id) =>
    operate(
      host,
      "close",
      (engine) => {
        const session = engine.live(id, false)
        if (session !== undefined) close(engine, session)
        return done(undefined)
      },
      () => Effect.void
    ),
  enqueue: (items) =>
    invalidOr("enqueue", Validate.enqueue(items), () =>
      operateKnowing(host, "enqueue", (engine, known) => enqueue(engine, items, known), enqueueReply)
    ),
  claim: (request) => invalidOr("claim", Validate.claim(request), () => claimOnce(host, request)),
  settle: (request) =>
    Effect.suspend(() =>
      invalidOr("settle", validateSettle(host.engine, request), () =>
        operateKnowing(host, "settle", (engine, known) => settle(engine, request, known), settleReply)
      )
    ),
  reclaim: (options) =>
    invalidOr("reclaim", Validate.reclaim(options), () =>
      operate(host, "reclaim", (engine) => done(reclaim(engine, options.limit)), succeed)
    ),
  control: (commands) =>
    invalidOr("control", Validate.control(commands), () =>
      operate(host, "control", (engine) => done(commands.map((command) => control(engine, command))), succeed)
    ),
  read: (query) => invalidOr("read", Validate.read(query), () => readNow(host, query)),
  changes: (request) =>
    invalidOr("changes", Validate.changes(request), () =>
      request._tag === "Job" ? watchJob(host, request.id) : watchQueue(host, request.queue, request.cursor)
    )
})
