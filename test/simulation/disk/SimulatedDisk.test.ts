import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as VirtualClock from "../../../properties/VirtualClock.ts"
import type { DiskError, DiskFile } from "../../../src/backends/file/journal/Disk.ts"
import { SimulatedDisk } from "../../../src/simulation/disk/SimulatedDisk.ts"
import { keepByChance, seeded } from "../../../src/simulation/disk/Survivors.ts"

const path = "/d/file"

const put = (file: DiskFile, text: string, position: number): Effect.Effect<void, DiskError> =>
  file.write(Buffer.from(text), 0, text.length, position)

/** A disk with one open file whose creation is durable. */
const made = Effect.gen(function* () {
  const disk = new SimulatedDisk()
  yield* disk.disk.makeDirectory("/d")
  const file = yield* disk.disk.open(path, "create")
  yield* disk.disk.syncDirectory("/d")
  return { disk, file }
})

const codeOf = (effect: Effect.Effect<void, DiskError>): Effect.Effect<string, void> =>
  Effect.map(Effect.flip(effect), ({ code }) => code)

/** Whether the effect has ended after some turns. */
const ends = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkDetach(effect, { startImmediately: true })
    for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
    return fiber.pollUnsafe() !== undefined
  })

describe("time", () => {
  it.effect("an operation answers after its latency, on the caller's clock, and cannot be interrupted", () =>
    Effect.gen(function* () {
      const clock = VirtualClock.make()
      const { disk, file } = yield* made
      disk.behave(seeded(1), { latency: [10, 10], syncLatency: [200, 200] })
      const writing = yield* Effect.forkDetach(Effect.provideService(put(file, "abc", 0), Clock.Clock, clock), {
        startImmediately: true
      })
      assert.strictEqual(disk.bytes(path).toString(), "abc")
      yield* clock.advance(9)
      assert.isUndefined(writing.pollUnsafe())
      // at most one write may be in flight
      const second = yield* Effect.exit(Effect.provideService(put(file, "def", 3), Clock.Clock, clock))
      assert.strictEqual(second._tag, "Failure")
      yield* clock.advance(1)
      yield* Fiber.join(writing)
      const syncing = yield* Effect.forkDetach(Effect.provideService(file.datasync, Clock.Clock, clock), {
        startImmediately: true
      })
      const interrupting = yield* Effect.forkDetach(Fiber.interrupt(syncing), { startImmediately: true })
      yield* clock.advance(199)
      assert.strictEqual(disk.pieces, 1)
      assert.isUndefined(interrupting.pollUnsafe())
      yield* clock.advance(1)
      yield* Fiber.join(interrupting)
      assert.strictEqual(disk.pieces, 0)
    })
  )

  it.effect("a stall takes seconds and is counted as in flight", () =>
    Effect.gen(function* () {
      const clock = VirtualClock.make()
      const { disk, file } = yield* made
      disk.behave(seeded(1), { stall: 1, stallMillis: [3_000, 3_000] })
      disk.inFlight = () => true
      const writing = yield* Effect.forkDetach(Effect.provideService(put(file, "abc", 0), Clock.Clock, clock), {
        startImmediately: true
      })
      yield* clock.advance(2_999)
      assert.isUndefined(writing.pollUnsafe())
      yield* clock.advance(1)
      yield* Fiber.join(writing)
      assert.deepStrictEqual(disk.faults, { stall: { fired: 1, inFlight: 1 } })
    })
  )
})

