/**
 * Fills a small file system under a file log: `node fullDisk.ts <mount> <copy>`. What the log then holds is copied to
 * where it can be looked at when the mount is gone. Tells on standard output.
 */
import { closeSync, cpSync, openSync, truncateSync, writeFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import type { LogError } from "../../src/log/LogError.ts"
import { Client } from "./Client.ts"
import { firstLarge, idOf, idsFrom, itemOf } from "./Job.ts"
import { tellParent } from "./Line.ts"

const [mount = "", copy = ""] = process.argv.slice(2)
const directory = join(mount, "log")
const note = (text: string): void => tellParent({ _tag: "Noted", text })

const block = Buffer.alloc(64 * 1024, 1)
const ballast = join(mount, "ballast")

/** Writes until nothing fits any more; answers how many bytes the last write that did not fail was short of. */
const fill = (): number => {
  const fd = openSync(ballast, "a")
  let short = 0
  try {
    for (;;) {
      // writeSync on a full disk takes a part without an error; only the next call fails
      const written = writeSync(fd, block)
      if (written < block.length) short = block.length - written
    }
  } catch (error) {
    note(`filled until ${error instanceof Error && "code" in error ? String(error.code) : String(error)}`)
  }
  closeSync(fd)
  return short
}

/** Gives the ballast back. */
const makeRoom = (): void => truncateSync(ballast, 0)

const outcomeOf = (effect: Effect.Effect<void, LogError>): Effect.Effect<string> =>
  Effect.match(effect, {
    onSuccess: () => "done",
    onFailure: ({ outcome, reason }) => `${outcome} ${reason._tag}`
  })

/** Until it is done: the log looks at the disk's space by itself. */
const until = (step: () => Effect.Effect<void, LogError>): Effect.Effect<string> =>
  Effect.gen(function* () {
    let answer = yield* outcomeOf(step())
    for (let left = 200; left > 0 && answer !== "done"; left--) {
      yield* Effect.sleep(20)
      answer = yield* outcomeOf(step())
    }
    return answer
  })

const complete = () => ({ settlement: { _tag: "Complete" } as const, after: "Completed a1" })

/** The reserve: enqueues are refused before the disk is full, and settlements are not. */
const reserve = Effect.gen(function* () {
  const log = yield* FileLog.make({ directory, segmentBytes: 16 * 1024, diskReserve: 512 * 1024 })
  const client = new Client(log, tellParent)
  yield* client.enqueue(idsFrom(1, 8).map((id) => itemOf(id)))
  let n = 0
  let answer = "done"
  while (answer === "done" && n < 100) answer = yield* outcomeOf(client.enqueueOnce([itemOf(idOf(firstLarge + n++))]))
  note(`under the reserve: enqueue ${answer}`)
  yield* client.work(idsFrom(1, 8), complete, 8)
  note("under the reserve: settled")
  makeRoom()
  note(`room again: enqueue ${yield* until(() => client.enqueueOnce([itemOf(idOf(0x20))]))}`)
})

/** No reserve: writes run into the end of the disk. */
const noRoom = Effect.gen(function* () {
  const log = yield* FileLog.make({ directory, segmentBytes: 16 * 1024, diskReserve: 0 })
  const client = new Client(log, tellParent)
  yield* client.enqueue(idsFrom(0x30, 3).map((id) => itemOf(id)))
  note(`short by ${fill() > 0 ? "some" : "no"} bytes without an error`)
  const large = idsFrom(firstLarge + 0x100, 2).map((id) => itemOf(id))
  note(`full: enqueue ${yield* outcomeOf(client.enqueueOnce(large))}`)
  note(`full: again ${yield* outcomeOf(client.enqueueOnce(large))}`)
  note(`full: open ${yield* outcomeOf(Effect.asVoid(log.open({ owner: "full", leaseDuration: 60_000 })))}`)
  makeRoom()
  yield* client.enqueue(large)
  yield* client.work(idsFrom(0x30, 3), complete, 100)
  note("room again: enqueued and settled")
})

writeFileSync(ballast, Buffer.alloc(1024 * 1024))
await Effect.runPromise(Effect.scoped(reserve))
await Effect.runPromise(Effect.scoped(noRoom))
cpSync(directory, copy, { recursive: true })
tellParent({ _tag: "Finished" })
