/**
 * A client: its session, its numbered calls, and what it does when it does not learn an outcome.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { JobLogOperations } from "../../src/log/JobLog.ts"
import type { LogError } from "../../src/log/LogError.ts"
import type { TestLog } from "../Harness.ts"
import type { Of, Operation, Outcome, ValueOf } from "./History.ts"
import type { Network } from "./Network.ts"
import type { ClientStep } from "./Program.ts"

/**
 * What all clients of a program share.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Room {
  readonly test: TestLog
  readonly log: JobLogOperations
  readonly network: Network
  /** One at a time moves the log's time. */
  readonly timeKeeper: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Ids of all jobs that were sent so far. */
  readonly sent: Array<string>
  /** Ids of the jobs that a settlement was told to have made a dead letter. */
  readonly dead: Array<string>
  /** All grants that were answered so far. */
  readonly grants: Array<Held>
  /** Why the log could not be opened again after a crash. */
  readonly failures: Array<string>
}

/**
 * A grant as its holder keeps it.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Held {
  readonly job: string
  readonly token: bigint
  readonly receipt: string
}

/**
 * One client; its session is opened with its first call.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Client {
  readonly name: string
  readonly lease: number
  /** Makes its job ids its own. */
  readonly number: number
  session: { readonly id: string; calls: number } | undefined
  held: Array<Held>
  readonly grants: Array<Held>
  ids: number
}

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const makeClient = (name: string, number: number, lease: number): Client => ({
  name,
  lease,
  number,
  session: undefined,
  held: [],
  grants: [],
  ids: 0
})

/**
 * How a call travels, and how often it is sent again.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Way extends Pick<ClientStep, "faults" | "out" | "back"> {
  /** The caller gives up after so many turns. */
  readonly patience?: number | undefined
}

/**
 * The straight way.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const clean: Way = { faults: ["none"], out: 0, back: 0 }

/**
 * Sends a call, and sends it again while its outcome is unknown and patience lasts. A call that has no number and no id
 * is sent `anew`: each sending counts.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const insist = <Op extends Operation["op"]>(
  room: Room,
  client: Client,
  op: Op,
  args: Of<Op>["args"],
  call: (log: JobLogOperations) => Effect.Effect<ValueOf<Op>, LogError>,
  way: Way,
  again: "same" | "anew" = "same"
): Effect.Effect<Outcome<ValueOf<Op>>> =>
  Effect.gen(function* () {
    let first: number | undefined
    let outcome: Outcome<ValueOf<Op>> = { tag: "Unknown", reason: "not sent" }
    for (const fault of way.faults) {
      const sent = yield* room.network.send(client.name, op, args, call, {
        ...way,
        // what has no number happens twice when it arrives twice
        fault: again === "anew" && fault === "duplicate" ? "none" : fault,
        repeats: again === "same" ? first : undefined
      })
      first ??= sent.id
      outcome = sent.outcome
      if (outcome.tag !== "Unknown") break
    }
    return outcome
  })

const sessionOf = (room: Room, client: Client): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    if (client.session !== undefined) return client.session.id
    const leaseDuration = Math.min(client.lease, room.log.capabilities.maxLease)
    const outcome = yield* insist(
      room,
      client,
      "open",
      { lease: leaseDuration },
      (log) =>
        Effect.map(log.open({ owner: client.name, leaseDuration }), ({ expiresAt, id, now }) => ({
          session: id,
          now,
          expiresAt
        })),
      clean
    )
    if (outcome.tag !== "Ok") return undefined
    client.session = { id: outcome.value.session, calls: 0 }
    client.held = []
    return outcome.value.session
  })

/**
 * A numbered call of the client's session.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const numbered = <Op extends "renew" | "claim" | "settle">(
  room: Room,
  client: Client,
  op: Op,
  args: (call: { readonly session: string; readonly call: number }) => Of<Op>["args"],
  run: (
    log: JobLogOperations,
    call: { readonly session: string; readonly call: number }
  ) => Effect.Effect<ValueOf<Op>, LogError>,
  way: Way
): Effect.Effect<Outcome<ValueOf<Op>>> =>
  Effect.gen(function* () {
    const id = yield* sessionOf(room, client)
    const session = client.session
    if (id === undefined || session === undefined) return { tag: "Refused", reason: "no session" }
    session.calls += 1
    const call = { session: id, call: session.calls }
    const outcome = yield* insist(room, client, op, args(call), (log) => run(log, call), way)
    if (outcome.tag === "Refused" && outcome.reason === "SessionDead") {
      client.session = undefined
      client.held = []
    }
    return outcome
  })