describe("faults by chance", () => {
  it.effect("a broken device fails all that changes something, until it is mended", () =>
    Effect.gen(function* () {
      const { disk, file } = yield* made
      yield* put(file, "abc", 0)
      disk.behave(seeded(1), { errorForever: 1 })
      assert.strictEqual(yield* codeOf(file.datasync), "EIO")
      disk.behave(seeded(1), {})
      assert.strictEqual(yield* codeOf(put(file, "abc", 3)), "EIO")
      assert.strictEqual(yield* codeOf(disk.disk.rename(path, "/d/other")), "EIO")
      assert.strictEqual(yield* file.read(Buffer.alloc(3), 0, 3, 0), 3)
      disk.heal()
      yield* put(file, "abc", 3)
      assert.strictEqual(disk.faults.errorForever?.fired, 3)
    })
  )

  it.effect("a write may take a part of its bytes and fail", () =>
    Effect.gen(function* () {
      const { disk, file } = yield* made
      disk.behave(seeded(3), { shortWrite: 1 })
      assert.strictEqual(yield* codeOf(put(file, "x".repeat(1000), 0)), "SHORT_WRITE")
      const { length } = disk.bytes(path)
      assert.isAbove(length, 0)
      assert.isBelow(length, 1000)
      disk.behave(seeded(3), { noSpace: 1 })
      assert.strictEqual(yield* codeOf(put(file, "x".repeat(1000), length)), "ENOSPC")
      assert.deepStrictEqual(Object.keys(disk.faults).sort(), ["noSpace", "shortWrite"])
    })
  )

  it.effect("a failed sync drops, shows or keeps the dirty pages", () =>
    Effect.gen(function* () {
      for (const [pages, cached, durable] of [
        ["keep", "abc", "abc"],
        ["forget", "abc", ""],
        ["revert", "", ""]
      ] as const) {
        const { disk, file } = yield* made
        yield* put(file, "abc", 0)
        disk.behave(seeded(1), { error: 1, dirtyPages: [pages] })
        assert.strictEqual(yield* codeOf(file.datasync), "EIO")
        disk.heal()
        assert.strictEqual(disk.bytes(path).toString(), cached)
        yield* file.datasync
        assert.strictEqual(
          disk
            .afterCrash(() => false)
            .bytes(path)
            .toString(),
          durable
        )
      }
    })
  )

  it.effect("every operation of the port can fail", () =>
    Effect.gen(function* () {
      const { disk, file } = yield* made
      disk.behave(seeded(1), { error: 1 })
      const port = disk.disk
      const operations: ReadonlyArray<Effect.Effect<unknown, DiskError>> = [
        put(file, "a", 0),
        file.read(Buffer.alloc(1), 0, 1, 0),
        file.datasync,
        file.sync,
        file.truncate(0),
        port.list("/d"),
        port.open(path, "read"),
        port.open("/d/new", "create"),
        port.rename(path, "/d/other"),
        port.remove(path),
        port.syncDirectory("/d")
      ]
      const codes = yield* Effect.forEach(operations, (operation) => codeOf(Effect.asVoid(operation)))
      assert.deepStrictEqual(
        codes,
        Array.from({ length: 11 }, () => "EIO")
      )
      assert.deepStrictEqual(disk.names("/d"), ["file"])
    })
  )
})

