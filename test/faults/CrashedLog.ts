/** A directory as a killed owner leaves it: several segments, a grant, a torn last write and an unfinished segment. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import { Client } from "./Client.ts"
import { idsFrom, itemOf } from "./Job.ts"
import type { Line } from "./Line.ts"
import { segmentBytes } from "./Scenarios.ts"

/** Makes `directory` by way of `owned`, and answers what the process had told until its end. */
export const makeCrashed = (owned: string, directory: string): Promise<ReadonlyArray<Line>> =>
  Effect.gen(function* () {
    const lines: Array<Line> = []
    const log = yield* FileLog.make({ directory: owned, segmentBytes, diskReserve: 0, controlSocket: false })
    const client = new Client(log, (line) => lines.push(line))
    for (let n = 0; n < 4; n++) yield* client.enqueue(idsFrom(1 + 16 * n, 5).map((id) => itemOf(id)))
    yield* client.claim(2)
    yield* client.enqueue(idsFrom(0x180, 2).map((id) => itemOf(id)))
    cpSync(owned, directory, { recursive: true })
    // the last answer never got out, and its write only in part
    lines.pop()
    tear(directory)
    return lines
  }).pipe(Effect.scoped, Effect.runPromise)

const tear = (directory: string): void => {
  const segments = readdirSync(directory).filter((name) => name.endsWith(".seg"))
  const last = join(directory, segments.sort().at(-1) ?? "")
  const bytes = readFileSync(last)
  const end = bytes.findLastIndex((byte) => byte !== 0)
  bytes.fill(0, end - 40, end + 1)
  writeFileSync(last, bytes)
  writeFileSync(join(directory, "00000000000fffff.seg.tmp"), bytes.subarray(0, 10))
  for (const name of ["owner.json", "lock.sqlite"]) rmSync(join(directory, name), { force: true })
}
