/**
 * A job log in memory: the model with plain maps around it. It is the reference for what every log does; nothing of
 * it survives its process.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Capabilities } from "../../log/Capabilities.ts"
import { JobLog } from "../../log/JobLog.ts"
import type { ClaimRequest, ClaimResult, JobLogOperations, QueuePolicy, SessionCall } from "../../log/JobLog.ts"
import { Full, InvalidRequest, LogError, refused, SessionDead, unknown } from "../../log/LogError.ts"
import * as Validate from "../../log/Validate.ts"
import { Limits } from "../../model/Limits.ts"
import * as Claim from "./Claim.ts"
import * as Control from "./Control.ts"
import * as Enqueue from "./Enqueue.ts"
import * as LogClock from "./LogClock.ts"
import { defaultPolicy, withPolicy } from "./QueueState.ts"
import type { QueueState } from "./QueueState.ts"
import * as Read from "./Read.ts"
import { SessionState } from "./Sessions.ts"
import * as Settle from "./Settle.ts"
import { State } from "./State.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Options {
  /** What queues begin with, where it differs from the port's defaults. */
  readonly policy?: QueuePolicy | undefined
}

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const capabilities: Capabilities = {
  log: "memory",
  fence: "strict",
  tokenScope: "log",
  lease: "timed",
  maxLease: Limits.leaseMaxMillis,
  lateSettle: "accepted",
  reclaim: "log",
  order: "exact",
  priorities: 2 * Limits.priority + 1,
  groups: true,
  maxDelay: Limits.durationMillis,
  retryAt: "native",
  attempts: "job",
  settle: "individual",
  dedupe: true,
  atomic: "log",
  callerTransactions: false,
  notify: true,
  inspect: true,
  crossProcess: false,
  durability: "none",
  maxBatch: Limits.batchItems,
  maxPayload: Limits.payloadBytes,
  nameFilter: true,
  parkedClaims: true
}

/** Longest sleep before a waiting call looks again, milliseconds. */
const longestSleep = 3_600_000

/**
 * An empty log, in the time of the current clock.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = (options?: Options): Effect.Effect<JobLogOperations> =>
  Effect.map(Clock.Clock, (clock) => operations(clock, new State(withPolicy(defaultPolicy, options?.policy ?? {}))))

/**
 * An empty log as a layer.
 *
 * @since 0.1.0
 * @category layers
 * @stability unstable
 */
export const layer = (options?: Options): Layer.Layer<JobLog> => Layer.effect(JobLog, make(options))

