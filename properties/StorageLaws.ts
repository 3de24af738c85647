/**
 * Laws of what lies under a log: what survives, what is refused when it is opened, and how much is written.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import type { JobLogOperations, Session } from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"
import { broken, call, claim, enqueue, newItem, note, open, overSituations, reopen, settle, showAll } from "./Direct.ts"
import type { Bench } from "./Direct.ts"
import { acknowledgements } from "./Acknowledged.ts"
import type { Law } from "./Law.ts"
import type { LawName } from "./LawName.ts"
import { outcome } from "./World.ts"

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const durabilityNamed: Law = overSituations({
  name: "durabilityNamed",
  statement:
    "What the log says an acknowledged call survives, each kind of call survives: enqueue, claim, every settlement, mark, progress, close, reclaim and every command.",
  claimedBy: (can) => can.durability !== "none" && can.inspect,
  needs: ["crash"],
  inputs: fc.record({ kind: fc.nat(acknowledgements.length - 1), seed: fc.nat(0xffff) }),
  // so that hardly any kind is left out
  runs: (histories) => histories * 2,
  situation: (bench, { kind, seed }) =>
    Effect.gen(function* () {
      const acknowledgement = acknowledgements[kind]
      if (acknowledgement === undefined || acknowledgement.needs?.(bench.capabilities) === false) return
      note(bench, `acknowledged: ${acknowledgement.name}`)
      const session = yield* open(bench, 60_000)
      const kept = yield* acknowledgement.act(bench, session)
      yield* reopen(bench, `crash ${seed}`, bench.test.crash?.({ seed }))
      const lost = yield* kept
      if (lost !== undefined) broken(bench, "durabilityNamed", `${acknowledgement.name}: ${lost}`)
    })
})

/** Some work: jobs that stay, jobs that are done, and a session that is closed again. */
const work = (bench: Bench, rounds: number): Effect.Effect<void, LogError> =>
  Effect.gen(function* () {
    const session = yield* open(bench, 60_000)
    for (let round = 0; round < rounds; round++) {
      const payload = `"${"x".repeat(Math.min(round % 3 === 0 ? 1200 : 10, bench.capabilities.maxPayload - 2))}"`
      yield* enqueue(bench, newItem(bench, { payload }), newItem(bench, { payload }))
      const [grant] = yield* claim(bench, session)
      if (grant !== undefined) yield* settle(bench, session, grant, { _tag: "Complete", result: `"${round}"` })
    }
    yield* bench.log.close(session.id)
  })

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const recoveryBound: Law = overSituations({
  name: "recoveryBound",
  statement:
    "After up to eight crashes with nothing in between the log opens each time, opens a session, and shows the same jobs where it shows any; where the harness counts bytes, the last opening writes at most four times what the first did and 64 KiB.",
  claimedBy: (can) => can.durability !== "none",
  needs: ["crash"],
  inputs: fc.record({
    rounds: fc.integer({ min: 1, max: 15 }),
    crashes: fc.integer({ min: 3, max: 8 }),
    seed: fc.nat(0xffff)
  }),
  runs: (histories) => Math.ceil(histories / 5),
  situation: (bench, { rounds, crashes, seed }) =>
    Effect.gen(function* () {
      yield* work(bench, rounds)
      const before = bench.capabilities.inspect ? yield* showAll(bench) : undefined
      const written: Array<number> = []
      for (let i = 0; i < crashes; i++) {
        const from = bench.test.written === undefined ? 0 : yield* bench.test.written
        yield* reopen(bench, `crash ${seed + i}`, bench.test.crash?.({ seed: seed + i }))
        yield* open(bench, 1000)
        if (bench.test.written !== undefined) written.push((yield* bench.test.written) - from)
        if (bench.capabilities.inspect && (yield* showAll(bench)) !== before) {
          return broken(bench, "recoveryBound", `after ${i + 1} crashes with nothing in between the jobs are others`)
        }
      }
      const [first = 0] = written
      const last = written.at(-1) ?? 0
      note(bench, `written by each opening: ${written.join(", ")}`)
      if (last > 4 * first + 65_536) {
        broken(bench, "recoveryBound", `the first opening wrote ${first} bytes, the last ${last}`)
      }
    })
})

/** Two large jobs at once, so that the storage of one may be durable by the time that the other's is written, or not. */
const enqueueTogether = (bench: Bench): Effect.Effect<void, LogError> =>
  Effect.suspend(() => {
    const payload = `"${"x".repeat(Math.min(6000, bench.capabilities.maxPayload - 2))}"`
    const calls = [0, 1].map(() => enqueue(bench, newItem(bench, { payload })))
    return Effect.all(calls, { concurrency: "unbounded", discard: true })
  })