describe("a crash", () => {
  it.effect("tears a write within a piece", () =>
    Effect.gen(function* () {
      const { disk, file } = yield* made
      yield* put(file, "a".repeat(1000), 0)
      assert.deepStrictEqual(
        disk.unsynced().map(({ bytes, kind, matters }) => ({ bytes, kind, matters })),
        [
          { kind: "write", bytes: 512, matters: true },
          { kind: "write", bytes: 488, matters: true }
        ]
      )
      assert.strictEqual(disk.afterCrash((i) => (i === 0 ? true : 5)).bytes(path).length, 517)
      assert.strictEqual(disk.afterCrash((i) => (i === 0 ? 7 : false)).bytes(path).length, 7)
    })
  )

  it.effect("is told which pieces make no difference", () =>
    Effect.gen(function* () {
      const { disk, file } = yield* made
      yield* put(file, "a".repeat(600), 0)
      yield* file.datasync
      yield* put(file, "a".repeat(512) + "b".repeat(88), 0)
      assert.deepStrictEqual(
        disk.unsynced().map(({ matters }) => matters),
        [false, true]
      )
    })
  )

  it.effect("or a kill ends all handles and whatever is under way", () =>
    Effect.gen(function* () {
      for (const end of ["crash", "kill"] as const) {
        const { disk, file } = yield* made
        yield* put(file, "abc", 0)
        const syncing = yield* Effect.forkDetach(file.datasync, { startImmediately: true })
        if (end === "crash") disk.crash(() => false)
        else disk.kill()
        for (let turn = 0; turn < 5; turn++) yield* Effect.yieldNow
        assert.isUndefined(syncing.pollUnsafe())
        assert.isFalse(yield* ends(put(file, "def", 3)))
        assert.strictEqual(disk.bytes(path).toString(), end === "crash" ? "" : "abc")
        assert.strictEqual(disk.pieces, end === "crash" ? 0 : 1)
      }
    })
  )

  it.effect("by chance loses, tears and reorders, and counts it", () =>
    Effect.gen(function* () {
      const fired = new Set<string>()
      for (let seed = 0; seed < 60; seed++) {
        const { disk, file } = yield* made
        yield* disk.disk.open("/d/other", "create")
        for (let i = 0; i < 6; i++) yield* put(file, `${i}`.repeat(700), i * 700)
        disk.crash(keepByChance(seeded(seed)))
        for (const kind of Object.keys(disk.faults)) fired.add(kind)
      }
      assert.deepStrictEqual([...fired].sort(), ["lostName", "lostWrite", "reordered", "tornWrite"])
    })
  )
})

describe("damage", () => {
  it.effect("hits synced bytes only, and all four kinds of it", () =>
    Effect.gen(function* () {
      const { disk, file } = yield* made
      disk.keepsHistory = true
      yield* put(file, "a".repeat(1024), 0)
      assert.throws(() => disk.damage(path, { _tag: "BitFlip", offset: 0, bit: 0 }), /only synced bytes/)
      yield* file.datasync
      yield* put(file, "b".repeat(1024), 0)
      yield* file.datasync
      assert.isTrue(disk.damage(path, { _tag: "StaleSector", offset: 700 }))
      assert.strictEqual(disk.bytes(path).toString(), "b".repeat(512) + "a".repeat(512))
      assert.isTrue(disk.damage(path, { _tag: "ZeroSector", offset: 0 }))
      assert.isFalse(disk.damage(path, { _tag: "ZeroSector", offset: 511 }))
      assert.isTrue(disk.damage(path, { _tag: "BitFlip", offset: 0, bit: 3 }))
      assert.strictEqual(disk.bytes(path)[0], 8)
      assert.isTrue(disk.damage(path, { _tag: "CutFile", length: 10 }))
      assert.strictEqual(disk.bytes(path).length, 10)
      const { bitFlip, cutFile, staleSector, zeroSector } = disk.faults
      assert.deepStrictEqual(
        [bitFlip, cutFile, staleSector, zeroSector].map((count) => count?.fired),
        [1, 1, 1, 1]
      )
    })
  )

  it.effect("finds files that are settled", () =>
    Effect.gen(function* () {
      const { disk, file } = yield* made
      const other = yield* disk.disk.open("/d/other", "create")
      yield* put(file, "abc", 0)
      yield* file.datasync
      yield* put(other, "abc", 0)
      assert.deepStrictEqual(disk.settled("/d"), [])
      yield* disk.disk.syncDirectory("/d")
      yield* other.datasync
      assert.deepStrictEqual(disk.settled("/d"), [path])
    })
  )
})

it.effect("room is taken by growth and given back", () =>
  Effect.gen(function* () {
    const { disk, file } = yield* made
    disk.free = 1000
    yield* put(file, "x".repeat(800), 0)
    assert.strictEqual(yield* codeOf(put(file, "y".repeat(800), 800)), "ENOSPC")
    assert.strictEqual(disk.free, 0)
    assert.strictEqual(disk.bytes(path).length, 1000)
    yield* file.truncate(900)
    assert.strictEqual(disk.free, 100)
    yield* disk.disk.remove(path)
    assert.strictEqual(disk.free, 1000)
  })
)