const operations = (clock: Clock.Clock, state: State): JobLogOperations => {
  const logTime = LogClock.make(clock)

  /** One operation: check, act on the state in one go, and only then tell those who wait. */
  const operation = <A>(
    name: string,
    invalid: () => InvalidRequest | undefined,
    act: (now: number) => A | LogError
  ): Effect.Effect<A, LogError> =>
    Effect.suspend(() => {
      const problem = invalid()
      if (problem !== undefined) return Effect.fail(refused(name, problem))
      const answer = act(logTime())
      state.notify()
      return answer instanceof LogError ? Effect.fail(answer) : Effect.succeed(answer)
    })

  /** A numbered call: its earlier answer if there is one, else what `act` answers for the open session. */
  const call = <A>(name: string, request: SessionCall, act: (session: SessionState) => A | LogError): A | LogError => {
    const session = state.sessions.get(request.session)
    if (session === undefined || session.ended) return dead(name, request.session)
    const earlier = session.recall(request.call)
    if (earlier === undefined) return act(session)
    if (earlier === "tooOld") {
      const detail = `answers are kept for a session's latest 64 calls, and ${request.call} is older`
      return unknown(name, new InvalidRequest({ field: "call", detail }))
    }
    if (earlier.operation !== name) {
      const detail = `${request.call} was a call of ${earlier.operation}; give every new call the next number`
      return refused(name, new InvalidRequest({ field: "call", detail }))
    }
    // the answer was remembered under this operation's name, so it is of this operation's type
    return earlier.value as A
  }

  /** An answer that a repeated call gets again. */
  const remember = <A>(name: string, request: SessionCall, session: SessionState, value: A): A => {
    session.remember(request.call, { operation: name, value })
    return value
  }

  const tryClaim = (request: ClaimRequest): Effect.Effect<ClaimResult | Parked, LogError> =>
    operation(
      "claim",
      () => Validate.claim(request),
      (now) =>
        call<ClaimResult | Parked>("claim", request, (session) => {
          if (session.isExpired(now)) return dead("claim", session.id)
          const result = Claim.claim(state, session, request, now)
          if (result.grants.length > 0 || request.park !== true) return remember("claim", request, session, result)
          session.leaveOpen(request.call)
          const until = Math.min(result.nextAt ?? Number.POSITIVE_INFINITY, session.expiresAt)
          return new Parked(state.queue(request.queue), until - now)
        })
    )

  /** Waits for the queue's next news after `version`, or for a time. Registers and looks in one step, so no news is missed. */
  const news = (queue: QueueState, version: number, millis: number): Effect.Effect<void> => {
    const told = listen(
      () => queue.version !== version,
      () => queue.waiters
    )
    if (millis === Number.POSITIVE_INFINITY) return told
    return Effect.raceFirst(told, clock.sleep(Duration.millis(Math.min(millis, longestSleep))))
  }

  const parkedClaim = Effect.fnUntraced(function* (request: ClaimRequest) {
    while (true) {
      const answer = yield* tryClaim(request)
      if (!(answer instanceof Parked)) return answer
      yield* news(answer.queue, answer.version, answer.millis)
    }
  })

  const queueChanges = Effect.fnUntraced(function* (name: string, cursor: string) {
    while (true) {
      const now = logTime()
      const queue = state.queue(name)
      state.advance(queue, now)
      state.notify()
      const next = Claim.nextAt(state, queue) ?? Number.POSITIVE_INFINITY
      if (String(queue.version) !== cursor || next <= now) return
      yield* news(queue, queue.version, next - now)
    }
  })

  const jobChanges = (id: string): Effect.Effect<void> =>
    listen(
      () => {
        const record = state.records.get(id)
        return record === undefined || (record.job.status !== "Waiting" && record.job.status !== "Leased")
      },
      () => {
        const waiters = state.jobWaiters.get(id) ?? new Set()
        state.jobWaiters.set(id, waiters)
        return waiters
      },
      (waiters) => {
        if (waiters.size === 0 && state.jobWaiters.get(id) === waiters) state.jobWaiters.delete(id)
      }
    )

  return {
    capabilities,
    open: (options) =>
      operation(
        "open",
        () => Validate.open(options),
        (now) => {
          const session = new SessionState(state.nextSession(), options.leaseDuration, now)
          state.sessions.set(session.id, session)
          return { id: session.id, leaseDuration: session.leaseDuration, now, expiresAt: session.expiresAt }
        }
      ),
    renew: (request) =>
      operation(
        "renew",
        () => Validate.renew(request),
        (now) =>
          call("renew", request, (session) =>
            session.isExpired(now)
              ? dead("renew", session.id)
              : remember("renew", request, session, Settle.renew(state, session, request, now))
          )
      ),
    close: (id) =>
      operation("close", valid, (now) => {
        const session = state.sessions.get(id)
        if (session !== undefined && !session.ended) Settle.close(state, session, now)
      }),
    enqueue: (items) =>
      operation(
        "enqueue",
        () => Validate.enqueue(items),
        (now) => {
          const results = Enqueue.enqueue(state, items, now)
          return results instanceof Full ? refused("enqueue", results) : results
        }
      ),
    claim: (request) =>
      request.park === true
        ? parkedClaim(request)
        : // a claim that does not park is answered at once
          (tryClaim(request) as Effect.Effect<ClaimResult, LogError>),
    settle: (request) =>
      operation(
        "settle",
        () => Validate.settle(request),
        (now) =>
          call("settle", request, (session) =>
            remember("settle", request, session, Settle.settle(state, session, request.items, now))
          )
      ),
    reclaim: (options) =>
      operation(
        "reclaim",
        () => Validate.reclaim(options),
        (now) => Claim.reclaim(state, options.limit, now)
      ),
    control: (commands) =>
      operation(
        "control",
        () => Validate.control(commands),
        (now) => Control.control(state, commands, now)
      ),
    read: (query) =>
      operation(
        "read",
        () => Validate.read(query),
        (now) => Read.read(state, query, now)
      ),
    changes: (request) =>
      Effect.flatMap(
        operation(
          "changes",
          () => Validate.changes(request),
          () => undefined
        ),
        () => (request._tag === "Job" ? jobChanges(request.id) : queueChanges(request.queue, request.cursor))
      )
  }
}

/** An empty claim that waits: for the queue's next news, or for this long. */
class Parked {
  readonly queue: QueueState
  readonly version: number
  readonly millis: number

  constructor(queue: QueueState, millis: number) {
    this.queue = queue
    this.version = queue.version
    this.millis = millis
  }
}

const valid = (): undefined => undefined

const dead = (operation: string, session: string): LogError => refused(operation, new SessionDead({ session }))

/**
 * Waits to be called, unless there is news already. Whoever waits goes on in a task of its own scheduler, never on the
 * stack of the operation that told it.
 */
const listen = (
  isNews: () => boolean,
  register: () => Set<() => void>,
  unregister?: (waiters: Set<() => void>) => void
): Effect.Effect<void> =>
  Effect.callback<void>(function (resume) {
    if (isNews()) return resume(Effect.void)
    const dispatcher = this.makeDispatcher()
    const wake = (): void => dispatcher.scheduleTask(() => resume(Effect.void), 0)
    const waiters = register()
    waiters.add(wake)
    return Effect.sync(() => {
      waiters.delete(wake)
      unregister?.(waiters)
    })
  })
