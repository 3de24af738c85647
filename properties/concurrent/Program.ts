/**
 * Generated concurrent programs: a few clients with a short list of steps each, what the network does to each call, and
 * how the clients interleave. All of it is plain data, so that a failing program shrinks and replays.
 *
 * @since 0.1.0
 */
import * as fc from "fast-check"
import type { SettleKind } from "./History.ts"

/**
 * What happens to one sending of a call:
 *
 * - `lostRequest`: it never arrives, and the caller is told nothing
 * - `lostReply`: the log does it, and the caller is told nothing
 * - `late`: the caller gives up first, the request arrives afterwards
 * - `duplicate`: it arrives twice
 * - `interrupt`: the caller is interrupted while it waits
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Fault = "none" | "lostRequest" | "lostReply" | "late" | "duplicate" | "interrupt"

/**
 * A job to enqueue; left-out bounds are the port's defaults.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobPlan {
  readonly delay: number
  readonly maxAttempts?: number
  readonly maxDeliveries?: number
}

/**
 * What a client does. Jobs and grants are small numbers, counted modulo what is there.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Action =
  | { readonly _tag: "Enqueue"; readonly jobs: ReadonlyArray<JobPlan> }
  | { readonly _tag: "Claim"; readonly limit: number; readonly park: boolean }
  | {
      readonly _tag: "Settle"
      readonly grants: ReadonlyArray<number>
      readonly kind: SettleKind
      readonly delay: number
      /** Whose grants: those still held, all of the client's, or anybody's. */
      readonly whose: "held" | "own" | "any"
    }
  | { readonly _tag: "Renew"; readonly started: boolean }
  | { readonly _tag: "Close" }
  | { readonly _tag: "Cancel"; readonly job: number }
  | { readonly _tag: "Redrive"; readonly job: number }
  | { readonly _tag: "Read"; readonly job: number }
  | { readonly _tag: "Reclaim"; readonly limit: number }
  | { readonly _tag: "Advance"; readonly millis: number }
  | { readonly _tag: "Crash"; readonly seed: number }

/**
 * An action and its way through the network. Waits are counted in turns of the scheduler.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ClientStep {
  readonly action: Action
  /** Before the call is made. */
  readonly wait: number
  /** On the way to the log. */
  readonly out: number
  /** On the way back. */
  readonly back: number
  /** One for each sending; after an unknown outcome the call is sent again as long as there are more. */
  readonly faults: ReadonlyArray<Fault>
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ClientPlan {
  /** Of the sessions that the client opens, milliseconds. */
  readonly lease: number
  readonly steps: ReadonlyArray<ClientStep>
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Program {
  /** Jobs that are there before the clients begin. */
  readonly first: ReadonlyArray<JobPlan>
  readonly clients: ReadonlyArray<ClientPlan>
}

/**
 * The programs that a law wants to see.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ConcurrentProfile {
  readonly weights: Partial<Record<Action["_tag"], number>>
  /** Chance in percent that the network does something to a call. */
  readonly faulty: number
  /** Chance in percent that a job has tight bounds. */
  readonly bounds: number
  /** Who comes besides a producer and a claimer, how often. */
  readonly roles?: Partial<Record<Role, number>> | undefined
  /** Steps of the log's time, milliseconds; leases are of 1000 and 5000. */
  readonly advances?: ReadonlyArray<number> | undefined
  /** Chance in percent that a settlement is of a grant that may be over, or another's; default 40. */
  readonly stale?: number | undefined
  /** Chance in percent that a claim waits inside the log; default 25. */
  readonly parks?: number | undefined
  /** Chance in percent that a call is not sent again when its outcome is unknown. */
  readonly givesUp?: number | undefined
}

const delays = fc.constantFrom(0, 0, 0, 0, 1, 400, 1000)

const jobPlan = (bounds: number): fc.Arbitrary<JobPlan> =>
  fc
    .record({
      delay: fc.oneof({ arbitrary: fc.constant(0), weight: 4 }, { arbitrary: delays, weight: 1 }),
      bound: fc.nat(99),
      maxAttempts: fc.constantFrom(1, 2),
      maxDeliveries: fc.constantFrom(1, 2, 3)
    })
    .map(({ bound, delay, maxAttempts, maxDeliveries }) => ({
      delay,
      ...(bound >= bounds ? undefined : bound % 2 === 0 ? { maxAttempts } : { maxDeliveries })
    }))

const recent = fc.constantFrom(0, 0, 0, 1, 2, 5)

