/** Reads a log without changing anything: what a disk holds, and what has been added to it since. */
import * as Effect from "effect/Effect"
import { formerHolders } from "../../../src/backends/file/Engine.ts"
import { type Journal, openJournal } from "../../../src/backends/file/journal/Journal.ts"
import { emptyWalk, type Walk, walkJournal } from "../../../src/backends/file/journal/Recovery.ts"
import type { OnFrame } from "../../../src/backends/file/journal/SegmentScan.ts"
import { JobStore } from "../../../src/backends/file/JobStore.ts"
import { JobChunk } from "../../../src/backends/file/JobTable.ts"
import { Replay } from "../../../src/backends/file/Replay.ts"
import { entriesFrame, Tag } from "../../../src/backends/file/RecordTags.ts"
import type { SimulatedDisk } from "../../../src/simulation/disk/SimulatedDisk.ts"
import type { Rig } from "./Rig.ts"
import { directory, type ReadAt, readerOf, segmentBytes, type Segments, stateText } from "./State.ts"

/** The job table's first chunk has a megabyte: one is used again and again. */
let spare: JobChunk | undefined = new JobChunk()

const headersOf = (walk: Walk): Segments => walk.segments.map(({ header }) => header)

export class Reading {
  /** Sequence number of the last frame. */
  lastSeq = 0
  readonly #rig: Rig
  readonly #store: JobStore = new JobStore(formerHolders(() => this.#replay.epoch))
  readonly #replay: Replay = new Replay(this.#store)
  readonly #chunk = spare
  #readAt: ReadAt = () => Buffer.alloc(0)

  constructor(rig: Rig) {
    this.#rig = rig
    spare = undefined
    if (this.#chunk !== undefined) this.#store.table.chunks.push(this.#chunk)
  }

  /** Takes the frames that are new on the disk; `onState` is given the state after each. */
  goOn(disk: SimulatedDisk, onState?: (state: string, seq: number) => void): void {
    const walk = emptyWalk()
    const onFrame: OnFrame = (type, reader, meta) => {
      this.#take(type, reader, meta)
      if (onState === undefined) return
      // segments are known by number once they were listed
      this.#readAt = readerOf(disk, headersOf(walk))
      onState(this.state(), meta.seq)
    }
    this.#rig.run(walkJournal(walk, { disk: disk.disk, directory, onFrame, live: false }))
    this.#readAt = readerOf(disk, headersOf(walk))
  }

  readonly #take: OnFrame = (type, reader, meta) => {
    if (meta.seq <= this.lastSeq) return
    this.lastSeq = meta.seq
    this.#replay.onFrame(type, reader, meta)
  }

  /** Opens the disk's journal as an owner, which repairs it, and takes its frames. */
  open(disk: SimulatedDisk): Journal {
    const now = (): number => this.#rig.workbench.now
    const journal = this.#rig.run(openJournal({ disk: disk.disk, directory, segmentBytes, onFrame: this.#take, now }))
    this.#readAt = readerOf(disk, journal.segments())
    return journal
  }

  /** Appends, durably, a record that is checked when it is read; answers its sequence number. */
  append(journal: Journal): number {
    const writer = journal.begin(entriesFrame, this.#rig.workbench.now)
    writer.u8(Tag.Checkpoint)
    writer.varint(this.#store.nextSequence)
    writer.varint(this.#store.nextToken)
    const seq = journal.end()
    this.#rig.run(
      Effect.callback<void, Error>((resume) =>
        journal.commit((failure) => resume(failure === undefined ? Effect.void : Effect.fail(failure.reason)))
      )
    )
    return seq
  }

  state(): string {
    return stateText(this.#store, this.#readAt)
  }

  /** The state, after which the reading is over. */
  end(): string {
    const state = this.state()
    const chunk = this.#chunk
    if (chunk === undefined) return state
    const rows = this.#store.table.extent
    for (const column of [chunk.sequence, chunk.visibleAt, chunk.segment, chunk.offset, chunk.length])
      column.fill(0, 0, rows)
    for (const column of [chunk.profile, chunk.slot, chunk.flags, chunk.priority, chunk.status, chunk.mentions])
      column.fill(0, 0, rows)
    chunk.id.fill(0, 0, rows * 4)
    spare = chunk
    return state
  }
}

/** What the disk holds. */
export const stateOn = (rig: Rig, disk: SimulatedDisk): string => {
  const reading = new Reading(rig)
  reading.goOn(disk)
  return reading.end()
}

/** What the log on the disk held after each frame behind a sequence number. */
export const statesOn = (rig: Rig, disk: SimulatedDisk, afterSeq: number): ReadonlySet<string> => {
  const reading = new Reading(rig)
  const states = new Set<string>()
  reading.goOn(disk, (state, seq) => {
    if (seq > afterSeq) states.add(state)
  })
  reading.end()
  return states
}
