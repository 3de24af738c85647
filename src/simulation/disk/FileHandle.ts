/**
 * Open files of a simulated disk.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { DiskError, DiskFile, OpenMode } from "../../backends/file/journal/Disk.ts"
import { applyChange, type Inode, writeOf } from "./Change.ts"
import { type Device, failure } from "./Device.ts"
import type { Fault } from "./DiskFault.ts"

const write = (
  device: Device,
  inode: Inode,
  path: string,
  bytes: Buffer,
  position: number
): Effect.Effect<void, DiskError> => {
  if (inode.writing) throw new Error(`two writes in flight on ${path}`)
  const take = (fault: Fault | undefined): Effect.Effect<void, DiskError> => {
    const growth = Math.max(0, position + bytes.length - inode.cached.length)
    const room = Math.min(growth, device.free)
    const length = Math.min(bytes.length, fault === undefined ? bytes.length : (fault.written ?? 0)) - (growth - room)
    if (length > 0) {
      device.free -= Math.max(0, position + length - inode.cached.length)
      device.change(inode, writeOf(bytes.subarray(0, length), position))
    }
    if (fault !== undefined) return Effect.fail(failure("write", path, fault.code))
    return room < growth ? Effect.fail(failure("write", path, "ENOSPC")) : Effect.void
  }
  return device.step("write", path, bytes.length, take, inode)
}

/** A sync takes a moment in which others run, and what is written meanwhile is not part of it. */
const sync = (
  device: Device,
  operation: "datasync" | "sync",
  inode: Inode,
  path: string
): Effect.Effect<void, DiskError> => {
  const { faults, generation } = device
  const until = inode.settled + inode.changes.length
  faults.running++
  const finish = Effect.suspend(() => {
    if (generation !== device.generation || !device.begin(operation, path)) return Effect.never
    faults.running++
    const fault = faults.next(operation, 0)
    faults.running--
    if (fault === undefined) {
      device.settle(inode, until, true)
      return Effect.void
    }
    const pages = fault.dirtyPages ?? "forget"
    if (pages !== "keep") device.settle(inode, until, false)
    if (pages === "revert") {
      inode.cached = inode.durable.clone()
      for (const change of inode.changes) applyChange(inode.cached, change)
    }
    return Effect.fail(failure(operation, path, fault.code))
  })
  return Effect.uninterruptible(Effect.andThen(device.wait(faults.delay(operation), generation), finish))
}

/**
 * A handle on a file, of the device's present generation.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const makeFile = (device: Device, inode: Inode, path: string, mode: OpenMode): DiskFile => {
  const { generation } = device
  let closed = false
  const check = <A>(effect: () => Effect.Effect<A, DiskError>): Effect.Effect<A, DiskError> =>
    Effect.suspend(() => {
      if (generation !== device.generation) return Effect.never
      if (closed) throw new Error(`${path} is used after it was closed`)
      return effect()
    })
  const writable = <A>(effect: () => Effect.Effect<A, DiskError>): Effect.Effect<A, DiskError> =>
    check(() => {
      if (mode === "read") throw new Error(`${path} is open for reading only`)
      return effect()
    })
  return {
    path,
    write: (buffer, offset, length, position) =>
      writable(() =>
        write(device, inode, path, Buffer.from(buffer.buffer, buffer.byteOffset + offset, length), position)
      ),
    read: (buffer, offset, length, position) =>
      check(() =>
        device.step("read", path, 0, (fault) =>
          fault === undefined
            ? Effect.succeed(inode.cached.read(buffer, offset, length, position))
            : Effect.fail(failure("read", path, fault.code))
        )
      ),
    datasync: writable(() => sync(device, "datasync", inode, path)),
    sync: writable(() => sync(device, "sync", inode, path)),
    truncate: (length) =>
      writable(() =>
        device.step("truncate", path, 0, (fault) => {
          if (fault !== undefined) return Effect.fail(failure("truncate", path, fault.code))
          device.free += Math.max(0, inode.cached.length - length)
          device.change(inode, { _tag: "Truncate", length })
          return Effect.void
        })
      ),
    size: check(() => Effect.succeed(inode.cached.length)),
    close: Effect.sync(() => {
      closed = true
    })
  }
}
