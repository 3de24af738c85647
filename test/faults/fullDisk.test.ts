import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, assert, beforeEach, it } from "vitest"
import { FaultAccount } from "./Fault.ts"
import { judge } from "./Judge.ts"
import { Story } from "./Story.ts"
import { runOnTmpfs } from "./TmpfsFull.ts"

const account = new FaultAccount()
afterAll(() => console.log(account.summary()))

let place: string
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "leasehold-full-"))
})
afterEach(() => rmSync(place, { recursive: true, force: true }))

it("a full disk: enqueues are refused first, settlements go on, and room heals a poisoned log", async (context) => {
  if (!account.can("disk full")) return context.skip("no file system of one's own")
  const { code, copy, errors, lines } = await runOnTmpfs("fullDisk.ts", place, 3 * 1024 * 1024)
  assert.strictEqual(code, 0, errors)
  const story = new Story()
  for (const line of lines) story.hear(line)
  story.ended()
  assert.deepStrictEqual(story.notes, [
    "under the reserve: enqueue refused Full",
    "under the reserve: settled",
    "room again: enqueue done",
    "filled until ENOSPC",
    "short by some bytes without an error",
    "full: enqueue unknown Poisoned",
    "full: again refused Poisoned",
    // cutting the torn write off makes the room for it
    "full: open done",
    "room again: enqueued and settled"
  ])
  assert.isTrue(story.finished)
  await judge(copy, story)
  assert.deepStrictEqual(story.violations, [])
  account.fired(
    "disk full",
    story.notes.filter((text) => /(refused|unknown) (Full|Poisoned|Unavailable)/.test(text)).length
  )
})