const actions = (
  profile: ConcurrentProfile
): { readonly [Tag in Action["_tag"]]: fc.Arbitrary<Extract<Action, { _tag: Tag }>> } => ({
  Enqueue: fc.record({
    _tag: fc.constant("Enqueue"),
    jobs: fc.array(jobPlan(profile.bounds), { minLength: 1, maxLength: 2 })
  }),
  Claim: fc.record({
    _tag: fc.constant("Claim"),
    limit: fc.constantFrom(1, 1, 2, 3),
    park: fc.nat(99).map((chance) => chance < (profile.parks ?? 25))
  }),
  Settle: fc.record({
    _tag: fc.constant("Settle"),
    grants: fc.array(recent, { minLength: 1, maxLength: 2 }),
    kind: fc.constantFrom("Complete", "Complete", "Retry", "Release", "DeadLetter"),
    delay: delays,
    whose: fc.oneof(
      { arbitrary: fc.constant("held" as const), weight: 100 - (profile.stale ?? 40) },
      { arbitrary: fc.constantFrom("own" as const, "any" as const), weight: profile.stale ?? 40 }
    )
  }),
  Renew: fc.record({ _tag: fc.constant("Renew"), started: fc.boolean() }),
  Close: fc.record({ _tag: fc.constant("Close") }),
  Cancel: fc.record({ _tag: fc.constant("Cancel"), job: recent }),
  Redrive: fc.record({ _tag: fc.constant("Redrive"), job: recent }),
  Read: fc.record({ _tag: fc.constant("Read"), job: recent }),
  Reclaim: fc.record({ _tag: fc.constant("Reclaim"), limit: fc.constantFrom(1, 100) }),
  Advance: fc.record({
    _tag: fc.constant("Advance"),
    millis: fc.constantFrom(...(profile.advances ?? [1, 400, 600, 999, 1000, 5000]))
  }),
  Crash: fc.record({ _tag: fc.constant("Crash"), seed: fc.nat(0xff) })
})

/** What each kind of client does how often. */
const roles = {
  producer: { Enqueue: 6, Claim: 3, Settle: 2 },
  claimer: { Claim: 6, Settle: 6, Renew: 2, Close: 1 },
  worker: { Claim: 5, Settle: 7, Renew: 1 },
  operator: { Cancel: 2, Redrive: 2, Read: 3, Enqueue: 2, Claim: 1 },
  timeKeeper: { Advance: 5, Reclaim: 3, Claim: 2, Settle: 1, Enqueue: 1, Crash: 1 }
} satisfies Record<string, Partial<Record<Action["_tag"], number>>>

type Role = keyof typeof roles

const faults = (faulty: number, givesUp: number): fc.Arbitrary<ReadonlyArray<Fault>> =>
  fc.oneof(
    { arbitrary: fc.constant<ReadonlyArray<Fault>>(["none"]), weight: 100 - faulty },
    {
      arbitrary: fc
        .tuple(
          fc.constantFrom<Fault>("lostRequest", "lostReply", "late", "duplicate", "interrupt"),
          fc.oneof(
            {
              arbitrary: fc.constantFrom<ReadonlyArray<Fault>>(["none"], ["none"], ["late", "none"]),
              weight: 100 - givesUp
            },
            { arbitrary: fc.constantFrom<ReadonlyArray<Fault>>([], ["lostReply"]), weight: givesUp }
          )
        )
        .map(([first, rest]) => [first, ...rest]),
      weight: faulty
    }
  )

const turns = fc.constantFrom(0, 0, 1, 2, 3, 5)

/**
 * Programs of a profile; `crashes`: the log can be crashed.
 *
 * @since 0.1.0
 * @category generators
 * @stability unstable
 */
export const programs = (
  profile: ConcurrentProfile,
  can: { readonly crashes: boolean; readonly reclaims: boolean; readonly reads: boolean }
): fc.Arbitrary<Program> => {
  const of = actions(profile)
  const possible = (tag: Action["_tag"]): boolean =>
    (tag !== "Crash" || can.crashes) && (tag !== "Reclaim" || can.reclaims) && (tag !== "Read" || can.reads)
  const client = (name: Role): fc.Arbitrary<ClientPlan> => {
    const role: Partial<Record<Action["_tag"], number>> = roles[name]
    // the keys of a record of weights by tag are tags
    const tags = (Object.keys(role) as Array<Action["_tag"]>).filter(possible)
    const action = fc.oneof(
      ...tags.map((tag) => ({
        // each is an arbitrary of one kind of action
        arbitrary: of[tag] as fc.Arbitrary<Action>,
        weight: (role[tag] ?? 1) * (profile.weights[tag] ?? 1)
      }))
    )
    const step = fc.record({
      action,
      wait: turns,
      out: turns,
      back: turns,
      faults: faults(profile.faulty, profile.givesUp ?? 25)
    })
    return fc.record({
      lease: fc.constantFrom(1000, 5000),
      steps: fc.array(step, { minLength: 1, maxLength: 7, size: "max" })
    })
  }
  const others = { producer: 1, claimer: 1, worker: 2, operator: 1, timeKeeper: 3, ...profile.roles }
  // the keys of a record by role are roles
  const names = Object.keys(others) as Array<Role>
  const other = fc.oneof(...names.map((name) => ({ arbitrary: client(name), weight: others[name] })))
  return fc
    .tuple(
      fc.array(jobPlan(profile.bounds), { maxLength: 3, size: "max" }),
      client("producer"),
      client("claimer"),
      fc.array(other, { maxLength: 4, size: "max" })
    )
    .map(([first, producer, claimer, more]) => ({ first, clients: [producer, claimer, ...more] }))
}
