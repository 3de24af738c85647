/** A disk that fails: whoever was told "durable" keeps it, nobody else is told more than is known. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Journal } from "../../../../src/backends/file/journal/Journal.ts"
import type { JournalFailure } from "../../../../src/backends/file/journal/JournalAppender.ts"
import type { Fault, Operation } from "../../../../src/simulation/disk/DiskFault.ts"
import { SimulatedDisk } from "../../../../src/simulation/disk/SimulatedDisk.ts"
import { append, commit, directory, open, put, range, texts, textType } from "../support/JournalHarness.ts"

const lose = (): boolean => false

type Outcome = "durable" | "unknown" | "refused"

const outcomeOf = (failure: JournalFailure | undefined): Outcome => failure?.outcome ?? "durable"

/** Runs until the journal has flushed or failed all that was committed. */
const settled = (journal: Journal): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (journal.poisoned === undefined && journal.pendingBytes > 0) yield* Effect.yieldNow
  })

describe("a journal on a failing disk", () => {
  for (const dirtyPages of ["forget", "revert", "keep"] as const) {
    it.effect(`poisons itself when a sync fails (dirty pages: ${dirtyPages})`, () =>
      Effect.gen(function* () {
        const simulated = new SimulatedDisk()
        const { journal } = yield* open(simulated.disk)
        for (const i of range(0, 5)) yield* put(journal, `durable ${i}`)
        simulated.fail({ operation: "datasync", nth: 1, code: "EIO", dirtyPages })
        const outcomes: Array<string> = []
        const waitFor = (text: string) => {
          append(journal, text)
          journal.commit((failure) => outcomes.push(`${text}: ${outcomeOf(failure)}`))
        }
        waitFor("in flight 1")
        waitFor("in flight 2")
        // One turn later the batch is written and its sync is under way: this waits for the next one.
        while (!simulated.trace.at(-1)!.startsWith("write")) yield* Effect.yieldNow
        waitFor("queued")
        yield* settled(journal)
        assert.deepStrictEqual(outcomes, ["in flight 1: unknown", "in flight 2: unknown", "queued: refused"])
        assert.match(journal.poisoned!, /datasync .*EIO/)
        const later = yield* commit(journal)
        assert.isTrue(later?.outcome === "refused" && later.reason._tag === "Poisoned")
        assert.throws(() => journal.begin(textType, 1), /poisoned/)
        assert.isUndefined(yield* journal.trim(0))
        yield* journal.close
        // Whatever the cache shows, what the next owner recovers stays recovered after a power loss.
        const second = yield* open(simulated.disk)
        const recovered = texts(second.frames)
        assert.deepStrictEqual(
          recovered.slice(0, 5),
          range(0, 5).map((i) => `durable ${i}`)
        )
        assert.notInclude(recovered, "queued")
        yield* put(second.journal, "second owner")
        simulated.crash(lose)
        const third = yield* open(simulated.disk)
        assert.deepStrictEqual(texts(third.frames), [...recovered, "second owner"])
        yield* third.journal.close
      })
    )
  }

  const writeFaults: ReadonlyArray<[string, Fault]> = [
    ["fails", { operation: "write", nth: 1, code: "EIO" }],
    ["stops short", { operation: "write", nth: 1, code: "SHORT_WRITE", written: 30 }],
    ["fails for ever", { operation: "write", nth: 1, code: "EIO", forever: true }]
  ]
  for (const [name, fault] of writeFaults) {
    it.effect(`poisons itself when a write ${name}`, () =>
      Effect.gen(function* () {
        const simulated = new SimulatedDisk()
        const { journal } = yield* open(simulated.disk)
        yield* put(journal, "durable")
        simulated.fail(fault)
        append(journal, "lost")
        assert.strictEqual(outcomeOf(yield* commit(journal)), "unknown")
        assert.isDefined(journal.poisoned)
        yield* journal.close
        simulated.crash(() => true)
        const second = yield* open(simulated.disk)
        assert.deepStrictEqual(texts(second.frames), ["durable"])
        assert.strictEqual(second.journal.recovery.torn === undefined, fault.written === undefined)
        yield* put(second.journal, "again")
        yield* second.journal.close
      })
    )
  }

  it.effect("loses nothing acknowledged when the disk is full, and goes on once there is room", () =>
    Effect.gen(function* () {
      for (const room of range(0, 12).map((i) => i * 77)) {
        const simulated = new SimulatedDisk()
        const { journal } = yield* open(simulated.disk)
        simulated.free = 4096 + room
        const acknowledged: Array<string> = []
        for (const i of range(0, 200)) {
          append(journal, `text ${i}`)
          if (outcomeOf(yield* commit(journal)) !== "durable") break
          acknowledged.push(`text ${i}`)
        }
        assert.isBelow(acknowledged.length, 200)
        assert.match(journal.poisoned!, /ENOSPC/)
        yield* journal.close
        simulated.free = Number.POSITIVE_INFINITY
        const second = yield* open(simulated.disk)
        assert.deepStrictEqual(texts(second.frames).slice(0, acknowledged.length), acknowledged)
        assert.isAtMost(texts(second.frames).length, acknowledged.length + 1)
        yield* put(second.journal, "room again")
        yield* second.journal.close
      }
    })
  )

  it.effect("refuses what waits for a segment that cannot be created", () =>
    Effect.gen(function* () {
      const operations: ReadonlyArray<Operation> = ["open", "sync", "rename", "syncDirectory"]
      for (const operation of operations) {
        const simulated = new SimulatedDisk()
        const { journal } = yield* open(simulated.disk)
        while (journal.segments().at(-1)!.bytes < 4096) yield* put(journal, "filling the first segment")
        simulated.fail({ operation, nth: 1, code: "EIO" })
        append(journal, "in the second segment")
        assert.strictEqual(outcomeOf(yield* commit(journal)), "refused", operation)
        yield* journal.close
        simulated.crash(() => true)
        const second = yield* open(simulated.disk)
        assert.notInclude(texts(second.frames), "in the second segment")
        yield* put(second.journal, "in the second segment at last")
        yield* second.journal.close
        const third = yield* open(simulated.disk)
        assert.strictEqual(texts(third.frames).at(-1), "in the second segment at last")
        yield* third.journal.close
      }
    })
  )

  it.effect("fails to open, typed and without the lock, whichever operation of the opening fails", () =>
    Effect.gen(function* () {
      const operations: ReadonlyArray<Operation> = [
        "list",
        "read",
        "open",
        "write",
        "sync",
        "datasync",
        "truncate",
        "rename",
        "remove",
        "syncDirectory"
      ]
      const hit = new Set<string>()
      for (const fresh of [true, false]) {
        for (const operation of operations) {
          for (const nth of [1, 2, 3]) {
            const simulated = new SimulatedDisk()
            if (!fresh) {
              const { journal } = yield* open(simulated.disk)
              yield* put(journal, "durable")
              yield* journal.abandon
              const name = `${directory}/${simulated.names(directory)[0]!}`
              const torn = Buffer.from(simulated.bytes(name))
              torn[300] = 1
              simulated.plant(name, torn)
              simulated.plant(`${name}.tmp`, Buffer.alloc(3))
            }
            simulated.fail({ operation, nth, code: "EIO" })
            const exit = yield* Effect.result(open(simulated.disk))
            if (exit._tag === "Success") {
              yield* exit.success.journal.abandon
            } else {
              hit.add(`${operation}${fresh ? " of a fresh log" : ""}`)
              assert.strictEqual(exit.failure.operation, "open")
              assert.include(["Unavailable", "Poisoned"], exit.failure.reason._tag)
            }
            simulated.crash(() => true)
            const again = yield* open(simulated.disk)
            assert.deepStrictEqual(texts(again.frames), fresh ? [] : ["durable"])
            yield* again.journal.close
          }
        }
      }
      assert.sameMembers(
        [...hit],
        [
          "list of a fresh log",
          "open of a fresh log",
          "write of a fresh log",
          "sync of a fresh log",
          "datasync of a fresh log",
          "rename of a fresh log",
          "syncDirectory of a fresh log",
          "list",
          "read",
          "write",
          "sync",
          "datasync",
          "truncate",
          "remove",
          "syncDirectory"
        ]
      )
    })
  )

  it.effect("names missing permissions and a read-only file system", () =>
    Effect.gen(function* () {
      const causes = [
        ["EACCES", "permission"],
        ["EROFS", "readOnly"]
      ] as const
      for (const [code, cause] of causes) {
        const simulated = new SimulatedDisk()
        simulated.fail({ operation: "open", nth: 1, code })
        const error = yield* Effect.flip(open(simulated.disk))
        assert.isTrue(error.reason._tag === "NotWritable" && error.reason.cause === cause)
      }
    })
  )

  it.effect("stops a trim at the first failure, and the next opening finishes it", () =>
    Effect.gen(function* () {
      for (const operation of ["remove", "syncDirectory"] as const) {
        const simulated = new SimulatedDisk()
        const { journal } = yield* open(simulated.disk)
        for (const i of range(0, 300)) yield* put(journal, `text ${i}`)
        const segments = journal.segments()
        simulated.fail({ operation, nth: 2, code: "EIO" })
        const error = yield* Effect.flip(journal.trim(4))
        assert.strictEqual(error.outcome, "unknown")
        assert.isUndefined(journal.poisoned)
        assert.strictEqual(journal.segments()[0]!.index, 1)
        yield* put(journal, "goes on")
        yield* journal.abandon
        const second = yield* open(simulated.disk)
        assert.strictEqual(second.journal.segments()[0]!.firstSeq, segments[4]!.firstSeq)
        assert.strictEqual(simulated.names(directory).length, second.journal.segments().length)
        yield* second.journal.close
      }
    })
  )

  it.effect("reports a block that cannot be read without poisoning the journal", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      const { journal } = yield* open(simulated.disk)
      yield* put(journal, "a text")
      // the latest batch is still in memory
      yield* put(journal, "another")
      simulated.fail({ operation: "read", nth: 1, code: "EIO" })
      const error = yield* Effect.flip(journal.read(0, 120, 6))
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.isUndefined(journal.poisoned)
      assert.strictEqual((yield* journal.read(0, 120, 6)).length, 6)
      yield* journal.close
    })
  )
})