/** Opening must fail with this reason. */
const mustNotOpen = (
  bench: Bench,
  law: LawName,
  opening: Effect.Effect<JobLogOperations, LogError>,
  reason: string
): Effect.Effect<void> =>
  Effect.map(outcome(opening, bench.patience), (answer) => {
    note(bench, `open → ${answer._tag === "Failed" ? answer.error.message : answer._tag}`)
    if (answer._tag === "Failed" && answer.error.reason._tag === reason) return
    const what = answer._tag === "Failed" ? answer.error.message : answer._tag === "Died" ? answer.message : "it opened"
    broken(bench, law, `expected to fail with ${reason}: ${what}`)
  })

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const haltOnDamage: Law = overSituations({
  name: "haltOnDamage",
  statement:
    "When something that was acknowledged is damaged in storage, the log restores it or refuses to open with the reason Corrupt; it never opens without it.",
  claimedBy: (can) => can.durability !== "none" && can.inspect,
  needs: ["damage"],
  inputs: fc.record({ rounds: fc.integer({ min: 2, max: 10 }), seed: fc.nat(0xffffff), large: fc.boolean() }),
  situation: (bench, { rounds, seed, large }) =>
    Effect.gen(function* () {
      yield* work(bench, rounds)
      if (large) yield* enqueueTogether(bench)
      const before = yield* showAll(bench)
      if (bench.test.damage === undefined) return
      const answer = yield* outcome(bench.test.damage({ seed }), bench.patience)
      if (answer._tag === "Ok") {
        bench.log = bench.watch(answer.value)
        note(bench, `damage ${seed} → opened`)
        if ((yield* showAll(bench)) !== before) {
          broken(bench, "haltOnDamage", "it opened after damage, and shows other jobs than were acknowledged")
        }
        return
      }
      note(bench, `damage ${seed} → ${answer._tag === "Failed" ? answer.error.message : answer.message}`)
      if (answer._tag === "Died" || answer.error.reason._tag !== "Corrupt") {
        broken(bench, "haltOnDamage", "damage is not reported with the reason Corrupt")
      }
    })
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const versionSafe: Law = overSituations({
  name: "versionSafe",
  statement: "Storage that a later release wrote is refused with the reason UnsupportedFormat and never misread.",
  claimedBy: (can) => can.durability !== "none",
  needs: ["newerFormat"],
  inputs: fc.integer({ min: 0, max: 6 }),
  runs: (histories) => Math.ceil(histories / 20),
  situation: (bench, rounds) =>
    Effect.gen(function* () {
      yield* work(bench, rounds)
      if (bench.test.newerFormat !== undefined) {
        yield* mustNotOpen(bench, "versionSafe", bench.test.newerFormat, "UnsupportedFormat")
      }
    })
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const singleOwner: Law = overSituations({
  name: "singleOwner",
  statement:
    "While a log of one owner is open, opening its storage again fails at once with the reason OwnedBy, and the first goes on undisturbed.",
  claimedBy: (can) => !can.crossProcess && can.durability !== "none",
  needs: ["openSecond"],
  inputs: fc.integer({ min: 0, max: 3 }),
  runs: (histories) => Math.ceil(histories / 20),
  situation: (bench, rounds) =>
    Effect.gen(function* () {
      yield* work(bench, rounds)
      if (bench.test.openSecond === undefined) return
      const session = yield* open(bench, 60_000)
      const item = newItem(bench, { queue: "beta" })
      yield* enqueue(bench, item)
      const [grant] = yield* claim(bench, session, { queue: "beta" })
      for (let i = 0; i < 2; i++)
        yield* mustNotOpen(bench, "singleOwner", Effect.scoped(bench.test.openSecond), "OwnedBy")
      if (grant === undefined) return broken(bench, "singleOwner", "a fresh job was not granted")
      const answer = yield* settle(bench, session, grant, { _tag: "Complete" })
      if (answer?._tag !== "Settled") broken(bench, "singleOwner", "the first owner was disturbed by the second")
    })
})

const hour = 3_600_000

/** What an idle scheduler does for some hours, beating once a minute. */
const idle = (bench: Bench, hours: number, session: Session | undefined): Effect.Effect<number, LogError> =>
  Effect.gen(function* () {
    const written = bench.test.written ?? Effect.succeed(0)
    const before = yield* written
    for (let minute = 0; minute < 60 * hours; minute++) {
      yield* bench.test.advance(hour / 60)
      yield* bench.log.reclaim({ limit: 100 })
      if (session === undefined) continue
      yield* bench.log.renew({ session: session.id, call: call(bench, session.id), started: [], progress: [] })
      yield* bench.log.claim({ session: session.id, call: call(bench, session.id), queue: "alpha", limit: 10 })
    }
    return (yield* written) - before
  })

/** Bytes that one beat of an idle scheduler (a renewal, a claim and a reclaim) may write. */
const beatBytes = 512

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const quiescence: Law = overSituations({
  name: "quiescence",
  statement:
    "With no work and no session the log writes next to nothing however long it is left alone, and an idle session costs a bounded number of bytes per beat.",
  claimedBy: (can) => can.durability !== "none" && can.maxLease >= hour / 30,
  needs: ["written"],
  inputs: fc.integer({ min: 0, max: 5 }),
  runs: (histories) => Math.ceil(histories / 50),
  situation: (bench, rounds) =>
    Effect.gen(function* () {
      yield* work(bench, rounds)
      const last = yield* open(bench, 60_000)
      const rest = yield* claim(bench, last, { limit: 100 })
      for (const grant of rest) yield* settle(bench, last, grant, { _tag: "Complete" })
      yield* bench.log.close(last.id)
      // what was done is kept for an hour by default; what its removal writes is work
      yield* idle(bench, 2, undefined)
      const alone = yield* idle(bench, 4, undefined)
      note(bench, `four idle hours without a session wrote ${alone} bytes`)
      if (alone > 4096) broken(bench, "quiescence", `four idle hours without a session wrote ${alone} bytes`)
      const session = yield* open(bench, hour / 30)
      const beating = yield* idle(bench, 2, session)
      note(bench, `two idle hours with a session wrote ${beating} bytes`)
      if (beating > 120 * beatBytes + 8192) {
        broken(bench, "quiescence", `120 beats of an idle session wrote ${beating} bytes`)
      }
      yield* bench.log.close(session.id)
    })
})
