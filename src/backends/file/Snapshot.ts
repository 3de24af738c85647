/**
 * A whole job as one entry: how jobs of the oldest segment are carried forward before it is given up.
 *
 * @since 0.1.0
 */
import { type ByteReader, MalformedBytes } from "./journal/ByteReader.ts"
import { putCause, takeCause } from "./CauseCodec.ts"
import type { FrameMeta } from "./journal/SegmentScan.ts"
import { noSession } from "./GrantTable.ts"
import type { JobStore } from "./JobStore.ts"
import { Flag, noSlot, Status } from "./JobTable.ts"
import { scopedKey } from "./Keys.ts"
import type { Profile } from "./Profiles.ts"
import type { Recorder } from "./Recorder.ts"
import { Tag } from "./RecordTags.ts"
import { decodeRequest, unzigzag, zigzag } from "./RequestCodec.ts"

/** Beside the status: the job was granted at least once. */
const grantedBit = 8

/** Bits of a snapshot's flags. */
const Has = {
  started: 1,
  holder: 2,
  terminal: 4,
  deadline: 8,
  cause: 16,
  result: 32,
  progress: 64,
  holdsKey: 128
} as const

/**
 * Writes a job as it stands. `request` is its stored request, `result` its stored result with the length before it.
 * The row's locations become those of the copies.
 *
 * @since 0.1.0
 * @category encoding
 * @stability unstable
 */
export const writeSnapshot = (
  store: JobStore,
  recorder: Recorder,
  segment: () => number,
  row: number,
  request: Buffer,
  result: Buffer | undefined
): void => {
  const chunk = store.table.chunk(row)
  const i = store.table.index(row)
  const flags = chunk.flags[i]!
  const status = chunk.status[i]!
  const slot = chunk.slot[i]!
  const holder = slot === noSlot ? noSession : store.grants.session[slot]!
  const own = (flags & Flag.Key) === 0 ? undefined : store.keys.own(row)
  const local = recorder.profile(store.profileOf(row))
  const writer = recorder.open()
  writer.u8(Tag.Snapshot)
  writer.varint(local)
  writer.varint(chunk.sequence[i]!)
  writer.u8(status | ((flags & Flag.Granted) === 0 ? 0 : grantedBit))
  writer.u8(
    ((flags & Flag.Started) === 0 ? 0 : Has.started) |
      (holder === noSession ? 0 : Has.holder) |
      (status < Status.Completed ? 0 : Has.terminal) |
      ((flags & Flag.Deadline) === 0 ? 0 : Has.deadline) |
      ((flags & Flag.Cause) === 0 ? 0 : Has.cause) |
      (result === undefined ? 0 : Has.result) |
      ((flags & Flag.Progress) === 0 ? 0 : Has.progress) |
      (own !== undefined && store.keys.holder(own.scoped) === row ? Has.holdsKey : 0)
  )
  writer.varint(zigzag(chunk.priority[i]!))
  writer.varint(chunk.visibleAt[i]!)
  const { attempts, deliveries, generation } = store.grants
  writer.varint(slot === noSlot ? 0 : attempts[slot]!)
  writer.varint(slot === noSlot ? 0 : deliveries[slot]!)
  writer.varint(slot === noSlot ? 1 : generation[slot]!)
  if (holder !== noSession) {
    writer.varint(holder)
    writer.varint(store.grants.token[slot]!)
  }
  if (status >= Status.Completed) writer.varint(store.grants.finishedAt[slot]!)
  // each flag says that its side table has an entry
  if ((flags & Flag.Deadline) !== 0) writer.varint(store.deadlines.get(row)!)
  if ((flags & Flag.Cause) !== 0) putCause(writer, store.causes.get(row)!)
  if ((flags & Flag.Progress) !== 0) writer.string(store.progress.get(row)!)
  const resultAt = writer.position
  if (result !== undefined) writer.bytes(result)
  const requestAt = writer.position
  writer.bytes(request)
  store.unlocate(row)
  store.locate(row, segment(), requestAt, request.length)
  if (result !== undefined) store.results.set(row, { segment: segment(), offset: resultAt, length: result.length })
}

/**
 * Applies a snapshot: of a job that recovery knows it tells the new places only, any other it brings back.
 *
 * @since 0.1.0
 * @category decoding
 * @stability unstable
 */
export const readSnapshot = (
  store: JobStore,
  reader: ByteReader,
  meta: FrameMeta,
  profiles: ReadonlyArray<Profile>
): void => {
  const profile = profiles[reader.varint()]
  if (profile === undefined) throw new MalformedBytes("profile of a snapshot")
  const sequence = reader.varint()
  const code = reader.u8()
  const status = code & ~grantedBit
  const has = reader.u8()
  const priority = unzigzag(reader.varint())
  const visibleAt = reader.varint()
  const attempts = reader.varint()
  const deliveries = reader.varint()
  const generation = reader.varint()
  const holder = (has & Has.holder) === 0 ? noSession : reader.varint()
  const token = (has & Has.holder) === 0 ? 0 : reader.varint()
  const finishedAt = (has & Has.terminal) === 0 ? 0 : reader.varint()
  const deadline = (has & Has.deadline) === 0 ? undefined : reader.varint()
  const cause = (has & Has.cause) === 0 ? undefined : takeCause(reader)
  const progress = (has & Has.progress) === 0 ? undefined : reader.string()
  const resultAt = reader.position
  if ((has & Has.result) !== 0) reader.skip(reader.varint())
  const requestAt = reader.position
  const request = decodeRequest(reader, words, false)
  const length = reader.position - requestAt
  if (status < Status.Waiting || status > Status.Cancelled || sequence >= store.nextSequence) {
    throw new MalformedBytes("status or sequence of a snapshot")
  }
  const result = { segment: meta.segment, offset: resultAt, length: requestAt - resultAt }
  const known = store.sequences.get(sequence)
  if (known !== -1) {
    store.unlocate(known)
    store.locate(known, meta.segment, requestAt, length)
    if ((has & Has.result) !== 0) store.setResult(known, result)
    return
  }
  const key =
    request.key === undefined
      ? undefined
      : { scoped: scopedKey(profile.queue.name, profile.name, request.key.value), window: request.key.window }
  const row = store.restore(
    words,
    sequence,
    { profile, priority, visibleAt, deadline, group: request.group, key: undefined },
    {
      status,
      attempts,
      deliveries,
      generation,
      started: (has & Has.started) !== 0,
      granted: (code & grantedBit) !== 0,
      holder,
      token,
      finishedAt,
      cause
    },
    { segment: meta.segment, offset: requestAt, length }
  )
  if (key !== undefined) store.restoreKey(row, key, (has & Has.holdsKey) !== 0)
  if ((has & Has.result) !== 0) store.setResult(row, result)
  if (progress !== undefined) store.setProgress(row, progress)
}

const words = new Int32Array(4)
