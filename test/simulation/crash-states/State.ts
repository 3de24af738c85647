/** The whole state of a file log as text: equal for equal states, whichever way they came about. */
import type { JobStore } from "../../../src/backends/file/JobStore.ts"
import { Flag, noSlot, Status } from "../../../src/backends/file/JobTable.ts"
import { segmentName } from "../../../src/backends/file/journal/SegmentHeader.ts"
import type { SimulatedDisk } from "../../../src/simulation/disk/SimulatedDisk.ts"

/** Where the log lies on its disk. */
export const directory = "/log"

/** The smallest that there is, so that few operations fill one. */
export const segmentBytes = 4096

/** Reads what a location of the journal holds: index of the segment, offset, length. */
export type ReadAt = (segment: number, offset: number, length: number) => Buffer

/** Segments by their numbers. */
export type Segments = ReadonlyArray<{ readonly index: number; readonly firstSeq: number }>

/** Reads files of a disk through the numbers of their segments. */
export const readerOf = (disk: SimulatedDisk, segments: Segments): ReadAt => {
  const files = new Map<number, Buffer>()
  return (index, offset, length) => {
    let file = files.get(index)
    if (file === undefined) {
      const segment = segments.find((each) => each.index === index)
      if (segment === undefined) throw new Error(`segment ${index} is gone, though something lies there`)
      file = disk.bytes(`${directory}/${segmentName(segment.firstSeq)}`)
      files.set(index, file)
    }
    return file.subarray(offset, offset + length)
  }
}

const jobText = (store: JobStore, row: number, readAt: ReadAt): string => {
  const { table } = store
  const chunk = table.chunk(row)
  const i = table.index(row)
  const slot = chunk.slot[i]!
  const { queue, name, version, leaseDuration, timeout } = store.profileOf(row)
  const request = readAt(chunk.segment[i]!, chunk.offset[i]!, chunk.length[i]!)
  const result = store.results.get(row)
  const own = (chunk.flags[i]! & Flag.Key) === 0 ? undefined : store.keys.own(row)
  return JSON.stringify([
    table.idOf(row),
    queue.name,
    name,
    version,
    leaseDuration,
    timeout,
    // by number: its name depends on who looks
    { ...store.job(row), session: slot === noSlot ? 0 : store.grants.session[slot] },
    request.toString("latin1"),
    result === undefined ? undefined : readAt(result.segment, result.offset, result.length).toString("latin1"),
    store.progress.get(row),
    store.groups.get(row)?.key,
    own === undefined ? undefined : [own.scoped, own.window, store.keys.holder(own.scoped) === row]
  ])
}

export const stateText = (store: JobStore, readAt: ReadAt): string => {
  const { table } = store
  const lines: Array<string> = [`next job ${store.nextSequence}, next token ${store.nextToken}`]
  for (const { counts, name, paused, policy } of store.queues.values()) {
    if (counts.some((count) => count > 0)) lines.push(JSON.stringify([name, paused, policy, counts]))
  }
  const jobs: Array<[sequence: number, text: string]> = []
  for (let row = 0; row < table.extent; row++) {
    if (table.chunk(row).status[table.index(row)] === Status.Free) continue
    jobs.push([store.sequenceOf(row), jobText(store, row, readAt)])
  }
  for (const [sequence, text] of jobs.sort(([a], [b]) => a - b)) lines.push(`${sequence} ${text}`)
  const tombstones: Array<string> = []
  store.keys.forEachTombstone(({ id, scoped, state, until }) =>
    tombstones.push(JSON.stringify([scoped, id, until, state]))
  )
  return [...lines, ...tombstones.sort()].join("\n")
}
